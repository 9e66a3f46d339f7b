//! The row hash: 64 bits per row, a pure function of seed, domain and values, fixed for ever.
//!
//! Owns how a row's values become one number. The bytes of a value are [`crate::canonical`]'s.
//!
//! # Specification of `xxh3-canonical-v1`, never changed
//!
//! XXH3_64 is the hash of that name in xxHash 0.8, seeded, with its default secret.
//!
//! ```text
//! h0 = XXH3_64(tag bytes of the domain, seed = the user's seed)
//! hi = XXH3_64(canonical encoding of the row's value in column i, seed = h(i−1))    for each column in order
//! the row's hash is the last h
//! ```
//!
//! In the order domains floats are encoded by their bits (see [`crate::canonical`]): rows that tie in 128 bits are the same bytes in
//! a file, whichever comes first.
//!
//! So it does not depend on batch boundaries, partitions, retries, the machine, or the Arrow type that carried a
//! value; it does depend on the order of the columns. It mixes well, but is no defence against someone who chooses
//! the keys.
//! `tests/golden_hash.py` is the same specification in Python, and wrote the values that the tests compare with.

#[cfg(test)]
mod tests;

use arrow::array::ArrayRef;
use datafusion::error::DataFusionError;
use thiserror::Error;

use crate::canonical::{CanonicalError, Floats, column};
use crate::xxh3::hash_bytes;

/// Name of this hash in manifests. Another definition gets another name.
pub const HASH_NAME: &str = "xxh3-canonical-v1";

/// What a hash is for. Hashes of one row in two domains are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashDomain {
    /// Which split a key belongs to.
    Split,
    /// The first 64 bits of a row's place in the shuffled order.
    OrderHigh,
    /// The next 64 bits, which decide between rows that are equal in the first.
    OrderLow,
    /// Whether a key is in a sample.
    Sample,
    /// Whether a row is kept, or repeated once more, to balance classes.
    Balance,
    /// Which class a row is of.
    Stratum,
}

impl HashDomain {
    /// The bytes that the chain of hashes starts with.
    pub const fn tag(self) -> &'static [u8] {
        match self {
            Self::Split => b"gristmill.split.v1",
            Self::OrderHigh => b"gristmill.order.high.v1",
            Self::OrderLow => b"gristmill.order.low.v1",
            Self::Sample => b"gristmill.sample.v1",
            Self::Balance => b"gristmill.balance.v1",
            Self::Stratum => b"gristmill.stratum.v1",
        }
    }

    /// Which floats are hashed alike: keys go by value, places in a file by what would be written there.
    fn floats(self) -> Floats {
        match self {
            Self::Split | Self::Sample | Self::Balance | Self::Stratum => Floats::AsValues,
            Self::OrderHigh | Self::OrderLow => Floats::AsBits,
        }
    }
}

/// Why rows cannot be hashed. Each of them is the caller's mistake: the same call fails again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HashError {
    /// Without a column there is no row to hash.
    #[error("cannot hash rows of no columns")]
    NoColumns,
    /// The columns are not of one table.
    #[error(
        "cannot hash columns of different lengths: column {index} has {rows} rows, the first has {expected}"
    )]
    UnequalColumns {
        /// Position of the first column that differs.
        index: usize,
        /// Its rows.
        rows: usize,
        /// Rows of the first column.
        expected: usize,
    },
    /// A column's values have no canonical encoding.
    #[error("cannot hash column {index}")]
    Column {
        /// Position of the column.
        index: usize,
        /// What is wrong with it.
        source: CanonicalError,
    },
}

impl From<HashError> for DataFusionError {
    fn from(error: HashError) -> Self {
        Self::External(Box::new(error))
    }
}

/// The hash of each row.
///
/// **Shape** columns of n rows → n hashes, in row order.
///
/// **Errors** [`HashError`]: no columns, columns of different lengths, or a type without an encoding.
///
/// **Example**
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int32Array, Int64Array};
/// use gristmill_udfs::hash::{HashDomain, hash_rows};
///
/// let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 1]));
/// let wide: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 1]));
/// let hashes = hash_rows(42, HashDomain::Split, &[narrow])?;
/// assert_eq!(hashes[0], hashes[2]);
/// assert_eq!(hashes, hash_rows(42, HashDomain::Split, &[wide])?);
/// # Ok::<(), gristmill_udfs::hash::HashError>(())
/// ```
pub fn hash_rows(seed: u64, domain: HashDomain, columns: &[ArrayRef]) -> Result<Vec<u64>, HashError> {
    let mut hashes = Vec::new();
    hash_rows_into(seed, domain, columns, &mut hashes)?;
    Ok(hashes)
}

/// [`hash_rows`] into a buffer that is used again: what it held is replaced. After an error it may hold anything.
pub fn hash_rows_into(
    seed: u64,
    domain: HashDomain,
    columns: &[ArrayRef],
    hashes: &mut Vec<u64>,
) -> Result<(), HashError> {
    let expected = columns.first().ok_or(HashError::NoColumns)?.len();
    if let Some((index, other)) = columns.iter().enumerate().find(|(_, other)| other.len() != expected) {
        return Err(HashError::UnequalColumns { index, rows: other.len(), expected });
    }
    hashes.clear();
    hashes.resize(expected, hash_bytes(seed, domain.tag()));
    let mut scratch = Vec::new();
    for (index, array) in columns.iter().enumerate() {
        column(array.as_ref(), domain.floats())
            .map_err(|source| HashError::Column { index, source })?
            .hash_into(hashes, &mut scratch);
    }
    Ok(())
}
