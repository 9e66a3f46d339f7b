//! Numbers as text: integers and decimals eight digits at a time, floats in their shortest form.
//!
//! `put_…` puts a number into a cell at `at` and returns where it ends.

use super::page::{Cell, put_short, put_word};
use arrow::datatypes::{ArrowPrimitiveType, Float16Type, i256};

/// `half::f16`, as arrow has it.
pub(in crate::formats) type Half = <Float16Type as ArrowPrimitiveType>::Native;

const TEN_TO_8: u64 = 100_000_000;
const TEN_TO_16: u64 = TEN_TO_8 * TEN_TO_8;
const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of `value`, which is below 10^8, as numbers 0–9: the first in the lowest byte.
#[inline(always)]
fn eight_digits(value: u64) -> u64 {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

/// The eight digits of `value`, which is below 10^8, in ASCII: the first in the lowest byte.
#[inline(always)]
pub(in crate::formats) fn eight_ascii(value: u64) -> u64 {
    eight_digits(value) | ASCII_ZEROS
}

/// How many zeros those digits start with; 7 for zero itself, whose last digit counts.
#[inline(always)]
fn leading_zeros(digits: u64) -> usize {
    (digits | 1 << 56).trailing_zeros() as usize / 8
}

/// Up to 20 digits.
#[inline(always)]
pub(in crate::formats) fn put_u64(cell: &mut Cell, at: usize, value: u64) -> usize {
    if value < TEN_TO_8 {
        put_head(cell, at, value)
    } else if value < TEN_TO_16 {
        let at = put_head(cell, at, value / TEN_TO_8);
        put_word(cell, at, eight_ascii(value % TEN_TO_8));
        at + 8
    } else {
        let at = put_head(cell, at, value / TEN_TO_16);
        put_word(cell, at, eight_ascii(value / TEN_TO_8 % TEN_TO_8));
        put_word(cell, at + 8, eight_ascii(value % TEN_TO_8));
        at + 16
    }
}

/// A number below 10^8 without leading zeros.
#[inline(always)]
fn put_head(cell: &mut Cell, at: usize, value: u64) -> usize {
    let digits = eight_digits(value);
    let zeros = leading_zeros(digits);
    put_word(cell, at, (digits | ASCII_ZEROS) >> (8 * zeros));
    at + 8 - zeros
}

/// Up to 19 digits and a sign.
#[inline(always)]
pub(in crate::formats) fn put_i64(cell: &mut Cell, at: usize, value: i64) -> usize {
    let at = put_sign(cell, at, value < 0);
    put_u64(cell, at, value.unsigned_abs())
}

#[inline(always)]
fn put_sign(cell: &mut Cell, at: usize, is_negative: bool) -> usize {
    cell[at] = b'-';
    at + usize::from(is_negative)
}

/// The shortest text that parses to the same `f64`: up to 24 bytes.
#[inline]
pub(in crate::formats) fn put_f64(cell: &mut Cell, at: usize, value: f64) -> usize {
    // A double is one decimal of up to 15 digits at most, so a decimal with so few that gives it is the shortest. Both
    // numbers of the division are exact: it rounds once, as parsing does.
    const DIGITS_15: f64 = 1e15;
    let scaled = value.abs() * 1e4 + 0.5;
    let ten_thousandths = scaled as i64;
    if scaled < DIGITS_15 && ten_thousandths as f64 / 1e4 == value.abs() {
        put_ten_thousandths(cell, at, value.is_sign_negative(), ten_thousandths.unsigned_abs())
    } else if value.is_finite() {
        put_short(cell, at, zmij::Buffer::new().format_finite(value).as_bytes())
    } else {
        put_short(cell, at, not_finite(value))
    }
}

/// The shortest text that parses to the same `f32`.
#[inline]
pub(in crate::formats) fn put_f32(cell: &mut Cell, at: usize, value: f32) -> usize {
    // As in `put_f64`, with six digits.
    const DIGITS_6: f32 = 1e6;
    let scaled = value.abs() * 1e4 + 0.5;
    let ten_thousandths = scaled as i32;
    if scaled < DIGITS_6 && ten_thousandths as f32 / 1e4 == value.abs() {
        put_ten_thousandths(cell, at, value.is_sign_negative(), u64::from(ten_thousandths.unsigned_abs()))
    } else if value.is_finite() {
        put_short(cell, at, zmij::Buffer::new().format_finite(value).as_bytes())
    } else {
        put_short(cell, at, not_finite(f64::from(value)))
    }
}

/// `value` / 10,000 without trailing zeros, but for one after the point: how floats of few digits are printed. Such are
/// counts, prices and flags, most of the floats in tables; it takes half the time of the general algorithm.
#[inline(always)]
fn put_ten_thousandths(cell: &mut Cell, at: usize, is_negative: bool, value: u64) -> usize {
    let at = put_sign(cell, at, is_negative);
    let point = put_u64(cell, at, value / 10_000);
    let digits = eight_digits(value % 10_000) >> 32;
    let zeros = (digits as u32 | 1).leading_zeros() as usize / 8;
    cell[point] = b'.';
    put_word(cell, point + 1, digits | ASCII_ZEROS);
    point + 5 - zeros
}

/// The shortest text that parses to the same `f16`.
pub(in crate::formats) fn put_f16(cell: &mut Cell, at: usize, value: Half) -> usize {
    put_f64(cell, at, shortest_half(value))
}

#[cold]
fn not_finite(value: f64) -> &'static [u8] {
    match (value.is_nan(), value > 0.0) {
        (true, _) => b"nan",
        (false, true) => b"inf",
        (false, false) => b"-inf",
    }
}

/// The `f64` of the shortest decimal that rounds to `value`; five digits always do.
fn shortest_half(value: Half) -> f64 {
    let exact = value.to_f64();
    if exact == 0.0 || !exact.is_finite() {
        return exact;
    }
    // 10^|power| is exact up to 10^22 and the rounded factor is below 10^5: one rounding, to the double next to the
    // decimal.
    let magnitude = exact.abs().log10().floor() as i32;
    let candidate = |digits: i32| {
        let power = digits - 1 - magnitude;
        let scale = 10f64.powi(power.abs());
        if power >= 0 { (exact * scale).round() / scale } else { (exact / scale).round() * scale }
    };
    (1..=5).map(candidate).find(|candidate| Half::from_f64(*candidate) == value).unwrap_or(exact)
}

/// Places after the point that [`put_decimal`] has room for.
pub(in crate::formats) const CELL_SCALE: i8 = 22;

/// The decimal `value` × 10^-`scale`, for a scale from 0 to [`CELL_SCALE`].
#[inline(always)]
pub(in crate::formats) fn put_decimal(cell: &mut Cell, at: usize, value: i64, scale: i8) -> usize {
    const WIDTH: usize = 24;
    let at = put_sign(cell, at, value < 0);
    if scale <= 0 {
        return put_u64(cell, at, value.unsigned_abs());
    }
    let places = usize::from(scale.unsigned_abs());
    let (digits, length) = padded_digits(value.unsigned_abs());
    // One digit at least before the point.
    let length = length.max(places + 1);
    let point = at + length - places;
    cell[at..at + WIDTH].copy_from_slice(&digits[WIDTH - length..][..WIDTH]);
    cell[point] = b'.';
    cell[point + 1..point + 1 + WIDTH].copy_from_slice(&digits[WIDTH - places..][..WIDTH]);
    at + length + 1
}

/// `value` in 24 digits, followed by room to copy from, and how many digits it has without leading zeros.
#[inline(always)]
fn padded_digits(value: u64) -> ([u8; 48], usize) {
    let mut text = [b'0'; 48];
    let low = eight_digits(value % TEN_TO_8);
    text[16..24].copy_from_slice(&(low | ASCII_ZEROS).to_le_bytes());
    if value < TEN_TO_8 {
        return (text, 8 - leading_zeros(low));
    }
    let middle = eight_digits(value / TEN_TO_8 % TEN_TO_8);
    text[8..16].copy_from_slice(&(middle | ASCII_ZEROS).to_le_bytes());
    if value < TEN_TO_16 {
        return (text, 16 - leading_zeros(middle));
    }
    let high = eight_digits(value / TEN_TO_16);
    text[0..8].copy_from_slice(&(high | ASCII_ZEROS).to_le_bytes());
    (text, 24 - leading_zeros(high))
}

/// A decimal of any size and scale.
pub(in crate::formats) fn wide_decimal_text(value: i256, scale: i8) -> String {
    decimal_text(value.is_negative(), value.to_string().trim_start_matches('-'), scale)
}

/// A decimal of any size and scale, from its sign and its digits without leading zeros.
#[cold]
fn decimal_text(is_negative: bool, digits: &str, scale: i8) -> String {
    let sign = if is_negative { "-" } else { "" };
    let places = usize::from(scale.unsigned_abs());
    match scale {
        0.. => {
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            let point = if places > 0 { "." } else { "" };
            format!("{sign}{whole}{point}{fraction}")
        }
        _ if digits == "0" => "0".to_owned(),
        _ => format!("{sign}{digits}{}", "0".repeat(places)),
    }
}

#[cfg(test)]
mod tests;
