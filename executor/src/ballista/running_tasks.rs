//! Which tasks run here, and how far they are.
//!
//! The scheduler asks for it: Ballista sends a task's end once and does not notice when that gets lost, and between
//! start and end it says nothing.

use ballista_core::JobId;
use ballista_core::serde::protobuf::{RunningTask, TaskStatus, UpdateTaskStatusParams, task_status};
use ballista_executor::execution_engine::QueryStageExecutor;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The running tasks of this executor. Clones are the same list.
#[derive(Clone, Default)]
pub(super) struct RunningTasks {
    state: Arc<Mutex<State>>,
    /// A task has left the list.
    left: Arc<Notify>,
    tracker: TaskTracker,
}

#[derive(Default)]
struct State {
    tasks: BTreeMap<u64, Task>,
    next: u64,
    /// The jobs that ended last, the oldest first: a task of one may have been sent here before that, and not begun.
    ended: VecDeque<JobId>,
}

/// How many ended jobs are remembered; what was sent here begins long before so many others have ended.
const ENDED_JOBS: usize = 1000;

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
        f.debug_struct("RunningTasks").field("tasks", &self.state.lock().tasks.len()).finish_non_exhaustive()
    }
}

impl RunningTasks {
    /// Puts a task on the list until the guard is dropped; not if its job has ended.
    pub(super) fn enter(&self, task: Task) -> Option<Running> {
        let mut state = self.state.lock();
        if state.ended.contains(&task.name.job) {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.tasks.insert(number, task);
        Some(Running { list: self.clone(), number, _token: self.tracker.token() })
    }

    /// Stops the tasks of `job`, and lets none of them begin any more. Completes when none runs.
    pub(super) async fn end(&self, job: &JobId) {
        loop {
            // Before the look: a task that leaves after it is not missed.
            let left = self.left.notified();
            if self.stop_all_of(job) == 0 {
                return;
            }
            left.await;
        }
    }

    /// How many tasks of `job` there are, which is over.
    fn stop_all_of(&self, job: &JobId) -> usize {
        let mut state = self.state.lock();
        if !state.ended.contains(job) {
            state.ended.push_back(job.clone());
            if state.ended.len() > ENDED_JOBS {
                state.ended.pop_front();
            }
        }
        let of_job = state.tasks.values().filter(|task| task.name.job == *job);
        of_job.inspect(|task| task.cancelled.cancel()).count()
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
        let state = self.state.lock();
        for task in state.tasks.values().filter(|task| unwanted.contains(&task.name)) {
            tracing::info!(task = ?task.name, "stopping a task that nobody waits for");
            task.cancelled.cancel();
        }
    }

    /// What Ballista would be told if the tasks ended now: their metrics, and that they run.
    pub(super) fn report(&self, executor_id: &str) -> UpdateTaskStatusParams {
        let tasks: Vec<(TaskName, Arc<dyn QueryStageExecutor>)> = self
            .state
            .lock()
            .tasks
            .values()
            .map(|task| (task.name.clone(), Arc::clone(&task.execution)))
            .collect();
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
        self.list.state.lock().tasks.remove(&self.number);
        self.list.left.notify_waiters();
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
    use futures::FutureExt;

    /// A task that does nothing, of that job.
    fn task(job: &str, cancelled: &CancellationToken) -> Task {
        let name = TaskName { job: JobId::new(job), stage: 1, stage_attempt: 0, task: 0 };
        let execution = crate::ballista::execution_engine::tests::task_that_never_ends();
        Task { name, execution, cancelled: cancelled.clone() }
    }

    #[tokio::test]
    async fn the_end_of_a_job_waits_for_its_tasks_and_lets_no_other_begin() {
        let list = RunningTasks::default();
        let (cancelled, untouched) = (CancellationToken::new(), CancellationToken::new());
        let running = list.enter(task("a", &cancelled)).unwrap();
        let other = list.enter(task("b", &untouched)).unwrap();
        let job = JobId::new("a");
        let mut end = Box::pin(list.end(&job));
        assert!((&mut end).now_or_never().is_none());
        assert!(cancelled.is_cancelled() && !untouched.is_cancelled());
        assert!(list.enter(task("a", &cancelled)).is_none());
        drop(running);
        end.await;
        drop(other);
        assert!(list.enter(task("b", &untouched)).is_some());
    }

    #[tokio::test]
    async fn a_job_that_is_not_known_here_has_ended_at_once_and_does_not_begin() {
        let list = RunningTasks::default();
        list.end(&JobId::new("a")).await;
        assert!(list.enter(task("a", &CancellationToken::new())).is_none());
    }

    #[test]
    fn the_attempt_of_the_stage_is_read_from_the_task_identity() {
        assert_eq!(stage_attempt("TID 0199a/3.2/17.1"), Some(2));
        for text in ["", "TID a", "TID a/3", "TID a/3.x/1.1"] {
            assert_eq!(stage_attempt(text), None, "{text}");
        }
    }
}
