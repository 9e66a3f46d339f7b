//! Writers in other processes.

use super::WriteExec;
use crate::storage::Attempt;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// Counts as a writer of a job in this process while tasks of it may write in others: whoever waits for the job's writers
/// ([`Stores::writers_ended`](crate::storage::Stores::writers_ended)) waits for those, too.
#[derive(Debug)]
pub struct RemoteWriter(Attempt);

impl RemoteWriter {
    /// One for the job whose shards `plan` writes, if it writes any.
    #[must_use]
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        match plan.downcast_ref::<WriteExec>() {
            Some(write) => Some(Self(write.remote_attempt())),
            None => plan.children().into_iter().find_map(Self::of),
        }
    }

    /// The job, as names of shards have it.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.0.job
    }
}
