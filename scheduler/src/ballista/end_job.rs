//! Telling executors that a job is over.
//!
//! Ballista tells a task to stop once, and only one that has begun; and a task is over for it as soon as nobody waits for it,
//! while what it started goes on to its next pause. What a job wrote can be removed when executors say that nothing of
//! it works any more, and that nothing of it will.

use super::core::Core;
use super::pulse::connect;
use arrow_flight::Action;
use ballista_core::serde::scheduler::ExecutorMetadata;
use ballista_scheduler::cluster::ClusterState;
use futures::TryStreamExt;
use gristmill_proto::cluster::{END_JOB, EndJob};
use prost::Message;
use std::time::Duration;

/// How long an executor may take. A task that is told to stop does when it next waits for something.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

impl Core {
    /// Tells every executor that `job`, which writes shards of the job `writes`, is over; completes when none works for it
    /// any more. One that is gone does not; one that does not answer in time is a warning.
    pub(crate) async fn end(&self, job: &str, writes: &str) {
        let request = EndJob { job: job.to_owned(), writes: writes.to_owned() }.encode_to_vec();
        let executors = self.inner.registry.registered_executor_metadata().await;
        let told = executors.iter().map(|executor| async {
            let answer = tokio::time::timeout(ANSWER_LIMIT, tell(executor, request.clone())).await;
            match answer {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(job, executor = %executor.id, %error, "could not tell an executor that a job is over");
                }
                Err(_) => tracing::warn!(job, executor = %executor.id, "an executor still works for a job that is over"),
            }
        });
        futures::future::join_all(told).await;
    }
}

async fn tell(executor: &ExecutorMetadata, request: Vec<u8>) -> Result<(), tonic::Status> {
    let Some(mut client) = connect(executor) else {
        return Err(tonic::Status::internal(format!("no address: {}:{}", executor.host, executor.port)));
    };
    let answer = client.do_action(Action::new(END_JOB, request)).await?;
    answer.into_inner().try_collect::<Vec<_>>().await.map(drop)
}
