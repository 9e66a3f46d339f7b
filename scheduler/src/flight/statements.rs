//! What a session has announced and not yet delivered, and what it is delivering now.

use super::running::Slot;
use super::tickets::StatementId;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use gristmill_engine::statement::Statement;
use gristmill_engine::{Code, Error, Result};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many results of a session may wait to be fetched. Over it the oldest is dropped, not the newest refused: a
/// driver that never fetches what a `SET` returns would else be locked out.
const MAX_PENDING: usize = 256;

/// How long a result waits to be fetched.
const PENDING_LIFETIME: Duration = Duration::from_mins(5);

/// How many bytes of rows of a statement that has already run are held.
pub(super) const MAX_HELD_BYTES: usize = 4 << 20;

/// The statements of one session between their announcement and the end of their rows.
#[derive(Default)]
pub(super) struct Statements {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    pending: VecDeque<Pending>,
    running: BTreeMap<StatementId, Arc<Slot>>,
}

struct Pending {
    id: StatementId,
    since: Instant,
    work: Work,
}

/// What is behind a ticket.
pub(super) enum Work {
    /// A query that starts when its rows are fetched, and the columns it was announced with.
    Query { statement: Statement, schema: SchemaRef },
    /// The rows of a statement that has run.
    Rows(HeldRows),
}

/// A small result, complete, in the types of the wire.
pub(super) struct HeldRows {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
}

/// What cancelling a ticket did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// It will not run, or runs no more.
    Yes,
    /// It had run already; its rows are dropped.
    TooLate,
}

impl Statements {
    /// Keeps `work` until its ticket is used.
    pub(super) fn hold(&self, work: Work) -> StatementId {
        let mut table = self.table.lock();
        table.drop_expired();
        let id = StatementId::random();
        table.pending.push_back(Pending { id, since: Instant::now(), work });
        let dropped = if table.pending.len() > MAX_PENDING { table.pending.pop_front() } else { None };
        drop(table);
        drop(dropped);
        id
    }

    /// Takes what waits under `id`, and marks it as running in `slot`.
    ///
    /// # Errors
    /// `StatementFailed` when it was taken before, has expired, or was cancelled.
    pub(super) fn take(&self, id: StatementId, slot: &Arc<Slot>) -> Result<Work> {
        let mut table = self.table.lock();
        table.drop_expired();
        if table.running.contains_key(&id) {
            return Err(Error::new(
                Code::StatementFailed,
                "the ticket is in use: a result can be fetched once",
            )
            .with_hint("execute the statement again"));
        }
        let work = table.remove(id).ok_or_else(|| {
            Error::new(
                Code::StatementFailed,
                "the ticket is no longer good: its result was fetched, cancelled, or waited for more than 5 minutes",
            )
            .with_hint("execute the statement again; a result can be fetched once")
        })?;
        table.running.insert(id, Arc::clone(slot));
        Ok(work)
    }

    /// Marks a statement that was never announced as running.
    pub(super) fn start(&self, id: StatementId, slot: &Arc<Slot>) {
        self.table.lock().running.insert(id, Arc::clone(slot));
    }

    /// It runs no more.
    pub(super) fn finish(&self, id: StatementId) {
        self.table.lock().running.remove(&id);
    }

    /// Cancels one statement; `None` when it is not known.
    pub(super) fn cancel(&self, id: StatementId) -> Option<Cancelled> {
        let mut table = self.table.lock();
        if let Some(slot) = table.running.get(&id).cloned() {
            drop(table);
            slot.cancel();
            return Some(Cancelled::Yes);
        }
        match table.remove(id)? {
            Work::Query { .. } => Some(Cancelled::Yes),
            Work::Rows(_) => Some(Cancelled::TooLate),
        }
    }

    /// Cancels everything.
    pub(super) fn cancel_all(&self) {
        let Table { pending, running } = std::mem::take(&mut *self.table.lock());
        drop(pending);
        running.values().for_each(|slot| slot.cancel());
    }

    /// Forgets what waited for too long.
    pub(super) fn drop_expired(&self) {
        self.table.lock().drop_expired();
    }
}

impl Table {
    fn remove(&mut self, id: StatementId) -> Option<Work> {
        let index = self.pending.iter().position(|pending| pending.id == id)?;
        self.pending.remove(index).map(|pending| pending.work)
    }

    fn drop_expired(&mut self) {
        while self.pending.front().is_some_and(|oldest| oldest.since.elapsed() >= PENDING_LIFETIME) {
            self.pending.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::Schema;

    fn rows() -> Work {
        Work::Rows(HeldRows { schema: Arc::new(Schema::empty()), batches: Vec::new() })
    }

    fn query() -> Work {
        let statement = Statement::parse("SELECT 1").unwrap();
        Work::Query { statement, schema: Arc::new(Schema::empty()) }
    }

    #[test]
    fn a_result_is_taken_once() {
        let statements = Statements::default();
        let id = statements.hold(rows());
        assert!(statements.take(id, &Arc::default()).is_ok());
        let error = statements.take(id, &Arc::default()).err().unwrap();
        assert!(error.message().contains("in use"), "{error}");
        statements.finish(id);
        let error = statements.take(id, &Arc::default()).err().unwrap();
        assert!(error.message().contains("no longer good"), "{error}");
    }

    #[test]
    fn over_the_limit_the_oldest_result_is_dropped() {
        let statements = Statements::default();
        let ids: Vec<_> = (0..=MAX_PENDING).map(|_| statements.hold(rows())).collect();
        assert!(statements.take(ids[0], &Arc::default()).is_err());
        assert!(statements.take(ids[1], &Arc::default()).is_ok());
    }

    #[test]
    fn cancelling_says_what_it_did() {
        let statements = Statements::default();
        let (waiting, done) = (statements.hold(query()), statements.hold(rows()));
        assert_eq!(statements.cancel(waiting), Some(Cancelled::Yes));
        assert_eq!(statements.cancel(waiting), None);
        assert_eq!(statements.cancel(done), Some(Cancelled::TooLate));
        let (running, slot) = (StatementId::random(), Arc::default());
        statements.start(running, &slot);
        assert_eq!(statements.cancel(running), Some(Cancelled::Yes));
        assert!(slot.is_cancelled());
    }
}
