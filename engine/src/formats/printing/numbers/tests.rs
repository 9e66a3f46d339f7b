use super::*;
use arrow::datatypes::Decimal256Type;
use proptest::prelude::*;

/// What `put` puts, somewhere in a cell.
fn text(put: impl FnOnce(&mut Cell, usize) -> usize) -> String {
    let mut cell = [b'#'; 64];
    let end = put(&mut cell, 1);
    String::from_utf8(cell[1..end].to_vec()).unwrap()
}

fn general(value: impl zmij::Float) -> String {
    zmij::Buffer::new().format_finite(value).to_owned()
}

fn decimal(value: i128, scale: i8) -> String {
    let wide = decimal_text(value < 0, &value.unsigned_abs().to_string(), scale);
    if let (Ok(value), 0..=CELL_SCALE) = (i64::try_from(value), scale) {
        assert_eq!(text(|cell, at| put_decimal(cell, at, value, scale)), wide);
    }
    wide
}

#[test]
fn every_group_of_four_digits_is_right() {
    for value in 0..10_000u64 {
        assert_eq!(
            eight_ascii(value * 10_000 + value).to_le_bytes(),
            *format!("{value:04}{value:04}").as_bytes()
        );
    }
}

#[test]
fn integers_are_right_around_every_power_of_ten() {
    let powers = (0..20).map(|power| 10u64.pow(power));
    for value in powers.flat_map(|power| [power - 1, power, power + 1]).chain([u64::MAX]) {
        assert_eq!(text(|cell, at| put_u64(cell, at, value)), value.to_string());
    }
    for value in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(text(|cell, at| put_i64(cell, at, value)), value.to_string());
    }
}

#[test]
fn floats_have_the_shortest_text_of_their_width() {
    for (value, expected) in [
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (1e300, "1e+300"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
    ] {
        assert_eq!(text(|cell, at| put_f64(cell, at, value)), expected);
    }
    assert_eq!(text(|cell, at| put_f32(cell, at, 0.1)), "0.1");
    assert_eq!(text(|cell, at| put_f32(cell, at, f32::NEG_INFINITY)), "-inf");
    assert_eq!(text(|cell, at| put_f32(cell, at, f32::MAX)), "3.4028235e+38");
}

#[test]
fn every_half_float_comes_back_from_at_most_five_digits() {
    for value in (0..=u16::MAX).map(Half::from_bits) {
        let text = text(|cell, at| put_f16(cell, at, value));
        let parsed = Half::from_f64(text.parse().unwrap());
        assert!(parsed.to_bits() == value.to_bits() || (value.is_nan() && parsed.is_nan()), "{text}");
        let mantissa = text.split('e').next().unwrap().trim_start_matches(['-', '0', '.']);
        assert!(mantissa.trim_end_matches(".0").replace('.', "").trim_end_matches('0').len() <= 5, "{text}");
    }
    assert_eq!(text(|cell, at| put_f16(cell, at, Half::from_f64(0.1))), "0.1");
    assert_eq!(text(|cell, at| put_f16(cell, at, Half::MAX)), "65500.0");
}

#[test]
fn decimals_have_all_digits_of_their_scale() {
    for (value, scale, expected) in [
        (1250, 2, "12.50"),
        (-5, 2, "-0.05"),
        (0, 2, "0.00"),
        (0, 0, "0"),
        (7, 0, "7"),
        (12, -3, "12000"),
        (0, -3, "0"),
        (-12, -1, "-120"),
        (i128::from(i64::MIN), 18, "-9.223372036854775808"),
        (1, 23, "0.00000000000000000000001"),
        (-1, 38, "-0.00000000000000000000000000000000000001"),
        (i128::from(i64::MAX) + 1, 2, "92233720368547758.08"),
        (10i128.pow(37), 37, "1.0000000000000000000000000000000000000"),
        (-(10i128.pow(37)), 38, "-0.10000000000000000000000000000000000000"),
        (10i128.pow(37), -1, "100000000000000000000000000000000000000"),
    ] {
        assert_eq!(decimal(value, scale), expected);
    }
}

proptest! {
    #[test]
    fn integers_are_what_std_prints(value: i64, shift in 0..63u32) {
        prop_assert_eq!(text(|cell, at| put_i64(cell, at, value >> shift)), (value >> shift).to_string());
    }

    #[test]
    fn floats_come_back(bits: u64) {
        let value = f64::from_bits(bits);
        let narrow = f32::from_bits(bits as u32);
        let parsed: f64 = text(|cell, at| put_f64(cell, at, value)).parse().unwrap();
        prop_assert!(parsed.to_bits() == bits || (value.is_nan() && parsed.is_nan()));
        let parsed: f32 = text(|cell, at| put_f32(cell, at, narrow)).parse().unwrap();
        prop_assert!(parsed.to_bits() == narrow.to_bits() || (narrow.is_nan() && parsed.is_nan()));
    }

    #[test]
    fn decimals_are_what_arrow_prints(value: i128, shift in 0..127u32, scale in 0..30i8) {
        use arrow::datatypes::DecimalType;
        let value = value >> shift;
        let wide = <Decimal256Type as ArrowPrimitiveType>::Native::from_i128(value);
        let expected = Decimal256Type::format_decimal(wide, 76, scale);
        prop_assert_eq!(decimal(value, scale), expected);
    }

    #[test]
    fn floats_of_few_digits_are_what_the_general_algorithm_prints(digits in 0..10_000_000_000_000i64, places in 0..8i32) {
        let value = digits as f64 / 10f64.powi(places);
        for value in [value, -value] {
            prop_assert_eq!(text(|cell, at| put_f64(cell, at, value)), general(value));
            let narrow = value as f32;
            prop_assert_eq!(text(|cell, at| put_f32(cell, at, narrow)), general(narrow));
            let short = (value / 1e9).round() as f32 / 1e4;
            prop_assert_eq!(text(|cell, at| put_f32(cell, at, short)), general(short));
        }
    }
}
