//! A literal of a rule as a value that a column can be compared with.

use super::checked_rows::CheckedColumn;
use crate::error::{Code, Error, Result};
use crate::statement::expect::Literal;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, cast, lit};

/// The two sides of a comparison: of the column, and of the literal.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) column: Expr,
    pub(super) value: Expr,
}

/// The most digits of a decimal.
const MOST_DIGITS: usize = 38;

impl Operand {
    /// `literal` as a value of `column`'s type.
    ///
    /// # Errors
    /// `StatementFailed` when a value of that type cannot be compared with it.
    pub(super) fn new(column: &CheckedColumn, literal: &Literal) -> Result<Self> {
        let operand = match (literal, column.value_type()) {
            (Literal::Number(text), data_type) if data_type.is_numeric() => {
                number(text, data_type).map(|value| (column.values(), value))
            }
            (Literal::Text(text), DataType::Boolean) => {
                text.to_ascii_lowercase().parse().ok().map(|value: bool| (column.values(), value.into()))
            }
            (Literal::Boolean(value), DataType::Boolean) => Some((column.values(), (*value).into())),
            (Literal::Text(text), DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) => {
                time(text, column)
            }
            (Literal::Text(text), _) if column.is_text() => Some((column.values(), text.as_str().into())),
            (Literal::Empty, _) if column.is_text() => Some((column.values(), "".into())),
            _ => None,
        };
        let (column, value) = operand.ok_or_else(|| not_comparable(column, literal))?;
        Ok(Self { column, value: lit(value) })
    }
}

fn not_comparable(column: &CheckedColumn, literal: &Literal) -> Error {
    let shown = match literal {
        Literal::Number(text) => text.clone(),
        Literal::Text(text) => format!("\"{text}\""),
        Literal::Boolean(value) => value.to_string(),
        Literal::Null => "NULL".to_owned(),
        Literal::Empty => "EMPTY".to_owned(),
        Literal::WhitespacesOnly => "WHITESPACES_ONLY".to_owned(),
    };
    let message =
        format!("column \"{}\" is {}, which cannot be compared with {shown}", column.name, column.data_type);
    let hint = match column.value_type() {
        data_type if data_type.is_numeric() => "write a number without quotes, such as 0.5",
        DataType::Boolean => "write true or false",
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            "write a date or time, such as \"2024-01-31\" or \"2024-01-31 12:00:00\""
        }
        _ if column.is_text() => "write text in quotes, or cast the column in the query",
        _ => "such a column can be compared with NULL only: cast it in the query",
    };
    Error::new(Code::StatementFailed, message).with_hint(hint)
}

fn number(text: &str, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        // A column of 32-bit floats is compared as such: 0.1 is in it where its file says 0.1.
        DataType::Float32 => text.parse().ok().map(|value: f32| (value + 0.0).into()),
        DataType::Float64 | DataType::Float16 => text.parse().ok().map(|value: f64| (value + 0.0).into()),
        _ => match text.parse::<i64>() {
            Ok(whole) => Some(whole.into()),
            Err(_) => decimal(text).or_else(|| text.parse::<f64>().ok().map(Into::into)),
        },
    }
}

/// An exact decimal of `text`, unless it has an exponent or too many digits.
fn decimal(text: &str) -> Option<ScalarValue> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || all.len() > MOST_DIGITS || !all.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let value: i128 = all.parse().ok()?;
    let (precision, scale) = (u8::try_from(all.len()).ok()?, i8::try_from(fraction.len()).ok()?);
    Some(ScalarValue::Decimal128(Some(sign * value), precision, scale))
}

/// A day is compared with days, also where the column has times of day; a time with times.
fn time(text: &str, column: &CheckedColumn) -> Option<(Expr, ScalarValue)> {
    const DAY: usize = "2024-01-31".len();
    let target = match column.value_type() {
        _ if text.len() <= DAY => DataType::Date32,
        DataType::Timestamp(unit, zone) => DataType::Timestamp(*unit, zone.clone()),
        _ => DataType::Timestamp(TimeUnit::Microsecond, None),
    };
    let value = ScalarValue::from(text).cast_to(&target).ok().filter(|value| !value.is_null())?;
    Some((cast(column.values(), target), value))
}
