//! Where a physical plan runs: in this process, or on a cluster.
//!
//! Everything above this door (statements, plans, commit) is the same in both; nothing below it knows statements.

use crate::error::Result;
use async_trait::async_trait;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
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
    /// Rows that are in the input files, as their statistics say; 0 where those do not.
    pub input_rows: u64,
    /// Tasks that ended well.
    pub tasks_done: u64,
    /// Tasks known so far; 0 where there are no tasks.
    pub tasks_total: u64,
}

/// The bytes that a scan has read, by its `metrics`. Text and Avro scans do not count theirs: those of the file ranges
/// of the partitions that `is_finished` says are read.
#[must_use]
pub fn scanned_bytes(
    scan: &dyn ExecutionPlan,
    metrics: &MetricsSet,
    is_finished: impl Fn(usize) -> bool,
) -> u64 {
    if let Some(counted) = metrics.sum_by_name("bytes_scanned") {
        return counted.as_usize() as u64;
    }
    let source = scan.downcast_ref::<DataSourceExec>().map(|scan| scan.data_source());
    let Some(files) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else { return 0 };
    let read = files.file_groups.iter().enumerate().filter(|(partition, _)| is_finished(*partition));
    read.flat_map(|(_, group)| group.iter()).map(range_bytes).sum()
}

fn range_bytes(file: &PartitionedFile) -> u64 {
    file.range.as_ref().map_or(file.object_meta.size, |range| range.end.abs_diff(range.start))
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
