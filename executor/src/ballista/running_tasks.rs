//! Which tasks run here, and how far they are.
//!
//! The scheduler asks for it: Ballista sends a task's end once and does not notice when that gets lost, and between
//! start and end it says nothing.

use ballista_core::JobId;
use ballista_core::serde::protobuf::{RunningTask, TaskStatus, UpdateTaskStatusParams, task_status};
use ballista_executor::execution_engine::QueryStageExecutor;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The running tasks of this executor. Clones are the same list.
#[derive(Clone, Default)]
pub(super) struct RunningTasks {
    tasks: Arc<Mutex<BTreeMap<u64, Task>>>,
    next: Arc<AtomicU64>,
    tracker: TaskTracker,
}

/// A task that runs, and how to stop it.
pub(super) struct Task {
    pub(super) name: TaskName,
    pub(super) execution: Arc<dyn QueryStageExecutor>,
    pub(super) cancelled: CancellationToken,
}

/// One attempt of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TaskName {
    pub(super) job: JobId,
    pub(super) stage: usize,
    pub(super) stage_attempt: u32,
    pub(super) task: usize,
}

impl TaskName {
    fn of(status: &TaskStatus) -> Self {
        Self {
            job: JobId::new(&status.job_id),
            stage: status.stage_id as usize,
            stage_attempt: status.stage_attempt_num,
            task: status.task_id as usize,
        }
    }
}

/// Keeps a task on the list.
pub(super) struct Running {
    list: RunningTasks,
    number: u64,
    _token: TaskTrackerToken,
}

impl fmt::Debug for RunningTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningTasks").field("tasks", &self.tasks.lock().len()).finish_non_exhaustive()
    }
}

impl RunningTasks {
    /// Puts a task on the list until the guard is dropped.
    pub(super) fn enter(&self, task: Task) -> Running {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.tasks.lock().insert(number, task);
        Running { list: self.clone(), number, _token: self.tracker.token() }
    }

    /// Completes when no task runs.
    pub(super) async fn all_ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Stops those of the tasks that `unwanted` names.
    ///
    /// Ballista sends a cancellation once, to tasks that have begun, and may take one attempt of a task for another.
    pub(super) fn stop(&self, unwanted: &UpdateTaskStatusParams) {
        let unwanted: Vec<TaskName> = unwanted.task_status.iter().map(TaskName::of).collect();
        let tasks = self.tasks.lock();
        for task in tasks.values().filter(|task| unwanted.contains(&task.name)) {
            tracing::info!(task = ?task.name, "stopping a task that nobody waits for");
            task.cancelled.cancel();
        }
    }

    /// What Ballista would be told if the tasks ended now: their metrics, and that they run.
    pub(super) fn report(&self, executor_id: &str) -> UpdateTaskStatusParams {
        let tasks: Vec<(TaskName, Arc<dyn QueryStageExecutor>)> =
            self.tasks.lock().values().map(|task| (task.name.clone(), Arc::clone(&task.execution))).collect();
        let statuses = tasks.into_iter().map(|(name, execution)| TaskStatus {
            task_id: name.task as u32,
            job_id: name.job.into_inner(),
            stage_id: name.stage as u32,
            stage_attempt_num: name.stage_attempt,
            // A metric that has no wire form costs the metrics, not the report.
            metrics: execution
                .collect_plan_metrics()
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()
                .unwrap_or_default(),
            status: Some(task_status::Status::Running(RunningTask { executor_id: executor_id.to_owned() })),
            ..TaskStatus::default()
        });
        UpdateTaskStatusParams { executor_id: executor_id.to_owned(), task_status: statuses.collect() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.list.tasks.lock().remove(&self.number);
    }
}

/// The attempt of the stage, out of the only place that has it: `TID <job>/<stage>.<attempt>/<task>.<attempt>`.
pub(super) fn stage_attempt(task_identity: &str) -> Option<u32> {
    let stage = task_identity.split('/').nth(1)?;
    stage.split_once('.')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempt_of_the_stage_is_read_from_the_task_identity() {
        assert_eq!(stage_attempt("TID 0199a/3.2/17.1"), Some(2));
        for text in ["", "TID a", "TID a/3", "TID a/3.x/1.1"] {
            assert_eq!(stage_attempt(text), None, "{text}");
        }
    }
}
