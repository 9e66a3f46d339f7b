//! Splits within a class of rows, by rank, and the sample of each.
//!
//! # Specification
//!
//! ```text
//! t_i           = round(cumulative_i · 2^64)                        as in the splits of hashes; t_-1 = 0
//! s_i           = t_(i-1) + round(sample · (t_i − t_(i-1)))         t_i itself without a sample
//! boundary_t(n) = floor((t · n + d) / 2^64)                         n rows of the class, d its 64-bit dither
//! split(rank)   = the first i with rank < boundary_(t_i)(n)         rank from 0
//! sampled(rank) = rank < boundary_(s_i)(n)                          for i = split(rank)
//! ```
//!
//! Of n rows split i gets `floor(x + u) − floor(y + u)` with `x − y = sample · fraction_i · n` and one `u` in [0, 1), which is
//! less than one away from `x − y`: each class is within one row of each fraction. The dither decides which way
//! a class is rounded, so that many small classes together keep the fractions as well. The sample takes the first ranks of
//! each split, so that a row is in the split it would be in without, and a larger sample holds the smaller one.

use super::Fractions;

/// Fractions of splits, applied to ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strata {
    splits: Vec<Cut>,
}

/// Where the ranks of a split end: `t_i` and `s_i`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cut {
    split: u128,
    sample: u128,
}

impl Strata {
    /// Splits of `fractions`, and the part `sample` of each, a number in (0, 1].
    #[must_use]
    pub fn new(fractions: &Fractions, sample: f64) -> Self {
        let mut start = 0;
        let cut = |end: &u128| {
            let cut = Cut { split: *end, sample: start + part(end - start, sample) };
            start = *end;
            cut
        };
        Self { splits: fractions.thresholds().iter().map(cut).collect() }
    }

    /// Index of the split of the row at `rank`, from 0, of the `rows` rows of a class; none when it is not sampled.
    #[must_use]
    pub fn assign(&self, rank: u64, rows: u64, dither: u64) -> Option<u8> {
        let split = self.splits.iter().position(|cut| rank < boundary(cut.split, rows, dither))?;
        let is_sampled = rank < boundary(self.splits.get(split)?.sample, rows, dither);
        if is_sampled { u8::try_from(split).ok() } else { None }
    }
}

/// The part `sample` of `width`, a larger one for a larger sample.
fn part(width: u128, sample: f64) -> u128 {
    if sample >= 1.0 {
        return width;
    }
    // Off by 2^-53 of the width at most, as fractions are: a row in 2^53.
    ((width as f64 * sample).round() as u128).min(width)
}

/// Below 2^64, as a threshold is at most 2^64: no step overflows 128 bits, and the cast keeps every bit.
fn boundary(threshold: u128, rows: u64, dither: u64) -> u64 {
    ((threshold * u128::from(rows) + u128::from(dither)) >> 64) as u64
}
