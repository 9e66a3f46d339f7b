//! `'balance'`: what decides the shard of a row, and with it how equal the shards of a split are.

use super::options::ShardedRows;
use crate::error::{Code, Error, Result};
use crate::plan::inputs::InputSize;
use crate::plan::placement::ShardBy;
use crate::plan::split::is_repeatable;
use gristmill_proto::manifest::Balance;
use std::collections::BTreeMap;

/// With so many rows in each, shards by hash are within 5 % of each other: the difference of two shards of n rows has a
/// standard deviation of √(2n), and 5 % of n are 5.6 of those. Of a hundred shards two are further apart in one training set
/// of ten thousand.
const ENOUGH_ROWS: f64 = 25_000.0;
/// The same for files that do not say how many rows they have: rows of 84 bytes.
const ENOUGH_BYTES: f64 = 2_097_152.0;
/// The most bytes of files whose rows are ranked without anybody asking for it: all rows pass through one task, or are read
/// twice.
const MOST_BYTES: f64 = 33_554_432.0;

/// The most bytes of files, and of their rows, that are one shard of each split without anybody asking for it: one task
/// writes them in about a second.
const MOST_BYTES_OF_ONE_SHARD: f64 = 8_388_608.0;
const MOST_ROWS_OF_ONE_SHARD: f64 = 1_048_576.0;

/// Whether so little is read that one shard of each split is enough, where nobody says how many there are to be: every task
/// would write some of its own.
pub(super) fn fits_one_shard(input: &InputSize, copies: f64) -> bool {
    let (rows, bytes) = (input.rows.map_or(0.0, |rows| rows as f64), input.bytes as f64);
    Deal::is_known(input)
        && bytes * copies <= MOST_BYTES_OF_ONE_SHARD
        && rows * copies <= MOST_ROWS_OF_ONE_SHARD
}

/// What the option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShardBalance {
    /// By rank where hashes would not do and that costs little, and by hash otherwise.
    Auto,
    /// Within one row, whatever it takes.
    Exact,
    /// By hash.
    Hash,
}

/// What is dealt out, beside the input itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deal {
    shards: u32,
    /// The part of the input that one shard of the smallest split is to get.
    smallest_part: f64,
    /// How often a row is there at most.
    copies: f64,
    /// One task can write all shards of a split at a time.
    fits_one_task: bool,
    /// The query gives the same rows when it is read again.
    is_repeatable: bool,
}

impl Deal {
    pub(super) fn new(
        shards: u32,
        rows: &ShardedRows<'_>,
        sample: Option<f64>,
        open_shards: usize,
    ) -> Result<Self> {
        Ok(Self {
            shards,
            smallest_part: rows.splits.smallest_fraction() * sample.unwrap_or(1.0) / f64::from(shards),
            copies: rows.copies,
            fits_one_task: shards as usize <= open_shards,
            is_repeatable: is_repeatable(rows.plan)?,
        })
    }

    /// Whether hashes may leave shards too unequal, and little is read.
    fn is_small(&self, input: &InputSize) -> bool {
        let bytes = input.bytes as f64;
        let too_few_for_hashes = match input.rows {
            Some(rows) => rows as f64 * self.smallest_part < ENOUGH_ROWS,
            None => bytes * self.smallest_part < ENOUGH_BYTES,
        };
        too_few_for_hashes && bytes * self.copies <= MOST_BYTES
    }

    /// Without files nobody knows how much there is: too much for one task, maybe.
    fn is_known(input: &InputSize) -> bool {
        input.rows.is_some() || input.bytes > 0
    }
}

impl ShardBalance {
    /// Takes the option.
    ///
    /// # Errors
    /// `BadOption` for another value.
    pub(super) fn take(options: &mut BTreeMap<String, String>) -> Result<Option<Self>> {
        let Some(text) = options.remove("balance") else { return Ok(None) };
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Some(Self::Auto)),
            "exact" => Ok(Some(Self::Exact)),
            "hash" => Ok(Some(Self::Hash)),
            _ => {
                let message = format!("option 'balance' takes auto, exact or hash, found \"{text}\"");
                Err(Error::new(Code::BadOption, message)
                    .with_hint("'exact' makes the shards of a split equal to one row"))
            }
        }
    }

    /// What decides the shard of a row of `input`.
    pub(super) fn resolve(self, deal: Deal, input: &InputSize) -> ShardBy {
        match self {
            // One shard is as large as itself.
            _ if deal.shards == 1 => ShardBy::Hash,
            Self::Exact => ShardBy::CountedRank,
            Self::Auto if deal.is_small(input) && Deal::is_known(input) && deal.fits_one_task => {
                ShardBy::Rank
            }
            Self::Auto if deal.is_small(input) && deal.is_repeatable => ShardBy::CountedRank,
            Self::Auto | Self::Hash => ShardBy::Hash,
        }
    }

    /// Whether the size of the input has to be known.
    pub(super) fn depends_on_input(self, shards: u32) -> bool {
        self == Self::Auto && shards > 1
    }
}

/// What the manifest says about shards that are so many and dealt out so; one is as large as itself.
pub(super) fn fact(shards: u32, by: ShardBy) -> Option<Balance> {
    match by {
        _ if shards == 1 => None,
        ShardBy::Hash => Some(Balance::Hash),
        ShardBy::Group => Some(Balance::Group),
        ShardBy::Rank | ShardBy::CountedRank => Some(Balance::Exact),
    }
}

#[cfg(test)]
mod tests;
