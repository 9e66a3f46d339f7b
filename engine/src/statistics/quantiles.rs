//! Which share of a column's numbers is below a value, about.

use super::hash::mix;

/// How many numbers the largest level holds.
pub(super) const CAPACITY: usize = 200;
/// How much smaller each level below is.
pub(super) const SHRINK: f64 = 2.0 / 3.0;
/// How many numbers any level holds at least.
const LEAST: usize = 8;
/// How many numbers the level holds at least that numbers are added to: few are not worth sorting.
const LEAST_OF_LOWEST: usize = 64;
/// Below this many numbers each is added; beyond, one of 2, then of 4, and so on, which stands for the others.
const ALL_BELOW: u64 = 4096;
/// The level of the sparsest numbers: 1 in 64 is added.
const SPARSEST: u32 = 6;

/// A KLL sketch: numbers of which those at level n stand for 2^n.
///
/// What is kept is a function of the numbers in their order: what is random in the paper is a hash of positions here.
///
/// **Limits** about 800 numbers. The rank of a value is off by more than 1.7 % of all numbers in 1 of 100 cases.
/// **Source** Karnin, Lang, Liberty: *Optimal quantile approximation in streams* (2016), with its sampling of level 0 in
/// steps that grow with the position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quantiles {
    levels: Vec<Level>,
    /// How many numbers all levels hold.
    held: usize,
    /// How many each level may hold, and all of them.
    rooms: Vec<usize>,
    room: usize,
    /// The level that numbers are added to.
    lowest: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// Keys of the numbers, see [`key_of`], in any order.
    keys: Vec<i64>,
    /// How often it was halved.
    halvings: u64,
}

impl Quantiles {
    /// That holds each number so often: in the level n once for the bit n of its count.
    pub(super) fn of_counts(counts: &[(f64, u64)]) -> Self {
        let level = |bit: u32| {
            let numbers = counts.iter().filter(move |(_, count)| count >> bit & 1 == 1);
            (numbers.map(|(value, _)| *value).collect(), 0)
        };
        let bits = counts.iter().map(|(_, count)| u64::BITS - count.leading_zeros()).max().unwrap_or(0);
        Self::from_levels((0..bits).map(level))
    }

    /// Adds one block of finite numbers, the `number`-th of those of its column, each of up to `most` numbers.
    pub(super) fn add_block(&mut self, block: &[f64], number: u64, most: usize) {
        let before = number.saturating_mul(most as u64);
        let level = match before / ALL_BELOW {
            0 => 0,
            times => (times.ilog2() + 1).min(SPARSEST),
        };
        if self.rooms.is_empty() || level as usize != self.lowest {
            self.lowest = level as usize;
            self.grow_to(level as usize + 1);
        }
        if level == 0 {
            return self.add(0, block.iter().copied());
        }
        let groups = block.chunks_exact(1 << level);
        let mut rest = groups.remainder();
        let one_of = |(index, group): (u64, &[f64])| group[mix(before + index) as usize % group.len()];
        self.add(level, (0..).zip(groups).map(one_of));
        // What is too little for a group of that level stands for itself: one number for each bit of its length.
        for level in (0..level).rev() {
            if let Some((group, after)) = rest.split_at_checked(1 << level) {
                self.add(level, std::iter::once(one_of((u64::from(level), group))));
                rest = after;
            }
        }
    }

    fn add(&mut self, level: u32, values: impl Iterator<Item = f64>) {
        for value in values {
            self.levels[level as usize].keys.push(key_of(value));
            self.held += 1;
            if self.held > self.room {
                self.shrink();
            }
        }
    }

    /// Makes at least that many levels, and finds out anew how many numbers each may hold.
    fn grow_to(&mut self, levels: usize) {
        let levels = levels.max(self.levels.len());
        self.levels.resize_with(levels, Level::default);
        let room = |level: usize| {
            let below_top = i32::try_from(levels - 1 - level).unwrap_or(i32::MAX);
            let least = if level == self.lowest { LEAST_OF_LOWEST } else { LEAST };
            ((CAPACITY as f64 * SHRINK.powi(below_top)).ceil() as usize).max(least)
        };
        self.rooms = (0..levels).map(room).collect();
        self.room = self.rooms.iter().sum();
    }

    /// Halves the lowest levels that are full, until there is room.
    fn shrink(&mut self) {
        while self.held > self.room {
            let mut full = self.rooms.iter().zip(&self.levels);
            let Some(full) = full.position(|(room, level)| level.keys.len() >= *room) else { return };
            if full + 1 == self.levels.len() {
                self.grow_to(full + 2);
            }
            if let [.., level, above] = &mut self.levels[..full + 2] {
                self.held -= level.halve_into(&mut above.keys);
            }
        }
    }

    /// Adds what another sketch holds.
    pub(super) fn merge(&mut self, other: &Quantiles) {
        self.grow_to(other.levels.len());
        for (ours, theirs) in self.levels.iter_mut().zip(&other.levels) {
            ours.keys.extend(&theirs.keys);
            ours.halvings += theirs.halvings;
        }
        self.held += other.held;
        self.shrink();
    }

    /// The numbers of each level, in ascending order, with how often it was halved.
    pub(super) fn levels(&self) -> impl Iterator<Item = (Vec<f64>, u64)> + use<'_> {
        self.levels.iter().map(|level| {
            let mut keys = level.keys.clone();
            keys.sort_unstable();
            (keys.into_iter().map(value_of).collect(), level.halvings)
        })
    }

    /// From [`Quantiles::levels`].
    pub(super) fn from_levels(levels: impl Iterator<Item = (Vec<f64>, u64)>) -> Self {
        let levels = levels
            .map(|(values, halvings)| Level { keys: values.into_iter().map(key_of).collect(), halvings });
        let mut sketch = Self { levels: levels.collect(), ..Self::default() };
        sketch.held = sketch.levels.iter().map(|level| level.keys.len()).sum();
        sketch.grow_to(0);
        sketch
    }
}

impl Level {
    /// Moves every second number one level up, where each stands for two; the others go, but for the smallest of an odd
    /// number of them. Gives how many went.
    ///
    /// Whether the even or the odd ones go is random, and every other time the opposite of the time before.
    fn halve_into(&mut self, above: &mut Vec<i64>) -> usize {
        self.keys.sort_unstable();
        let random = mix(self.halvings / 2) ^ self.halvings;
        self.halvings += 1;
        let odd = self.keys.len() % 2;
        let pairs = self.keys[odd..].as_chunks::<2>().0;
        above.extend(pairs.iter().map(|pair| pair[random as usize % 2]));
        let gone = pairs.len();
        self.keys.truncate(odd);
        gone
    }
}

/// An integer that orders as the number does: integers are sorted faster.
fn key_of(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

fn value_of(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63) as u64 >> 1) as i64) as u64)
}

/// How numbers are distributed: different numbers in ascending order, with how many there are up to each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    values: Vec<f64>,
    /// The weight of all values up to and including the one at that place.
    up_to: Vec<u64>,
}

impl Distribution {
    /// Of numbers with weights, in any order.
    pub(super) fn new(mut weighted: Vec<(f64, u64)>) -> Self {
        weighted.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
        let mut distribution = Self::default();
        let mut sum = 0;
        for (value, weight) in weighted {
            sum += weight;
            if distribution.values.last() == Some(&value) {
                distribution.up_to.pop();
            } else {
                distribution.values.push(value);
            }
            distribution.up_to.push(sum);
        }
        distribution
    }

    /// That a sketch stands for.
    pub(super) fn of(sketch: &Quantiles) -> Self {
        let weighted = sketch.levels.iter().enumerate();
        let weighted = weighted
            .flat_map(|(index, level)| level.keys.iter().map(move |key| (value_of(*key), 1 << index)));
        Self::new(weighted.collect())
    }

    /// The share of numbers that are at most `value`; 0 when there are none.
    #[must_use]
    pub fn share_up_to(&self, value: f64) -> f64 {
        let place = self.values.partition_point(|known| *known <= value);
        self.share_before(place)
    }

    /// The share of numbers that are less than `value`; 0 when there are none.
    #[must_use]
    pub fn share_below(&self, value: f64) -> f64 {
        let place = self.values.partition_point(|known| *known < value);
        self.share_before(place)
    }

    fn share_before(&self, place: usize) -> f64 {
        let before = place.checked_sub(1).and_then(|last| self.up_to.get(last)).copied().unwrap_or(0);
        let all = self.up_to.last().copied().unwrap_or(0);
        if all == 0 { 0.0 } else { before as f64 / all as f64 }
    }

    /// The smallest number with at least that share of all up to it; `None` when there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all = *self.up_to.last()?;
        let wanted = (share * all as f64).ceil().max(1.0) as u64;
        let place = self.up_to.partition_point(|up_to| *up_to < wanted);
        self.values.get(place).or(self.values.last()).copied()
    }

    /// The largest distance between the shares of two distributions, as the test of Kolmogorov and Smirnov has it.
    #[must_use]
    pub fn largest_distance(&self, other: &Distribution) -> f64 {
        let values = self.values.iter().chain(&other.values);
        values.map(|value| (self.share_up_to(*value) - other.share_up_to(*value)).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL_BELOW, Distribution, Quantiles, key_of, value_of};
    use proptest::prelude::*;

    const BLOCK: usize = 256;

    fn sketch(values: &[f64]) -> Quantiles {
        let mut sketch = Quantiles::default();
        for (number, block) in (0..).zip(values.chunks(BLOCK)) {
            sketch.add_block(block, number, BLOCK);
        }
        sketch
    }

    fn weight(sketch: &Quantiles) -> u64 {
        Distribution::of(sketch).up_to.last().copied().unwrap_or(0)
    }

    /// The largest error of a rank, over a hundred values.
    fn rank_error(sketch: &Quantiles, values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let distribution = Distribution::of(sketch);
        let error = |percent: usize| {
            let value = sorted[percent * (sorted.len() - 1) / 100];
            let exact = sorted.partition_point(|known| *known <= value) as f64 / sorted.len() as f64;
            (distribution.share_up_to(value) - exact).abs()
        };
        (0..=100).map(error).fold(0.0, f64::max)
    }

    fn orders(count: u32) -> [Vec<f64>; 4] {
        let random = |row: u32| (crate::statistics::hash::mix(u64::from(row)) >> 11) as f64;
        [
            (0..count).map(f64::from).collect(),
            (0..count).rev().map(f64::from).collect(),
            (0..count).map(random).collect(),
            // A period that fixed steps of 16 would fall in with.
            (0..count).map(|row| f64::from(row % 16) * 1e6 + f64::from(row)).collect(),
        ]
    }

    #[test]
    fn ranks_of_a_hundred_thousand_numbers_are_within_the_bound_in_any_order() {
        for values in orders(100_000) {
            let sketch = sketch(&values);
            assert_eq!(weight(&sketch), 100_000);
            let error = rank_error(&sketch, &values);
            assert!(error < 0.02, "{error}");
            assert!(sketch.held < 800, "{}", sketch.held);
        }
    }

    #[test]
    fn a_merge_of_parts_is_within_the_bound_too() {
        for values in orders(100_000) {
            let mut merged = Quantiles::default();
            values.chunks(7_001).for_each(|part| merged.merge(&sketch(part)));
            assert_eq!(weight(&merged), 100_000);
            let error = rank_error(&merged, &values);
            assert!(error < 0.02, "{error}");
            assert!(merged.held < 800, "{}", merged.held);
        }
    }

    #[test]
    fn few_numbers_are_all_kept() {
        let values: Vec<f64> = (0..200).map(f64::from).collect();
        let distribution = Distribution::of(&sketch(&values));
        assert_eq!(distribution.values, values);
        assert_eq!(distribution.quantile(0.5), Some(99.0));
        assert_eq!((distribution.quantile(0.0), distribution.quantile(1.0)), (Some(0.0), Some(199.0)));
        assert_eq!((distribution.share_up_to(49.0), distribution.share_below(49.0)), (0.25, 0.245));
    }

    #[test]
    fn the_largest_distance_is_that_of_kolmogorov_and_smirnov() {
        let of = |values: &[f64]| Distribution::new(values.iter().map(|value| (*value, 1)).collect());
        // scipy.stats.ks_2samp([1, 2, 3, 4], [3, 4, 5, 6]).statistic
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]).largest_distance(&of(&[3.0, 4.0, 5.0, 6.0])), 0.5);
        assert_eq!(of(&[1.0, 2.0]).largest_distance(&of(&[1.0, 2.0])), 0.0);
        assert_eq!(Distribution::default().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn every_number_has_its_weight_however_many_there_are(count in 0_usize..40_000) {
            let values: Vec<f64> = (0..count).map(|row| row as f64).collect();
            prop_assert_eq!(weight(&sketch(&values)), count as u64);
        }

        #[test]
        fn keys_order_as_numbers_do(left in any::<f64>(), right in any::<f64>()) {
            prop_assert_eq!(key_of(left).cmp(&key_of(right)), left.total_cmp(&right));
            prop_assert_eq!(value_of(key_of(left)).to_bits(), left.to_bits());
        }

        #[test]
        fn levels_keep_a_sketch(count in 0_u64..3 * ALL_BELOW) {
            let values: Vec<f64> = (0..count).map(|row| row as f64).collect();
            let sketch = sketch(&values);
            let copy = Quantiles::from_levels(sketch.levels());
            prop_assert_eq!(Distribution::of(&copy), Distribution::of(&sketch));
            prop_assert_eq!(copy.held, sketch.held);
        }
    }
}
