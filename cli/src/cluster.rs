//! `gristmill cluster`: a scheduler and executors as child processes on loopback, for trying and testing.
//!
//! Children live no longer than this process: their stdin is a pipe that ends with it, however it ends.

use crate::app::App;
use crate::args::ClusterArgs;
use crate::roles::SchedulerReady;
use crate::stderr::Stderr;
use crate::stop::Outcome;
use child::Child;
use gristmill_engine::{Code, Error, Result};
use plan::ClusterPlan;
use std::future::Future;
use std::time::Duration;

mod child;
mod plan;
mod ready;

/// How long a cluster may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long the scheduler may take to cancel its jobs and clean up after them.
const SCHEDULER_STOP_LIMIT: Duration = Duration::from_secs(20);
/// How long an executor may take once there are no more jobs.
const EXECUTOR_STOP_LIMIT: Duration = Duration::from_secs(10);

/// Runs `gristmill cluster` until a signal, or until one of its processes ends by itself.
pub(crate) async fn run(args: &ClusterArgs, app: &mut App) -> Outcome {
    let plan = ClusterPlan::new(args, &app.config, &app.global);
    let stderr = app.output.stderr().clone();
    let mut cluster =
        Cluster { scheduler: Child::spawn("scheduler", &plan.scheduler, &stderr)?, executors: vec![] };
    // A signal is how a cluster is ended, not a failure.
    let outcome = app.interrupts.unless_stopped(live(&mut cluster, &plan, &stderr)).await.unwrap_or(Ok(()));
    cluster.stop(&stderr).await;
    Ok(outcome?)
}

/// All processes of a cluster; dropping it kills them.
#[derive(Debug)]
struct Cluster {
    scheduler: Child,
    executors: Vec<Child>,
}

/// Starts what is missing, says when the cluster is ready, and returns when one of its processes has ended.
async fn live(cluster: &mut Cluster, plan: &ClusterPlan, stderr: &Stderr) -> Result<()> {
    let ready = in_time(cluster.scheduler.ready_line()).await?;
    let ready: SchedulerReady = serde_json::from_str(&ready).map_err(|error| {
        Error::new(Code::Internal, format!("the scheduler said \"{ready}\" and not where it is"))
            .with_source(error)
    })?;
    let count = plan.executors;
    for number in 1..=count {
        let arguments = plan.executor(ready.executors.port());
        cluster.executors.push(Child::spawn(&format!("executor {number}"), &arguments, stderr)?);
    }
    tokio::select! {
        error = cluster.first_end() => return Err(error),
        registered = in_time(ready::executors(ready.http, count)) => registered?,
    }
    for child in std::iter::once(&cluster.scheduler).chain(&cluster.executors) {
        stderr.note(&format!("{} is process {}", child.name(), child.id()));
    }
    let noun = if count == 1 { "executor" } else { "executors" };
    // Not a note: whoever starts a cluster quietly still has to learn its address.
    stderr.line(&format!("gristmill cluster ready: grpc://{} ({count} {noun})", ready.flight));
    loop {
        // One executor less is a cluster that goes on, and what tests of lost executors want.
        match cluster.first_end_index().await {
            Ended::Scheduler(error) => return Err(error),
            Ended::Executor(index, error) => {
                stderr.line(error.message());
                cluster.executors.remove(index);
                if cluster.executors.is_empty() {
                    return Err(Error::new(Code::NoExecutor, "all executors of the cluster have ended"));
                }
            }
        }
    }
}

/// Which process ended by itself.
enum Ended {
    Scheduler(Error),
    Executor(usize, Error),
}

impl Cluster {
    /// Waits until any process ends.
    async fn first_end(&mut self) -> Error {
        match self.first_end_index().await {
            Ended::Scheduler(error) | Ended::Executor(_, error) => error,
        }
    }

    async fn first_end_index(&mut self) -> Ended {
        let executors = self.executors.iter_mut().map(|child| Box::pin(child.end()));
        if executors.len() == 0 {
            return Ended::Scheduler(self.scheduler.end().await);
        }
        tokio::select! {
            error = self.scheduler.end() => Ended::Scheduler(error),
            (error, index, _) = futures::future::select_all(executors) => Ended::Executor(index, error),
        }
    }

    /// Asks all processes to stop, the scheduler first so that executors have nothing left to do.
    async fn stop(mut self, stderr: &Stderr) {
        self.scheduler.stop(SCHEDULER_STOP_LIMIT, stderr).await;
        let executors = self.executors.iter_mut().map(|child| child.stop(EXECUTOR_STOP_LIMIT, stderr));
        futures::future::join_all(executors).await;
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(START_LIMIT, work).await {
        Ok(result) => result,
        Err(elapsed) => {
            let message = format!("the cluster was not ready after {} s", START_LIMIT.as_secs());
            Err(Error::new(Code::ClusterUnavailable, message)
                .with_hint("what its processes say is above; -v says more")
                .with_source(elapsed))
        }
    }
}
