//! Statistics of a column of numbers.

use super::distinct::Distinct;
use super::hash::hash_number;
use super::kind::ColumnKind;
use super::moments::Moments;
use super::quantiles::Quantiles;
use super::top_values::TopValues;

/// Numbers that are looked at together: enough for the processor to add several at once, few enough to stay in its
/// first cache and to cost little for every column of every open shard.
const BLOCK: usize = 256;

/// Statistics of a column of numbers. All but the first two are those of its finite numbers.
#[derive(Debug, Clone, Default)]
pub struct NumberStatistics {
    /// How many are NaN.
    pub nan: u64,
    /// How many are infinite.
    pub infinite: u64,
    /// Count, sum, mean, spread and range.
    pub moments: Moments,
    /// How they are distributed.
    pub quantiles: Quantiles,
    /// How many different ones there are.
    pub distinct: Distinct,
    /// How often each is there; nothing once a label has too many, and for other columns.
    pub values: Option<TopValues>,
}

impl NumberStatistics {
    /// Of booleans, as zeros and ones.
    pub(super) fn of_booleans(falses: u64, trues: u64) -> Self {
        let mut moments = Moments::of_same(0.0, falses);
        moments.merge(&Moments::of_same(1.0, trues));
        let counts: [(f64, u64); 2] = [(0.0, falses), (1.0, trues)];
        let mut distinct = Distinct::default();
        let mut values = TopValues::default();
        for (value, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let hash = hash_number(value.to_bits());
            distinct.extend(std::iter::once(hash));
            values.add_many(hash, count, ColumnKind::Boolean.text(value));
        }
        Self {
            moments,
            quantiles: Quantiles::of_counts(&counts),
            distinct,
            values: Some(values),
            ..Self::default()
        }
    }

    /// How many different values there are: exact where they are counted.
    #[must_use]
    pub fn distinct_count(&self) -> u64 {
        match &self.values {
            Some(values) => values.values().len() as u64,
            None => self.distinct.estimate(),
        }
    }

    /// Adds the numbers of another part of the column.
    pub(super) fn merge(&mut self, other: &NumberStatistics) {
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.moments.merge(&other.moments);
        self.quantiles.merge(&other.quantiles);
        self.distinct.merge(&other.distinct);
        self.values = match (self.values.take(), &other.values) {
            (Some(mut values), Some(others)) => {
                values.merge(others);
                values.is_exact().then_some(values)
            }
            _ => None,
        };
    }
}

/// Takes the numbers of one shard's column, however they are batched: they are looked at in blocks of its own.
#[derive(Debug)]
pub(super) struct NumberAccumulator {
    kind: ColumnKind,
    /// Whether they are told apart as numbers, once a block is full.
    are_floats: bool,
    block: Vec<f64>,
    /// Blocks that were looked at.
    blocks: u64,
    statistics: NumberStatistics,
}

impl NumberAccumulator {
    /// For a label, values are counted too.
    pub(super) fn new(kind: ColumnKind, is_label: bool) -> Self {
        let values = is_label.then(TopValues::default);
        let statistics = NumberStatistics { values, ..NumberStatistics::default() };
        Self { kind, are_floats: false, block: Vec::new(), blocks: 0, statistics }
    }

    /// Adds integers, decimals, and what else is told apart by `identity` better than by its number.
    pub(super) fn push<N: Copy>(
        &mut self,
        values: &[N],
        number: impl Fn(N) -> f64,
        identity: impl Fn(N) -> u64,
    ) {
        self.statistics.distinct.extend(values.iter().map(|value| hash_number(identity(*value))));
        self.fill(values, number);
    }

    /// Adds floats, which are told apart as numbers.
    pub(super) fn push_floats<N: Copy>(&mut self, values: &[N], number: impl Fn(N) -> f64) {
        self.are_floats = true;
        self.fill(values, number);
    }

    fn fill<N: Copy>(&mut self, mut values: &[N], number: impl Fn(N) -> f64) {
        while !values.is_empty() {
            let (now, later) = values.split_at((BLOCK - self.block.len()).min(values.len()));
            self.block.extend(now.iter().map(|value| number(*value)));
            if self.block.len() == BLOCK {
                self.close_block();
            }
            values = later;
        }
    }

    fn close_block(&mut self) {
        let statistics = &mut self.statistics;
        let mut moments = Moments::of(&self.block);
        if !moments.sum.is_finite() {
            let count = |is: fn(f64) -> bool| self.block.iter().filter(|value| is(**value)).count() as u64;
            statistics.nan += count(f64::is_nan);
            statistics.infinite += count(f64::is_infinite);
            self.block.retain(|value| value.is_finite());
            moments = Moments::of(&self.block);
        }
        statistics.moments.merge(&moments);
        statistics.quantiles.add_block(&self.block, self.blocks, BLOCK);
        if self.are_floats {
            // Zero is added so that both zeros have the same bits.
            let bits = self.block.iter().map(|value| (value + 0.0).to_bits());
            statistics.distinct.extend(bits.map(hash_number));
        }
        if let Some(values) = &mut statistics.values {
            let keyed = self.block.iter().map(|value| (hash_number((value + 0.0).to_bits()), value + 0.0));
            values.add_block(&keyed.collect::<Vec<_>>(), |value| self.kind.text(value).into());
        }
        statistics.values.take_if(|values| !values.is_exact());
        self.blocks += 1;
        self.block.clear();
    }

    pub(super) fn finish(mut self) -> NumberStatistics {
        self.close_block();
        self.statistics
    }

    /// The memory it holds, about.
    pub(super) fn memory_bytes(&self) -> usize {
        let values = self.statistics.values.as_ref().map_or(0, TopValues::memory_bytes);
        BLOCK * size_of::<f64>() + SKETCHES_BYTES + values
    }
}

/// The memory of a sketch of quantiles and one of distinct values.
const SKETCHES_BYTES: usize = 10 * 1024;
