//! Dates, times and timestamps as ISO 8601 text, by arithmetic alone.
//!
//! `put_…` puts one into a cell at `at` and returns where it ends.

use super::numbers::{eight_ascii, put_u64};
use super::page::{Cell, put_word};
use arrow::datatypes::TimeUnit;

const SECONDS_PER_DAY: i64 = 86_400;
const DASH: u64 = b'-' as u64;
const COLON: u64 = b':' as u64;

/// Whether `ticks` of `unit` is a time of day.
pub(in crate::formats) fn is_time_of_day(ticks: i64, unit: TimeUnit) -> bool {
    (0..SECONDS_PER_DAY).contains(&split(ticks, unit).0)
}

/// The date that is `days` after 1970-01-01.
#[inline(always)]
pub(in crate::formats) fn put_date(cell: &mut Cell, at: usize, days: i64) -> usize {
    let (year, month, day) = civil(days);
    let month_and_day = month * 100 + day;
    if !(0..=9999).contains(&year) {
        return put_far_date(cell, at, year, month_and_day);
    }
    let text = eight_ascii(year.unsigned_abs() * 10_000 + month_and_day);
    let month = (text >> 32) & 0xffff;
    put_word(cell, at, (text & 0xffff_ffff) | (DASH << 32) | (month << 40) | (DASH << 56));
    put_word(cell, at + 8, text >> 48);
    at + 10
}

/// A year that ISO 8601 wants with its sign.
#[cold]
fn put_far_date(cell: &mut Cell, at: usize, year: i64, month_and_day: u64) -> usize {
    cell[at] = if year < 0 { b'-' } else { b'+' };
    let year = year.unsigned_abs();
    let at = if year <= 9999 {
        put_word(cell, at + 1, eight_ascii(year) >> 32);
        at + 5
    } else {
        put_u64(cell, at + 1, year)
    };
    let text = eight_ascii(month_and_day) >> 32;
    put_word(cell, at, DASH | ((text & 0xffff) << 8) | (DASH << 24) | ((text >> 16) << 32));
    at + 6
}

/// Year, month and day of the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`: years start in March, so the leap day is the last of one.
#[inline(always)]
fn civil(days: i64) -> (i64, u64, u64) {
    const DAYS_PER_ERA: i64 = 146_097;
    let from_era_zero = days + 719_468;
    let era = from_era_zero.div_euclid(DAYS_PER_ERA);
    let day_of_era = (from_era_zero - era * DAYS_PER_ERA) as u32;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = i64::from(year_of_era) + era * 400 + i64::from(month <= 2);
    (year, u64::from(month), u64::from(day))
}

/// The time of day that is `ticks` of `unit` after midnight.
#[inline]
pub(in crate::formats) fn put_time(cell: &mut Cell, at: usize, ticks: i64, unit: TimeUnit) -> usize {
    let (seconds, nanos) = split(ticks, unit);
    put_clock(cell, at, seconds.unsigned_abs(), nanos)
}

/// How the timestamps of an array are written.
#[derive(Debug, Clone, Copy)]
pub(in crate::formats) struct TimestampStyle {
    pub(in crate::formats) unit: TimeUnit,
    /// What stands between date and time.
    pub(in crate::formats) separator: u8,
    /// Whether `Z` follows.
    pub(in crate::formats) has_zone: bool,
}

/// The timestamp that is `ticks` after 1970-01-01T00:00:00, in the unit of `style`.
#[inline(always)]
pub(in crate::formats) fn put_timestamp(
    cell: &mut Cell,
    at: usize,
    ticks: i64,
    style: TimestampStyle,
) -> usize {
    let (seconds, nanos) = split(ticks, style.unit);
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let at = put_date(cell, at, days);
    cell[at] = style.separator;
    let end = put_clock(cell, at + 1, seconds.rem_euclid(SECONDS_PER_DAY).unsigned_abs(), nanos);
    cell[end] = b'Z';
    end + usize::from(style.has_zone)
}

/// Whole seconds, and nanoseconds above them. The divisors are constants, so no division is executed.
#[inline(always)]
fn split(ticks: i64, unit: TimeUnit) -> (i64, u64) {
    #[inline(always)]
    fn by<const TICKS: i64>(ticks: i64) -> (i64, u64) {
        let seconds = ticks.div_euclid(TICKS);
        (
            seconds,
            ticks.wrapping_sub(seconds.wrapping_mul(TICKS)).unsigned_abs()
                * (1_000_000_000 / TICKS.unsigned_abs()),
        )
    }
    match unit {
        TimeUnit::Second => (ticks, 0),
        TimeUnit::Millisecond => by::<1_000>(ticks),
        TimeUnit::Microsecond => by::<1_000_000>(ticks),
        TimeUnit::Nanosecond => by::<1_000_000_000>(ticks),
    }
}

/// Hours, minutes and seconds; then `.` and three, six or nine digits, unless all are zero.
#[inline(always)]
fn put_clock(cell: &mut Cell, at: usize, seconds: u64, nanos: u64) -> usize {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = eight_ascii(hour * 10_000 + minute * 100 + second);
    let (hour, minute, second) = ((text >> 16) & 0xffff, (text >> 32) & 0xffff, text >> 48);
    put_word(cell, at, hour | (COLON << 16) | (minute << 24) | (COLON << 40) | (second << 48));
    let at = at + 8;
    if nanos == 0 {
        return at;
    }
    cell[at] = b'.';
    put_word(cell, at + 1, eight_ascii(nanos / 10));
    cell[at + 9] = b'0' + (nanos % 10) as u8;
    match (nanos % 1_000, nanos % 1_000_000) {
        (_, 0) => at + 4,
        (0, _) => at + 7,
        _ => at + 10,
    }
}

#[cfg(test)]
mod tests;
