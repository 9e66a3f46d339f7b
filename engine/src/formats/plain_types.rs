//! One representation per value: views, dictionaries and runs become plain arrays before a format sees them, so a plan
//! that reads strings as views and one that does not write the same bytes.

use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use arrow::util::display::array_value_to_string;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// The schema in plain types.
///
/// Metadata is dropped, but for that of extension types: what came with an input (Spark's row schema, Parquet field
/// ids) does not describe the output.
pub(super) fn plain_schema(schema: &Schema) -> SchemaRef {
    let fields: Fields = schema.fields().iter().map(plain_field).collect();
    Arc::new(Schema::new(fields))
}

/// The type in plain types; second-based times become milliseconds and `Date64` becomes `Date32`, as Parquet has
/// nothing else for them.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::List(item) | DataType::ListView(item) => DataType::List(plain_field(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::LargeList(plain_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(plain_field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    let extension = |(key, value): (&String, &String)| {
        key.starts_with("ARROW:extension:").then(|| (key.clone(), value.clone()))
    };
    let metadata: HashMap<_, _> = field.metadata().iter().filter_map(extension).collect();
    let plain = Field::new(field.name(), plain_type(field.data_type()), field.is_nullable());
    Arc::new(plain.with_metadata(metadata))
}

/// The rows of `batch` in the types of `plain`, which is [`plain_schema`] of the batch's schema or of an equal one in
/// other representations.
///
/// **Errors** [`Code::BadRow`] names the column with a value the plain type cannot have.
pub(super) fn plain_batch(batch: &RecordBatch, plain: &SchemaRef) -> Result<RecordBatch> {
    if batch.num_columns() != plain.fields().len() {
        let message =
            format!("a batch of {} columns came for a file of {}", batch.num_columns(), plain.fields().len());
        return Err(Error::new(Code::Internal, message));
    }
    let columns = batch.columns().iter().zip(plain.fields());
    let columns = columns.map(|(array, field)| plain_array(array, field)).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(plain), columns).map_err(|error| {
        Error::new(Code::Internal, "a batch does not fit the schema of its file").with_source(error)
    })
}

/// The array in the type of `field`.
pub(super) fn plain_array(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if array.data_type() == field.data_type() {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), field.data_type()) {
        (DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale), DataType::Float64) => {
            let wide = Field::new(field.name(), DataType::Decimal128(*digits, *scale), true);
            return plain_array(&plain_array(array, &wide)?, field);
        }
        (DataType::Decimal128(_, scale), DataType::Float64) => return Ok(nearest_doubles(array, *scale)),
        _ => {}
    }
    // Not `safe`: it would turn a value that does not fit into a null.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, field.data_type(), &options).map_err(|error| {
        let (from, value) = (array.data_type(), misfit(array, field.data_type()).unwrap_or_default());
        let message = format!(
            "column \"{}\" cannot be written as {}: {from} value{value}",
            field.name(),
            field.data_type()
        );
        Error::new(Code::BadRow, message)
            .with_hint("leave such rows out with WHERE, or select an expression whose values all fit")
            .with_source(error)
    })
}

/// The first value, or element of a vector, that becomes no value of the type, with a space before it.
fn misfit(array: &ArrayRef, data_type: &DataType) -> Option<String> {
    let cast = cast_with_options(array, data_type, &CastOptions::default()).ok()?;
    let (from, to) = match (array.as_fixed_size_list_opt(), cast.as_fixed_size_list_opt()) {
        (Some(from), Some(to)) => (from.values(), to.values()),
        _ => (array, &cast),
    };
    let index = (0..from.len().min(to.len())).find(|index| to.is_null(*index) && from.is_valid(*index))?;
    Some(format!(" {}", array_value_to_string(from, index).ok()?))
}

/// The doubles nearest to decimals: Arrow's cast rounds twice, the digits and the quotient.
fn nearest_doubles(array: &ArrayRef, scale: i8) -> ArrayRef {
    let mut text = String::new();
    let mut nearest = |digits: i128| {
        // A quotient of two numbers that are doubles is rounded once.
        if digits.unsigned_abs() <= 1 << 53 && (0..=22).contains(&scale) {
            return digits as f64 / 10_f64.powi(scale.into());
        }
        text.clear();
        // Writing to a string cannot fail, and what is written is a number.
        write!(text, "{digits}e{}", -i32::from(scale)).ok();
        text.parse().unwrap_or(f64::NAN)
    };
    let doubles: Float64Array =
        array.as_primitive::<Decimal128Type>().iter().map(|value| value.map(&mut nearest)).collect();
    Arc::new(doubles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, FixedSizeListArray, Int64Array};
    use arrow::datatypes::Float64Type;

    #[test]
    fn a_value_that_does_not_fit_is_quoted() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3_000_000_000)]));
        let item = |data_type| Arc::new(Field::new_list_field(data_type, true));
        let vectors = FixedSizeListArray::new(item(DataType::Int64), 3, Arc::clone(&numbers), None);
        let vector = DataType::FixedSizeList(item(DataType::Int32), 3);
        for (array, target) in [(numbers, DataType::Int32), (Arc::new(vectors), vector)] {
            let error = plain_array(&array, &Field::new("x", target, true)).unwrap_err();
            assert!(error.message().starts_with("column \"x\" cannot"), "{error}");
            assert!(error.message().ends_with(" 3000000000") && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn decimals_become_the_nearest_doubles() {
        // Python: float(Decimal(text)).
        for (digits, scale, double) in [
            (4_494_436_013_605_526_482_516_624, 10, 449_443_601_360_552.6),
            (-4_494_436_013_605_526_482_516_624, 10, -449_443_601_360_552.6),
            (30, 2, 0.3),
            (9_007_199_254_740_993, 0, 9_007_199_254_740_992.0),
            (5, -3, 5000.0),
        ] {
            let decimals = Decimal128Array::from(vec![Some(digits), None]);
            let decimals: ArrayRef = Arc::new(decimals.with_precision_and_scale(38, scale).unwrap());
            let doubles = plain_array(&decimals, &Field::new("x", DataType::Float64, true)).unwrap();
            assert_eq!(
                doubles.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(),
                [Some(double), None]
            );
        }
    }
}
