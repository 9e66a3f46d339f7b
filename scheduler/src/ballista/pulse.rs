//! What executors are doing right now, asked of them every second while jobs run and shortly after.
//!
//! Ballista hears of a task when it ends, once. If that word is lost, the task runs for ever as far as Ballista knows,
//! and its job with it; and a task that takes an hour cannot be told from one that hangs. The other way round, it tells
//! a task to stop once: if that comes before the task has begun, it runs to its end for nobody.

use super::core::Server;
use super::jobs::endpoint_limits;
use super::missing_tasks::{MissingTasks, TaskName};
use super::registry::Registry;
use arrow_flight::Action;
use arrow_flight::flight_service_client::FlightServiceClient;
use ballista_core::JobId;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpc;
use ballista_core::serde::protobuf::task_status::Status as TaskState;
use ballista_core::serde::protobuf::{
    FailedTask, IoError, OperatorMetricsSet, RunningTask, TaskStatus, UpdateTaskStatusParams, failed_task,
};
use ballista_core::serde::scheduler::ExecutorMetadata;
use ballista_scheduler::cluster::ClusterState;
use ballista_scheduler::state::execution_graph::ExecutionGraph;
use ballista_scheduler::state::execution_stage::ExecutionStage;
use ballista_scheduler::state::task_manager::JobInfoCache;
use datafusion::physical_plan::metrics::MetricsSet;
use futures::TryStreamExt;
use parking_lot::Mutex;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

/// What executors answer with one `UpdateTaskStatusParams` of their running tasks; they know it by the same name.
const RUNNING_TASKS: &str = "gristmill.running_tasks";
/// What stops the tasks that an `UpdateTaskStatusParams` names; the same name there.
const STOP_TASKS: &str = "gristmill.stop_tasks";
/// How long executors are asked after the last job: what was cancelled may only then begin.
const LINGER: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The last answers of all executors.
#[derive(Default)]
pub(super) struct Pulse {
    answers: Mutex<Answers>,
}

/// Per executor its running tasks. An executor that did not answer is not in it.
type Answers = BTreeMap<String, BTreeMap<TaskName, Vec<OperatorMetricsSet>>>;

impl Pulse {
    /// The metrics so far of a running task.
    pub(super) fn metrics(&self, executor_id: &str, task: &TaskName) -> Vec<MetricsSet> {
        let answers = self.answers.lock();
        let sets = answers.get(executor_id).and_then(|tasks| tasks.get(task)).cloned().unwrap_or_default();
        drop(answers);
        sets.into_iter().map(TryInto::try_into).collect::<Result<_, _>>().unwrap_or_default()
    }

    /// Asks all executors again and again until `stop`; runs tasks again that no executor knows of, and stops tasks that
    /// no job waits for.
    pub(super) async fn keep(&self, server: Server, registry: Arc<Registry>, stop: CancellationToken) {
        let mut connections = Connections::default();
        let (mut missing, mut unwanted) = (MissingTasks::default(), BTreeSet::new());
        let mut last_job: Option<Instant> = None;
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let jobs = server.state.task_manager.get_running_job_cache();
            if !jobs.is_empty() {
                last_job = Some(Instant::now());
            }
            let answers = match last_job.is_some_and(|last| last.elapsed() < LINGER) {
                true => connections.ask_all(registry.registered_executor_metadata().await).await,
                false => Answers::new(),
            };
            // After the answers: what was started in between is expected, and what has ended is no longer running.
            let expected = running_tasks(&server.state.task_manager.get_running_job_cache()).await;
            let surplus = surplus_tasks(&answers, &expected);
            connections.stop_tasks(surplus.intersection(&unwanted)).await;
            unwanted = surplus;
            let known = |executor: &str, task: &TaskName| Some(answers.get(executor)?.contains_key(task));
            for (executor, task) in missing.check(expected, known, Instant::now()) {
                run_again(&server, executor, task).await;
            }
            *self.answers.lock() = answers;
        }
    }
}

/// The tasks that run, as executors say, and that no job waits for.
fn surplus_tasks(answers: &Answers, expected: &[(String, TaskName)]) -> BTreeSet<(String, TaskName)> {
    let expected: BTreeSet<_> = expected.iter().collect();
    let running = answers
        .iter()
        .flat_map(|(executor, tasks)| tasks.keys().map(move |task| (executor.clone(), task.clone())));
    running.filter(|task| !expected.contains(task)).collect()
}

/// The tasks that Ballista thinks are running, with their executors.
async fn running_tasks(jobs: &HashMap<JobId, JobInfoCache>) -> Vec<(String, TaskName)> {
    let mut tasks = vec![];
    for job in jobs.values().collect::<Vec<_>>() {
        let graph = job.execution_graph.read().await;
        tasks.extend(running_tasks_of(graph.as_ref()));
    }
    tasks
}

/// The running tasks of one job, with their executors.
pub(super) fn running_tasks_of(graph: &dyn ExecutionGraph) -> impl Iterator<Item = (String, TaskName)> + '_ {
    let running = graph.stages().values().filter_map(|stage| match stage {
        ExecutionStage::Running(stage) => Some(stage),
        _ => None,
    });
    running.flat_map(move |stage| {
        stage.task_infos.iter().enumerate().filter_map(move |(task, info)| match &info.task_status {
            TaskState::Running(RunningTask { executor_id }) => {
                let job = graph.job_id().to_string();
                let (stage, stage_attempt) = (stage.stage_id, stage.stage_attempt_num);
                Some((executor_id.clone(), TaskName { job, stage, stage_attempt, task }))
            }
            _ => None,
        })
    })
}

/// Tells Ballista that a task failed in a way that it tries again, a limited number of times.
async fn run_again(server: &Server, executor_id: String, task: TaskName) {
    tracing::warn!(executor = %executor_id, ?task, "a task ended and nobody said so; running it again");
    let failed = FailedTask {
        error: "the end of the task was not reported".to_owned(),
        retryable: true,
        count_to_failures: true,
        failed_reason: Some(failed_task::FailedReason::IoError(IoError {})),
    };
    let status = TaskStatus { status: Some(TaskState::Failed(failed)), ..task.status() };
    let request = tonic::Request::new(UpdateTaskStatusParams { executor_id, task_status: vec![status] });
    if let Err(error) = SchedulerGrpc::update_task_status(server, request).await {
        tracing::warn!(%error, "could not run a task again");
    }
}

/// Connections to the data ports, by executor.
#[derive(Default)]
struct Connections {
    open: BTreeMap<String, FlightServiceClient<Channel>>,
}

impl Connections {
    async fn ask_all(&mut self, executors: Vec<ExecutorMetadata>) -> Answers {
        self.open.retain(|id, _| executors.iter().any(|executor| executor.id == *id));
        for executor in &executors {
            if !self.open.contains_key(&executor.id)
                && let Some(client) = connect(executor)
            {
                self.open.insert(executor.id.clone(), client);
            }
        }
        let asked = self.open.iter().map(async |(id, client)| {
            let answer = tokio::time::timeout(ANSWER_LIMIT, ask(client.clone())).await;
            Some((id.clone(), answer.ok()?.ok()?))
        });
        futures::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// Asks executors to stop tasks; those that go on are seen again.
    async fn stop_tasks(&self, tasks: impl Iterator<Item = &(String, TaskName)>) {
        let mut by_executor = BTreeMap::<&str, Vec<TaskStatus>>::new();
        for (executor, task) in tasks {
            by_executor.entry(executor).or_default().push(task.status());
        }
        let asked = by_executor.into_iter().filter_map(|(executor, task_status)| {
            tracing::warn!(executor, tasks = task_status.len(), "stopping tasks that no job waits for");
            let mut client = self.open.get(executor)?.clone();
            let params = UpdateTaskStatusParams { executor_id: executor.to_owned(), task_status };
            Some(async move {
                let action = Action::new(STOP_TASKS, params.encode_to_vec());
                tokio::time::timeout(ANSWER_LIMIT, client.do_action(action)).await
            })
        });
        for answer in futures::future::join_all(asked).await.into_iter().flatten() {
            if let Err(error) = answer {
                tracing::debug!(%error, "an executor did not take the request to stop tasks");
            }
        }
    }
}

impl TaskName {
    /// A status that says nothing but which task it is.
    fn status(&self) -> TaskStatus {
        TaskStatus {
            task_id: self.task as u32,
            job_id: self.job.clone(),
            stage_id: self.stage as u32,
            stage_attempt_num: self.stage_attempt as u32,
            ..TaskStatus::default()
        }
    }
}

/// A connection to the data port, made when it is first used.
pub(super) fn connect(executor: &ExecutorMetadata) -> Option<FlightServiceClient<Channel>> {
    let url = format!("http://{}:{}", executor.host, executor.port);
    let endpoint = endpoint_limits()(Endpoint::from_shared(url).ok()?).ok()?;
    Some(FlightServiceClient::new(endpoint.connect_lazy()).max_decoding_message_size(ANSWER_BYTES))
}

/// A task's metrics are a few kilobytes; thousands of tasks fit.
const ANSWER_BYTES: usize = 64 << 20;

async fn ask(
    mut client: FlightServiceClient<Channel>,
) -> Result<BTreeMap<TaskName, Vec<OperatorMetricsSet>>, tonic::Status> {
    let mut results = client.do_action(Action::new(RUNNING_TASKS, "")).await?.into_inner();
    let body = results.try_next().await?.unwrap_or_default().body;
    let report =
        UpdateTaskStatusParams::decode(body).map_err(|error| tonic::Status::internal(error.to_string()))?;
    let named = report.task_status.into_iter().map(|status| {
        let name = TaskName {
            job: status.job_id,
            stage: status.stage_id as usize,
            stage_attempt: status.stage_attempt_num as usize,
            task: status.task_id as usize,
        };
        (name, status.metrics)
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(task: usize) -> TaskName {
        TaskName { job: "j".to_owned(), stage: 1, stage_attempt: 0, task }
    }

    #[test]
    fn a_task_that_runs_and_is_not_expected_is_surplus() {
        let tasks = [0, 1].map(|task| (name(task), vec![])).into_iter().collect();
        let answers = Answers::from([("a".to_owned(), tasks)]);
        let expected = [("a".to_owned(), name(0)), ("b".to_owned(), name(1))];
        assert_eq!(surplus_tasks(&answers, &expected), BTreeSet::from([("a".to_owned(), name(1))]));
    }
}
