//! The columns of one batch, downcast once, so that the row loop branches on an enum and calls nothing through a table.

use super::super::printing::arrays::{MS_PER_DAY, buffer, decoded, is_instant, text_of, ticks, widened};
use super::super::printing::numbers::{
    CELL_SCALE, Half, put_decimal, put_f16, put_f32, put_f64, put_i64, put_u64, wide_decimal_text,
};
use super::super::printing::page::{Page, Texts, put_short};
use super::super::printing::times::{TimestampStyle, is_time_of_day, put_date, put_time, put_timestamp};
use super::text::TextStyle;
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Field,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type, i256,
};

/// One column of a batch.
#[derive(Debug)]
pub(in crate::formats) struct Column {
    values: Values,
    nulls: Option<NullBuffer>,
    null: &'static [u8],
    ending: u8,
}

/// How the fields of a column stand in a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::formats) struct Place {
    /// What separates fields; text that holds it is quoted.
    pub(in crate::formats) delimiter: u8,
    /// What comes after each field: the delimiter, or the row's end.
    pub(in crate::formats) ending: u8,
    /// What stands for a null; up to 32 bytes.
    pub(in crate::formats) null: &'static [u8],
}

/// Values by how they are printed: types that print alike are widened into one.
#[derive(Debug)]
enum Values {
    Null,
    Boolean(BooleanBuffer),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt64(ScalarBuffer<u64>),
    Float16(ScalarBuffer<Half>),
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
    Decimal64(ScalarBuffer<i64>, i8),
    Decimal128(ScalarBuffer<i128>, i8),
    Decimal256(ScalarBuffer<i256>, i8),
    Date(ScalarBuffer<i32>),
    DateMs(ScalarBuffer<i64>),
    Time(ScalarBuffer<i64>, TimeUnit),
    Timestamp { ticks: ScalarBuffer<i64>, style: TimestampStyle },
    Text { values: StringArray, style: TextStyle },
    LargeText { values: LargeStringArray, style: TextStyle },
    TextView { values: StringViewArray, style: TextStyle },
    Vector(Vector),
}

/// A field for each element of a list of fixed size.
#[derive(Debug)]
struct Vector {
    /// Each ends with the delimiter, but for the last of a row.
    elements: Box<Column>,
    size: usize,
    /// Which lists are null: then all their elements are.
    nulls: Option<NullBuffer>,
}

impl Column {
    /// The column of `array`, whose values are printed as the type of the array says.
    ///
    /// **Errors** [`Code::BadRow`] for a time that is not within a day.
    pub(in crate::formats) fn new(array: &ArrayRef, field: &Field, place: Place) -> Result<Column> {
        let array = decoded(array, field)?;
        if let DataType::FixedSizeList(item, size) = array.data_type() {
            let list = array.as_fixed_size_list();
            let size = usize::try_from(*size).unwrap_or(0);
            let elements = Column::new(list.values(), item, Place { ending: place.delimiter, ..place })?;
            let vector = Vector { elements: Box::new(elements), size, nulls: list.nulls().cloned() };
            let (null, ending) = (place.null, place.ending);
            return Ok(Column { values: Values::Vector(vector), nulls: None, null, ending });
        }
        let values = values(&array, place.delimiter).ok_or_else(|| {
            let (name, came, planned) = (field.name(), array.data_type(), field.data_type());
            Error::new(
                Code::Internal,
                format!("column \"{name}\" came as {came} and was planned as {planned}"),
            )
        })?;
        let column = Column {
            values,
            nulls: array.nulls().filter(|nulls| nulls.null_count() > 0).cloned(),
            null: place.null,
            ending: place.ending,
        };
        column.check_times(field)?;
        Ok(column)
    }

    /// About as many bytes as a field takes, its delimiter included: only for reserving memory.
    pub(in crate::formats) fn typical_bytes(&self) -> usize {
        let mean = |bytes: usize, rows: usize| bytes / rows.max(1) + 3;
        match &self.values {
            Values::Null | Values::Boolean(_) => 2,
            Values::Text { values, .. } => mean(text_of(values).len(), values.len()),
            Values::LargeText { values, .. } => mean(text_of(values).len(), values.len()),
            Values::TextView { values, .. } => mean(values.total_bytes_len(), values.len()),
            Values::Vector(vector) => vector.size * vector.elements.typical_bytes(),
            Values::Timestamp { .. } | Values::Float64(_) => 20,
            _ => 11,
        }
    }

    /// Appends the field of `row`, or its fields, and the byte that ends it.
    #[inline(always)]
    pub(in crate::formats) fn push(&self, row: usize, page: &mut Page<'_>) {
        self.push_ended(row, page, self.ending);
    }

    #[inline(always)]
    fn push_ended(&self, row: usize, page: &mut Page<'_>, ending: u8) {
        if self.is_null(row) {
            return page.push_cell(ending, |cell| put_short(cell, 0, self.null));
        }
        match &self.values {
            Values::Null => page.push_cell(ending, |cell| put_short(cell, 0, self.null)),
            Values::Boolean(values) => page.push_cell(ending, |cell| {
                cell[0] = b'0' + u8::from(values.value(row));
                1
            }),
            Values::Int32(values) => page.push_cell(ending, |cell| put_i64(cell, 0, i64::from(values[row]))),
            Values::Int64(values) => page.push_cell(ending, |cell| put_i64(cell, 0, values[row])),
            Values::UInt64(values) => page.push_cell(ending, |cell| put_u64(cell, 0, values[row])),
            Values::Float16(values) => page.push_cell(ending, |cell| put_f16(cell, 0, values[row])),
            Values::Float32(values) => page.push_cell(ending, |cell| put_f32(cell, 0, values[row])),
            Values::Float64(values) => page.push_cell(ending, |cell| put_f64(cell, 0, values[row])),
            Values::Decimal64(values, scale) => push_decimal(page, values[row].into(), *scale, ending),
            Values::Decimal128(values, scale) => push_decimal(page, values[row], *scale, ending),
            Values::Decimal256(values, scale) => push_wide_decimal(page, values[row], *scale, ending),
            Values::Date(values) => page.push_cell(ending, |cell| put_date(cell, 0, i64::from(values[row]))),
            Values::DateMs(values) => {
                page.push_cell(ending, |cell| put_date(cell, 0, values[row].div_euclid(MS_PER_DAY)));
            }
            Values::Time(values, unit) => {
                page.push_cell(ending, |cell| put_time(cell, 0, values[row], *unit))
            }
            Values::Timestamp { ticks, style } => {
                page.push_cell(ending, |cell| put_timestamp(cell, 0, ticks[row], *style));
            }
            Values::Text { values, style } => style.push(page, values.value(row), ending),
            Values::LargeText { values, style } => style.push(page, values.value(row), ending),
            Values::TextView { values, style } => style.push(page, values.value(row), ending),
            Values::Vector(vector) => vector.push(row, page, ending),
        }
    }

    /// Whether the value of `row` is a null.
    #[inline]
    pub(in crate::formats) fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether the value of `row` is a float that is NaN.
    #[inline]
    pub(in crate::formats) fn is_nan(&self, row: usize) -> bool {
        match &self.values {
            Values::Float16(values) => values[row].is_nan(),
            Values::Float32(values) => values[row].is_nan(),
            Values::Float64(values) => values[row].is_nan(),
            _ => false,
        }
    }

    /// Whether the value of `row` is an infinite float.
    #[inline]
    pub(in crate::formats) fn is_infinite(&self, row: usize) -> bool {
        match &self.values {
            Values::Float16(values) => values[row].is_infinite(),
            Values::Float32(values) => values[row].is_infinite(),
            Values::Float64(values) => values[row].is_infinite(),
            _ => false,
        }
    }

    /// Whether the value of `row` is an integer below 0.
    pub(in crate::formats) fn is_negative(&self, row: usize) -> bool {
        match &self.values {
            Values::Int32(values) => values[row] < 0,
            Values::Int64(values) => values[row] < 0,
            _ => false,
        }
    }

    /// Whether the value of `row` is the number 0, or `false`.
    #[inline]
    pub(in crate::formats) fn is_zero(&self, row: usize) -> bool {
        match &self.values {
            Values::Boolean(values) => !values.value(row),
            Values::Int32(values) => values[row] == 0,
            Values::Int64(values) | Values::Decimal64(values, _) => values[row] == 0,
            Values::UInt64(values) => values[row] == 0,
            Values::Float16(values) => values[row].to_f32() == 0.0,
            Values::Float32(values) => values[row] == 0.0,
            Values::Float64(values) => values[row] == 0.0,
            Values::Decimal128(values, _) => values[row] == 0,
            Values::Decimal256(values, _) => values[row] == i256::ZERO,
            _ => false,
        }
    }

    fn check_times(&self, field: &Field) -> Result<()> {
        let Values::Time(ticks, unit) = &self.values else { return Ok(()) };
        let is_wrong = |&(row, ticks): &(usize, &i64)| !is_time_of_day(*ticks, *unit) && !self.is_null(row);
        match ticks.iter().enumerate().find(is_wrong) {
            None => Ok(()),
            Some((_, ticks)) => {
                let (name, data_type) = (field.name(), field.data_type());
                let message = format!(
                    "column \"{name}\" has the value {ticks}, which is no time of day in {data_type}"
                );
                Err(Error::new(Code::BadRow, message))
            }
        }
    }
}

/// The values of a column of scalars that are no text, as texts.
///
/// **Errors** [`Code::BadRow`] for a time that is not within a day.
pub(in crate::formats) fn scalar_texts(array: &ArrayRef, field: &Field) -> Result<Texts> {
    let column = Column::new(array, field, Place { delimiter: b',', ending: b'\n', null: b"" })?;
    Ok(Texts::print(array.len(), column.typical_bytes(), 1, |row, page| column.push(row, page)))
}

impl Vector {
    /// Appends the fields of `row`, and `ending` after the last.
    #[inline(never)]
    fn push(&self, row: usize, page: &mut Page<'_>, ending: u8) {
        let (start, last) = (row * self.size, self.size.saturating_sub(1));
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        for element in 0..self.size {
            let ending = if element == last { ending } else { self.elements.ending };
            if is_null {
                page.push_cell(ending, |cell| put_short(cell, 0, self.elements.null));
            } else {
                self.elements.push_ended(start + element, page, ending);
            }
        }
    }
}

fn values(array: &ArrayRef, delimiter: u8) -> Option<Values> {
    Some(match array.data_type() {
        DataType::Null => Values::Null,
        DataType::Boolean => Values::Boolean(array.as_boolean().values().clone()),
        DataType::Int8 => Values::Int64(widened::<Int8Type, i64>(array)),
        DataType::Int16 => Values::Int64(widened::<Int16Type, i64>(array)),
        DataType::Int32 => Values::Int32(buffer::<Int32Type>(array)),
        DataType::Int64 => Values::Int64(buffer::<Int64Type>(array)),
        DataType::UInt8 => Values::UInt64(widened::<UInt8Type, u64>(array)),
        DataType::UInt16 => Values::UInt64(widened::<UInt16Type, u64>(array)),
        DataType::UInt32 => Values::UInt64(widened::<UInt32Type, u64>(array)),
        DataType::UInt64 => Values::UInt64(buffer::<UInt64Type>(array)),
        DataType::Float16 => Values::Float16(buffer::<Float16Type>(array)),
        DataType::Float32 => Values::Float32(buffer::<Float32Type>(array)),
        DataType::Float64 => Values::Float64(buffer::<Float64Type>(array)),
        DataType::Decimal32(_, scale) => Values::Decimal64(widened::<Decimal32Type, i64>(array), *scale),
        DataType::Decimal64(_, scale) => Values::Decimal64(buffer::<Decimal64Type>(array), *scale),
        DataType::Decimal128(_, scale) => Values::Decimal128(buffer::<Decimal128Type>(array), *scale),
        DataType::Decimal256(_, scale) => Values::Decimal256(buffer::<Decimal256Type>(array), *scale),
        DataType::Utf8 => {
            let values = array.as_string::<i32>().clone();
            Values::Text { style: TextStyle::of(text_of(&values), delimiter), values }
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>().clone();
            Values::LargeText { style: TextStyle::of(text_of(&values), delimiter), values }
        }
        DataType::Utf8View => {
            Values::TextView { values: array.as_string_view().clone(), style: TextStyle::searched(delimiter) }
        }
        _ => return temporal_values(array),
    })
}

fn temporal_values(array: &ArrayRef) -> Option<Values> {
    Some(match array.data_type() {
        DataType::Date32 => Values::Date(buffer::<Date32Type>(array)),
        DataType::Date64 => Values::DateMs(buffer::<Date64Type>(array)),
        DataType::Time32(_) | DataType::Time64(_) => {
            let (ticks, unit) = ticks(array)?;
            Values::Time(ticks, unit)
        }
        DataType::Timestamp(_, zone) => {
            let (ticks, unit) = ticks(array)?;
            let style = TimestampStyle { unit, separator: b'T', has_zone: is_instant(zone.as_deref()) };
            Values::Timestamp { ticks, style }
        }
        _ => return None,
    })
}

#[inline(always)]
fn push_decimal(page: &mut Page<'_>, value: i128, scale: i8, ending: u8) {
    match i64::try_from(value) {
        Ok(value) if (0..=CELL_SCALE).contains(&scale) => {
            page.push_cell(ending, |cell| put_decimal(cell, 0, value, scale));
        }
        _ => push_wide_decimal(page, i256::from_i128(value), scale, ending),
    }
}

/// A decimal of more than 64 bits, or of an unusual scale.
fn push_wide_decimal(page: &mut Page<'_>, value: i256, scale: i8, ending: u8) {
    page.push_bytes(wide_decimal_text(value, scale).as_bytes());
    page.push_bytes(&[ending]);
}
