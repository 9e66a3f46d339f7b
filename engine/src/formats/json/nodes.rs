//! The columns of one batch, and what is nested in them, downcast once, so that the row loop branches on an enum.

mod build;

use super::super::printing::arrays::text_of;
use super::super::printing::numbers::{
    CELL_SCALE, Half, put_decimal, put_f16, put_f32, put_f64, put_i64, put_u64, wide_decimal_text,
};
use super::super::printing::page::{Page, put_short};
use super::super::printing::times::{TimestampStyle, is_time_of_day, put_date, put_time, put_timestamp};
use super::text::{push_base64, push_searched_string, push_string};
use super::{JsonNan, JsonNulls, JsonStyle};
use crate::error::{Code, Error, Result};
use arrow::array::{
    Array, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray,
    OffsetSizeTrait, StringArray, StringViewArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Field, TimeUnit, i256};
use std::ops::Range;

/// One member of an object: a column of a batch, or a field of a struct.
#[derive(Debug)]
pub(super) struct Member {
    /// `,"name":`; the first member of an object goes without the comma.
    name: Vec<u8>,
    node: Node,
}

/// Values of one type.
#[derive(Debug)]
struct Node {
    values: Values,
    nulls: Option<NullBuffer>,
    /// Whether there are times in it, which may be none of a day.
    has_times: bool,
}

/// Values by how they are printed: types that print alike are widened into one.
#[derive(Debug)]
enum Values {
    Null,
    Boolean(BooleanBuffer),
    Int64(ScalarBuffer<i64>),
    UInt64(ScalarBuffer<u64>),
    Float16(ScalarBuffer<Half>, JsonNan),
    Float32(ScalarBuffer<f32>, JsonNan),
    Float64(ScalarBuffer<f64>, JsonNan),
    Decimal64(ScalarBuffer<i64>, i8),
    Decimal128(ScalarBuffer<i128>, i8),
    Decimal256(ScalarBuffer<i256>, i8),
    Date(ScalarBuffer<i64>),
    Time(ScalarBuffer<i64>, TimeUnit),
    Timestamp(ScalarBuffer<i64>, TimestampStyle),
    Text { values: StringArray, is_plain: bool },
    LargeText { values: LargeStringArray, is_plain: bool },
    TextView(StringViewArray),
    Binary(BinaryArray),
    LargeBinary(LargeBinaryArray),
    BinaryView(BinaryViewArray),
    FixedBinary(FixedSizeBinaryArray),
    List { offsets: OffsetBuffer<i32>, items: Box<Node> },
    LargeList { offsets: OffsetBuffer<i64>, items: Box<Node> },
    FixedList { size: usize, items: Box<Node> },
    Struct(Vec<Member>, JsonStyle),
    Map { offsets: OffsetBuffer<i32>, entries: Box<(Node, Node)> },
}

/// Appends the object of `row`.
#[inline]
pub(super) fn push_object(members: &[Member], row: usize, style: JsonStyle, page: &mut Page<'_>) {
    page.push_bytes(b"{");
    let mut skipped = 1;
    for member in members {
        if style.nulls == JsonNulls::Omit && member.node.is_null(row) {
            continue;
        }
        page.push_bytes(&member.name[skipped..]);
        member.node.push(row, page);
        skipped = 0;
    }
    page.push_bytes(b"}");
}

impl Member {
    /// About as many bytes as a member takes: only for reserving memory.
    pub(super) fn typical_bytes(&self) -> usize {
        self.name.len() + self.node.typical_bytes()
    }

    /// Appends the value of `row` without its name.
    pub(super) fn push_value(&self, row: usize, page: &mut Page<'_>) {
        self.node.push(row, page);
    }

    /// Refuses a time that is not within a day.
    ///
    /// **Errors** [`Code::BadRow`] names the column.
    pub(super) fn check_times(&self, field: &Field, rows: usize) -> Result<()> {
        if !self.node.has_times {
            return Ok(());
        }
        let Some(ticks) = (0..rows).find_map(|row| self.node.wrong_time(row)) else { return Ok(()) };
        let (name, data_type) = (field.name(), field.data_type());
        let message =
            format!("column \"{name}\" has the value {ticks}, which is no time of day in {data_type}");
        Err(Error::new(Code::BadRow, message))
    }
}

impl Node {
    #[inline]
    fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    fn typical_bytes(&self) -> usize {
        let mean = |bytes: usize, rows: usize| bytes / rows.max(1) + 3;
        match &self.values {
            Values::Text { values, .. } => mean(text_of(values).len(), values.len()),
            Values::LargeText { values, .. } => mean(text_of(values).len(), values.len()),
            Values::TextView(values) => mean(values.total_bytes_len(), values.len()),
            Values::Struct(members, _) => members.iter().map(Member::typical_bytes).sum::<usize>() + 2,
            Values::FixedList { size, items } => size * items.typical_bytes() + 2,
            Values::Timestamp(..) | Values::Float64(..) => 22,
            _ => 11,
        }
    }

    /// The first time of `row` that is not within a day.
    fn wrong_time(&self, row: usize) -> Option<i64> {
        if !self.has_times || self.is_null(row) {
            return None;
        }
        match &self.values {
            Values::Time(ticks, unit) => Some(ticks[row]).filter(|ticks| !is_time_of_day(*ticks, *unit)),
            Values::Struct(members, _) => members.iter().find_map(|member| member.node.wrong_time(row)),
            Values::List { offsets, items } => range(offsets, row).find_map(|row| items.wrong_time(row)),
            Values::LargeList { offsets, items } => range(offsets, row).find_map(|row| items.wrong_time(row)),
            Values::FixedList { size, items } => {
                (row * size..(row + 1) * size).find_map(|row| items.wrong_time(row))
            }
            Values::Map { offsets, entries } => range(offsets, row)
                .find_map(|row| entries.0.wrong_time(row).or_else(|| entries.1.wrong_time(row))),
            _ => None,
        }
    }

    /// Appends the value of `row`.
    #[inline]
    fn push(&self, row: usize, page: &mut Page<'_>) {
        if self.is_null(row) {
            return page.push_bytes(b"null");
        }
        match &self.values {
            Values::Null => page.push_bytes(b"null"),
            Values::Boolean(values) => page.push_bytes(if values.value(row) { b"true" } else { b"false" }),
            Values::Int64(values) => page.push_part(|cell| put_i64(cell, 0, values[row])),
            Values::UInt64(values) => page.push_part(|cell| put_u64(cell, 0, values[row])),
            Values::Float16(values, nan) => match f64::from(values[row]) {
                value if value.is_finite() => page.push_part(|cell| put_f16(cell, 0, values[row])),
                value => page.push_bytes(not_finite(value, *nan)),
            },
            Values::Float32(values, nan) => match values[row] {
                value if value.is_finite() => page.push_part(|cell| put_f32(cell, 0, value)),
                value => page.push_bytes(not_finite(value.into(), *nan)),
            },
            Values::Float64(values, nan) => match values[row] {
                value if value.is_finite() => page.push_part(|cell| put_f64(cell, 0, value)),
                value => page.push_bytes(not_finite(value, *nan)),
            },
            Values::Decimal64(values, scale) => push_decimal(page, values[row].into(), *scale),
            Values::Decimal128(values, scale) => push_decimal(page, values[row], *scale),
            Values::Decimal256(values, scale) => {
                page.push_bytes(wide_decimal_text(values[row], *scale).as_bytes());
            }
            Values::Text { values, is_plain } => {
                push_searched_string(page, values.value(row).as_bytes(), *is_plain);
            }
            Values::LargeText { values, is_plain } => {
                push_searched_string(page, values.value(row).as_bytes(), *is_plain);
            }
            Values::TextView(values) => push_string(page, values.value(row).as_bytes()),
            _ => self.push_rare(row, page),
        }
    }

    /// Appends a value of the types that take longer anyway.
    fn push_rare(&self, row: usize, page: &mut Page<'_>) {
        match &self.values {
            Values::Date(days) => page.push_part(|cell| {
                cell[0] = b'"';
                let end = put_date(cell, 1, days[row]);
                put_short(cell, end, b"\"")
            }),
            Values::Time(ticks, unit) => page.push_part(|cell| {
                cell[0] = b'"';
                let end = put_time(cell, 1, ticks[row], *unit);
                put_short(cell, end, b"\"")
            }),
            Values::Timestamp(ticks, style) => page.push_part(|cell| {
                cell[0] = b'"';
                let end = put_timestamp(cell, 1, ticks[row], *style);
                put_short(cell, end, b"\"")
            }),
            Values::Binary(values) => push_base64(page, values.value(row)),
            Values::LargeBinary(values) => push_base64(page, values.value(row)),
            Values::BinaryView(values) => push_base64(page, values.value(row)),
            Values::FixedBinary(values) => push_base64(page, values.value(row)),
            Values::List { offsets, items } => items.push_array(range(offsets, row), page),
            Values::LargeList { offsets, items } => items.push_array(range(offsets, row), page),
            Values::FixedList { size, items } => items.push_array(row * size..(row + 1) * size, page),
            Values::Struct(members, style) => push_object(members, row, *style, page),
            Values::Map { offsets, entries } => push_map(entries, range(offsets, row), page),
            _ => {}
        }
    }

    fn push_array(&self, rows: Range<usize>, page: &mut Page<'_>) {
        page.push_bytes(b"[");
        for row in rows.clone() {
            if row > rows.start {
                page.push_bytes(b",");
            }
            self.push(row, page);
        }
        page.push_bytes(b"]");
    }

    /// Whether its values are strings already, as the names of members have to be.
    fn is_quoted(&self, row: usize) -> bool {
        let is_string = match &self.values {
            Values::Float16(values, JsonNan::String) => !values[row].is_finite(),
            Values::Float32(values, JsonNan::String) => !values[row].is_finite(),
            Values::Float64(values, JsonNan::String) => !values[row].is_finite(),
            Values::Date(..) | Values::Time(..) | Values::Timestamp(..) => true,
            Values::Text { .. } | Values::LargeText { .. } | Values::TextView(..) => true,
            Values::Binary(..) | Values::LargeBinary(..) => true,
            Values::BinaryView(..) | Values::FixedBinary(..) => true,
            _ => false,
        };
        is_string && !self.is_null(row)
    }
}

fn push_map((keys, values): &(Node, Node), rows: Range<usize>, page: &mut Page<'_>) {
    page.push_bytes(b"{");
    for row in rows.clone() {
        if row > rows.start {
            page.push_bytes(b",");
        }
        let quote: &[u8] = if keys.is_quoted(row) { b"" } else { b"\"" };
        page.push_bytes(quote);
        keys.push(row, page);
        page.push_bytes(quote);
        page.push_bytes(b":");
        values.push(row, page);
    }
    page.push_bytes(b"}");
}

/// The items of a list.
#[inline]
fn range<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, row: usize) -> Range<usize> {
    offsets[row].as_usize()..offsets[row + 1].as_usize()
}

#[inline(always)]
fn push_decimal(page: &mut Page<'_>, value: i128, scale: i8) {
    match i64::try_from(value) {
        Ok(value) if (0..=CELL_SCALE).contains(&scale) => {
            page.push_part(|cell| put_decimal(cell, 0, value, scale));
        }
        _ => page.push_bytes(wide_decimal_text(i256::from_i128(value), scale).as_bytes()),
    }
}

#[cold]
fn not_finite(value: f64, nan: JsonNan) -> &'static [u8] {
    match nan {
        JsonNan::Null => b"null",
        JsonNan::String if value.is_nan() => b"\"NaN\"",
        JsonNan::String if value > 0.0 => b"\"Infinity\"",
        JsonNan::String => b"\"-Infinity\"",
    }
}
