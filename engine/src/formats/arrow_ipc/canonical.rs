//! One memory image per array: what lies under a null, behind the last bit of a bitmap or in an unused part of a list's
//! values is no value, but an IPC file would hold it.

use super::super::value_lists::from_zero;
use crate::error::{Code, Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, MutableArrayData,
    OffsetSizeTrait, RecordBatch, StructArray, make_array,
};
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::error::ArrowError;
use std::sync::Arc;

/// The same rows, in one memory image.
pub(super) fn canonical_batch(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(canonical).collect::<Result<Vec<_>, _>>();
    columns
        .and_then(|columns| RecordBatch::try_new(batch.schema(), columns))
        .map_err(|error| Error::new(Code::Internal, "a batch cannot be copied").with_source(error))
}

fn canonical(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let array: ArrayRef = match array.data_type() {
        DataType::List(item) => Arc::new(list(array.as_list::<i32>(), item)?),
        DataType::LargeList(item) => Arc::new(list(array.as_list::<i64>(), item)?),
        DataType::FixedSizeList(item, size) => fixed_size_list(array, item, *size)?,
        DataType::Struct(fields) => structure(array, fields)?,
        DataType::Map(entries, sorted) => map(array, entries, *sorted)?,
        _ => Arc::clone(array),
    };
    copied(&array)
}

/// A copy that has zeros under nulls. Where there are neither nulls nor bits the array is as good as its copy.
fn copied(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    if nulls.is_none() && *array.data_type() != DataType::Boolean {
        return Ok(Arc::clone(array));
    }
    let data = array.to_data();
    let mut copy = MutableArrayData::new(vec![&data], true, array.len());
    let mut done = 0;
    let whole = nulls.is_none().then_some((0, array.len()));
    for (start, end) in nulls.into_iter().flat_map(|nulls| nulls.valid_slices()).chain(whole) {
        copy.try_extend_nulls(start - done)?;
        copy.try_extend(0, start, end)?;
        done = end;
    }
    copy.try_extend_nulls(array.len() - done)?;
    Ok(make_array(copy.freeze()))
}

fn list<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    item: &FieldRef,
) -> Result<GenericListArray<O>, ArrowError> {
    let (offsets, used) = from_zero(array.offsets());
    let values = canonical(&array.values().slice(used.start, used.len()))?;
    GenericListArray::try_new(Arc::clone(item), offsets, values, array.nulls().cloned())
}

fn fixed_size_list(array: &ArrayRef, item: &FieldRef, size: i32) -> Result<ArrayRef, ArrowError> {
    let array = array.as_fixed_size_list();
    let values = canonical(array.values())?;
    let nulls = array.nulls().cloned();
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(Arc::clone(item), size, values, nulls, array.len())?))
}

fn structure(array: &ArrayRef, fields: &Fields) -> Result<ArrayRef, ArrowError> {
    let array = array.as_struct();
    let columns = array.columns().iter().map(canonical).collect::<Result<_, _>>()?;
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, array.nulls().cloned())?))
}

fn map(array: &ArrayRef, entries: &FieldRef, sorted: bool) -> Result<ArrayRef, ArrowError> {
    let array = array.as_map();
    let (offsets, used) = from_zero(array.offsets());
    let pairs: ArrayRef = Arc::new(array.entries().slice(used.start, used.len()));
    let pairs = canonical(&pairs)?.as_struct().clone();
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, array.nulls().cloned(), sorted)?))
}
