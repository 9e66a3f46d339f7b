//! Statistics of one column: taken from arrays, merged, whatever its type.

use super::hash::{hash_range, hash_short};
use super::kind::ColumnKind;
use super::numbers::{NumberAccumulator, NumberStatistics};
use super::text::TextStatistics;
use crate::error::{Code, Error, Result};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray,
    StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

/// Statistics of one column, of one shard or of several.
#[derive(Debug, Clone)]
pub struct ColumnStatistics {
    /// How many rows have no value.
    pub missing: u64,
    /// Those of the values.
    pub values: ValueStatistics,
}

/// Statistics of a column's values.
#[derive(Debug, Clone)]
pub enum ValueStatistics {
    /// Of numbers, dates and times.
    Numbers(Box<NumberStatistics>),
    /// Of text.
    Text(Box<TextStatistics>),
    /// Of true and false.
    Booleans {
        /// How many are false.
        falses: u64,
        /// How many are true.
        trues: u64,
    },
    /// Of values that are only counted.
    Opaque,
}

impl ColumnStatistics {
    /// Adds another part of the same column.
    ///
    /// # Errors
    /// `Internal` when it is of another type.
    pub(super) fn merge(&mut self, other: &ColumnStatistics) -> Result<()> {
        self.missing += other.missing;
        match (&mut self.values, &other.values) {
            (ValueStatistics::Numbers(ours), ValueStatistics::Numbers(theirs)) => ours.merge(theirs),
            (ValueStatistics::Text(ours), ValueStatistics::Text(theirs)) => ours.merge(theirs),
            (
                ValueStatistics::Booleans { falses, trues },
                ValueStatistics::Booleans { falses: more_falses, trues: more_trues },
            ) => {
                *falses += more_falses;
                *trues += more_trues;
            }
            (ValueStatistics::Opaque, ValueStatistics::Opaque) => {}
            _ => return Err(Error::new(Code::Internal, "statistics of a column differ in their type")),
        }
        Ok(())
    }
}

/// Takes the values of one shard's column.
#[derive(Debug)]
pub(super) struct ColumnAccumulator {
    missing: u64,
    values: ValueAccumulator,
}

#[derive(Debug)]
enum ValueAccumulator {
    Numbers(Box<NumberAccumulator>),
    Text(Box<TextStatistics>),
    Booleans { falses: u64, trues: u64 },
    Opaque,
}

impl ColumnAccumulator {
    pub(super) fn new(data_type: &DataType, is_label: bool) -> Self {
        let values = match ColumnKind::of(data_type) {
            ColumnKind::Text => ValueAccumulator::Text(Box::default()),
            ColumnKind::Boolean => ValueAccumulator::Booleans { falses: 0, trues: 0 },
            ColumnKind::Opaque => ValueAccumulator::Opaque,
            number => ValueAccumulator::Numbers(Box::new(NumberAccumulator::new(number, is_label))),
        };
        Self { missing: 0, values }
    }

    pub(super) fn push(&mut self, array: &ArrayRef) -> Result<()> {
        if let Some(plain) = plain_type(array.data_type()) {
            let plain = cast(array, &plain).map_err(|error| {
                Error::new(Code::Internal, "cannot read values for statistics").with_source(error)
            })?;
            return self.push(&plain);
        }
        self.missing += array.logical_null_count() as u64;
        match &mut self.values {
            ValueAccumulator::Numbers(numbers) => return push_numbers(numbers, array),
            ValueAccumulator::Text(text) => match array.data_type() {
                DataType::Utf8 => push_text(text, array.as_string::<i32>()),
                DataType::LargeUtf8 => push_text(text, array.as_string::<i64>()),
                DataType::Utf8View => push_views(text, array.as_string_view()),
                other => return Err(unexpected(other)),
            },
            ValueAccumulator::Booleans { falses, trues } => {
                let array = array.as_boolean_opt().ok_or_else(|| unexpected(array.data_type()))?;
                *falses += array.false_count() as u64;
                *trues += array.true_count() as u64;
            }
            ValueAccumulator::Opaque => {}
        }
        Ok(())
    }

    pub(super) fn finish(self) -> ColumnStatistics {
        let values = match self.values {
            ValueAccumulator::Numbers(numbers) => ValueStatistics::Numbers(Box::new(numbers.finish())),
            ValueAccumulator::Text(text) => ValueStatistics::Text(text),
            ValueAccumulator::Booleans { falses, trues } => ValueStatistics::Booleans { falses, trues },
            ValueAccumulator::Opaque => ValueStatistics::Opaque,
        };
        ColumnStatistics { missing: self.missing, values }
    }

    /// The memory it holds, about.
    pub(super) fn memory_bytes(&self) -> usize {
        match &self.values {
            ValueAccumulator::Numbers(numbers) => numbers.memory_bytes(),
            ValueAccumulator::Text(text) => text.memory_bytes(),
            ValueAccumulator::Booleans { .. } | ValueAccumulator::Opaque => 0,
        }
    }
}

/// The type to read an array as whose values do not lie there one after the other; `None` for one that is read as it
/// is.
fn plain_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Dictionary(_, values) => Some(values.as_ref().clone()),
        DataType::RunEndEncoded(_, values) => Some(values.data_type().clone()),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            Some(DataType::Decimal128(*precision, *scale))
        }
        DataType::Decimal256(_, _) => Some(DataType::Float64),
        _ => None,
    }
}

/// A text is hashed where it lies among the others.
fn push_text<O: OffsetSizeTrait>(text: &mut TextStatistics, array: &GenericStringArray<O>) {
    let (offsets, bytes) = (array.value_offsets(), array.value_data());
    text.push(array, |row| {
        let (start, end) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
        (hash_range(bytes, start, end), end - start)
    });
}

/// A short text is hashed without going to the buffer that it is not in. A view's words of 32 bits are the length, and
/// then twelve bytes of text or four of it, the buffer and the place there.
fn push_views(text: &mut TextStatistics, array: &StringViewArray) {
    let (views, buffers) = (array.views(), array.data_buffers());
    text.push(array, |row| {
        let view = views[row];
        let length = view as u32 as usize;
        let hash = match length {
            0..=12 => hash_short((view >> 32) as u64, (view >> 96) as u64, length),
            _ => {
                let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
                hash_range(&buffers[buffer], start, start + length)
            }
        };
        (hash, length)
    });
}

fn push_numbers(numbers: &mut NumberAccumulator, array: &ArrayRef) -> Result<()> {
    match array.data_type() {
        DataType::Int8 => push_integers::<Int8Type>(numbers, array, f64::from),
        DataType::Int16 => push_integers::<Int16Type>(numbers, array, f64::from),
        DataType::Int32 => push_integers::<Int32Type>(numbers, array, f64::from),
        DataType::Int64 => push_integers::<Int64Type>(numbers, array, |value| value as f64),
        DataType::UInt8 => push_integers::<UInt8Type>(numbers, array, f64::from),
        DataType::UInt16 => push_integers::<UInt16Type>(numbers, array, f64::from),
        DataType::UInt32 => push_integers::<UInt32Type>(numbers, array, f64::from),
        DataType::UInt64 => {
            for_each_run::<UInt64Type>(array, |run| numbers.push(run, |value| value as f64, |value| value))
        }
        DataType::Float16 => push_floats::<Float16Type>(numbers, array, |value| value.to_f64()),
        DataType::Float32 => push_floats::<Float32Type>(numbers, array, f64::from),
        DataType::Float64 => push_floats::<Float64Type>(numbers, array, |value| value),
        DataType::Decimal128(_, scale) => push_decimals(numbers, array, *scale),
        DataType::Date32 => push_integers::<Date32Type>(numbers, array, f64::from),
        DataType::Date64 => {
            push_integers::<Date64Type>(numbers, array, |value| (value.div_euclid(86_400_000)) as f64)
        }
        DataType::Time32(TimeUnit::Second) => {
            push_integers::<Time32SecondType>(numbers, array, |value| f64::from(value) * 1e6)
        }
        DataType::Time32(_) => {
            push_integers::<Time32MillisecondType>(numbers, array, |value| f64::from(value) * 1e3)
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            push_integers::<Time64NanosecondType>(numbers, array, |value| value.div_euclid(1_000) as f64)
        }
        DataType::Time64(_) => push_integers::<Time64MicrosecondType>(numbers, array, |value| value as f64),
        DataType::Timestamp(unit, _) => push_timestamps(numbers, array, *unit),
        other => return Err(unexpected(other)),
    }
    Ok(())
}

fn push_timestamps(numbers: &mut NumberAccumulator, array: &ArrayRef, unit: TimeUnit) {
    match unit {
        TimeUnit::Second => {
            push_integers::<TimestampSecondType>(numbers, array, |value| value as f64 * 1e6);
        }
        TimeUnit::Millisecond => {
            push_integers::<TimestampMillisecondType>(numbers, array, |value| value as f64 * 1e3);
        }
        TimeUnit::Microsecond => {
            push_integers::<TimestampMicrosecondType>(numbers, array, |value| value as f64);
        }
        TimeUnit::Nanosecond => {
            push_integers::<TimestampNanosecondType>(numbers, array, |value| value.div_euclid(1_000) as f64);
        }
    }
}

fn push_integers<T>(numbers: &mut NumberAccumulator, array: &ArrayRef, number: impl Fn(T::Native) -> f64)
where
    T: ArrowPrimitiveType<Native: Into<i64>>,
{
    let identity = |value: T::Native| {
        let wide: i64 = value.into();
        wide as u64
    };
    for_each_run::<T>(array, |run| numbers.push(run, &number, identity));
}

fn push_floats<T: ArrowPrimitiveType>(
    numbers: &mut NumberAccumulator,
    array: &ArrayRef,
    number: impl Fn(T::Native) -> f64,
) {
    for_each_run::<T>(array, |run| numbers.push_floats(run, &number));
}

/// Decimals whose digits fit into 64 bits, as almost all do, are converted by one instruction.
fn push_decimals(numbers: &mut NumberAccumulator, array: &ArrayRef, scale: i8) {
    let unit = 10_f64.powi(i32::from(scale).abs());
    let digits =
        |value: i128| if value as i64 as i128 == value { value as i64 as f64 } else { many_digits(value) };
    let identity = |value: i128| value as u64 ^ ((value >> 64) as u64).rotate_left(17);
    for_each_run::<Decimal128Type>(array, |run| {
        if scale < 0 {
            numbers.push(run, |value| digits(value) * unit, identity);
        } else {
            numbers.push(run, |value| digits(value) / unit, identity);
        }
    });
}

/// Apart, as a compiler that may choose does this for every value.
#[cold]
fn many_digits(value: i128) -> f64 {
    value as f64
}

/// The values that are not null, in runs.
fn for_each_run<T: ArrowPrimitiveType>(array: &ArrayRef, mut take: impl FnMut(&[T::Native])) {
    let array: &PrimitiveArray<T> = array.as_primitive();
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => take(array.values()),
        Some(nulls) => nulls.valid_slices().for_each(|(start, end)| take(&array.values()[start..end])),
    }
}

fn unexpected(data_type: &DataType) -> Error {
    Error::new(Code::Internal, format!("statistics of a column met values of type {data_type}"))
}
