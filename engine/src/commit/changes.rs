//! Changes that are not stopped half-way.

use crate::error::{Code, Error, Result};
use tokio_util::task::TaskTracker;

/// Changes that a job makes to its location, each run to its end even if nobody waits for it any more.
///
/// A request that was sent, or file work that was queued, goes on when its future is dropped. Undoing must come after
/// it, or the change happens after it was undone.
#[derive(Debug, Default)]
pub(super) struct Changes(TaskTracker);

impl Changes {
    /// Makes a change.
    pub(super) async fn run(&self, change: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        match self.0.spawn(change).await {
            Ok(result) => result,
            Err(error) if error.is_cancelled() => {
                Err(Error::new(Code::Cancelled, "a commit was cancelled: the process is shutting down"))
            }
            Err(error) => Err(Error::new(Code::Internal, "a commit panicked").with_source(error)),
        }
    }

    /// Waits for the changes that nobody waits for any more. None is to be made after this.
    pub(super) async fn settle(&self) {
        self.0.close();
        self.0.wait().await;
    }
}
