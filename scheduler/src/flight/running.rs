//! The rows of a running statement: cancelled by whoever may, even while its client is not reading.

use super::sessions::SessionUse;
use super::statements::Work;
use super::tickets::StatementId;
use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::Stream;
use gristmill_engine::{Error, Result};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Where the rows of a running statement come from, shared by who reads them and who may cancel them.
///
/// A client that stops reading blocks its response, so nobody polls and a flag alone would not be seen: cancelling
/// takes the stream out of the slot and drops it.
#[derive(Default)]
pub(super) struct Slot {
    cancelled: CancellationToken,
    rows: Mutex<Option<Source>>,
}

/// The rows, and the sign that they are being computed, which is given up after them.
struct Source {
    rows: SendableRecordBatchStream,
    _work: TaskTrackerToken,
}

impl Slot {
    pub(super) fn cancel(&self) {
        self.cancelled.cancel();
        // A poll in progress holds the lock; it looks at the token when it is done, and drops the stream itself.
        let rows = self.rows.try_lock().and_then(|mut rows| rows.take());
        drop(rows);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    fn put(&self, source: Source) {
        *self.rows.lock() = Some(source);
        self.drop_if_cancelled();
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        let polled = match self.rows.lock().as_mut() {
            Some(source) => source.rows.as_mut().poll_next(cx),
            None => Poll::Ready(None),
        };
        self.drop_if_cancelled();
        polled.map(|next| next.map(|batch| batch.map_err(Error::from_datafusion)))
    }

    fn drop_if_cancelled(&self) {
        if self.is_cancelled() {
            let rows = self.rows.lock().take();
            drop(rows);
        }
    }
}

/// A statement that is listed as running for as long as this is held.
pub(super) struct Running {
    pub(super) session: SessionUse,
    id: StatementId,
    slot: Arc<Slot>,
}

impl Running {
    /// Takes what waits under a ticket.
    ///
    /// # Errors
    /// As [`super::statements::Statements::take`].
    pub(super) fn take(session: SessionUse, id: StatementId) -> Result<(Work, Running)> {
        let slot = Arc::default();
        let work = session.statements.take(id, &slot)?;
        Ok((work, Running { session, id, slot }))
    }

    /// A statement that runs without having been announced.
    pub(super) fn start(session: SessionUse) -> Running {
        let (id, slot) = (StatementId::random(), Arc::default());
        session.statements.start(id, &slot);
        Running { session, id, slot }
    }

    /// Waits for `work`, unless the statement is cancelled or its session ends first.
    ///
    /// # Errors
    /// Those of `work`, `Cancelled`, or `ClusterUnavailable` when the server stops.
    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.slot.cancelled.cancelled() => Err(self.session.cancelled_error()),
            done = self.session.unless_ended(work) => done,
        }
    }

    /// Its rows.
    pub(super) fn rows(self, stream: SendableRecordBatchStream) -> RunningRows {
        self.slot.put(Source { rows: stream, _work: self.session.work() });
        RunningRows {
            cancelled: Box::pin(self.slot.cancelled.clone().cancelled_owned()),
            running: self,
            started: Instant::now(),
            rows: 0,
            outcome: Outcome::Dropped,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.session.statements.finish(self.id);
    }
}

/// The rows of a running statement. Dropping it cancels the statement.
pub(super) struct RunningRows {
    running: Running,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    started: Instant,
    rows: usize,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Until anything else happens.
    Dropped,
    Done,
    Failed,
    Cancelled,
}

impl Stream for RunningRows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.outcome != Outcome::Dropped {
            return Poll::Ready(None);
        }
        // Polled first so that a cancellation wakes this task; checked again below for one that came meanwhile.
        let mut cancelled = self.cancelled.as_mut().poll(cx).is_ready();
        let polled = if cancelled { Poll::Pending } else { self.running.slot.poll(cx) };
        cancelled |= self.running.slot.is_cancelled();
        if cancelled {
            self.outcome = Outcome::Cancelled;
            return Poll::Ready(Some(Err(self.running.session.cancelled_error())));
        }
        match &polled {
            Poll::Ready(Some(Ok(batch))) => self.rows += batch.num_rows(),
            Poll::Ready(Some(Err(_))) => self.outcome = Outcome::Failed,
            Poll::Ready(None) => self.outcome = Outcome::Done,
            Poll::Pending => {}
        }
        polled
    }
}

impl Drop for RunningRows {
    fn drop(&mut self) {
        tracing::info!(
            session = self.running.session.number,
            rows = self.rows,
            elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome = ?self.outcome,
            "rows ended"
        );
    }
}
