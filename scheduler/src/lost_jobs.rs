//! Cleans up after jobs that were under way when a scheduler before this one was killed.

use gristmill_engine::commit::{Garbage, GarbageReport, JobNote, JobNotes, NotedJob};
use gristmill_engine::config::Config;
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::{Error, Result};
use std::sync::Arc;

/// Removes what they left, in turns until a turn finds nothing: executors may still be running their tasks. What fails
/// is left for the next scheduler that starts with the same scratch folder.
pub(crate) async fn remove_lost_jobs(config: Arc<Config>, stores: Arc<Stores>) {
    let lost = JobNotes::lost(&config.scratch.dir);
    let mut jobs: Vec<(NotedJob, JobNote)> = lost.iter().flat_map(JobNotes::jobs).collect();
    while !jobs.is_empty() {
        let mut again = Vec::new();
        for (noted, note) in jobs {
            match remove(&stores, &noted).await {
                Ok(removed) if removed.is_empty() => note.forget(),
                Ok(removed) => {
                    log(&noted, &removed);
                    again.push((noted, note));
                }
                Err(error) => log_failure(&noted, &error),
            }
        }
        jobs = again;
        if !jobs.is_empty() {
            // By then an executor has noticed that its scheduler is gone, or has come back and is idle.
            tokio::time::sleep(config.scheduler.executor_timeout).await;
        }
    }
}

async fn remove(stores: &Stores, noted: &NotedJob) -> Result<GarbageReport> {
    let store = stores.shards(&Location::parse(&noted.location)?)?;
    Garbage::of_job(store, &noted.job).await?.remove().await
}

fn log(NotedJob { job, location }: &NotedJob, removed: &GarbageReport) {
    let (staged, published) = (removed.staged.count, removed.published.count);
    tracing::info!(%job, %location, staged, published, "removed what a lost job left");
}

fn log_failure(NotedJob { job, location }: &NotedJob, error: &Error) {
    tracing::warn!(%job, %location, %error, "could not remove what a lost job left; the next start tries again");
}
