//! Numbers for people: as many digits as one reads.

/// How many digits a number has before it is written with an exponent.
const DIGITS: i32 = 6;

/// About six digits, no zeros at the end.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-4..=11).contains(&exponent) {
        return format!("{value:.3e}");
    }
    let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share as percent.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0%".to_owned(),
        100.0 => "100%".to_owned(),
        some => format!("{some:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::{percent, short};

    #[test]
    fn numbers_have_about_six_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (2.0, "2"),
            (-0.5, "-0.5"),
            (0.1 + 0.2, "0.3"),
            (38_255.138_485, "38255.1"),
            (6_001_215.0, "6001215"),
            (1e300, "1.000e300"),
            (0.000_012_346, "1.235e-5"),
        ] {
            assert_eq!(short(value), expected, "{value}");
        }
    }

    #[test]
    fn percents_have_one_decimal_where_they_need_it() {
        assert_eq!([0.0, 1.0, 0.253, 0.999_9].map(percent), ["0%", "100%", "25.3%", "100.0%"]);
    }
}
