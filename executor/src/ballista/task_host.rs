//! Ballista's executor process, set up as ours.

use super::data_port::Work;
use super::execution_engine::TaskEngine;
use super::running_tasks::RunningTasks;
use super::{data_port, network};
use crate::ports::Ports;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::BallistaPhysicalExtensionCodec;
use ballista_core::serde::protobuf::StopExecutorParams;
use ballista_core::serde::protobuf::executor_grpc_client::ExecutorGrpcClient;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::executor_server::TERMINATING;
use datafusion::prelude::SessionConfig;
use gristmill_engine::codec::GristmillPhysicalCodec;
use gristmill_engine::config::Config;
use gristmill_engine::session::{Mode, build_runtime, build_state, session_config};
use gristmill_engine::storage::Stores;
use gristmill_engine::{Code, Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Ballista gives up after the fifth.
const LOST_HEARTBEATS: u32 = 4;
const HEALTH_INTERVAL: Duration = Duration::from_millis(500);
/// How long cancelled tasks may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long the files of a job are kept when the scheduler never says that they can go, because it was restarted.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);
const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);
/// How many sessions keep their part of the executor's caches.
const CACHED_SESSIONS: usize = 64;

/// One executor: prepared, then run once.
pub(crate) struct TaskHost {
    process: Arc<ExecutorProcessConfig>,
    control_url: String,
    running: RunningTasks,
    stop_all: CancellationToken,
}

impl TaskHost {
    /// Prepares an executor that listens on `ports` and keeps exchange files in `work_dir`.
    ///
    /// # Errors
    /// As [`build_runtime`].
    pub(crate) fn new(config: &Arc<Config>, ports: Ports, work_dir: &Path) -> Result<Self> {
        let (running, stop_all) = (RunningTasks::default(), CancellationToken::new());
        let stores = Stores::new(&config.s3, &config.write);
        let mut process = process_config(config, ports, work_dir, Arc::clone(&stores))?;
        let engine = TaskEngine::new(running.clone(), stop_all.clone());
        process.override_execution_engine = Some(Arc::new(engine));
        let max_message = config.scheduler.max_message_bytes.as_usize();
        let work = Work { running: running.clone(), stores };
        let data_port = data_port::server(work, &process.executor_id, max_message);
        process.override_arrow_flight_service = Some(data_port);
        let control_url = format!("http://{}:{}", ports.url_host(), ports.control);
        Ok(Self { process: Arc::new(process), control_url, running, stop_all })
    }

    /// Joins the cluster and runs tasks until the process gets a signal, [`Self::wind_down`] is done, or the
    /// scheduler is lost.
    ///
    /// # Errors
    /// `ClusterUnavailable`: the scheduler cannot be reached, or refuses this executor.
    pub(crate) async fn run(&self) -> Result<()> {
        start_executor_process(Arc::clone(&self.process)).await.map_err(|error| {
            Error::new(Code::ClusterUnavailable, format!("could not join the cluster: {error}"))
                .with_hint("scheduler and executors must be of the same version")
        })
    }

    /// Completes when no heartbeat got through for a while, just before Ballista gives up: it would let tasks run on,
    /// writing what nobody will ever ask for, and wait for them.
    pub(crate) async fn scheduler_lost(&self) {
        let limit = LOST_HEARTBEATS * Duration::from_secs(self.process.executor_heartbeat_interval_seconds);
        let (mut was_ready, mut last_ready) = (false, Instant::now());
        while !was_ready || last_ready.elapsed() < limit {
            tokio::time::sleep(HEALTH_INTERVAL).await;
            if self.process.health.is_ready() {
                (was_ready, last_ready) = (true, Instant::now());
            }
        }
    }

    /// Leaves the cluster: no new tasks, the running ones are cancelled, then [`Self::run`] ends.
    ///
    /// Tasks are not given time: Ballista stops reporting when the last one ends, before that is reported, and with
    /// this process go the files that it has written. The scheduler runs them elsewhere either way, now or later.
    pub(crate) async fn wind_down(&self) {
        // From the next heartbeat on the scheduler sends no tasks.
        TERMINATING.store(true, Ordering::Release);
        self.stop_all.cancel();
        if tokio::time::timeout(STOP_LIMIT, self.running.all_ended()).await.is_err() {
            tracing::warn!("leaving tasks that did not end in time");
        }
        // The only way to end Ballista's process function from inside the process. After a signal it ends by itself.
        if let Err(error) = self.ask_to_stop().await {
            tracing::debug!(%error, "the executor did not take the request to stop");
        }
    }

    async fn ask_to_stop(&self) -> Result<(), tonic::Status> {
        let connected = ExecutorGrpcClient::connect(self.control_url.clone()).await;
        let mut client = connected.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
        let request = StopExecutorParams {
            executor_id: self.process.executor_id.clone(),
            reason: "shutting down".to_owned(),
            force: false,
        };
        client.stop_executor(request).await.map(|_| ())
    }
}

fn process_config(
    config: &Arc<Config>,
    ports: Ports,
    work_dir: &Path,
    stores: Arc<Stores>,
) -> Result<ExecutorProcessConfig> {
    let executor = &config.executor;
    let runtime = build_runtime(config, Arc::clone(&stores))?;
    let produce_config = config_producer(config);
    // One list of functions for planning and execution; Ballista's default list has no functions on arrays.
    let state = build_state(Mode::Cluster, produce_config(), Arc::clone(&runtime), Arc::clone(&stores), &[]);
    let codec = GristmillPhysicalCodec::new(Arc::new(BallistaPhysicalExtensionCodec::default()), stores);
    let max_message = u32::try_from(config.scheduler.max_message_bytes.bytes()).unwrap_or(u32::MAX);
    Ok(ExecutorProcessConfig {
        // A fixed id could not come back before the old one has timed out.
        executor_id: Uuid::new_v4().simple().to_string(),
        bind_host: ports.url_host(),
        external_host: Some(executor.external_host.clone()),
        port: ports.data,
        grpc_port: ports.control,
        scheduler_host: executor.scheduler_host.clone(),
        scheduler_port: executor.scheduler_port,
        // Waiting for the scheduler is done before; Ballista's own waiting has no end.
        scheduler_connect_timeout_seconds: 0,
        vcores: vcores(executor.vcores),
        // Pull mode cannot cancel, and gives a task more memory than there is.
        task_scheduling_policy: TaskSchedulingPolicy::PushStaged,
        work_dir: Some(utf8(work_dir)?),
        job_data_ttl_seconds: FORGOTTEN_AFTER.max(config.scheduler.job_timeout * 2).as_secs(),
        // Safe because nobody else uses the folder: the cleaner also empties all of it at the end.
        job_data_clean_up_interval_seconds: CLEAN_UP_INTERVAL.as_secs(),
        grpc_max_decoding_message_size: max_message,
        grpc_max_encoding_message_size: max_message,
        executor_heartbeat_interval_seconds: executor.heartbeat.as_secs().max(1),
        memory_pool_size: Some(config.memory.resolve_memory_limit()),
        session_runtime_cache_capacity: CACHED_SESSIONS,
        override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(&state))),
        override_runtime_producer: Some(Arc::new(move |_| Ok(Arc::clone(&runtime)))),
        override_config_producer: Some(produce_config),
        override_physical_codec: Some(Arc::new(codec)),
        override_create_grpc_client_endpoint: Some(network::to_scheduler(
            &executor.scheduler_host,
            executor.scheduler_port,
        )),
        ..ExecutorProcessConfig::default()
    })
}

/// What a task's settings start from; those of its session come with the task.
///
/// Settings that are not registered here are dropped on arrival, so it goes through the engine's list of them.
fn config_producer(config: &Arc<Config>) -> Arc<dyn Fn() -> SessionConfig + Send + Sync> {
    let config = Arc::clone(config);
    Arc::new(move || {
        let base = SessionConfig::new_with_ballista()
            .with_ballista_grpc_client_max_message_size(config.scheduler.max_message_bytes.as_usize())
            .with_ballista_override_create_grpc_client_endpoint(network::to_executors());
        session_config(Mode::Cluster, base, &config)
    })
}

fn vcores(configured: usize) -> usize {
    if configured > 0 {
        return configured;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn utf8(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| {
        Error::new(Code::BadConfiguration, format!("cannot use the scratch folder {:?}", path.display()))
            .with_hint("choose a path of UTF-8 text for scratch.dir")
    })?;
    Ok(text.to_owned())
}
