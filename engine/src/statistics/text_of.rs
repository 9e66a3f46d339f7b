//! Dates and times as ISO 8601 has them.

use chrono::{DateTime, NaiveDateTime};

const MICROS_PER_DAY: f64 = 86_400e6;

/// The date so many days after 1970-01-01.
pub(super) fn date_text(days: f64) -> String {
    match after_1970(days * MICROS_PER_DAY) {
        Some(time) => time.format("%Y-%m-%d").to_string(),
        None => format!("{days} days"),
    }
}

/// The time so many microseconds after midnight.
pub(super) fn time_text(micros: f64) -> String {
    match after_1970(micros) {
        Some(time) => time.format("%H:%M:%S%.f").to_string(),
        None => format!("{micros} µs"),
    }
}

/// The time so many microseconds after 1970-01-01.
pub(super) fn timestamp_text(micros: f64) -> String {
    match after_1970(micros) {
        Some(time) => time.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        None => format!("{micros} µs"),
    }
}

fn after_1970(micros: f64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros.round() as i64).map(|time| time.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::{date_text, time_text, timestamp_text};

    #[test]
    fn dates_and_times_are_iso_8601() {
        assert_eq!(date_text(9_568.0), "1996-03-13");
        assert_eq!(date_text(-1.0), "1969-12-31");
        assert_eq!(time_text(3_723_500_000.0), "01:02:03.500");
        assert_eq!(timestamp_text(826_675_200_000_000.0), "1996-03-13T00:00:00");
        assert_eq!(date_text(1e18), "1000000000000000000 days");
    }
}
