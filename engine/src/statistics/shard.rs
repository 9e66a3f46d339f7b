//! Statistics of one shard, and their bytes.

use super::column::{ColumnAccumulator, ColumnStatistics, ValueStatistics};
use super::distinct::Distinct;
use super::moments::Moments;
use super::numbers::NumberStatistics;
use super::quantiles::Quantiles;
use super::text::TextStatistics;
use super::top_values::{Candidate, TopValues};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use gristmill_proto::statistics as wire;
use prost::Message;

/// Takes the rows of one shard.
///
/// What it gives is a function of the rows in their order, not of how they were batched.
///
/// **Limits** about 12 KiB a column.
#[derive(Debug)]
pub struct ShardAccumulator {
    rows: u64,
    columns: Vec<ColumnAccumulator>,
}

impl ShardAccumulator {
    /// For rows of that schema, whose first columns are so many labels: their values are counted too, where they have few.
    #[must_use]
    pub fn new(schema: &Schema, labels: usize) -> Self {
        let columns = schema.fields().iter().enumerate();
        let columns = columns.map(|(index, field)| ColumnAccumulator::new(field.data_type(), index < labels));
        Self { rows: 0, columns: columns.collect() }
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// `Internal` when it has other columns.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.columns.len() {
            let (found, expected) = (batch.num_columns(), self.columns.len());
            let message = format!("a batch of {found} columns came for statistics of {expected}");
            return Err(Error::new(Code::Internal, message));
        }
        self.rows += batch.num_rows() as u64;
        self.columns.iter_mut().zip(batch.columns()).try_for_each(|(column, array)| column.push(array))
    }

    /// The statistics of all rows.
    #[must_use]
    pub fn finish(self) -> ShardStatistics {
        let columns = self.columns.into_iter().map(ColumnAccumulator::finish).collect();
        ShardStatistics { rows: self.rows, columns }
    }

    /// The memory it holds, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.columns.iter().map(ColumnAccumulator::memory_bytes).sum()
    }
}

/// Statistics of the rows of one shard, or of several.
#[derive(Debug, Clone)]
pub struct ShardStatistics {
    /// How many rows.
    pub rows: u64,
    /// Of each data column, in order.
    pub columns: Vec<ColumnStatistics>,
}

impl ShardStatistics {
    /// Adds those of another shard of the same columns. Sketches and sums depend on the order of merges, if little: merge
    /// in the order of paths.
    ///
    /// # Errors
    /// `Internal` when it has other columns.
    pub fn merge(&mut self, other: &ShardStatistics) -> Result<()> {
        if self.columns.len() != other.columns.len() {
            return Err(Error::new(Code::Internal, "statistics of shards differ in their columns"));
        }
        self.rows += other.rows;
        self.columns.iter_mut().zip(&other.columns).try_for_each(|(ours, theirs)| ours.merge(theirs))
    }

    /// As bytes: up to about 9 KiB a column.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let columns = self.columns.iter().map(column_to_wire).collect();
        wire::Shard { rows: self.rows, columns }.encode_to_vec()
    }

    /// From [`ShardStatistics::to_bytes`].
    ///
    /// # Errors
    /// `Internal` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let shard = wire::Shard::decode(bytes)
            .map_err(|error| Error::new(Code::Internal, "cannot read statistics").with_source(error))?;
        let columns = shard.columns.into_iter().map(column_from_wire).collect::<Option<_>>();
        let columns =
            columns.ok_or_else(|| Error::new(Code::Internal, "cannot read a column's statistics"))?;
        Ok(Self { rows: shard.rows, columns })
    }
}

fn column_to_wire(column: &ColumnStatistics) -> wire::Column {
    let values = match &column.values {
        ValueStatistics::Numbers(numbers) => Some(wire::column::Values::Numbers(numbers_to_wire(numbers))),
        ValueStatistics::Text(text) => Some(wire::column::Values::Text(text_to_wire(text))),
        ValueStatistics::Booleans { falses, trues } => {
            Some(wire::column::Values::Booleans(wire::Booleans { falses: *falses, trues: *trues }))
        }
        ValueStatistics::Opaque => None,
    };
    wire::Column { missing: column.missing, values }
}

fn column_from_wire(column: wire::Column) -> Option<ColumnStatistics> {
    let values = match column.values {
        Some(wire::column::Values::Numbers(numbers)) => {
            ValueStatistics::Numbers(Box::new(numbers_from_wire(numbers)?))
        }
        Some(wire::column::Values::Text(text)) => ValueStatistics::Text(Box::new(text_from_wire(text)?)),
        Some(wire::column::Values::Booleans(wire::Booleans { falses, trues })) => {
            ValueStatistics::Booleans { falses, trues }
        }
        None => ValueStatistics::Opaque,
    };
    Some(ColumnStatistics { missing: column.missing, values })
}

fn numbers_to_wire(numbers: &NumberStatistics) -> wire::Numbers {
    let Moments { count, sum, mean, squares, min, max } = numbers.moments;
    let level = |(numbers, halvings)| wire::Level { numbers, halvings };
    wire::Numbers {
        nan: numbers.nan,
        infinite: numbers.infinite,
        count,
        sum,
        mean,
        squares,
        min,
        max,
        levels: numbers.quantiles.levels().map(level).collect(),
        distinct: numbers.distinct.to_bytes(),
        values: numbers.values.as_ref().map(values_to_wire),
    }
}

fn numbers_from_wire(numbers: wire::Numbers) -> Option<NumberStatistics> {
    let wire::Numbers { count, sum, mean, squares, min, max, .. } = numbers;
    let levels = numbers.levels.into_iter().map(|level| (level.numbers, level.halvings));
    Some(NumberStatistics {
        nan: numbers.nan,
        infinite: numbers.infinite,
        moments: Moments { count, sum, mean, squares, min, max },
        quantiles: Quantiles::from_levels(levels),
        distinct: Distinct::from_bytes(&numbers.distinct)?,
        values: numbers.values.map(values_from_wire),
    })
}

fn text_to_wire(text: &TextStatistics) -> wire::Text {
    // No text at all is told by the shortest being longer than the longest.
    let (shortest, longest) = text.lengths.unwrap_or((1, 0));
    wire::Text {
        distinct: text.distinct.to_bytes(),
        values: Some(values_to_wire(&text.values)),
        shortest,
        longest,
    }
}

fn text_from_wire(text: wire::Text) -> Option<TextStatistics> {
    Some(TextStatistics {
        distinct: Distinct::from_bytes(&text.distinct)?,
        values: values_from_wire(text.values?),
        lengths: (text.shortest <= text.longest).then_some((text.shortest, text.longest)),
    })
}

fn values_to_wire(values: &TopValues) -> wire::TopValues {
    let value = |Candidate { hash, text, count }| wire::Value { hash, text, count };
    wire::TopValues { exact: values.is_exact(), values: values.kept().into_iter().map(value).collect() }
}

fn values_from_wire(values: wire::TopValues) -> TopValues {
    let candidate = |value: wire::Value| Candidate { hash: value.hash, text: value.text, count: value.count };
    TopValues::from_kept(values.values.into_iter().map(candidate).collect(), values.exact)
}

#[cfg(test)]
mod tests;
