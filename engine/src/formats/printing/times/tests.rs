use super::*;
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, TimeDelta};
use proptest::prelude::*;

fn text(put: impl FnOnce(&mut Cell) -> usize) -> String {
    let mut cell = [b'#'; 64];
    let end = put(&mut cell);
    String::from_utf8(cell[..end].to_vec()).unwrap()
}

fn iso(unit: TimeUnit, has_zone: bool) -> TimestampStyle {
    TimestampStyle { unit, separator: b'T', has_zone }
}

#[test]
fn dates_are_iso_8601() {
    for (days, expected) in [
        (0, "1970-01-01"),
        (9568, "1996-03-13"),
        (-1, "1969-12-31"),
        (11_016, "2000-02-29"),
        (-719_528, "0000-01-01"),
        (-719_529, "-0001-12-31"),
        (2_932_896, "9999-12-31"),
        (2_932_897, "+10000-01-01"),
        (i64::from(i32::MAX), "+5881580-07-11"),
        (i64::from(i32::MIN), "-5877641-06-23"),
    ] {
        assert_eq!(text(|cell| put_date(cell, 0, days)), expected);
    }
}

#[test]
fn every_day_of_six_centuries_is_what_chrono_prints() {
    let first = NaiveDate::from_ymd_opt(1700, 1, 1).unwrap();
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
    for date in first.iter_days().take_while(|date| date.year() < 2300) {
        assert_eq!(text(|cell| put_date(cell, 0, (date - epoch).num_days())), date.to_string());
    }
}

#[test]
fn fractions_have_three_six_or_nine_digits() {
    let noon = 43_200;
    for (ticks, unit, expected) in [
        (noon, TimeUnit::Second, "12:00:00"),
        (noon * 1_000 + 7, TimeUnit::Millisecond, "12:00:00.007"),
        (noon * 1_000_000 + 120_000, TimeUnit::Microsecond, "12:00:00.120"),
        (noon * 1_000_000 + 1, TimeUnit::Microsecond, "12:00:00.000001"),
        (noon * 1_000_000_000 + 1_000, TimeUnit::Nanosecond, "12:00:00.000001"),
        (86_399_999_999_999, TimeUnit::Nanosecond, "23:59:59.999999999"),
        (0, TimeUnit::Nanosecond, "00:00:00"),
    ] {
        assert_eq!(text(|cell| put_time(cell, 0, ticks, unit)), expected);
    }
}

#[test]
fn timestamps_are_iso_8601() {
    for (ticks, unit, is_instant, expected) in [
        (826_718_400, TimeUnit::Second, false, "1996-03-13T12:00:00"),
        (826_718_400, TimeUnit::Second, true, "1996-03-13T12:00:00Z"),
        (-1, TimeUnit::Millisecond, true, "1969-12-31T23:59:59.999Z"),
        (i64::MAX, TimeUnit::Nanosecond, false, "2262-04-11T23:47:16.854775807"),
        (i64::MIN, TimeUnit::Nanosecond, false, "1677-09-21T00:12:43.145224192"),
        (i64::MAX, TimeUnit::Second, false, "+292277026596-12-04T15:30:07"),
        (i64::MIN, TimeUnit::Second, false, "-292277022657-01-27T08:29:52"),
    ] {
        assert_eq!(text(|cell| put_timestamp(cell, 0, ticks, iso(unit, is_instant))), expected);
    }
}

proptest! {
    #[test]
    fn timestamps_are_what_chrono_prints(ticks: i64) {
        let expected = DateTime::from_timestamp_nanos(ticks).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        prop_assert_eq!(text(|cell| put_timestamp(cell, 0, ticks, iso(TimeUnit::Nanosecond, true))), expected);
    }

    #[test]
    fn far_dates_are_what_chrono_prints(days in -90_000_000..90_000_000i64) {
        let expected = NaiveDate::default() + TimeDelta::days(days);
        prop_assert_eq!(text(|cell| put_date(cell, 0, days)), expected.to_string());
    }
}
