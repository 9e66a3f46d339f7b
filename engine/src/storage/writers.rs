//! Who writes in this process right now.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Notify;

/// The jobs that write in this process. Clones are the same list.
///
/// A task that is cancelled ends a little later than whoever cancels it goes on: when it next waits for something, or
/// when the file work is done that it had begun. What a job staged is removed after that, or some of it comes after
/// its removal.
#[derive(Clone, Default)]
pub(super) struct Writers(Arc<List>);

#[derive(Default)]
struct List {
    /// How many guards there are of a job.
    jobs: Mutex<BTreeMap<String, usize>>,
    changed: Notify,
}

/// Counts as a writer of its job until the last clone is dropped.
#[derive(Clone)]
pub(super) struct WriterGuard(Arc<Entry>);

struct Entry {
    writers: Writers,
    job: String,
}

impl Writers {
    /// A guard for a writer of `job`.
    pub(super) fn enter(&self, job: &str) -> WriterGuard {
        *self.0.jobs.lock().entry(job.to_owned()).or_default() += 1;
        WriterGuard(Arc::new(Entry { writers: self.clone(), job: job.to_owned() }))
    }

    /// Waits until nobody here writes for `job`.
    pub(super) async fn ended(&self, job: &str) {
        loop {
            // Before the look: a change after it is not missed.
            let changed = self.0.changed.notified();
            if !self.0.jobs.lock().contains_key(job) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut jobs = self.writers.0.jobs.lock();
        if let Some(count) = jobs.get_mut(&self.job) {
            *count -= 1;
            if *count == 0 {
                jobs.remove(&self.job);
                self.writers.0.changed.notify_waiters();
            }
        }
    }
}

impl fmt::Debug for WriterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriterGuard({})", self.0.job)
    }
}

#[cfg(test)]
mod tests {
    use super::Writers;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_job_has_ended_when_its_last_writer_has() {
        let writers = Writers::default();
        let (one, other) = (writers.enter("a"), writers.enter("b"));
        let clone = one.clone();
        let mut ended = Box::pin(writers.ended("a"));
        assert!((&mut ended).now_or_never().is_none());
        drop((one, other));
        assert!((&mut ended).now_or_never().is_none(), "a clone is a writer as well");
        drop(clone);
        ended.await;
        writers.ended("nobody").await;
    }
}
