//! What executors are doing right now, asked of them every second while jobs run.
//!
//! Ballista hears of a task when it ends, once. If that word is lost, the task runs for ever as far as Ballista knows,
//! and its job with it; and a task that takes an hour cannot be told from one that hangs.

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
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

/// What executors answer with one `UpdateTaskStatusParams` of their running tasks; they know it by the same name.
const RUNNING_TASKS: &str = "gristmill.running_tasks";
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

    /// Asks all executors again and again until `stop`, and runs tasks again that no executor knows of.
    pub(super) async fn keep(&self, server: Server, registry: Arc<Registry>, stop: CancellationToken) {
        let mut connections = Connections::default();
        let mut missing = MissingTasks::default();
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let jobs = server.state.task_manager.get_running_job_cache();
            let answers = match jobs.is_empty() {
                true => Answers::new(),
                false => connections.ask_all(registry.registered_executor_metadata().await).await,
            };
            let expected = running_tasks(&jobs).await;
            let known = |executor: &str, task: &TaskName| Some(answers.get(executor)?.contains_key(task));
            for (executor, task) in missing.check(expected, known, Instant::now()) {
                run_again(&server, executor, task).await;
            }
            *self.answers.lock() = answers;
        }
    }
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
    let status = TaskStatus {
        task_id: task.task as u32,
        job_id: task.job,
        stage_id: task.stage as u32,
        stage_attempt_num: task.stage_attempt as u32,
        status: Some(TaskState::Failed(failed)),
        ..TaskStatus::default()
    };
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
}

fn connect(executor: &ExecutorMetadata) -> Option<FlightServiceClient<Channel>> {
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
