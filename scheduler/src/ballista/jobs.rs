//! What can be done with a job.

use super::core::Core;
use super::{results, session};
use crate::job::{ExecutorAddress, ResultPart, Signal, Snapshot};
use ballista_core::JobId;
use ballista_core::client::BallistaClient;
use ballista_core::error::BallistaError;
use ballista_core::extension::{BallistaConfigGrpcEndpoint, EndpointOverrideFn};
use ballista_core::serde::scheduler::{PartitionId, ShuffleLayout};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use gristmill_engine::backend::PhysicalJob;
use gristmill_engine::{Code, Error, Result};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A job that the cluster has.
#[derive(Debug)]
pub(crate) struct Submitted {
    /// Its id.
    pub(crate) job: String,
    /// What happens to it.
    pub(crate) signals: watch::Receiver<Signal>,
}

impl Core {
    /// Hands `job` to the cluster, which plans it in the background.
    ///
    /// # Errors
    /// `Internal`: the scheduler's loop has ended.
    pub(crate) async fn submit(&self, job: &PhysicalJob) -> Result<Submitted> {
        let vcores = self.capacity().borrow().vcores.max(1);
        let ctx = Arc::new(session::job_context(&job.ctx, &job.plan, vcores));
        let submitted =
            self.inner.server.submit_physical_plan(&job.name, ctx, Arc::clone(&job.plan), None).await;
        let id = submitted
            .map_err(|error| Error::new(Code::Internal, "cannot submit a job").with_source(error))?;
        tracing::info!(job = %id, name = %job.name, "submitted a job");
        Ok(Submitted { signals: self.inner.board.signals(&id), job: id.into_inner() })
    }

    /// Asks the cluster to stop a job, whatever it is doing. That it has stopped comes as a signal.
    pub(crate) async fn cancel(&self, job: &str) {
        let id = JobId::new(job);
        self.inner.board.refuse(&id);
        if let Err(error) = self.inner.server.cancel_job(id).await {
            tracing::warn!(job, %error, "could not cancel a job");
        }
    }

    /// Lets executors delete a job's files, and forgets it.
    pub(crate) fn release(&self, job: &str) {
        let id = JobId::new(job);
        self.inner.server.state.executor_manager.clean_up_job_data(id.clone());
        self.inner.board.forget(&id);
    }

    /// How far a running job is.
    pub(crate) async fn snapshot(&self, job: &str) -> Option<Snapshot> {
        let running = self.inner.server.state.task_manager.get_running_job_cache();
        let graph = running.get(&JobId::new(job))?.execution_graph.read().await;
        Some(results::live_snapshot(graph.as_ref(), &self.inner.pulse))
    }

    /// The batches of one file of a result, as they come over the network.
    ///
    /// # Errors
    /// The executor is gone, or does not have the file.
    pub(crate) async fn open(&self, part: &ResultPart) -> Result<SendableRecordBatchStream, DataFusionError> {
        let mut attempt = 1;
        loop {
            match self.inner.connections.open(part).await {
                Err(error) if attempt < OPEN_ATTEMPTS => {
                    tracing::warn!(job = %part.job, executor = %part.executor.id, %error, "could not open a result");
                    attempt += 1;
                    tokio::time::sleep(OPEN_PAUSE).await;
                }
                result => return result.map_err(BallistaError::into_datafusion),
            }
        }
    }
}

const OPEN_ATTEMPTS: usize = 3;
const OPEN_PAUSE: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// What may be under way of one result file, and of all that come over one connection: the executor sends in blocks of
/// 8 MiB, and one of them should not wait for the reader.
const FILE_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 32 << 20;

/// Connections to executors, one for each.
pub(super) struct Connections {
    open: Mutex<BTreeMap<ExecutorAddress, BallistaClient>>,
    max_message_bytes: usize,
}

impl Connections {
    pub(super) fn new(max_message_bytes: usize) -> Self {
        Self { open: Mutex::default(), max_message_bytes }
    }

    async fn open(&self, part: &ResultPart) -> Result<SendableRecordBatchStream, BallistaError> {
        let executor = &part.executor;
        let known = self.open.lock().get(executor).cloned();
        let mut client = match known {
            Some(client) => client,
            None => self.connect(executor).await?,
        };
        let partition = PartitionId::new(&JobId::new(part.job.as_str()), part.stage, part.partition);
        let layout = if part.sorted { ShuffleLayout::Sort } else { ShuffleLayout::Passthrough };
        let opened = client.fetch_partition(&executor.id, &partition, part.file_id, layout, false).await;
        let mut open = self.open.lock();
        match &opened {
            Ok(_) => open.insert(executor.clone(), client),
            Err(_) => open.remove(executor),
        };
        opened
    }

    async fn connect(&self, executor: &ExecutorAddress) -> Result<BallistaClient, BallistaError> {
        let endpoint = Arc::new(BallistaConfigGrpcEndpoint::new(endpoint_limits()));
        let (attempts, pause_ms) = (1, 0);
        BallistaClient::try_new(
            &executor.host,
            executor.port,
            self.max_message_bytes,
            false,
            Some(endpoint),
            attempts,
            pause_ms,
            CONNECTION_WINDOW_BYTES,
            FILE_WINDOW_BYTES,
        )
        .await
    }
}

/// How long an executor may take to answer a call of the control port, a launch of tasks with their plans included.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(60);

/// As [`endpoint_limits`], for calls that are answered at once: without it an executor that hangs holds up the launch of
/// all tasks.
pub(super) fn control_limits() -> EndpointOverrideFn {
    let limits = endpoint_limits();
    Arc::new(move |endpoint| Ok(limits(endpoint)?.timeout(CONTROL_TIMEOUT)))
}

/// Ballista's own connections to executors have no limits in time on the data plane.
pub(super) fn endpoint_limits() -> EndpointOverrideFn {
    Arc::new(|endpoint| {
        Ok(endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT))
    })
}
