//! The manifest: the one fact that says a training set exists, and everything known about it.
//!
//! It is JSON, written once, last, and never edited. Paths are relative to the training set's location.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of this layout; a reader refuses a newer one.
pub const FORMAT_VERSION: u32 = 1;

/// A training set, or the result of a `COPY`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// What wrote it, with its version.
    pub created_by: String,
    /// The job that wrote it.
    pub job: String,
    /// The name it was created with.
    pub name: String,
    /// The statement, as the user wrote it.
    pub statement: String,
    /// The format of the shards.
    pub format: FormatInfo,
    /// The target columns, which come first; none if none was named.
    pub labels: Vec<String>,
    /// The training job it is for.
    #[serde(default)]
    pub training: Training,
    /// How rows were split and ordered.
    pub placement: Placement,
    /// The columns of the shards, in order.
    pub schema: Vec<ColumnInfo>,
    /// What was read.
    pub inputs: Inputs,
    /// What the rules of `EXPECT` measured, in the order of the statement.
    #[serde(default)]
    pub expectations: Vec<Expectation>,
    /// The splits, in the order of the statement.
    pub splits: Vec<SplitInfo>,
    /// Every shard, ordered by path.
    pub shards: Vec<ShardInfo>,
    /// Every other file of the training set but this one, ordered by path.
    #[serde(default)]
    pub files: Vec<FileInfo>,
}

/// The format of the shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatInfo {
    /// `CSV`, `PARQUET`, …
    pub name: String,
    /// What SageMaker calls the content type.
    pub content_type: String,
    /// The options in force, defaults included.
    pub options: BTreeMap<String, serde_json::Value>,
}

/// The training job that a set is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// SageMaker's built-in algorithm, if one was named.
    pub algorithm: Option<String>,
    /// How many instances train; the number of shards is a multiple of it.
    pub instances: u32,
    /// How the rows to train on get to them.
    pub distribution: Distribution,
    /// Whether the rows to evaluate on get to them in the same way; otherwise every instance has them all.
    pub deals_out_every_split: bool,
    /// The column that weighs the rows, where the job is told its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
}

/// How the shards of a channel get to the instances of a training job: SageMaker's `S3DataDistributionType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distribution {
    /// Every instance has them all.
    #[default]
    FullyReplicated,
    /// Every instance has its part of them.
    ShardedByS3Key,
}

/// How rows were assigned to splits and shards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The name of the hash, which fixes its definition for ever.
    pub hash: String,
    /// The seed of the hash.
    pub seed: u64,
    /// What decided the split of a row.
    pub split: SplitBy,
    /// The fraction of keys that was taken, where not all were.
    pub sample: Option<f64>,
    /// The fraction of the rows of a label that `train` keeps, by the label as text.
    pub undersample: BTreeMap<String, f64>,
    /// How often the rows of a label are in `train`, by the label as text.
    pub oversample: BTreeMap<String, f64>,
    /// Whether rows are in pseudo-random order.
    pub shuffled: bool,
    /// The number of shards in every split, where it was fixed before the write.
    pub shards: Option<u32>,
    /// How equal the shards of a split are, where there are several and their number was fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
}

/// How rows were dealt out to the shards of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// By rank: no two shards differ by more than one row.
    Exact,
    /// By hash: shards are about equal when they are large.
    Hash,
    /// By the hash of their group, so that groups stay whole.
    Group,
}

/// What decided the split of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum SplitBy {
    /// The hash of the whole row.
    Row,
    /// The hash of key columns: rows of a key are together.
    Key {
        /// The key columns.
        columns: Vec<String>,
    },
    /// The time: the oldest rows are in the first split.
    Time {
        /// The time column.
        column: String,
        /// How much time is left out between splits.
        gap: Option<String>,
    },
    /// A column with the name of the split.
    Column {
        /// The column.
        column: String,
    },
    /// The hash of the row among those of its class: each class has the same fractions.
    Stratum {
        /// The columns whose values make a class.
        columns: Vec<String>,
    },
}

/// One column of the shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub r#type: String,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

/// What was read to make the training set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// How many files.
    pub files: u64,
    /// Their sizes added up.
    pub total_bytes: u64,
    /// The bytes that were really read from them: projected columns only, where the format allows it.
    pub scanned_bytes: u64,
    /// The rows that were read from them, before any filter or join.
    pub scanned_rows: u64,
}

/// What a rule of `EXPECT` measured.
///
/// `Display` is the rule and what was measured, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// The rule, as the user wrote it, on one line.
    pub rule: String,
    /// Whether it holds.
    pub outcome: Outcome,
    /// The number it is about; none where there was nothing to measure, or it is not finite.
    pub measured: Option<f64>,
    /// How many rows break it, where it is about each row and asks for many of them to keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_rows: Option<u64>,
    /// The first rows that break it, at most ten: their split keys, or the rows themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offending: Vec<String>,
}

/// Whether a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not.
    Failed,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Balance::Exact => "exact",
            Balance::Hash => "hash",
            Balance::Group => "group",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
        })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measured {
            Some(measured) => write!(f, "{}: measured {measured}", self.rule)?,
            None => write!(f, "{}: measured no number", self.rule)?,
        }
        match self.broken_rows {
            None | Some(0) => {}
            Some(1) => f.write_str(", 1 row breaks it")?,
            Some(rows) => write!(f, ", {rows} rows break it")?,
        }
        if self.offending.is_empty() { Ok(()) } else { write!(f, ": {}", self.offending.join(", ")) }
    }
}

/// One split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitInfo {
    /// Its name.
    pub name: String,
    /// The fraction it was given; none where a column said which rows are in it.
    pub fraction: Option<f64>,
    /// How many shards it has.
    pub shards: u64,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardInfo {
    /// Where it is, relative to the location.
    pub path: String,
    /// The split it belongs to.
    pub split: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many bytes it was before it was compressed; as many as it has where it was not.
    pub raw_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// One file that is no shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Where it is, relative to the location.
    pub path: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}
