//! Columns whose every row is a list of values of one of three kinds: integers, 32-bit floats, bytes. A scalar is a list
//! of one. It owns the widening of Arrow's types to those kinds, once per batch; formats own what they write of them.

use super::plain_types::{plain_array, plain_type};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, LargeBinaryArray, OffsetSizeTrait};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, Field, Float32Type, Int64Type, UInt64Type};
use std::ops::Range;

/// What a list consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers of at most 64 bits, with or without sign.
    Integer,
    /// 32-bit floats; wider floats and decimals are rounded.
    Float,
    /// Text or binary.
    Bytes,
}

/// The kind of a column's values, if they, or the elements of its lists, have one.
pub(super) fn kind_of(data_type: &DataType) -> Option<Kind> {
    let plain = plain_type(data_type);
    let scalar = match &plain {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type()
        }
        scalar => scalar,
    };
    match scalar {
        DataType::Boolean | DataType::Date32 => Some(Kind::Integer),
        integer if integer.is_integer() => Some(Kind::Integer),
        number if number.is_numeric() => Some(Kind::Float),
        DataType::Utf8 | DataType::LargeUtf8 => Some(Kind::Bytes),
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => Some(Kind::Bytes),
        _ => None,
    }
}

/// One column of a batch.
#[derive(Debug)]
pub(super) struct ValueLists {
    nulls: Option<NullBuffer>,
    ranges: Ranges,
    item_nulls: Option<NullBuffer>,
    pub(super) values: Values,
}

/// The elements of all lists, one after the other.
#[derive(Debug)]
pub(super) enum Values {
    /// What has a sign, or fits where it has none.
    Integers(ScalarBuffer<i64>),
    /// What may be above `i64::MAX`.
    Unsigned(ScalarBuffer<u64>),
    /// Floats.
    Floats(ScalarBuffer<f32>),
    /// Text or binary.
    Bytes(BinaryArray),
    /// The same with 64-bit offsets.
    LargeBytes(LargeBinaryArray),
}

/// Where the elements of a row are.
#[derive(Debug)]
enum Ranges {
    One,
    Fixed(usize),
    Offsets(OffsetBuffer<i32>),
    LargeOffsets(OffsetBuffer<i64>),
}

impl ValueLists {
    /// The column of `array`, whose values become those of `kind`.
    ///
    /// **Errors** [`Code::BadRow`] for a value that the kind cannot have; [`Code::Internal`] for a column that was
    /// planned as another kind.
    pub(super) fn new(array: &ArrayRef, field: &Field, kind: Kind) -> Result<ValueLists> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let (ranges, items) = lists(array, field)?;
        let items = plain_items(&items, field, kind)?;
        let item_nulls = match ranges {
            Ranges::One => None,
            _ => items.nulls().filter(|nulls| nulls.null_count() > 0).cloned(),
        };
        let values = match items.data_type() {
            DataType::Int64 => Values::Integers(items.as_primitive::<Int64Type>().values().clone()),
            DataType::UInt64 => Values::Unsigned(items.as_primitive::<UInt64Type>().values().clone()),
            DataType::Float32 => Values::Floats(items.as_primitive::<Float32Type>().values().clone()),
            DataType::LargeBinary => Values::LargeBytes(items.as_binary::<i64>().clone()),
            _ => Values::Bytes(items.as_binary::<i32>().clone()),
        };
        Ok(Self { nulls, ranges, item_nulls, values })
    }

    /// Where the values of `row` are, or nothing for a null.
    ///
    /// **Errors** [`Code::BadRow`] for a null inside a list.
    #[inline]
    pub(super) fn range(&self, row: usize, field: &Field) -> Result<Option<Range<usize>>> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        let range = match &self.ranges {
            Ranges::One => row..row + 1,
            Ranges::Fixed(size) => row * size..(row + 1) * size,
            Ranges::Offsets(offsets) => offsets[row].as_usize()..offsets[row + 1].as_usize(),
            Ranges::LargeOffsets(offsets) => offsets[row].as_usize()..offsets[row + 1].as_usize(),
        };
        if let Some(nulls) = &self.item_nulls
            && range.clone().any(|item| nulls.is_null(item))
        {
            let message = format!("column \"{}\" has a list with a null inside", field.name());
            return Err(Error::new(Code::BadRow, message)
                .with_hint("remove it from the list, or put a value in its place"));
        }
        Ok(Some(range))
    }
}

/// Where each row's elements are, and all elements that rows have.
fn lists(array: &ArrayRef, field: &Field) -> Result<(Ranges, ArrayRef)> {
    let array = match array.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => array.clone(),
        _ => plain_array(array, &plain_field(field.name(), plain_type(array.data_type())))?,
    };
    Ok(match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let (offsets, used) = from_zero(list.offsets());
            (Ranges::Offsets(offsets), list.values().slice(used.start, used.len()))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let (offsets, used) = from_zero(list.offsets());
            (Ranges::LargeOffsets(offsets), list.values().slice(used.start, used.len()))
        }
        DataType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).unwrap_or(0);
            (Ranges::Fixed(size), array.as_fixed_size_list().values().clone())
        }
        _ => (Ranges::One, array),
    })
}

/// Offsets into the part of the values that is used, and that part: a slice of lists keeps the values of all.
pub(super) fn from_zero<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> (OffsetBuffer<O>, Range<usize>) {
    let start = offsets.first().map_or(0, |start| start.as_usize());
    let end = offsets.last().map_or(0, |end| end.as_usize());
    (OffsetBuffer::from_lengths(offsets.lengths()), start..end)
}

/// The values in the one type that stands for their kind.
fn plain_items(items: &ArrayRef, field: &Field, kind: Kind) -> Result<ArrayRef> {
    let plain = plain_type(items.data_type());
    let target = match (kind, kind_of(&plain), &plain) {
        (Kind::Integer, Some(Kind::Integer), DataType::UInt64) => DataType::UInt64,
        (Kind::Integer, Some(Kind::Integer), _) => DataType::Int64,
        (Kind::Float, Some(Kind::Integer | Kind::Float), _) => DataType::Float32,
        (Kind::Bytes, Some(Kind::Bytes), DataType::LargeUtf8 | DataType::LargeBinary) => {
            DataType::LargeBinary
        }
        (Kind::Bytes, Some(Kind::Bytes), _) => DataType::Binary,
        _ => {
            let message = format!("column \"{}\" came as {plain} and was planned otherwise", field.name());
            return Err(Error::new(Code::Internal, message));
        }
    };
    // Dates have no cast to floats of their own.
    let whole = if plain == DataType::Date32 { DataType::Int32 } else { plain };
    let name = field.name();
    let items = plain_array(items, &plain_field(name, plain_type(items.data_type())))?;
    let items = plain_array(&items, &plain_field(name, whole))?;
    plain_array(&items, &plain_field(name, target))
}

fn plain_field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

#[cfg(test)]
mod tests;
