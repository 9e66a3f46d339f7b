//! A statement that writes into a logical plan that writes, and the facts the committer needs.

use crate::config::WriteConfig;
use crate::expect::Expectations;
use crate::formats::{ColumnRoles, Columns, FormatOptions};
use crate::storage::Location;
use datafusion::logical_expr::LogicalPlan;
use gristmill_proto::manifest::{Placement, Training};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

mod copy;
mod create;
mod inputs;
mod output_names;
mod placement;
mod query;
mod roles;
mod split;
mod unknown_function;
mod write_node;

pub use copy::plan_copy;
pub use create::plan_training_set;
pub use inputs::{InputFiles, InputSize, input_size};
pub(crate) use query::check_location;
pub use query::{plan_physically, plan_query, plan_statement};
pub use write_node::{TrainingSetPlanner, WriteNode};

/// The name of the only split of a training set without `SPLIT`.
pub const DEFAULT_SPLIT: &str = "train";

/// What the write operator needs to know. Plain data: it travels in plans.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WriteSpec {
    /// Identifies the job in the names of temporaries.
    pub job: String,
    /// Where the shards go.
    pub location: String,
    /// How they are encoded.
    pub format: FormatOptions,
    /// Names of the splits; none means that shards lie directly in the location.
    pub splits: Vec<String>,
    /// How many of the input's columns are data; [`placement columns`](PlacementColumns) follow them.
    pub data_columns: usize,
    /// What the first of the data columns are for.
    pub roles: ColumnRoles,
    /// Which shards there are.
    pub layout: Layout,
    /// Rows are written in the order of the query, by one task.
    pub keep_order: bool,
    /// Statistics of the columns are taken on the way.
    pub statistics: bool,
}

/// Which shards a write makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Every partition writes shards of its own, `part-<partition>-<roll>`, a new one when the last has reached
    /// `target_bytes`.
    Rolling {
        /// The size at which a shard is closed.
        target_bytes: u64,
    },
    /// `shards` shards in every split, `part-<shard>-of-<shards>`; rows come with their shard number.
    Sharded {
        /// How many.
        shards: u32,
        /// The input is ordered by split and shard, so that one shard is open at a time.
        ordered: bool,
        /// Rows of a shard are ordered by hash. Where the input is not ordered by shard, all rows come to one task, in
        /// that order split by split, which deals them out to the shards in turn.
        shuffled: bool,
    },
    /// One file.
    SingleFile {
        /// Its name.
        name: String,
    },
}

impl Layout {
    /// The number of shards of every split, where it is fixed.
    #[must_use]
    pub fn shards(&self) -> Option<u32> {
        match self {
            Layout::Sharded { shards, .. } => Some(*shards),
            Layout::Rolling { .. } | Layout::SingleFile { .. } => None,
        }
    }

    /// How many placement columns follow the data columns.
    #[must_use]
    pub fn placement_columns(&self) -> usize {
        match self {
            Layout::Rolling { .. } => 1,
            Layout::Sharded { shuffled: false, .. } => 2,
            Layout::Sharded { shuffled: true, .. } => 4,
            Layout::SingleFile { .. } => 0,
        }
    }
}

/// The placement columns, in their order behind the data columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacementColumns {
    /// `UInt8`: index of the split.
    Split,
    /// `UInt32`: number of the shard in its split.
    Shard,
    /// `UInt64`: high half of the hash that orders rows; the shard, where ranks do.
    OrderHigh,
    /// `UInt64`: low half; the rank.
    OrderLow,
}

impl PlacementColumns {
    /// The column's name; not a name a user would choose.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PlacementColumns::Split => "__gristmill_split",
            PlacementColumns::Shard => "__gristmill_shard",
            PlacementColumns::OrderHigh => "__gristmill_order_high",
            PlacementColumns::OrderLow => "__gristmill_order_low",
        }
    }
}

/// A write that is planned and not started.
#[derive(Clone)]
pub struct PlannedWrite {
    /// The plan, with the write node at its root.
    pub plan: LogicalPlan,
    /// The same facts the write node has.
    pub spec: Arc<WriteSpec>,
    /// Where it goes.
    pub location: Location,
    /// What the manifest will say about it.
    pub facts: WriteFacts,
    /// What its rows must keep.
    pub expectations: Expectations,
}

impl fmt::Debug for PlannedWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedWrite").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// What is known about a training set before it is written.
#[derive(Debug, Clone)]
pub struct WriteFacts {
    /// Its name.
    pub name: String,
    /// The statement.
    pub statement: String,
    /// The target columns.
    pub labels: Vec<String>,
    /// Names and fractions of the splits; one without a name for a plain copy, no fractions where a column decides.
    pub splits: Vec<(String, Option<f64>)>,
    /// The training job it is for.
    pub training: Training,
    /// How rows are placed.
    pub placement: Placement,
    /// The columns of the shards.
    pub columns: Columns,
    /// What may not come out as the statement says; a sentence each.
    pub warnings: Vec<String>,
}

/// What planning a statement needs from outside: where sessions plan, and where things are.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The session's DataFusion state.
    pub state: &'a datafusion::execution::SessionState,
    /// How shards are written.
    pub write: &'a WriteConfig,
    /// The statement's text.
    pub text: &'a str,
}
