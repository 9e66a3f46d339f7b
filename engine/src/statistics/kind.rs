//! What the statistics of a column are those of, by its type.

use super::text_of::{date_text, time_text, timestamp_text};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

/// What the values of a column are to its statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers.
    Integral,
    /// Other numbers.
    Fractional,
    /// True and false, which are 1 and 0.
    Boolean,
    /// Days since 1970.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 1970.
    Timestamp,
    /// Text.
    Text,
    /// Lists, structs, bytes and the like: values are counted, and not looked at.
    Opaque,
}

/// The type as Model Monitor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InferredType {
    /// Whole numbers.
    Integral,
    /// Other numbers.
    Fractional,
    /// Text, and what is written as text: dates and times.
    String,
    /// Anything else.
    Unknown,
}

impl ColumnKind {
    /// Of columns of that type.
    #[must_use]
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale)
                if *scale > 0 =>
            {
                Self::Fractional
            }
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Fractional,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type()),
            number if number.is_numeric() => Self::Integral,
            _ => Self::Opaque,
        }
    }

    /// The type as Model Monitor has it: that of what a CSV file holds.
    #[must_use]
    pub fn inferred_type(self) -> InferredType {
        match self {
            Self::Integral | Self::Boolean => InferredType::Integral,
            Self::Fractional => InferredType::Fractional,
            Self::Date | Self::Time | Self::Timestamp | Self::Text => InferredType::String,
            Self::Opaque => InferredType::Unknown,
        }
    }

    /// A number as a value of the column, for people.
    #[must_use]
    pub fn text(self, number: f64) -> String {
        match self {
            Self::Boolean => (if number == 0.0 { "false" } else { "true" }).to_owned(),
            Self::Date => date_text(number),
            Self::Time => time_text(number),
            Self::Timestamp => timestamp_text(number),
            _ => format!("{number}"),
        }
    }
}
