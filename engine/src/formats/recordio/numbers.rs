//! The columns of one batch as numbers of the tensors' types.

use super::super::features::{Feature, Features, FlatColumn, Shape, SparseColumn, refuse_value};
use super::super::plain_types::plain_array;
use super::{Columns, RecordioOptions, Role, TensorType};
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int32Type};

/// One batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) count: usize,
    pub(super) labels: Vec<Numbers>,
    pub(super) key: Option<StringArray>,
    pub(super) features: Vec<FeatureNumbers>,
}

/// The numbers of one feature column.
#[derive(Debug)]
pub(super) enum FeatureNumbers {
    /// `per_row` for each row; nulls are NaN, or 0 where all rows are sparse.
    Flat { first: u64, per_row: usize, numbers: Numbers },
    /// Entries of sparse vectors.
    Sparse { first: u64, vectors: Box<SparseColumn>, numbers: Numbers, nulls: Option<NullBuffer> },
}

/// Numbers of a tensor's type.
#[derive(Debug)]
pub(super) enum Numbers {
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
    Int32(ScalarBuffer<i32>),
}

impl Batch {
    /// **Errors** [`Code::BadRow`](crate::error::Code::BadRow) names the column with a value that its tensor cannot have.
    pub(super) fn new(
        batch: &RecordBatch,
        columns: &Columns,
        features: &Features,
        options: &RecordioOptions,
    ) -> Result<Batch> {
        let labels = columns.labels().iter().zip(batch.columns());
        let key = match (columns.roles().position(Role::Key), columns.of(Role::Key)) {
            (Some(index), Some(field)) => Some(key(batch.column(index), field)?),
            _ => None,
        };
        let arrays = batch.columns()[columns.feature_range()].iter().zip(&features.columns);
        Ok(Batch {
            count: batch.num_rows(),
            labels: labels
                .map(|(field, array)| label(array, field, options.labels))
                .collect::<Result<_>>()?,
            key,
            features: arrays
                .map(|(array, feature)| feature_numbers(array, feature, features, options.features))
                .collect::<Result<_>>()?,
        })
    }
}

fn label(array: &ArrayRef, field: &Field, tensor: TensorType) -> Result<Numbers> {
    let array = plain_array(array, &Field::new(field.name(), tensor.data_type(), true))?;
    if array.null_count() > 0 {
        return Err(refuse_value(field, "a null", "a label is a number in every row: leave such rows out"));
    }
    Ok(Numbers::new(&array, None, Missing::Nan, tensor))
}

fn key(array: &ArrayRef, field: &Field) -> Result<StringArray> {
    let array = plain_array(array, &Field::new(field.name(), DataType::Utf8, true))?;
    if array.null_count() > 0 {
        return Err(refuse_value(field, "a null", "a key names every row: leave such rows out"));
    }
    Ok(array.as_string::<i32>().clone())
}

fn feature_numbers(
    array: &ArrayRef,
    feature: &Feature,
    features: &Features,
    tensor: TensorType,
) -> Result<FeatureNumbers> {
    let (item, first) = (tensor.data_type(), feature.first);
    if feature.shape == Shape::Sparse {
        let vectors = SparseColumn::new(array, feature, &item, features.sparse_size)?;
        let numbers = Numbers::new(vectors.values(), None, Missing::Zero, tensor);
        let nulls = vectors.values().nulls().cloned();
        return Ok(FeatureNumbers::Sparse { first, vectors: Box::new(vectors), numbers, nulls });
    }
    let flat = FlatColumn::new(array, feature, &item)?;
    let missing = if features.is_sparse() { Missing::Zero } else { Missing::Nan };
    if tensor == TensorType::Int32 && missing == Missing::Nan && flat.nulls.is_some() {
        let hint = "an integer tensor has no missing values: replace them with coalesce";
        return Err(refuse_value(&feature.field, "a null", hint));
    }
    let numbers = Numbers::new(&flat.values, flat.nulls.as_ref(), missing, tensor);
    Ok(FeatureNumbers::Flat { first, per_row: flat.per_row, numbers })
}

/// What stands for a null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Nan,
    Zero,
}

impl Numbers {
    /// The numbers of an array that has the tensor's type.
    fn new(array: &ArrayRef, nulls: Option<&NullBuffer>, missing: Missing, tensor: TensorType) -> Numbers {
        let is_nan = missing == Missing::Nan;
        match tensor {
            TensorType::Float32 => {
                let missing = if is_nan { f32::NAN } else { 0.0 };
                Self::Float32(filled(array.as_primitive::<Float32Type>(), nulls, missing))
            }
            TensorType::Float64 => {
                let missing = if is_nan { f64::NAN } else { 0.0 };
                Self::Float64(filled(array.as_primitive::<Float64Type>(), nulls, missing))
            }
            TensorType::Int32 => Self::Int32(filled(array.as_primitive::<Int32Type>(), nulls, 0)),
        }
    }

    /// Appends the number at `index` as a packed field has it.
    #[inline]
    pub(super) fn put(&self, index: usize, out: &mut Vec<u8>) {
        match self {
            Self::Float32(values) => out.extend_from_slice(&values[index].to_le_bytes()),
            Self::Float64(values) => out.extend_from_slice(&values[index].to_le_bytes()),
            // A negative number is extended to 64 bits.
            Self::Int32(values) => super::record::put_varint(out, i64::from(values[index]).cast_unsigned()),
        }
    }

    /// Whether the number at `index` is 0.
    #[inline]
    pub(super) fn is_zero(&self, index: usize) -> bool {
        match self {
            Self::Float32(values) => values[index] == 0.0,
            Self::Float64(values) => values[index] == 0.0,
            Self::Int32(values) => values[index] == 0,
        }
    }
}

fn filled<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    nulls: Option<&NullBuffer>,
    missing: T::Native,
) -> ScalarBuffer<T::Native> {
    match nulls {
        None => array.values().clone(),
        Some(nulls) => {
            let values = array.values().iter().zip(nulls.iter());
            values.map(|(value, is_there)| if is_there { *value } else { missing }).collect()
        }
    }
}
