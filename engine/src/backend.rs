//! Where a physical plan runs: in this process, or on a cluster.
//!
//! Everything above this door (statements, plans, commit) is the same in both; nothing below it knows statements.

use crate::error::Result;
use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use std::fmt;
use std::sync::Arc;

/// One physical plan to run, and the session it belongs to.
#[derive(Clone)]
pub struct PhysicalJob {
    /// What people see in lists and logs: the first words of the statement.
    pub name: String,
    /// The session that planned it; its id is stable for as long as the session lives.
    pub ctx: Arc<SessionContext>,
    /// The plan, optimised.
    pub plan: Arc<dyn ExecutionPlan>,
}

impl fmt::Debug for PhysicalJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhysicalJob")
            .field("name", &self.name)
            .field("session_id", &self.ctx.session_id())
            .finish_non_exhaustive()
    }
}

/// What a job has done so far; final once its stream has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// Bytes read from the input files.
    pub scanned_bytes: u64,
    /// Rows that came out of the input files.
    pub scanned_rows: u64,
    /// Tasks that ended well (partitions, where there are no tasks).
    pub tasks_done: u64,
    /// Tasks known so far.
    pub tasks_total: u64,
}

/// Reads the progress of one running job; cheap enough to call ten times a second.
pub trait ProgressSource: Send + Sync + fmt::Debug {
    /// The progress now.
    fn progress(&self) -> JobProgress;
}

/// A job that was started.
///
/// Dropping `stream` before its end cancels the job: the work stops, wherever it runs.
pub struct RunningJob {
    /// The rows of the plan's output; partitions come in any order.
    pub stream: SendableRecordBatchStream,
    /// How far it is.
    pub progress: Arc<dyn ProgressSource>,
}

impl fmt::Debug for RunningJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningJob").field("progress", &self.progress.progress()).finish_non_exhaustive()
    }
}

/// Runs physical plans.
#[async_trait]
pub trait Backend: Send + Sync + fmt::Debug {
    /// How many partitions plans should have now, or `None` to use what the configuration says.
    fn target_partitions(&self) -> Option<usize>;

    /// Starts `job`.
    ///
    /// # Errors
    /// The job cannot be started: no executor (`NoExecutor`), or a plan that cannot run. What fails later comes
    /// through the stream.
    async fn run(&self, job: PhysicalJob) -> Result<RunningJob>;
}
