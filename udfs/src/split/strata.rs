//! Splits within a class of rows, by rank.
//!
//! # Specification
//!
//! ```text
//! t_i           = round(sample · cumulative_i · 2^64)               as in the splits of hashes
//! boundary_i(n) = floor((t_i · n + d) / 2^64)                       n rows of the class, d its 64-bit dither
//! split(rank)   = the first i with rank < boundary_i(n), or none    rank from 0
//! ```
//!
//! Of n rows split i gets `floor(x + u) − floor(y + u)` with `x − y = sample · fraction_i · n` and one `u` in [0, 1), which is
//! less than one away from `x − y`: each class is within one row of each fraction. The dither decides which way
//! a class is rounded, so that many small classes together keep the fractions as well.

use super::{Fractions, threshold};

/// Fractions of splits, applied to ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strata {
    thresholds: Vec<u128>,
}

impl Strata {
    /// Splits of `fractions` on the part `sample` of each class, a number in (0, 1].
    #[must_use]
    pub fn new(fractions: &Fractions, sample: f64) -> Self {
        if sample >= 1.0 {
            return Self { thresholds: fractions.thresholds().to_vec() };
        }
        let mut cumulative = 0.0;
        let mut thresholds: Vec<u128> = Vec::with_capacity(fractions.as_slice().len());
        for fraction in fractions.as_slice() {
            cumulative += fraction;
            thresholds.push(threshold(cumulative * sample));
        }
        if let Some(last) = thresholds.last_mut() {
            *last = threshold(sample);
        }
        Self { thresholds }
    }

    /// Index of the split of the row at `rank`, from 0, of the `rows` rows of a class; none when it is not sampled.
    #[must_use]
    pub fn assign(&self, rank: u64, rows: u64, dither: u64) -> Option<u8> {
        let split = self.thresholds.iter().position(|threshold| rank < boundary(*threshold, rows, dither))?;
        u8::try_from(split).ok()
    }
}

/// Below 2^64, as a threshold is at most 2^64: no step overflows 128 bits, and the cast keeps every bit.
fn boundary(threshold: u128, rows: u64, dither: u64) -> u64 {
    ((threshold * u128::from(rows) + u128::from(dither)) >> 64) as u64
}
