//! The values inside arrays, without the array's type around them.

use super::super::plain_types::plain_array;
use crate::error::Result;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericStringArray, OffsetSizeTrait};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowNativeType, DataType, Field, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use std::sync::Arc;

/// Milliseconds, the unit of `Date64`, in a day.
pub(in crate::formats) const MS_PER_DAY: i64 = 86_400_000;

/// The array without dictionary or runs; text then as views, which repeat a value without copying it.
pub(in crate::formats) fn decoded(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let values = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        DataType::RunEndEncoded(_, values) => values.data_type(),
        _ => return Ok(Arc::clone(array)),
    };
    let target = match values {
        DataType::Utf8 | DataType::Utf8View => DataType::Utf8View,
        other => other.clone(),
    };
    let array = plain_array(array, &Field::new(field.name(), target, true))?;
    decoded(&array, field)
}

/// The values of a primitive array.
pub(in crate::formats) fn buffer<T: ArrowPrimitiveType>(array: &ArrayRef) -> ScalarBuffer<T::Native> {
    array.as_primitive::<T>().values().clone()
}

/// The values of a primitive array, in a wider type.
pub(in crate::formats) fn widened<T, W>(array: &ArrayRef) -> ScalarBuffer<W>
where
    T: ArrowPrimitiveType,
    T::Native: Into<W>,
    W: ArrowNativeType,
{
    array.as_primitive::<T>().values().iter().map(|value| (*value).into()).collect()
}

/// The text of an array, of which a sliced one holds more than its own.
pub(in crate::formats) fn text_of<O: OffsetSizeTrait>(values: &GenericStringArray<O>) -> &[u8] {
    let offsets = values.value_offsets();
    let start = offsets.first().map_or(0, |start| start.as_usize());
    let end = offsets.last().map_or(0, |end| end.as_usize());
    &values.value_data()[start..end]
}

/// The values of an array of times or timestamps, and their unit.
pub(in crate::formats) fn ticks(array: &ArrayRef) -> Option<(ScalarBuffer<i64>, TimeUnit)> {
    Some(match array.data_type() {
        DataType::Time32(TimeUnit::Second) => (widened::<Time32SecondType, i64>(array), TimeUnit::Second),
        DataType::Time32(unit) => (widened::<Time32MillisecondType, i64>(array), *unit),
        DataType::Time64(unit @ TimeUnit::Microsecond) => (buffer::<Time64MicrosecondType>(array), *unit),
        DataType::Time64(unit) => (buffer::<Time64NanosecondType>(array), *unit),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => (buffer::<TimestampSecondType>(array), *unit),
            TimeUnit::Millisecond => (buffer::<TimestampMillisecondType>(array), *unit),
            TimeUnit::Microsecond => (buffer::<TimestampMicrosecondType>(array), *unit),
            TimeUnit::Nanosecond => (buffer::<TimestampNanosecondType>(array), *unit),
        },
        _ => return None,
    })
}

/// Whether timestamps of that zone are points in time, and not what a clock shows.
pub(in crate::formats) fn is_instant(zone: Option<&str>) -> bool {
    zone.is_some_and(|zone| !zone.is_empty())
}
