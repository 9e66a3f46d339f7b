//! Statistics of a column of text.

use super::distinct::Distinct;
use super::top_values::TopValues;
use arrow::array::ArrayAccessor;

/// Statistics of a column of text.
#[derive(Debug, Clone, Default)]
pub struct TextStatistics {
    /// How many different values there are; nothing while each is counted.
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
        array: impl ArrayAccessor<Item = &'a str> + Copy,
        key: impl Fn(usize) -> (u64, usize),
    ) {
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.push_rows(array, 0..array.len(), key),
            Some(nulls) => self.push_rows(array, nulls.valid_indices(), key),
        }
    }

    fn push_rows<'a>(
        &mut self,
        array: impl ArrayAccessor<Item = &'a str> + Copy,
        mut rows: impl Iterator<Item = usize>,
        key: impl Fn(usize) -> (u64, usize),
    ) {
        let (mut shortest, mut longest) = (usize::MAX, 0);
        let mut block = [(0, 0); BLOCK];
        loop {
            let mut filled = 0;
            for (place, row) in block.iter_mut().zip(rows.by_ref()) {
                let (hash, length) = key(row);
                (shortest, longest) = (shortest.min(length), longest.max(length));
                *place = (hash, row);
                filled += 1;
            }
            self.push_block(&block[..filled], |row| array.value(row));
            if filled < BLOCK {
                break;
            }
        }
        if shortest <= longest {
            self.merge_lengths(Some((shortest as u64, longest as u64)));
        }
    }

    /// Adds values as hashes and the rows that their texts are at. While all values are counted, so are the different
    /// ones.
    fn push_block<'a>(&mut self, block: &[(u64, usize)], text: impl Fn(usize) -> &'a str) {
        let was_exact = self.values.is_exact();
        self.values.add_block(block, |row| text(row).into());
        if self.values.is_exact() {
            return;
        }
        if was_exact {
            self.distinct.extend(self.values.hashes());
        }
        self.distinct.extend(block.iter().map(|(hash, _)| *hash));
    }

    /// Adds the values of another part of the column.
    pub(super) fn merge(&mut self, other: &TextStatistics) {
        let counted =
            |part: &TextStatistics| part.values.is_exact().then(|| part.values.hashes().collect::<Vec<_>>());
        let counted = [counted(self), counted(other)];
        self.distinct.merge(&other.distinct);
        self.values.merge(&other.values);
        if !self.values.is_exact() {
            self.distinct.extend(counted.into_iter().flatten().flatten());
        }
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

/// Values that are looked at together.
const BLOCK: usize = 256;
