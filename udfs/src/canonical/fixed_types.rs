//! The bytes of fixed-width values: numbers, dates, times and intervals.

use arrow::array::Array;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTimeType,
    IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

use super::decimal::{reduced_i64, reduced_i128, reduced_i256};
use super::fixed::{Short, long, short};
use super::{BoxedColumn, Floats, tag};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;
const MILLIS_PER_DAY: i64 = 86_400_000;
const CANONICAL_NAN: u64 = 0x7ff8_0000_0000_0000;

/// Integers, floats, decimals and dates; `None` for any other type.
pub(super) fn numbers(array: &dyn Array, floats: Floats) -> Option<BoxedColumn<'_>> {
    use DataType as D;
    Some(match array.data_type() {
        D::Int8 => short::<Int8Type, _, _>(array, |value| integer(value.into())),
        D::Int16 => short::<Int16Type, _, _>(array, |value| integer(value.into())),
        D::Int32 => short::<Int32Type, _, _>(array, |value| integer(value.into())),
        D::Int64 => short::<Int64Type, _, _>(array, integer),
        D::UInt8 => short::<UInt8Type, _, _>(array, |value| integer(value.into())),
        D::UInt16 => short::<UInt16Type, _, _>(array, |value| integer(value.into())),
        D::UInt32 => short::<UInt32Type, _, _>(array, |value| integer(value.into())),
        D::UInt64 => short::<UInt64Type, _, _>(array, unsigned),
        D::Float16 | D::Float32 | D::Float64 => return float_values(array, floats),
        &D::Decimal32(_, scale) => {
            long::<Decimal32Type, _, _>(array, move |value| reduced_i64(value.into(), scale))
        }
        &D::Decimal64(_, scale) => long::<Decimal64Type, _, _>(array, move |value| reduced_i64(value, scale)),
        &D::Decimal128(_, scale) => {
            long::<Decimal128Type, _, _>(array, move |value| reduced_i128(value, scale))
        }
        &D::Decimal256(_, scale) => {
            long::<Decimal256Type, _, _>(array, move |value| reduced_i256(value, scale))
        }
        D::Date32 => short::<Date32Type, _, _>(array, |days| tagged_i64(tag::DATE, days.into())),
        D::Date64 => short::<Date64Type, _, _>(array, |millis| {
            tagged_i64(tag::DATE, millis.div_euclid(MILLIS_PER_DAY))
        }),
        _ => return None,
    })
}

fn float_values(array: &dyn Array, floats: Floats) -> Option<BoxedColumn<'_>> {
    use DataType as D;
    Some(match (array.data_type(), floats) {
        (D::Float16, Floats::AsValues) => short::<Float16Type, _, _>(array, |value| float(value.to_f64())),
        (D::Float32, Floats::AsValues) => short::<Float32Type, _, _>(array, |value| float(value.into())),
        (D::Float64, Floats::AsValues) => short::<Float64Type, _, _>(array, float),
        (D::Float16, Floats::AsBits) => short::<Float16Type, _, _>(array, |value| float_bits(value.to_f64())),
        (D::Float32, Floats::AsBits) => short::<Float32Type, _, _>(array, |value| float_bits(value.into())),
        (D::Float64, Floats::AsBits) => short::<Float64Type, _, _>(array, float_bits),
        _ => return None,
    })
}

/// Timestamps of any unit. A zone makes them instants.
pub(super) fn timestamps(array: &dyn Array, unit: TimeUnit, zoned: bool) -> BoxedColumn<'_> {
    let tag = if zoned { tag::INSTANT } else { tag::TIMESTAMP };
    match unit {
        TimeUnit::Second => short::<TimestampSecondType, _, _>(array, move |v| seconds::<1>(tag, v)),
        TimeUnit::Millisecond => {
            short::<TimestampMillisecondType, _, _>(array, move |v| seconds::<1_000>(tag, v))
        }
        TimeUnit::Microsecond => {
            short::<TimestampMicrosecondType, _, _>(array, move |v| seconds::<1_000_000>(tag, v))
        }
        TimeUnit::Nanosecond => {
            short::<TimestampNanosecondType, _, _>(array, move |v| seconds::<NANOS_PER_SECOND>(tag, v))
        }
    }
}

/// Durations of any unit.
pub(super) fn durations(array: &dyn Array, unit: TimeUnit) -> BoxedColumn<'_> {
    const TAG: u8 = tag::DURATION;
    match unit {
        TimeUnit::Second => short::<DurationSecondType, _, _>(array, |v| seconds::<1>(TAG, v)),
        TimeUnit::Millisecond => short::<DurationMillisecondType, _, _>(array, |v| seconds::<1_000>(TAG, v)),
        TimeUnit::Microsecond => {
            short::<DurationMicrosecondType, _, _>(array, |v| seconds::<1_000_000>(TAG, v))
        }
        TimeUnit::Nanosecond => {
            short::<DurationNanosecondType, _, _>(array, |v| seconds::<NANOS_PER_SECOND>(TAG, v))
        }
    }
}

/// Times of day; `None` for any other type, and for a unit that its width does not have.
pub(super) fn times(array: &dyn Array) -> Option<BoxedColumn<'_>> {
    use DataType as D;
    Some(match array.data_type() {
        D::Time32(TimeUnit::Second) => {
            short::<Time32SecondType, _, _>(array, |v| time(v.into(), NANOS_PER_SECOND))
        }
        D::Time32(TimeUnit::Millisecond) => {
            short::<Time32MillisecondType, _, _>(array, |v| time(v.into(), NANOS_PER_MILLI))
        }
        D::Time64(TimeUnit::Microsecond) => short::<Time64MicrosecondType, _, _>(array, |v| time(v, 1_000)),
        D::Time64(TimeUnit::Nanosecond) => short::<Time64NanosecondType, _, _>(array, |v| time(v, 1)),
        _ => return None,
    })
}

/// Intervals of any unit.
pub(super) fn intervals(array: &dyn Array, unit: IntervalUnit) -> BoxedColumn<'_> {
    match unit {
        IntervalUnit::YearMonth => {
            long::<IntervalYearMonthType, _, _>(array, |months| interval(months, 0, 0))
        }
        IntervalUnit::DayTime => long::<IntervalDayTimeType, _, _>(array, |v| {
            interval(0, v.days, i64::from(v.milliseconds) * NANOS_PER_MILLI)
        }),
        IntervalUnit::MonthDayNano => {
            long::<IntervalMonthDayNanoType, _, _>(array, |v| interval(v.months, v.days, v.nanoseconds))
        }
    }
}

fn tagged_i64(tag: u8, value: i64) -> Short<9> {
    Short::new(tag, value.cast_unsigned().into())
}

fn integer(value: i64) -> Short<9> {
    tagged_i64(tag::INTEGER, value)
}

fn unsigned(value: u64) -> Short<9> {
    let bits = value.cast_signed();
    tagged_i64(if bits < 0 { tag::LARGE_UNSIGNED } else { tag::INTEGER }, bits)
}

fn float(value: f64) -> Short<9> {
    let bits = if value.is_nan() {
        CANONICAL_NAN
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    };
    tagged_i64(tag::FLOAT, bits.cast_signed())
}

fn float_bits(value: f64) -> Short<9> {
    tagged_i64(tag::FLOAT, value.to_bits().cast_signed())
}

fn time(value: i64, nanos_per_unit: i64) -> Short<9> {
    tagged_i64(tag::TIME, value.wrapping_mul(nanos_per_unit))
}

/// A count of units, `PER_SECOND` of them a second. The division is by a constant, so it costs a multiplication.
fn seconds<const PER_SECOND: i64>(tag: u8, value: i64) -> Short<13> {
    let seconds = u128::from(value.div_euclid(PER_SECOND).cast_unsigned());
    let nanos = value.rem_euclid(PER_SECOND) * (NANOS_PER_SECOND / PER_SECOND);
    // Not negative and below 10^9, so it fills no more than the four bytes after the seconds.
    Short::new(tag, seconds | u128::from(nanos.cast_unsigned()) << 64)
}

fn interval(months: i32, days: i32, nanos: i64) -> [u8; 17] {
    let mut bytes = [tag::INTERVAL; 17];
    bytes[1..5].copy_from_slice(&months.to_le_bytes());
    bytes[5..9].copy_from_slice(&days.to_le_bytes());
    bytes[9..].copy_from_slice(&nanos.to_le_bytes());
    bytes
}
