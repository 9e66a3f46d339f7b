//! Statistics of a column of text.

use super::distinct::Distinct;
use super::top_values::TopValues;
use arrow::array::ArrayAccessor;

/// Statistics of a column of text.
#[derive(Debug, Clone, Default)]
pub struct TextStatistics {
    /// How many different values there are.
    pub distinct: Distinct,
    /// How often the most frequent ones are there.
    pub values: TopValues,
    /// The length of the shortest and the longest value, in bytes; nothing when there are none.
    pub lengths: Option<(u64, u64)>,
}

impl TextStatistics {
    /// Adds the values of an array, of which `key` knows hash and length at a row.
    pub(super) fn push<'a>(
        &mut self,
        array: impl ArrayAccessor<Item = &'a str>,
        key: impl Fn(usize) -> (u64, usize),
    ) {
        let (mut shortest, mut longest) = (usize::MAX, 0);
        let mut hashes = [0; HASHES];
        let mut filled = 0;
        let add = |row: usize| {
            let (hash, length) = key(row);
            (shortest, longest) = (shortest.min(length), longest.max(length));
            self.values.add(hash, || array.value(row).into());
            hashes[filled] = hash;
            filled += 1;
            if filled == HASHES {
                self.distinct.extend(hashes.iter().copied());
                filled = 0;
            }
        };
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => (0..array.len()).for_each(add),
            Some(nulls) => nulls.valid_indices().for_each(add),
        }
        self.distinct.extend(hashes[..filled].iter().copied());
        if shortest <= longest {
            self.merge_lengths(Some((shortest as u64, longest as u64)));
        }
    }

    /// Adds the values of another part of the column.
    pub(super) fn merge(&mut self, other: &TextStatistics) {
        self.distinct.merge(&other.distinct);
        self.values.merge(&other.values);
        self.merge_lengths(other.lengths);
    }

    fn merge_lengths(&mut self, other: Option<(u64, u64)>) {
        self.lengths = match (self.lengths, other) {
            (Some(ours), Some(theirs)) => Some((ours.0.min(theirs.0), ours.1.max(theirs.1))),
            (ours, theirs) => ours.or(theirs),
        };
    }

    /// How many different values there are: exact while there are few.
    #[must_use]
    pub fn distinct_count(&self) -> u64 {
        if self.values.is_exact() { self.values.values().len() as u64 } else { self.distinct.estimate() }
    }

    /// The memory it holds, about.
    pub(super) fn memory_bytes(&self) -> usize {
        4 * 1024 + self.values.memory_bytes()
    }
}

/// Hashes that are collected before a sketch takes them.
const HASHES: usize = 256;
