//! Ballista's scheduler in this process, without any of its listeners.

use super::board::JobBoard;
use super::jobs::Connections;
use super::pulse::Pulse;
use super::registry::Registry;
use super::{internal_port, session};
use crate::capacity::Capacity;
use async_trait::async_trait;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::serde::{BallistaCodec, BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::metrics::NoopMetricsCollector;
use ballista_scheduler::scheduler_server::{JobIdGenerator, SchedulerServer};
use datafusion::optimizer::OptimizerRule;
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use gristmill_engine::codec::GristmillPhysicalCodec;
use gristmill_engine::config::Config;
use gristmill_engine::storage::Stores;
use gristmill_engine::{Code, Error, Result};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) type Server = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

/// Ballista's loop posts events into its own queue and waits for room in it: a queue that fills up never empties.
const EVENT_QUEUE: u32 = 1_000_000;
/// How long an executor that said it is leaving may take; a little longer than executors give their tasks.
const LEAVING_LIMIT: Duration = Duration::from_secs(10);

/// Ballista's scheduler. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Core {
    pub(super) inner: Arc<CoreInner>,
}

pub(super) struct CoreInner {
    pub(super) server: Server,
    pub(super) board: Arc<JobBoard>,
    pub(super) registry: Arc<Registry>,
    pub(super) pulse: Pulse,
    pub(super) connections: Connections,
    base_config: SessionConfig,
    max_message_bytes: usize,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("capacity", &*self.capacity().borrow()).finish_non_exhaustive()
    }
}

impl Core {
    /// Starts the scheduler's loop. Executors are told to report to `port`.
    ///
    /// # Errors
    /// `Internal`: the loop does not start.
    pub(crate) async fn start(config: &Config, port: u16, stop: CancellationToken) -> Result<Core> {
        let (board, registry) = (Arc::new(JobBoard::default()), Arc::new(Registry::new(stop)));
        let cluster = BallistaCluster::new(Arc::clone(&registry) as _, Arc::clone(&board) as _);
        let base_config = session::base_config(config);
        let settings = Arc::new(scheduler_config(config, port, &base_config));
        let stores = Stores::new(&config.s3, &config.write);
        let codec = BallistaCodec::new(
            Arc::new(BallistaLogicalExtensionCodec::default()),
            Arc::new(GristmillPhysicalCodec::new(
                Arc::new(BallistaPhysicalExtensionCodec::default()),
                stores,
            )),
        );
        let metrics = Arc::new(NoopMetricsCollector::default());
        let mut server = Server::new(settings.scheduler_endpoint(), cluster, codec, settings, metrics);
        server.init().await.map_err(|error| {
            Error::new(Code::Internal, "the scheduler's loop does not start").with_source(error)
        })?;
        let max_message_bytes = config.scheduler.max_message_bytes.as_usize();
        let connections = Connections::new(max_message_bytes);
        let pulse = Pulse::default();
        let inner = CoreInner { server, board, registry, pulse, connections, base_config, max_message_bytes };
        Ok(Core { inner: Arc::new(inner) })
    }

    /// Keeps asking executors what they do until `stop`.
    ///
    /// # Errors
    /// None.
    pub(crate) async fn keep_pulse(self, stop: CancellationToken) -> Result<()> {
        let (server, registry) = (self.inner.server.clone(), Arc::clone(&self.inner.registry));
        self.inner.pulse.keep(server, registry, stop).await;
        Ok(())
    }

    /// Serves executors on `listener` until `stop`.
    ///
    /// # Errors
    /// `ClusterUnavailable`: the listener fails.
    pub(crate) async fn serve_executors(self, listener: TcpListener, stop: CancellationToken) -> Result<()> {
        let (server, limit) = (self.inner.server.clone(), self.inner.max_message_bytes);
        internal_port::serve(listener, server, limit, stop).await
    }

    /// What sessions start from.
    pub(crate) fn base_config(&self) -> SessionConfig {
        self.inner.base_config.clone()
    }

    /// What sessions plan with before DataFusion's own rules.
    pub(crate) fn first_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        session::first_rules()
    }

    /// The executors that take tasks.
    pub(crate) fn capacity(&self) -> watch::Receiver<Capacity> {
        self.inner.registry.capacity()
    }
}

fn scheduler_config(config: &Config, port: u16, base: &SessionConfig) -> SchedulerConfig {
    let scheduler = &config.scheduler;
    let max_message = u32::try_from(scheduler.max_message_bytes.bytes()).unwrap_or(u32::MAX);
    let base = base.clone();
    SchedulerConfig {
        external_host: scheduler.external_host.clone(),
        bind_host: scheduler.bind_host.clone(),
        bind_port: port,
        scheduling_policy: TaskSchedulingPolicy::PushStaged,
        event_loop_buffer_size: EVENT_QUEUE,
        task_distribution: TaskDistributionPolicy::RoundRobin,
        // Jobs are released when their rows are read, however long that takes.
        finished_job_data_clean_up_interval_seconds: 0,
        finished_job_state_clean_up_interval_seconds: 0,
        executor_termination_grace_period: LEAVING_LIMIT.as_secs(),
        grpc_server_max_decoding_message_size: max_message,
        grpc_server_max_encoding_message_size: max_message,
        grpc_client_max_message_size: max_message,
        executor_timeout_seconds: scheduler.executor_timeout.as_secs().max(1),
        expire_dead_executor_interval_seconds: 1,
        no_executors_grace_period_seconds: scheduler.executor_wait.max(scheduler.executor_timeout).as_secs(),
        // The limit of messages to executors is only read from here.
        override_config_producer: Some(Arc::new(move || base.clone())),
        override_create_grpc_client_endpoint: Some(super::jobs::control_limits()),
        job_id_generator: Some(Arc::new(JobIds)),
        ..SchedulerConfig::default()
    }
}

/// Job ids: sortable by time, and never the same again after a restart, for executors remember the files of old jobs.
struct JobIds;

#[async_trait]
impl JobIdGenerator for JobIds {
    async fn next_id(&self) -> String {
        Uuid::now_v7().simple().to_string()
    }
}
