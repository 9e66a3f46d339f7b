//! From a row's hash to its split: cumulative fractions of the 64-bit range.
//!
//! Owns the fractions and their thresholds. Names of splits, and what is hashed, belong to callers.
//!
//! # Specification (part of `xxh3-canonical-v1`, never changed)
//!
//! ```text
//! cumulative_i = fraction_0 + … + fraction_i       in f64, left to right
//! threshold_i  = round(cumulative_i · 2^64)        half away from zero, at most 2^64; the last is 2^64
//! split(hash)  = the first i with hash < threshold_i
//! ```
//!
//! Appending or resizing a split moves only the rows between the old and the new thresholds.

mod error;
mod strata;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use datafusion::error::DataFusionError;
use thiserror::Error;

pub use error::PlacementError;
pub use strata::Strata;

/// 2^64, the number of hashes.
const HASHES: u128 = 1 << 64;
const HASHES_F64: f64 = 18_446_744_073_709_551_616.0;

/// How far from one the fractions may add up: thirds written with ten digits pass, a forgotten split does not.
const SUM_TOLERANCE: f64 = 1e-9;

/// A split's index is one byte.
const MAX_SPLITS: usize = 256;

/// The fraction of all keys that each split gets, in split order.
///
/// As text it is the fractions with commas between them, `0.8,0.1,0.1`, and reads back as the same value.
///
/// **Example**
/// ```
/// use gristmill_udfs::split::Fractions;
///
/// let fractions: Fractions = "0.8,0.1,0.1".parse()?;
/// assert_eq!(fractions.assign(0), 0);
/// assert_eq!(fractions.assign(u64::MAX), 2);
/// # Ok::<(), gristmill_udfs::split::FractionsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Fractions {
    fractions: Vec<f64>,
    /// Never falling; the last is 2^64, which is why 64 bits do not do.
    thresholds: Vec<u128>,
}

/// Why numbers are not the fractions of splits.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FractionsError {
    /// A training set has at least one split.
    #[error("no fractions: one number per split is needed, such as 0.8,0.1,0.1")]
    Empty,
    /// More splits than one byte can tell apart.
    #[error("{count} fractions are more than the limit of 256")]
    TooMany {
        /// How many there were.
        count: usize,
    },
    /// Part of the text is no number.
    #[error("fraction '{text}' is not a number")]
    NotANumber {
        /// What stood there.
        text: String,
    },
    /// A fraction outside (0, 1].
    #[error("fraction {fraction} is not above 0 and at most 1")]
    OutOfRange {
        /// The fraction.
        fraction: f64,
    },
    /// The fractions are not a whole.
    #[error("fractions add up to {sum}, not to 1")]
    WrongSum {
        /// What they add up to.
        sum: f64,
    },
}

impl From<FractionsError> for DataFusionError {
    fn from(error: FractionsError) -> Self {
        Self::External(Box::new(error))
    }
}

impl Fractions {
    /// Fractions of the splits, in split order.
    ///
    /// **Errors** none, or more than 256; one outside (0, 1]; a sum further than 10^−9 from 1.
    pub fn new(fractions: Vec<f64>) -> Result<Self, FractionsError> {
        match fractions.len() {
            0 => return Err(FractionsError::Empty),
            count if count > MAX_SPLITS => return Err(FractionsError::TooMany { count }),
            _ => {}
        }
        // NaN is in no range, so it ends here as well.
        if let Some(&fraction) = fractions.iter().find(|fraction| !(**fraction > 0.0 && **fraction <= 1.0)) {
            return Err(FractionsError::OutOfRange { fraction });
        }
        let mut sum = 0.0;
        let mut thresholds = Vec::with_capacity(fractions.len());
        for fraction in &fractions {
            sum += fraction;
            thresholds.push(threshold(sum));
        }
        if (sum - 1.0_f64).abs() > SUM_TOLERANCE {
            return Err(FractionsError::WrongSum { sum });
        }
        if let Some(last) = thresholds.last_mut() {
            *last = HASHES;
        }
        Ok(Self { fractions, thresholds })
    }

    /// The fractions, in split order.
    pub fn as_slice(&self) -> &[f64] {
        &self.fractions
    }

    /// The first hash above each split: one per fraction, the last is 2^64.
    pub fn thresholds(&self) -> &[u128] {
        &self.thresholds
    }

    /// Index of the split that a hash falls in.
    #[inline]
    pub fn assign(&self, hash: u64) -> u8 {
        // Thresholds never fall, so the index of the first one above is the number of those not above. The last is
        // above every hash, so the sum stays below 256.
        self.thresholds.iter().map(|threshold| u8::from(u128::from(hash) >= *threshold)).sum()
    }
}

/// `round(cumulative · 2^64)`: that fraction of all hashes is below. The product is exact: 2^64 only moves the exponent. A float cast to an integer saturates.
pub(crate) fn threshold(cumulative: f64) -> u128 {
    ((cumulative * HASHES_F64).round() as u128).min(HASHES)
}

impl FromStr for Fractions {
    type Err = FractionsError;

    /// Numbers with commas between them; space around a number is ignored.
    fn from_str(text: &str) -> Result<Self, FractionsError> {
        if text.trim().is_empty() {
            return Err(FractionsError::Empty);
        }
        let parse = |part: &str| match part.trim().parse::<f64>() {
            Ok(fraction) => Ok(fraction),
            Err(_) => Err(FractionsError::NotANumber { text: part.trim().to_owned() }),
        };
        Self::new(text.split(',').map(parse).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for Fractions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fraction) in self.fractions.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{fraction}")?;
        }
        Ok(())
    }
}
