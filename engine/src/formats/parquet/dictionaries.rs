//! Which columns are hardly worth a dictionary.
//!
//! The writer puts the values of a column into a dictionary until that has a mebibyte, and only then goes on without one.
//! Where values hardly repeat, that takes a multiple of the time, and the file is longer for it. So the first rows of a
//! shard are looked at, and columns whose values do not repeat there get a short trial: values may well repeat later, as
//! those of one day do the next.

use crate::error::{Code, Error, Result};
use ::parquet::arrow::ArrowSchemaConverter;
use ::parquet::schema::types::ColumnPath;
use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

/// How large the dictionary of such a column may get before it is given up: some thousands of values.
pub(super) const TRIAL_BYTES: usize = 64 << 10;

/// How many values of a column are looked at.
const SAMPLE: usize = 1024;
/// Fewer say nothing, and cost nothing.
const LEAST_SAMPLE: usize = 128;

/// The columns of a file whose values hardly ever repeat in `rows`, its first ones: less than one in a hundred, as where
/// they are drawn from 50,000 or more.
///
/// A column of structs or maps is several columns of the file, which are not looked at.
pub(super) fn columns_that_hardly_repeat(rows: &RecordBatch) -> Result<Vec<ColumnPath>> {
    let schema = rows.schema_ref();
    let described = ArrowSchemaConverter::new().with_coerce_types(true).convert(schema).map_err(could_not)?;
    let mut found = Vec::new();
    for leaf in 0..described.num_columns() {
        let values = first_values(rows.column(described.get_column_root_idx(leaf)));
        if let Some(values) = values
            && hardly_repeats(&values).map_err(could_not)?
        {
            found.push(described.column(leaf).path().clone());
        }
    }
    Ok(found)
}

/// The first values of a column, or of the lists in it; none of structs and maps.
fn first_values(column: &ArrayRef) -> Option<ArrayRef> {
    let inside = match column.data_type() {
        DataType::List(_) => items(column.as_list::<i32>()),
        DataType::LargeList(_) => items(column.as_list::<i64>()),
        DataType::FixedSizeList(..) => ArrayRef::clone(column.as_fixed_size_list().values()),
        flat if flat.is_nested() => return None,
        _ => return Some(column.slice(0, column.len().min(SAMPLE))),
    };
    first_values(&inside)
}

/// The items of the lists, which may be some of those that lie there.
fn items<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> ArrayRef {
    let end = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
    let (start, end) = (end(lists.value_offsets().first()), end(lists.value_offsets().last()));
    lists.values().slice(start, end - start)
}

fn hardly_repeats(values: &ArrayRef) -> Result<bool, ArrowError> {
    let valid = values.len() - values.logical_null_count();
    let fields = vec![SortField::new(values.data_type().clone())];
    if valid < LEAST_SAMPLE || !RowConverter::supports_fields(&fields) {
        return Ok(false);
    }
    let converter = RowConverter::new(fields)?;
    let rows = converter.convert_columns(&[ArrayRef::clone(values)])?;
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    // All nulls are one value.
    let distinct = sorted.len() - usize::from(valid < values.len());
    Ok((valid - distinct) * 100 < valid)
}

fn could_not(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Internal, "the columns of a Parquet file could not be looked at").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::columns_that_hardly_repeat;
    use arrow::array::{
        ArrayRef, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
        StructArray,
    };
    use arrow::datatypes::{Field, Float32Type};
    use std::sync::Arc;

    fn check(rows: usize, column: ArrayRef, expected: &[&str]) {
        let batch = RecordBatch::try_from_iter([("a.b", column)]).unwrap().slice(0, rows);
        let found = columns_that_hardly_repeat(&batch).unwrap();
        let found: Vec<String> = found.iter().map(|path| path.parts().join("/")).collect();
        assert_eq!(found, expected);
    }

    /// So many numbers, of which that many differ.
    fn numbers(count: i64, distinct: i64) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..count).map(|number| number % distinct)))
    }

    #[test]
    fn columns_of_many_values_are_told() {
        check(1024, numbers(1024, 1024), &["a.b"]);
        check(1024, numbers(1024, 1014), &["a.b"]);
        check(1024, numbers(1024, 1013), &[]);
        check(1024, numbers(1024, 3), &[]);
        let texts = StringArray::from_iter_values((0..1024).map(|number| format!("comment {number}")));
        check(1024, Arc::new(texts), &["a.b"]);
    }

    #[test]
    fn a_few_rows_say_nothing_and_nulls_are_not_counted() {
        check(127, numbers(1024, 1024), &[]);
        check(128, numbers(1024, 1024), &["a.b"]);
        let sparse = (0..1024).map(|number| (number % 4 == 0).then_some(number));
        check(1024, Arc::new(Int64Array::from_iter(sparse)), &["a.b"]);
        check(1024, Arc::new(Int64Array::from(vec![None; 1024])), &[]);
    }

    #[test]
    fn lists_are_looked_into_from_their_first_row_on() {
        let lists = (0..1024).map(|row| Some((0..4).map(move |at| Some((row * 4 + at) as f32))));
        check(
            1024,
            Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists)),
            &["a.b/list/element"],
        );
        let (same, all) = (vec![1.0; 512], (0..512).map(|number| number as f32));
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values(same.into_iter().chain(all)));
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let vectors: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, values, None));
        check(256, Arc::clone(&vectors), &[]);
        check(256, vectors.slice(256, 256), &["a.b/list/element"]);
    }

    #[test]
    fn structs_keep_their_dictionaries() {
        let inside = Arc::new(Field::new("x", arrow::datatypes::DataType::Int64, true));
        check(1024, Arc::new(StructArray::from(vec![(inside, numbers(1024, 1024))])), &[]);
    }
}
