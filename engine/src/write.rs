//! The write operator: a stream of rows into shards that nobody can see yet, and one row per shard.
//!
//! Facts about shards leave a task as rows of its own output, so an attempt that loses is simply not in the result.

use crate::plan::{Layout, WriteSpec};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

mod finishing;
mod remote_writer;
mod row_groups;
mod shard_record;
mod shard_writer;
mod task_writer;
mod write_exec;

pub use remote_writer::RemoteWriter;
pub use shard_record::{ShardRecord, shard_record_schema};
pub use write_exec::WriteExec;

/// Who runs a write operator: names of shards and temporaries come from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterIdentity {
    /// Unique among all attempts of all tasks.
    pub attempt: String,
    /// The job-wide number of each of the task's partitions.
    pub partitions: Vec<usize>,
}

/// Gives every write operator of `plan` its identity.
///
/// Inside a task an operator sees the task's own partition numbers, which repeat from task to task.
///
/// # Errors
/// Those of rebuilding the plan.
pub fn stamp_writers(
    plan: Arc<dyn ExecutionPlan>,
    identity: &WriterIdentity,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform(|node| match node.downcast_ref::<WriteExec>() {
        Some(writer) => {
            Ok(Transformed::yes(Arc::new(writer.with_identity(identity.clone())) as Arc<dyn ExecutionPlan>))
        }
        None => Ok(Transformed::no(node)),
    })
    .data()
}

/// What a write does, for plans that people read.
pub(crate) fn describe(spec: &WriteSpec) -> String {
    let layout = match &spec.layout {
        Layout::Rolling { target_bytes } => format!("rolling at {target_bytes} bytes"),
        Layout::Sharded { shards, ordered, shuffled } => {
            let how = match (ordered, shuffled) {
                (true, true) => ", shuffled",
                (false, true) => ", dealt out in turn",
                (true, false) => ", ordered",
                (false, false) => "",
            };
            format!("{shards} shards{how}")
        }
        Layout::SingleFile { name } => format!("file {name}"),
    };
    let splits =
        if spec.splits.is_empty() { String::new() } else { format!(", splits=[{}]", spec.splits.join(", ")) };
    format!("format={}, location={}, {layout}{splits}", spec.format.kind(), spec.location)
}
