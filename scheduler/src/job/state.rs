//! What a job goes through, decided without I/O. [`Driver`](super::Driver) acts.
//!
//! ```text
//! Waiting ──ExecutorReady──▶ Submitted ──Running──▶ Running ──Succeeded──▶ Delivering ──CancelAsked──▶ Ended
//!    │                          │                      │                   (the rows are read,
//!    │ no executor in time      └──────────┬───────────┘                    or nobody wants them)
//!    ▼                        CancelAsked, deadline, no progress
//!  Ended                                   ▼
//!                                     Cancelling ──Failed──▶ Ended
//! ```

use std::time::{Duration, Instant};

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Until there is a first executor.
    pub(crate) executor_wait: Duration,
    /// From submission to the last task.
    pub(crate) job_timeout: Duration,
    /// From one sign of life to the next.
    pub(crate) no_progress_timeout: Duration,
}

/// A submitted job that the cluster has not queued by then is lost. Events are processed in order, so it is queued as
/// soon as the ones before it are handled. How long it is planned after that is bounded by the other limits.
const UNKNOWN_LIMIT: Duration = Duration::from_secs(30);
/// A cancellation that has not worked by then is asked for again.
const CANCEL_AGAIN: Duration = Duration::from_secs(1);
/// Then nobody waits for it any more.
const CANCEL_LIMIT: Duration = Duration::from_secs(30);

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// For a first executor.
    Waiting { since: Instant },
    /// Handed to the cluster, which has it in its queue or has not said so yet.
    Submitted { since: Instant, queued: bool },
    /// Tasks run.
    Running { since: Instant, progressed: Instant },
    /// Asked to stop.
    Cancelling { why: Why, since: Instant, asked: Instant },
    /// Succeeded; its result lies on the executors.
    Delivering,
    /// Over, and nothing of it is left.
    Ended(End),
}

/// Why a job is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody wants its rows.
    Asked,
    /// It took too long.
    Deadline,
    /// Nothing happened for too long.
    NoProgress,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Its rows were read, or were not wanted.
    Delivered,
    /// No executor came.
    NoExecutor,
    /// The cluster says so, with this text.
    Failed(String),
    /// It was cancelled.
    Cancelled(Why),
    /// The cluster does not know it.
    Lost,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// There is an executor.
    ExecutorReady,
    /// The cluster has it in its queue.
    Queued,
    /// The cluster runs it.
    Running,
    /// A task started, ended, or did something in between.
    Progressed,
    /// All tasks are done.
    Succeeded,
    /// It failed, or was stopped.
    Failed(String),
    /// Its rows are read to the end, or nobody wants them.
    CancelAsked,
    /// Time went by.
    Tick,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Hand the job to the cluster.
    Submit,
    /// Ask the cluster to stop it.
    Cancel,
    /// Let the executors delete its files.
    Release,
}

impl State {
    /// Whether nothing more can happen.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, State::Ended(_))
    }
}

/// The state after `event`, and what to do.
pub(crate) fn step(state: State, limits: &Limits, event: Event, now: Instant) -> (State, Vec<Action>) {
    match state {
        State::Waiting { since } => waiting(since, limits, event, now),
        State::Submitted { since, queued } => submitted(since, queued, limits, (event, now)),
        State::Running { since, progressed } => running(since, progressed, limits, (event, now)),
        State::Cancelling { why, since, asked } => cancelling(why, since, asked, (event, now)),
        State::Delivering => match event {
            Event::CancelAsked => (State::Ended(End::Delivered), vec![Action::Release]),
            _ => (State::Delivering, vec![]),
        },
        State::Ended(end) => (State::Ended(end), vec![]),
    }
}

fn waiting(since: Instant, limits: &Limits, event: Event, now: Instant) -> (State, Vec<Action>) {
    match event {
        Event::ExecutorReady => (State::Submitted { since: now, queued: false }, vec![Action::Submit]),
        Event::CancelAsked => (State::Ended(End::Cancelled(Why::Asked)), vec![]),
        Event::Tick if now.duration_since(since) >= limits.executor_wait => {
            (State::Ended(End::NoExecutor), vec![])
        }
        _ => (State::Waiting { since }, vec![]),
    }
}

fn submitted(
    since: Instant,
    queued: bool,
    limits: &Limits,
    (event, now): (Event, Instant),
) -> (State, Vec<Action>) {
    match event {
        Event::Running | Event::Progressed => (State::Running { since, progressed: now }, vec![]),
        Event::Succeeded => (State::Delivering, vec![]),
        Event::Failed(text) => (State::Ended(End::Failed(text)), vec![Action::Release]),
        Event::CancelAsked => cancel(Why::Asked, now),
        Event::Tick if now.duration_since(since) >= limits.job_timeout => cancel(Why::Deadline, now),
        Event::Tick if queued && now.duration_since(since) >= limits.no_progress_timeout => {
            cancel(Why::NoProgress, now)
        }
        // Should it turn up after all, nobody wants it any more.
        Event::Tick if !queued && now.duration_since(since) >= UNKNOWN_LIMIT => {
            (State::Ended(End::Lost), vec![Action::Cancel, Action::Release])
        }
        Event::Queued => (State::Submitted { since: now, queued: true }, vec![]),
        Event::Tick | Event::ExecutorReady => (State::Submitted { since, queued }, vec![]),
    }
}

fn running(
    since: Instant,
    progressed: Instant,
    limits: &Limits,
    (event, now): (Event, Instant),
) -> (State, Vec<Action>) {
    match event {
        Event::Progressed => (State::Running { since, progressed: now }, vec![]),
        Event::Succeeded => (State::Delivering, vec![]),
        Event::Failed(text) => (State::Ended(End::Failed(text)), vec![Action::Release]),
        Event::CancelAsked => cancel(Why::Asked, now),
        Event::Tick if now.duration_since(since) >= limits.job_timeout => cancel(Why::Deadline, now),
        Event::Tick if now.duration_since(progressed) >= limits.no_progress_timeout => {
            cancel(Why::NoProgress, now)
        }
        Event::Tick | Event::Queued | Event::Running | Event::ExecutorReady => {
            (State::Running { since, progressed }, vec![])
        }
    }
}

fn cancel(why: Why, now: Instant) -> (State, Vec<Action>) {
    (State::Cancelling { why, since: now, asked: now }, vec![Action::Cancel])
}

/// A job that succeeds while it is cancelled is cancelled: who asked has stopped listening.
fn cancelling(
    why: Why,
    since: Instant,
    asked: Instant,
    (event, now): (Event, Instant),
) -> (State, Vec<Action>) {
    let over = |why| (State::Ended(End::Cancelled(why)), vec![Action::Release]);
    match event {
        Event::Failed(_) | Event::Succeeded => over(why),
        Event::Tick if now.duration_since(since) >= CANCEL_LIMIT => over(why),
        // Ballista forgets a cancellation that comes while the job is planned.
        Event::Tick | Event::Queued | Event::Running | Event::Progressed
            if now.duration_since(asked) >= CANCEL_AGAIN =>
        {
            (State::Cancelling { why, since, asked: now }, vec![Action::Cancel])
        }
        _ => (State::Cancelling { why, since, asked }, vec![]),
    }
}

#[cfg(test)]
mod tests;
