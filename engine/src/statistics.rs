//! Statistics of a training set's columns, taken while its rows are written: accumulators for shards, their merge, the
//! files that are made of them, and how far splits have drifted apart.
//!
//! ```text
//! batches ─▶ ShardAccumulator ─▶ ShardStatistics ─bytes in ShardRecord─▶ merge in path order ─▶ statistics, constraints, drift
//! ```
//!
//! Exact: rows, missing values, NaN, infinite values, count, minimum, maximum, lengths, and up to rounding sum, mean and
//! standard deviation. Sketched: quantiles, different values, the most frequent values of more than 64.

mod column;
mod distinct;
mod drift;
mod hash;
mod kind;
mod model_monitor;
mod moments;
mod numbers;
mod quantiles;
mod shard;
mod split_files;
mod text;
mod text_of;
mod top_values;

pub use column::{ColumnStatistics, ValueStatistics};
pub use distinct::Distinct;
pub use drift::{ColumnDrift, Drift, SplitDrift};
pub use kind::{ColumnKind, InferredType};
pub use model_monitor::{
    Bucket, Feature, FeatureDetails, NumericalStatistics, Statistics, StringStatistics, ValueCount,
};
pub use moments::Moments;
pub use numbers::NumberStatistics;
pub use quantiles::{Distribution, Quantiles};
pub use shard::{ShardAccumulator, ShardStatistics};
pub use split_files::Measured;
pub(crate) use split_files::{read_measured, statistics_files};
pub use text::TextStatistics;
pub use top_values::TopValues;
