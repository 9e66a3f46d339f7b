//! Columns whose values are bytes of their own: what MDS and WebDataset make of a row, one value at a time. Each is
//! looked at once per batch; a row then costs a match.

use super::csv::cells::scalar_texts;
use super::json::json_texts;
use super::plain_types::plain_type;
use super::printing::page::Texts;
use crate::error::{Code, Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeBinaryArray, LargeBinaryArray,
    LargeStringArray, StringArray,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field};
use std::ops::Range;

/// A number's type: NumPy's name and its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) bytes: usize,
}

impl Number {
    /// The number that a plain type is.
    pub(super) fn of(data_type: &DataType) -> Option<Number> {
        let (name, bytes) = match data_type {
            DataType::Int8 => ("int8", 1),
            DataType::Int16 => ("int16", 2),
            DataType::Int32 => ("int32", 4),
            DataType::Int64 => ("int64", 8),
            DataType::UInt8 => ("uint8", 1),
            DataType::UInt16 => ("uint16", 2),
            DataType::UInt32 => ("uint32", 4),
            DataType::UInt64 => ("uint64", 8),
            DataType::Float16 => ("float16", 2),
            DataType::Float32 => ("float32", 4),
            DataType::Float64 => ("float64", 8),
            _ => return None,
        };
        Some(Number { name, bytes })
    }

    /// The number that the elements of a plain list type are.
    pub(super) fn of_elements(data_type: &DataType) -> Option<Number> {
        match data_type {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                Number::of(item.data_type())
            }
            _ => None,
        }
    }
}

/// Where the elements of each row's list are.
#[derive(Debug)]
pub(super) enum Spans<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    Fixed(usize),
}

impl Spans<'_> {
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        match self {
            // Offsets of Arrow are never negative.
            Spans::Small(offsets) => index(offsets[row].into())..index(offsets[row + 1].into()),
            Spans::Large(offsets) => index(offsets[row])..index(offsets[row + 1]),
            Spans::Fixed(size) => row * size..(row + 1) * size,
        }
    }
}

fn index(offset: i64) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

/// The elements of a list array and where each row's are.
pub(super) fn list_parts(array: &dyn Array) -> Option<(&dyn Array, Spans<'_>)> {
    Some(match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (list.values().as_ref(), Spans::Small(list.value_offsets()))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (list.values().as_ref(), Spans::Large(list.value_offsets()))
        }
        DataType::FixedSizeList(_, size) => {
            let list = array.as_fixed_size_list();
            (list.values().as_ref(), Spans::Fixed(index((*size).into())))
        }
        _ => return None,
    })
}

/// Numbers in a row, as they lie: little-endian.
#[derive(Debug)]
pub(super) struct Numbers {
    buffer: Buffer,
    bytes: usize,
}

impl Numbers {
    fn new(array: &dyn Array, number: Number) -> Numbers {
        let data = array.to_data();
        let start = data.offset() * number.bytes;
        let buffer = data.buffers()[0].slice_with_length(start, data.len() * number.bytes);
        Numbers { buffer, bytes: number.bytes }
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range.start * self.bytes..range.end * self.bytes]
    }
}

/// Lists of numbers.
#[derive(Debug)]
pub(super) struct Vectors<'a> {
    elements: &'a dyn Array,
    numbers: Numbers,
    pub(super) spans: Spans<'a>,
}

impl Vectors<'_> {
    /// The elements of a row.
    ///
    /// **Errors** [`Code::BadRow`] when one is null.
    pub(super) fn get(&self, row: usize, field: &Field) -> Result<&[u8]> {
        let range = self.spans.range(row);
        if self.elements.is_nullable() && range.clone().any(|at| self.elements.is_null(at)) {
            return Err(bad_row(field, "has a null within a list"));
        }
        Ok(self.numbers.get(range))
    }
}

/// A column, in the form in which its values are written.
pub(super) enum Values<'a> {
    Booleans(&'a BooleanArray),
    Numbers(Numbers),
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    Bytes(&'a BinaryArray),
    LargeBytes(&'a LargeBinaryArray),
    FixedBytes(&'a FixedSizeBinaryArray),
    Vectors(Vectors<'a>),
    /// Scalars as CSV has them, or what is nested as JSON.
    Texts(Texts),
}

impl<'a> Values<'a> {
    /// The values of a plain array; decimals and times as text, what is nested as JSON.
    pub(super) fn new(array: &'a ArrayRef, field: &Field) -> Result<Values<'a>> {
        if let Some(number) = Number::of(array.data_type()) {
            return Ok(Values::Numbers(Numbers::new(array, number)));
        }
        if let Some((number, (elements, spans))) =
            Number::of_elements(array.data_type()).zip(list_parts(array))
        {
            let numbers = Numbers::new(elements, number);
            return Ok(Values::Vectors(Vectors { elements, numbers, spans }));
        }
        Ok(match array.data_type() {
            DataType::Boolean => Values::Booleans(array.as_boolean()),
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::LargeUtf8 => Values::LargeText(array.as_string()),
            DataType::Binary => Values::Bytes(array.as_binary()),
            DataType::LargeBinary => Values::LargeBytes(array.as_binary()),
            DataType::FixedSizeBinary(_) => Values::FixedBytes(array.as_fixed_size_binary()),
            other if other.is_nested() => Values::Texts(json_texts(array, field)?),
            _ => Values::Texts(scalar_texts(array, field)?),
        })
    }

    /// The bytes of a value that is text, or bytes, or has become text.
    pub(super) fn plain_bytes(&self, row: usize) -> Option<&[u8]> {
        Some(match self {
            Values::Text(array) => array.value(row).as_bytes(),
            Values::LargeText(array) => array.value(row).as_bytes(),
            Values::Bytes(array) => array.value(row),
            Values::LargeBytes(array) => array.value(row),
            Values::FixedBytes(array) => array.value(row),
            Values::Texts(texts) => texts.get(row),
            _ => return None,
        })
    }
}

/// A value that a format cannot hold.
pub(super) fn bad_row(field: &Field, what: &str) -> Error {
    Error::new(Code::BadRow, format!("column \"{}\" {what}", field.name()))
}

/// Whether values of that type have a text that readers parse: booleans, numbers, decimals, dates and times.
pub(super) fn is_scalar(data_type: &DataType) -> bool {
    let plain = plain_type(data_type);
    plain == DataType::Boolean || plain.is_numeric() || is_temporal(&plain)
}

/// Whether it is a date or a time.
pub(super) fn is_temporal(data_type: &DataType) -> bool {
    matches!(
        plain_type(data_type),
        DataType::Date32 | DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(_, _)
    )
}
