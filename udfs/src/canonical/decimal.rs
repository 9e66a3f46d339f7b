//! The bytes of decimals: trailing zeros go first, so 1.50 and 1.5 are one value.

use arrow::datatypes::i256;

use super::tag;

/// A decimal's encoding; only a value outside i128 has the long form.
pub(super) enum EncodedDecimal {
    Short([u8; 18]),
    Long([u8; 34]),
}

impl AsRef<[u8]> for EncodedDecimal {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Short(bytes) => bytes,
            Self::Long(bytes) => bytes,
        }
    }
}

/// The encoding of `value` · 10^−`scale`.
pub(super) fn reduced_i64(mut value: i64, mut scale: i8) -> [u8; 18] {
    if value == 0 {
        return short(0, 0);
    }
    // Only an even number can end in zero, and half of all values are odd: ask before dividing.
    while value & 1 == 0 && scale > i8::MIN {
        let quotient = value / 10;
        if quotient * 10 != value {
            break;
        }
        value = quotient;
        scale -= 1;
    }
    short(value.into(), scale)
}

/// The encoding of `value` · 10^−`scale`.
pub(super) fn reduced_i128(mut value: i128, mut scale: i8) -> [u8; 18] {
    loop {
        // 64-bit division is many times cheaper, and most decimals fit from the start.
        if let Ok(small) = i64::try_from(value) {
            return reduced_i64(small, scale);
        }
        let quotient = value / 10;
        if scale == i8::MIN || quotient * 10 != value {
            return short(value, scale);
        }
        value = quotient;
        scale -= 1;
    }
}

/// The encoding of `value` · 10^−`scale`.
pub(super) fn reduced_i256(mut value: i256, mut scale: i8) -> EncodedDecimal {
    let ten = i256::from_i128(10);
    loop {
        if let Some(small) = value.to_i128() {
            return EncodedDecimal::Short(reduced_i128(small, scale));
        }
        if scale == i8::MIN || value.wrapping_rem(ten) != i256::ZERO {
            return EncodedDecimal::Long(long(value, scale));
        }
        value = value.wrapping_div(ten);
        scale -= 1;
    }
}

fn short(value: i128, scale: i8) -> [u8; 18] {
    let mut bytes = [tag::DECIMAL; 18];
    bytes[1] = scale.cast_unsigned();
    bytes[2..].copy_from_slice(&value.to_le_bytes());
    bytes
}

fn long(value: i256, scale: i8) -> [u8; 34] {
    let mut bytes = [tag::WIDE_DECIMAL; 34];
    bytes[1] = scale.cast_unsigned();
    bytes[2..].copy_from_slice(&value.to_le_bytes());
    bytes
}
