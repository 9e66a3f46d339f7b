//! The most frequent values of a column, and how often each is there.

use super::hash::mix;
use std::borrow::Cow;
use std::cmp::Reverse;

/// Up to so many different values are counted exactly, and so many are reported of more.
pub(super) const EXACT: usize = 64;
/// Candidates that are kept once there are more.
const CANDIDATES: usize = 256;
/// How many of the values that were looked at are remembered, at most.
const RECENT: usize = 256;
/// Once there are more than [`EXACT`] values, one row of so many is looked at, and stands for the others.
const STEP: u64 = 16;
/// Enough places for two values to be at the same one seldom: to look further costs more than all else.
const LEAST_PLACES: usize = 128;
/// A longer value is cut here.
const LONGEST_BYTES: usize = 64;

/// The most frequent values of a column.
///
/// Counts are exact until there are more than 64 different values. After that one row in 16, chosen by a hash of its
/// position, is counted for all 16, values that are seen once are not kept, and candidates that are too many lose the
/// median of their counts: a value in a large share of the rows stays, with at most its own count, about.
///
/// **Limits** 64 values are counted exactly, 256 candidates otherwise; text is kept up to 64 bytes.
/// **Source** Misra, Gries: *Finding repeated elements* (1982), with the median as the step.
#[derive(Debug, Clone, Default)]
pub struct TopValues {
    /// Candidates at the places that their hashes say, or at the next free ones; their number is a power of two.
    places: Vec<Place>,
    /// The texts of the candidates, at the same places.
    texts: Vec<String>,
    candidates: usize,
    is_sampled: bool,
    /// The rows so far, and the next one that is looked at.
    rows: u64,
    next: u64,
    /// Hashes of values that were looked at.
    recent: Vec<u64>,
}

/// A place for a candidate; free while the count is 0.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    hash: u64,
    count: u64,
}

/// A value and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) hash: u64,
    pub(super) text: String,
    pub(super) count: u64,
}

impl TopValues {
    /// Adds the values of the next rows: hashes, and what `text` finds their texts by, which is asked when one is new.
    pub(super) fn add_block<'a, T: Copy>(&mut self, block: &[(u64, T)], text: impl Fn(T) -> Cow<'a, str>) {
        let first = self.rows;
        if !self.is_sampled {
            for (hash, at) in block {
                self.rows += 1;
                self.count(Place { hash: *hash, count: 1 }, || text(*at));
                if self.is_sampled {
                    break;
                }
            }
        }
        if self.is_sampled {
            while let Some((hash, at)) = block.get(self.next.wrapping_sub(first) as usize) {
                self.next = next_row(self.next / STEP + 1);
                if self.was_seen(*hash) {
                    self.count(Place { hash: *hash, count: STEP }, || text(*at));
                }
            }
        }
        self.rows = first + block.len() as u64;
    }

    /// Hashes of the candidates.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.taken().map(|(place, _)| place.hash)
    }

    /// Whether the value, or one with a hash alike, was looked at before, recently: values that are there once are not
    /// worth their texts.
    fn was_seen(&mut self, hash: u64) -> bool {
        self.recent.resize(RECENT, 0);
        let recent = &mut self.recent[(hash >> 32) as usize % RECENT];
        std::mem::replace(recent, hash) == hash
    }

    #[inline]
    fn count<'a>(&mut self, found: Place, text: impl FnOnce() -> Cow<'a, str>) {
        let mask = self.places.len().wrapping_sub(1);
        let mut index = found.hash as usize & mask;
        while let Some(place) = self.places.get_mut(index) {
            if place.count == 0 {
                break;
            }
            if place.hash == found.hash {
                place.count += found.count;
                return;
            }
            index = (index + 1) & mask;
        }
        self.insert(found, text().into_owned());
    }

    /// Takes a candidate that is not there.
    #[cold]
    fn insert(&mut self, found: Place, mut text: String) {
        text.truncate(text.floor_char_boundary(LONGEST_BYTES));
        if self.candidates + 1 >= self.places.len() / 2 {
            self.resize((self.places.len() * 2).max(LEAST_PLACES));
        }
        self.take(found, text);
        if !self.is_sampled && self.candidates > EXACT {
            self.is_sampled = true;
            self.next = next_row(self.rows.div_ceil(STEP));
        }
        if self.candidates >= CANDIDATES {
            self.drop_half();
        }
    }

    fn take(&mut self, found: Place, text: String) {
        let mask = self.places.len() - 1;
        let mut index = found.hash as usize & mask;
        while self.places[index].count > 0 {
            index = (index + 1) & mask;
        }
        self.places[index] = found;
        self.texts[index] = text;
        self.candidates += 1;
    }

    /// Takes the median count from every candidate; those with no more go.
    fn drop_half(&mut self) {
        let mut counts: Vec<u64> =
            self.places.iter().map(|place| place.count).filter(|count| *count > 0).collect();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        for place in &mut self.places {
            place.count = place.count.saturating_sub(*median);
        }
        self.resize(self.places.len());
    }

    /// Moves the candidates to that many places.
    fn resize(&mut self, places: usize) {
        let before = std::mem::replace(&mut self.places, vec![Place::default(); places]);
        let texts = std::mem::replace(&mut self.texts, vec![String::new(); places]);
        self.candidates = 0;
        for (place, text) in before.into_iter().zip(texts).filter(|(place, _)| place.count > 0) {
            self.take(place, text);
        }
    }

    /// Adds a value that is there so often.
    pub(super) fn add_many(&mut self, hash: u64, count: u64, text: String) {
        self.rows += count;
        self.count(Place { hash, count }, || text.into());
    }

    /// Adds what another part of the column counted.
    pub(super) fn merge(&mut self, other: &TopValues) {
        self.is_sampled |= other.is_sampled;
        for (place, text) in other.taken() {
            self.count(*place, || text.as_str().into());
        }
        self.rows += other.rows;
    }

    fn taken(&self) -> impl Iterator<Item = (&Place, &String)> {
        self.places.iter().zip(&self.texts).filter(|(place, _)| place.count > 0)
    }

    /// Whether every value of the column is there, with its exact count.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.is_sampled
    }

    /// The values, the most frequent first and in the order of their text where they are as frequent.
    #[must_use]
    pub fn values(&self) -> Vec<(&str, u64)> {
        let mut taken: Vec<_> = self.taken().collect();
        taken.sort_unstable_by_key(|(place, text)| (Reverse(place.count), text.as_str(), place.hash));
        taken.truncate(EXACT);
        taken.into_iter().map(|(place, text)| (text.as_str(), place.count)).collect()
    }

    /// The candidates worth keeping: all where they are exact, the most frequent otherwise.
    pub(super) fn kept(&self) -> Vec<Candidate> {
        let candidate = |(place, text): (&Place, &String)| Candidate {
            hash: place.hash,
            text: text.clone(),
            count: place.count,
        };
        let mut kept: Vec<_> = self.taken().map(candidate).collect();
        kept.sort_unstable_by(|left, right| {
            let key = |candidate: &Candidate| (Reverse(candidate.count), candidate.hash);
            key(left).cmp(&key(right))
        });
        kept.truncate(EXACT);
        kept
    }

    /// From [`TopValues::kept`].
    pub(super) fn from_kept(kept: Vec<Candidate>, is_exact: bool) -> Self {
        let mut values = Self { is_sampled: !is_exact, ..Self::default() };
        for Candidate { hash, text, count } in kept.into_iter().filter(|kept| kept.count > 0) {
            values.count(Place { hash, count }, || text.into());
        }
        values
    }

    /// The memory it holds, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.places.len() * (size_of::<Place>() + size_of::<String>()) + self.candidates * LONGEST_BYTES / 2
    }
}

/// The row of a group of [`STEP`] that is looked at.
fn next_row(group: u64) -> u64 {
    group * STEP + mix(group) % STEP
}

#[cfg(test)]
mod tests {
    use super::{EXACT, TopValues};
    use crate::statistics::hash::{hash_range, mix};
    use std::borrow::Cow;

    fn add(values: &mut TopValues, text: &str) {
        values.add_block(&[(hash_range(text.as_bytes(), 0, text.len()), text)], Cow::from);
    }

    fn of(texts: impl IntoIterator<Item = String>) -> TopValues {
        let mut values = TopValues::default();
        texts.into_iter().for_each(|text| add(&mut values, &text));
        values
    }

    #[test]
    fn sixty_four_values_are_counted_exactly_and_ordered_by_count_and_text() {
        let values = of((0..100 * EXACT).map(|row| (row % EXACT).to_string()));
        assert!(values.is_exact());
        assert_eq!(values.values()[..3], [("0", 100), ("1", 100), ("10", 100)]);
        assert_eq!(values.values().len(), EXACT);
        let values = of(["b", "a", "c", "c"].map(str::to_owned));
        assert_eq!(values.values(), [("c", 2), ("a", 1), ("b", 1)]);
    }

    #[test]
    fn frequent_values_are_found_among_many_with_about_their_counts() {
        // Half the rows are "often", the rest are all different.
        let row = |row: u64| if mix(row).is_multiple_of(2) { "often".to_owned() } else { row.to_string() };
        let values = of((0..200_000).map(row));
        assert!(!values.is_exact());
        let (text, count) = values.values()[0];
        assert_eq!(text, "often");
        assert!((95_000..102_000).contains(&count), "{count}");
    }

    #[test]
    fn a_merge_is_exact_while_there_are_few_values() {
        let mut merged = of((0..40).map(|row| row.to_string()));
        merged.merge(&of((20..60).map(|row| row.to_string())));
        assert!(merged.is_exact());
        assert_eq!((merged.values().len(), merged.values()[0]), (60, ("20", 2)));
        merged.merge(&of((60..70).map(|row| row.to_string())));
        assert!(!merged.is_exact());
        assert_eq!(merged.values().len(), EXACT);
    }

    #[test]
    fn merging_many_parts_keeps_the_frequent_value() {
        let part = |number: u64| {
            of((0..5_000).map(move |row| if row % 4 == 0 { "x".into() } else { format!("{number}-{row}") }))
        };
        let mut merged = TopValues::default();
        (0..50).for_each(|number| merged.merge(&part(number)));
        let (text, count) = merged.values()[0];
        assert_eq!(text, "x");
        assert!((50_000..=65_000).contains(&count), "{count}");
        assert!(merged.candidates < super::CANDIDATES);
    }

    #[test]
    fn long_values_are_cut_between_characters_and_stay_different() {
        let long = |last: char| format!("{}{last}", "é".repeat(100));
        let values = of([long('a'), long('b'), long('a')]);
        let text = "é".repeat(32);
        assert_eq!(values.values(), [(text.as_str(), 2), (text.as_str(), 1)]);
    }
}
