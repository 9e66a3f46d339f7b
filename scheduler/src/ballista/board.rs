//! Every job that is not forgotten, and what the cluster last said about it.
//!
//! Ballista's own memory tells subscribers over a bounded channel and drops what does not fit, keeps copies of whole
//! execution graphs for an hour, and lets a job run that was cancelled while it was planned.

use super::results;
use crate::job::{Finished, Signal};
use async_trait::async_trait;
use ballista_core::error::{BallistaError, Result};
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::{FailedJob, JobStatus, QueuedJob, SuccessfulJob};
use ballista_core::{JobId, JobStatusSubscriber};
use ballista_scheduler::cluster::{JobState, JobStateEventStream};
use ballista_scheduler::state::execution_graph::ExecutionGraphBox;
use dashmap::{DashMap, DashSet};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::watch;

/// **Limits** a job stays until [`JobBoard::forget`]; without its graph.
#[derive(Default)]
pub(super) struct JobBoard {
    jobs: DashMap<JobId, Entry>,
    /// Jobs that were forgotten before the cluster queued them: they must not run when it does.
    unwanted: DashSet<JobId>,
}

struct Entry {
    status: JobStatus,
    signals: watch::Sender<Signal>,
    refused: bool,
}

impl Entry {
    fn new(job: &JobId) -> Self {
        let status = JobStatus { job_id: job.to_string(), ..JobStatus::default() };
        Self { status, signals: watch::Sender::new(Signal::Unknown), refused: false }
    }

    fn say(&mut self, status: Status, signal: Signal) {
        self.status.status = Some(status);
        self.signals.send_replace(signal);
    }
}

impl JobBoard {
    /// What happens to `job`, from now on and what was last; also before the cluster knows it.
    pub(super) fn signals(&self, job: &JobId) -> watch::Receiver<Signal> {
        let entry = self.jobs.entry(job.clone()).or_insert_with(|| Entry::new(job));
        let mut signals = entry.signals.subscribe();
        signals.mark_changed();
        signals
    }

    /// Keeps `job` from running if it is still being planned.
    ///
    /// Ballista does not know a job that is being planned, so it takes a cancellation and lets the job run afterwards.
    pub(super) fn refuse(&self, job: &JobId) {
        if let Some(mut entry) = self.jobs.get_mut(job) {
            entry.refused = true;
        }
    }

    /// Drops what is known of `job`, which does not run if the cluster has not even queued it yet.
    pub(super) fn forget(&self, job: &JobId) {
        if let Some((job, entry)) = self.jobs.remove(job)
            && entry.status.status.is_none()
        {
            self.unwanted.insert(job);
        }
    }

    fn update(&self, job: &JobId, change: impl FnOnce(&mut Entry)) -> Result<()> {
        let mut entry = self.jobs.get_mut(job).ok_or_else(|| unknown(job))?;
        change(&mut entry);
        Ok(())
    }

    fn ids(&self, keep: impl Fn(&JobStatus) -> bool) -> HashSet<JobId> {
        self.jobs.iter().filter(|entry| keep(&entry.status)).map(|entry| entry.key().clone()).collect()
    }
}

fn unknown(job: &JobId) -> BallistaError {
    BallistaError::Internal(format!("job {job} is not known"))
}

fn is_over(status: &JobStatus) -> bool {
    matches!(status.status, Some(Status::Successful(_) | Status::Failed(_)))
}

#[async_trait]
impl JobState for JobBoard {
    fn accept_job(&self, job_id: &JobId, job_name: &str, queued_at: u64) -> Result<()> {
        if self.unwanted.remove(job_id).is_some() {
            return Err(BallistaError::Cancelled);
        }
        let mut entry = self.jobs.entry(job_id.clone()).or_insert_with(|| Entry::new(job_id));
        job_name.clone_into(&mut entry.status.job_name);
        entry.say(Status::Queued(QueuedJob { queued_at }), Signal::Queued);
        Ok(())
    }

    fn pending_job_number(&self) -> usize {
        self.ids(|status| matches!(status.status, Some(Status::Queued(_)))).len()
    }

    async fn submit_job(
        &self,
        job_id: JobId,
        graph: &ExecutionGraphBox,
        _subscriber: Option<JobStatusSubscriber>,
    ) -> Result<()> {
        let mut entry = self.jobs.get_mut(&job_id).ok_or_else(|| unknown(&job_id))?;
        if entry.refused {
            return Err(BallistaError::Cancelled);
        }
        entry.status = graph.status().clone();
        entry.signals.send_replace(Signal::Running);
        Ok(())
    }

    async fn save_job(&self, job_id: &JobId, graph: &ExecutionGraphBox) -> Result<()> {
        let signal = match &graph.status().status {
            Some(Status::Successful(_)) => match results::parts(graph.as_ref()) {
                Ok(parts) => {
                    let progress = results::snapshot(graph.as_ref()).progress;
                    Signal::Succeeded(Arc::new(Finished { parts, progress }))
                }
                Err(error) => Signal::Failed(error.frame().into()),
            },
            Some(Status::Failed(failed)) => Signal::Failed(failed.error.as_str().into()),
            _ => return self.update(job_id, |entry| entry.status = graph.status().clone()),
        };
        self.update(job_id, |entry| {
            entry.status = without_locations(graph.status());
            entry.signals.send_replace(signal);
        })
    }

    async fn fail_unscheduled_job(&self, job_id: &JobId, reason: String) -> Result<()> {
        self.update(job_id, |entry| {
            let signal = Signal::Failed(reason.as_str().into());
            entry.say(Status::Failed(FailedJob { error: reason, ..FailedJob::default() }), signal);
        })
    }

    async fn get_job_status(&self, job_id: &JobId) -> Result<Option<JobStatus>> {
        Ok(self.jobs.get(job_id).map(|entry| entry.status.clone()))
    }

    async fn get_execution_graph(&self, _job_id: &JobId) -> Result<Option<ExecutionGraphBox>> {
        Ok(None)
    }

    async fn try_acquire_job(&self, _job_id: &JobId) -> Result<Option<ExecutionGraphBox>> {
        Ok(None)
    }

    async fn get_jobs(&self) -> Result<HashSet<JobId>> {
        Ok(self.ids(is_over))
    }

    async fn get_all_jobs(&self) -> Result<HashSet<JobId>> {
        Ok(self.ids(|_| true))
    }

    async fn remove_job(&self, job_id: &JobId) -> Result<()> {
        self.forget(job_id);
        Ok(())
    }

    async fn job_state_events(&self) -> Result<JobStateEventStream> {
        Ok(futures::stream::pending().boxed())
    }

    async fn create_or_update_session(
        &self,
        _id: &str,
        _config: &SessionConfig,
    ) -> Result<Arc<SessionContext>> {
        Err(BallistaError::NotImplemented("sessions are made by the Flight SQL service".to_owned()))
    }

    async fn remove_session(&self, _session_id: &str) -> Result<()> {
        Ok(())
    }

    fn produce_config(&self) -> SessionConfig {
        SessionConfig::new()
    }
}

/// The list of files is in the signal, and there it is right.
fn without_locations(status: &JobStatus) -> JobStatus {
    match &status.status {
        Some(Status::Successful(job)) => JobStatus {
            job_id: status.job_id.clone(),
            job_name: status.job_name.clone(),
            status: Some(Status::Successful(SuccessfulJob {
                partition_location: vec![],
                queued_at: job.queued_at,
                started_at: job.started_at,
                ended_at: job.ended_at,
            })),
        },
        _ => status.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(signals: &watch::Receiver<Signal>) -> String {
        format!("{:?}", *signals.borrow())
    }

    #[tokio::test]
    async fn who_asks_before_the_job_is_queued_hears_of_everything() {
        let (board, job) = (JobBoard::default(), JobId::new("a"));
        let mut signals = board.signals(&job);
        board.accept_job(&job, "SELECT", 1).unwrap();
        signals.changed().await.unwrap();
        assert_eq!(last(&signals), "Queued");
        board.fail_unscheduled_job(&job, "no".to_owned()).await.unwrap();
        assert_eq!(last(&signals), "Failed(\"no\")");
    }

    #[tokio::test]
    async fn who_asks_after_the_job_has_failed_hears_that_it_failed() {
        let (board, job) = (JobBoard::default(), JobId::new("a"));
        board.accept_job(&job, "SELECT", 1).unwrap();
        board.fail_unscheduled_job(&job, "no".to_owned()).await.unwrap();
        let mut signals = board.signals(&job);
        signals.changed().await.unwrap();
        assert_eq!(last(&signals), "Failed(\"no\")");
    }

    #[tokio::test]
    async fn a_job_that_was_forgotten_before_it_was_queued_is_not_accepted() {
        let (board, job) = (JobBoard::default(), JobId::new("a"));
        board.signals(&job);
        board.forget(&job);
        assert!(matches!(board.accept_job(&job, "SELECT", 1), Err(BallistaError::Cancelled)));
        assert_eq!(board.pending_job_number(), 0);
    }

    #[tokio::test]
    async fn a_forgotten_job_is_not_known() {
        let (board, job) = (JobBoard::default(), JobId::new("a"));
        board.accept_job(&job, "SELECT", 1).unwrap();
        board.forget(&job);
        assert!(board.get_job_status(&job).await.unwrap().is_none());
        assert!(board.fail_unscheduled_job(&job, "no".to_owned()).await.is_err());
        assert_eq!(board.pending_job_number(), 0);
    }
}
