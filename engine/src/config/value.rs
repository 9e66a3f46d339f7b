//! Single values: how a text becomes a size, a duration, a switch or a secret, and back.
//!
//! Every value can be given as text, because flags and environment variables have nothing else.

use crate::error::{Code, Error};
use serde::de::{Deserialize, Deserializer, Error as DeError, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

/// A value that one piece of text can give.
pub(super) trait Scalar: Sized {
    /// What a user has to write, continuing the word "expected".
    const EXPECTED: &'static str;

    /// The value of that text, if it is one.
    fn from_text(text: &str) -> Option<Self>;
}

/// For `#[serde(deserialize_with)]`: a scalar, given as text, number or boolean.
pub(super) fn scalar<'de, D: Deserializer<'de>, T: Scalar>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ScalarVisitor(PhantomData))
}

/// For `#[serde(deserialize_with)]`: as [`scalar`]; present means `Some`.
pub(super) fn optional_scalar<'de, D: Deserializer<'de>, T: Scalar>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    scalar(deserializer).map(Some)
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<T: Scalar> Visitor<'_> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: DeError>(self, text: &str) -> Result<T, E> {
        T::from_text(text.trim()).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_bool<E: DeError>(self, value: bool) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: DeError>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: DeError>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: DeError>(self, value: f64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }
}

macro_rules! parsed_scalar {
    ($($type:ty: $expected:literal;)*) => {
        $(impl Scalar for $type {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })*
    };
}

parsed_scalar! {
    u16: "a whole number from 0 to 65535";
    usize: "a whole number";
    String: "text";
}

impl Scalar for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

/// A number of bytes.
///
/// In text a whole number of bytes or a number with a unit: `kB`, `MB`, `GB`, `TB` are powers of 1000, `KiB`, `MiB`,
/// `GiB`, `TiB` and the single letters `k`, `m`, `g`, `t` are powers of 1024. Case and a space before the unit do
/// not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

/// Largest first, so that the first one that divides a size writes it shortest.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// That many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many times 1024 × 1024 bytes.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as an index; the largest there is, where the size is larger.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Scalar for ByteSize {
    const EXPECTED: &'static str = "a size in bytes, such as \"128MiB\", \"8 GB\" or 1048576";

    fn from_text(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim());
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" => 1,
            "k" => 1 << 10,
            "m" => 1 << 20,
            "g" => 1 << 30,
            "t" => 1 << 40,
            _ => SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self);
        }
        let bytes = number.parse::<f64>().ok()? * factor as f64;
        (factor > 1 && bytes.is_finite() && bytes < u64::MAX as f64).then_some(Self(bytes.round() as u64))
    }
}

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> crate::error::Result<Self> {
        Self::from_text(text.trim()).ok_or_else(|| {
            Error::new(Code::BadOption, format!("{text:?} is not a size"))
                .with_hint(format!("expected {}", Self::EXPECTED))
        })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = SIZE_UNITS.iter().find(|(_, size)| self.0 != 0 && self.0.is_multiple_of(*size));
        match unit {
            Some((name, size)) => write!(f, "{}{name}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(deserializer)
    }
}

/// Largest first; the first name of each length is the one that is written.
const DURATION_UNITS: [(&str, u64); 8] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("min", 60_000),
    ("m", 60_000),
    ("s", 1_000),
    ("sec", 1_000),
    ("ms", 1),
    ("millis", 1),
];

impl Scalar for Duration {
    const EXPECTED: &'static str =
        "a duration longer than zero with its unit (ms, s, min, h, d), such as \"30s\" or \"1h 30min\"";

    fn from_text(text: &str) -> Option<Self> {
        parse_duration(text).filter(|duration| !duration.is_zero())
    }
}

/// The duration of that text: numbers with their units (`ms`, `s`, `min`, `h`, `d`), as in `"1h 30min"`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total_ms = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let after = rest[digits..].trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (_, unit_ms) = DURATION_UNITS.iter().find(|(name, _)| *name == &after[..end])?;
        total_ms = rest[..digits].parse::<u64>().ok()?.checked_mul(*unit_ms)?.checked_add(total_ms)?;
        rest = after[end..].trim_start();
    }
    Some(Duration::from_millis(total_ms))
}

/// For `#[serde(with)]`: a duration as text, exact to the millisecond.
pub(super) mod duration {
    use super::{DURATION_UNITS, Duration, scalar};
    use serde::{Deserializer, Serializer};

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let ms = value.as_millis();
        let unit = DURATION_UNITS.iter().find(|(_, unit_ms)| ms.is_multiple_of(u128::from(*unit_ms)));
        match unit {
            Some((name, unit_ms)) => {
                serializer.collect_str(&format_args!("{}{name}", ms / u128::from(*unit_ms)))
            }
            None => serializer.collect_str(&format_args!("{ms}ms")),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        scalar(deserializer)
    }
}

/// What stands for a secret wherever one would be shown.
pub(super) const REDACTED: &str = "[redacted]";

/// A text that is never shown: `Debug` and `Serialize` write `[redacted]`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to hand to whoever needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Scalar for Secret {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}
