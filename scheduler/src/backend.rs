//! Runs plans on executors, or right here when a cluster would only be in the way.

use crate::ballista::Core;
use crate::capacity::Capacity;
use crate::job::{Driver, Limits, job_rows};
use crate::placement::{Placement, place};
use async_trait::async_trait;
use gristmill_engine::backend::{Backend, PhysicalJob, RunningJob};
use gristmill_engine::config::SchedulerConfig;
use gristmill_engine::session::EmbeddedBackend;
use gristmill_engine::{Code, Error, Result};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a shutdown waits until cancelled jobs have stopped.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// The backend of a cluster.
#[derive(Debug)]
pub(crate) struct ClusterBackend {
    core: Core,
    capacity: watch::Receiver<Capacity>,
    limits: Limits,
    jobs: TaskTracker,
    closing: CancellationToken,
}

impl ClusterBackend {
    /// A backend that runs jobs on the executors of `core`.
    pub(crate) fn new(core: Core, config: &SchedulerConfig) -> Self {
        let limits = Limits {
            executor_wait: config.executor_wait,
            job_timeout: config.job_timeout,
            no_progress_timeout: config.no_progress_timeout,
        };
        let (jobs, closing) = (TaskTracker::new(), CancellationToken::new());
        Self { capacity: core.capacity(), core, limits, jobs, closing }
    }

    /// Cancels all jobs, and waits until they have stopped.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.jobs.close();
        if tokio::time::timeout(CLOSE_LIMIT, self.jobs.wait()).await.is_err() {
            tracing::warn!(jobs = self.jobs.len(), "some cancelled jobs did not stop in time");
        }
    }
}

#[async_trait]
impl Backend for ClusterBackend {
    fn target_partitions(&self) -> Option<usize> {
        Some(self.capacity.borrow().vcores.max(1))
    }

    async fn run(&self, job: PhysicalJob) -> Result<RunningJob> {
        if place(&job.plan) == Placement::Here {
            return EmbeddedBackend.run(job).await;
        }
        let schema = job.plan.schema();
        let unwanted = self.closing.child_token();
        // Dropped when this future is dropped, and later with the rows.
        let wanted = unwanted.clone().drop_guard();
        let (driver, mut watch) = Driver::new(self.core.clone(), job, self.limits, unwanted);
        self.jobs.spawn(driver.run());
        (&mut watch.started).await.map_err(|gone| {
            Error::new(Code::Internal, "the driver of a job ended before it began").with_source(gone)
        })??;
        let progress = std::sync::Arc::clone(&watch.progress) as _;
        Ok(RunningJob { stream: job_rows(self.core.clone(), watch, schema, wanted), progress })
    }
}
