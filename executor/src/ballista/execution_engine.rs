//! How one task runs: Ballista's own execution, wrapped.

use super::connection_pool::ConnectionPool;
use super::running_tasks::{RunningTasks, Task, TaskName, stage_attempt};
use super::task_failure::{name_full_disk, stopped, translate};
use crate::cancel_guard_exec::guard_plan;
use ballista_core::JobId;
use ballista_core::serde::protobuf::{
    RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport,
};
use ballista_executor::execution_engine::{DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;
use gristmill_engine::write::{WriterIdentity, stamp_writers};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long what a stopped task leaves behind gets to be cleaned up.
const CLEAN_UP_PAUSE: Duration = Duration::from_secs(1);

/// Prepares a task's plan, then leaves it to Ballista:
///
/// 1. writers learn who they are;
/// 2. cancel guards go in, and errors become what Ballista understands;
/// 3. the task's files get a name of their own.
pub(super) struct TaskEngine {
    inner: DefaultExecutionEngine,
    running: RunningTasks,
    stop_all: CancellationToken,
}

impl TaskEngine {
    /// Tasks are on the list `running` while they run, and end when `stop_all` is cancelled.
    pub(super) fn new(running: RunningTasks, stop_all: CancellationToken) -> Self {
        let inner = DefaultExecutionEngine::with_client_pool(Arc::new(ConnectionPool::default()));
        Self { inner, running, stop_all }
    }
}

impl ExecutionEngine for TaskEngine {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        global_output_partition_ids: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let file_id = unique_file_id(task_id);
        let identity = WriterIdentity {
            attempt: format!("{stage_id}-{task_id}-{file_id:x}"),
            partitions: global_output_partition_ids.clone(),
        };
        let cancelled = self.stop_all.child_token();
        let plan = prepare(plan, &identity, &cancelled).map_err(translate)?;
        let partitions = global_output_partition_ids;
        let job = job_id.clone();
        let inner = self
            .inner
            .create_query_stage_exec(job_id, stage_id, file_id, partitions, plan, work_dir, config)?;
        Ok(Arc::new(TaskExecution {
            inner,
            job,
            stage: stage_id,
            folder: work_dir.to_owned(),
            cancelled,
            running: self.running.clone(),
            stop_all: self.stop_all.clone(),
        }))
    }
}

/// The root stays what it is: Ballista rebuilds its shuffle writer from it.
fn prepare(
    root: Arc<dyn ExecutionPlan>,
    identity: &WriterIdentity,
    cancelled: &CancellationToken,
) -> Result<Arc<dyn ExecutionPlan>> {
    let children = root.children().into_iter().map(|child| {
        let child = stamp_writers(Arc::clone(child), identity)?;
        guard_plan(child, cancelled, translate)
    });
    let children = children.collect::<Result<Vec<_>>>()?;
    datafusion::physical_plan::replace_children_if_necessary(root, children)
}

/// A number for the files of one attempt of a task.
///
/// Ballista names exchange files by job, stage and task id. Task ids begin at 0 again when a stage is rolled back,
/// and then two attempts, one of them not quite dead, write the same file; a reader takes a torn file for a short
/// one. So the name gets 43 random bits, over the last 20 bits of the task id for people who look into the folder.
/// Readers find files by the number that the task reports.
fn unique_file_id(task_id: usize) -> usize {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    // 63 bits in all: some readers take the number for a signed one.
    let name = (random >> 21) << 20 | (task_id as u64 & 0xF_FFFF);
    name as usize
}

/// A task that is about to run, or runs.
struct TaskExecution {
    inner: Arc<dyn QueryStageExecutor>,
    job: JobId,
    stage: usize,
    /// Where its exchange files go.
    folder: String,
    cancelled: CancellationToken,
    running: RunningTasks,
    stop_all: CancellationToken,
}

impl fmt::Debug for TaskExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskExecution").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl fmt::Display for TaskExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait::async_trait]
impl QueryStageExecutor for TaskExecution {
    async fn execute_query_stage(
        &self,
        task_id: usize,
        context: Arc<TaskContext>,
    ) -> Result<Vec<ShuffleWritePartition>> {
        let name = TaskName {
            job: self.job.clone(),
            stage: self.stage,
            stage_attempt: context.task_id().as_deref().and_then(stage_attempt).unwrap_or_default(),
            task: task_id,
        };
        let (execution, cancelled) = (Arc::clone(&self.inner), self.cancelled.clone());
        let Some(_running) = self.running.enter(Task { name, execution, cancelled }) else {
            return Err(stopped());
        };
        // Ballista cancels a task by dropping this future, which stops nothing of what it started: the guard does.
        // It also stops the other partitions of a task when one of them has failed.
        let _guard = self.cancelled.clone().drop_guard();
        let result = self.inner.execute_query_stage(task_id, context).await;
        if result.is_err() && self.stop_all.is_cancelled() {
            // The process ends when this returns. Writers that were dropped just now abort their uploads in the
            // background.
            tokio::time::sleep(CLEAN_UP_PAUSE).await;
            return Err(stopped());
        }
        result.map_err(|error| name_full_disk(error, &self.folder))
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        self.inner.collect_plan_metrics()
    }

    fn collect_runtime_stats_reports(&self) -> Vec<RuntimeStatsReport> {
        self.inner.collect_runtime_stats_reports()
    }

    fn collect_window_state_reports(&self) -> Result<Vec<WindowStateReport>, DataFusionError> {
        self.inner.collect_window_state_reports()
    }

    fn collect_column_stats(&self) -> Vec<TaskColumnStats> {
        self.inner.collect_column_stats()
    }
}

#[cfg(test)]
pub(super) mod tests;
