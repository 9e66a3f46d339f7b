//! Count, sum, mean, spread and range of numbers, in one pass over blocks.

/// Values that are added up side by side, so that the processor can add several at once.
const LANES: usize = 4;

/// Count, sum, mean, spread and range of finite numbers.
///
/// A block's sums are those of distances from one of its numbers, and blocks are merged: numbers that are large and close
/// together lose no digits, as they do when squares are added up.
///
/// **Source** Chan, Golub, LeVeque: *Updating formulae and a pairwise algorithm for computing sample variances* (1979).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// How many numbers.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Their mean; 0 when there are none.
    pub mean: f64,
    /// The squares of their distances from the mean, added up.
    pub squares: f64,
    /// The smallest; infinite when there are none.
    pub min: f64,
    /// The largest; negative infinity when there are none.
    pub max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, sum: 0.0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Moments {
    /// Of one block of numbers; their sum is not finite if one of them is not.
    pub(super) fn of(block: &[f64]) -> Self {
        let Some(first) = block.first().copied() else { return Self::default() };
        let mut lanes = [Lane::default(); LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                lane.add(*value, first);
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            lane.add(*value, first);
        }
        let all = lanes.iter().copied().fold(Lane::default(), Lane::and);
        let count = block.len() as f64;
        let shift = all.distances / count;
        Self {
            count: block.len() as u64,
            sum: all.distances + first * count,
            mean: first + shift,
            squares: (all.squares - all.distances * shift).max(0.0),
            min: all.min,
            max: all.max,
        }
    }

    /// `count` times the same number.
    pub(super) fn of_same(value: f64, count: u64) -> Self {
        if count == 0 {
            return Self::default();
        }
        Self { count, sum: value * count as f64, mean: value, squares: 0.0, min: value, max: value }
    }

    /// Adds other numbers.
    pub(super) fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let distance = other.mean - self.mean;
        self.count += other.count;
        let all = self.count as f64;
        self.sum += other.sum;
        self.mean += distance * (theirs / all);
        self.squares += other.squares + distance * distance * (ours * theirs / all);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The standard deviation of these numbers as the whole population.
    #[must_use]
    pub fn std_dev(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }
}

/// What one lane adds up: distances from a number of the block, which lies among the others.
#[derive(Debug, Clone, Copy)]
struct Lane {
    distances: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for Lane {
    fn default() -> Self {
        Self { distances: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Lane {
    #[inline]
    fn add(&mut self, value: f64, first: f64) {
        let distance = value - first;
        self.distances += distance;
        self.squares += distance * distance;
        // One instruction each; `f64::min` is three.
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
    }

    fn and(self, other: Lane) -> Lane {
        Lane {
            distances: self.distances + other.distances,
            squares: self.squares + other.squares,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Moments;

    /// Python's `statistics`: `a = [1e9 + (i % 7) * 0.1 for i in range(1000)]`; `fsum(a)`, `fmean(a)`, `pstdev(a)`.
    const SUM: f64 = 1_000_000_000_299.7;
    const MEAN: f64 = 1_000_000_000.299_7;
    const STD_DEV: f64 = 0.199_874_732;

    fn values() -> Vec<f64> {
        (0..1000).map(|row| 1e9 + f64::from(row % 7) * 0.1).collect()
    }

    #[test]
    fn moments_are_those_of_python_whatever_the_blocks() {
        for block in [1, 7, 100, 1000] {
            let mut moments = Moments::default();
            values().chunks(block).for_each(|block| moments.merge(&Moments::of(block)));
            assert_eq!((moments.count, moments.min, moments.max), (1000, 1e9, 1e9 + 6.0 * 0.1));
            assert!((moments.sum / SUM - 1.0).abs() < 1e-14, "{moments:?}");
            assert!((moments.mean - MEAN).abs() < 2e-6, "{moments:?}");
            assert!((moments.std_dev() - STD_DEV).abs() < 1e-6, "{}", moments.std_dev());
        }
    }

    #[test]
    fn merging_nothing_changes_nothing() {
        let mut moments = Moments::of(&[1.0, 2.0]);
        moments.merge(&Moments::default());
        assert_eq!(moments, Moments::of(&[1.0, 2.0]));
        let mut empty = Moments::default();
        empty.merge(&Moments::of_same(3.0, 2));
        assert_eq!(empty, Moments::of(&[3.0, 3.0]));
    }

    #[test]
    fn a_number_that_is_not_finite_shows_in_the_sum() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in [0, 8, 18] {
                let mut block = vec![1.0; 19];
                assert_eq!(Moments::of(&block).sum, 19.0);
                block[place] = wrong;
                assert!(!Moments::of(&block).sum.is_finite(), "{wrong} at {place}");
            }
        }
    }
}
