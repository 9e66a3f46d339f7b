//! Feature columns as vectors of numbers, for formats that know nothing else: scalars, fixed-size lists (one number
//! after the other) and sparse vectors. It owns which types are numbers and where each column starts; formats own what
//! a number looks like.

mod sparse;

pub(super) use sparse::SparseColumn;

use super::plain_types::{plain_array, plain_type};
use super::{refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use std::num::NonZeroU32;
use std::sync::Arc;

/// What one column contributes to the vector of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One number.
    Scalar,
    /// So many numbers.
    List(usize),
    /// The entries of a sparse vector.
    Sparse,
}

/// A feature column.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    pub(super) field: FieldRef,
    pub(super) shape: Shape,
    /// The index of its first number in the vector, from 0.
    pub(super) first: u64,
}

/// The feature columns in their order.
#[derive(Debug, Clone)]
pub(super) struct Features {
    pub(super) columns: Vec<Feature>,
    /// The length of the vector; unknown when the last column is sparse and nobody said its size.
    pub(super) width: Option<u64>,
    /// The size of every sparse column.
    pub(super) sparse_size: Option<NonZeroU32>,
}

impl Features {
    /// Lays out the columns `fields`.
    ///
    /// **Errors** [`Code::UnsupportedColumnType`] for what is no number, [`Code::BadOption`] for a sparse column of
    /// unknown size before another one, [`Code::Unsupported`] for none or too many.
    pub(super) fn new(
        format: &str,
        fields: &[FieldRef],
        sparse_size: Option<NonZeroU32>,
    ) -> Result<Features> {
        if fields.is_empty() {
            return Err(Error::new(Code::Unsupported, format!("{format} cannot hold rows without features"))
                .with_hint("select at least one column that is no label"));
        }
        let (mut columns, mut width) = (Vec::with_capacity(fields.len()), Some(0_u64));
        for field in fields {
            let shape = shape(format, field)?;
            let first = width.ok_or_else(|| {
                let message =
                    format!("column \"{}\" comes after a sparse vector of unknown size", field.name());
                Error::new(Code::BadOption, message).with_hint(SIZE_HINT)
            })?;
            columns.push(Feature { field: Arc::clone(field), shape, first });
            width = match shape {
                Shape::Scalar => Some(first + 1),
                Shape::List(size) => Some(first + size as u64),
                Shape::Sparse => sparse_size.map(|size| first + u64::from(size.get())),
            };
        }
        match width {
            Some(0) => {
                Err(Error::new(Code::Unsupported, format!("{format} cannot hold rows without features"))
                    .with_hint("the lists of all columns have the size 0"))
            }
            Some(width) if width > u64::from(u32::MAX) => {
                let message = format!("{format} cannot hold rows of {width} features");
                Err(Error::new(Code::Unsupported, message).with_hint(format!("at most {}", u32::MAX)))
            }
            _ => Ok(Features { columns, width, sparse_size }),
        }
    }

    /// Whether a column is a sparse vector.
    pub(super) fn is_sparse(&self) -> bool {
        self.columns.iter().any(|column| column.shape == Shape::Sparse)
    }
}

/// How to say the size of sparse vectors.
pub(super) const SIZE_HINT: &str = "say the size of the vectors: OPTIONS ('sparse_size' '…')";

fn shape(format: &str, field: &Field) -> Result<Shape> {
    match plain_type(field.data_type()) {
        data_type if is_number(&data_type) => Ok(Shape::Scalar),
        DataType::FixedSizeList(item, size) if is_number(item.data_type()) => {
            Ok(Shape::List(usize::try_from(size).unwrap_or(0)))
        }
        DataType::Struct(fields) if sparse::is_vector(&fields) => Ok(Shape::Sparse),
        _ => Err(refuse_column(format, field, &fix(field))),
    }
}

/// Refuses a column that is not one number per row.
///
/// **Errors** [`Code::UnsupportedColumnType`].
pub(super) fn check_number(format: &str, field: &Field) -> Result<()> {
    if is_number(&plain_type(field.data_type())) {
        return Ok(());
    }
    Err(refuse_column(format, field, &fix(field)))
}

/// Whether a plain type is one of numbers; a null is a missing number.
fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || matches!(data_type, DataType::Boolean | DataType::Null)
}

/// Whether the numbers of a column are whole, by their type: integers and booleans.
pub(super) fn is_whole(data_type: &DataType) -> bool {
    match plain_type(data_type) {
        DataType::FixedSizeList(item, _) => is_whole(item.data_type()),
        DataType::Struct(fields) => sparse::item_type(&fields).is_some_and(|item| is_whole(&item)),
        other => other.is_integer() || matches!(other, DataType::Boolean | DataType::Null),
    }
}

/// The expression that makes numbers of a column.
fn fix(field: &Field) -> String {
    let name = sql_name(field);
    match plain_type(field.data_type()) {
        DataType::Date32 | DataType::Timestamp(_, _) | DataType::Time32(_) | DataType::Time64(_) => {
            format!("date_part('epoch', {name})")
        }
        DataType::Interval(_) => format!("date_part('epoch', {name})"),
        DataType::Duration(_) => format!("CAST({name} AS BIGINT)"),
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            format!("octet_length(encode({name}, 'hex')) / 2, or numbers decoded from it,")
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
            format!("elements ({name}[1], {name}[2], …) as numbers")
        }
        DataType::Struct(fields) => {
            let inner = fields.first().map_or("field", |inner| inner.name().as_str());
            format!("fields ({name}['{}'], …) as numbers", inner.replace('\'', "''"))
        }
        DataType::Map(_, _) => format!("values ({name}['key'], …)"),
        DataType::Union(_, _) => format!("union_extract({name}, '…')"),
        _ => format!("CAST({name} AS DOUBLE)"),
    }
}

/// The numbers of a scalar or list column, row after row.
#[derive(Debug)]
pub(super) struct FlatColumn {
    pub(super) values: ArrayRef,
    /// Of `values`, or of whole lists.
    pub(super) nulls: Option<NullBuffer>,
    pub(super) per_row: usize,
}

impl FlatColumn {
    /// The column of `array` with numbers of the type `item`.
    ///
    /// **Errors** [`Code::BadRow`] names the column with a value that the type cannot have.
    pub(super) fn new(array: &ArrayRef, feature: &Feature, item: &DataType) -> Result<FlatColumn> {
        let target = |data_type| Field::new(feature.field.name(), data_type, true);
        let (values, lists, per_row) = match feature.shape {
            Shape::List(size) => {
                let length = i32::try_from(size).unwrap_or(i32::MAX);
                let list =
                    DataType::FixedSizeList(Arc::new(Field::new_list_field(item.clone(), true)), length);
                let array = plain_array(array, &target(list))?;
                let lists = array.as_fixed_size_list();
                let start = usize::try_from(lists.value_offset(0)).unwrap_or(0);
                let values = lists.values().slice(start, lists.len() * size);
                (values, lists.nulls().map(|nulls| nulls.expand(size)), size)
            }
            Shape::Scalar | Shape::Sparse => (plain_array(array, &target(item.clone()))?, None, 1),
        };
        let nulls = NullBuffer::union(values.logical_nulls().as_ref(), lists.as_ref());
        Ok(FlatColumn { values, nulls: nulls.filter(|nulls| nulls.null_count() > 0), per_row })
    }

    /// Whether the number at `index` is a null.
    #[inline]
    pub(super) fn is_null(&self, index: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(index))
    }
}

/// The type of a column's numbers, in plain types.
pub(super) fn item_type(field: &Field) -> DataType {
    match plain_type(field.data_type()) {
        DataType::FixedSizeList(item, _) => item.data_type().clone(),
        DataType::Struct(fields) => sparse::item_type(&fields).unwrap_or(DataType::Float64),
        other => other,
    }
}

/// A null, or what counts as one, where a value must be.
pub(super) fn refuse_value(field: &Field, what: &str, hint: &str) -> Error {
    Error::new(Code::BadRow, format!("column \"{}\" has {what}", field.name())).with_hint(hint)
}

/// A batch that has not the columns that were planned.
pub(super) fn check_width(came: usize, planned: usize) -> Result<()> {
    if came == planned {
        return Ok(());
    }
    Err(Error::new(Code::Internal, format!("a batch of {came} columns came for a file of {planned}")))
}

#[cfg(test)]
pub(in crate::formats) mod tests;
