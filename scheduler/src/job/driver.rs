//! Drives one job: turns what happens into events, and decisions into calls.

use super::state::{Action, End, Event, Limits, State, step};
use super::{Finished, Signal, Snapshot, failure};
use crate::ballista::{Core, Submitted};
use crate::capacity::Capacity;
use gristmill_engine::backend::{JobProgress, PhysicalJob, ProgressSource};
use gristmill_engine::write::RemoteWriter;
use gristmill_engine::{Error, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often progress is read and time limits are checked. What ends a job does not wait for it.
const TICK: Duration = Duration::from_millis(200);
/// How long after a job's success Ballista may still be deleting files of its earlier stages: two deletions of one
/// folder at a time get in each other's way.
const SUCCESS_PAUSE: Duration = Duration::from_millis(250);
/// How long cancelled tasks may go on writing files, after Ballista has deleted those of a failed job.
const WIND_DOWN: Duration = Duration::from_secs(2);

/// One job on the cluster, until nothing is left of it.
pub(crate) struct Driver {
    core: Core,
    job: PhysicalJob,
    limits: Limits,
    /// Cancelled when nobody wants the rows, or any more of them.
    unwanted: CancellationToken,
    unwanted_seen: bool,
    capacity: watch::Receiver<Capacity>,
    ticks: Interval,
    submitted: Option<Submitted>,
    release_due: bool,
    snapshot: Snapshot,
    finished: Option<Arc<Finished>>,
    report: Report,
    /// Of a job that writes, until no executor works for it any more.
    writer: Option<RemoteWriter>,
}

/// What the one who started a job sees of it.
#[derive(Debug)]
pub(crate) struct JobWatch {
    /// Whether the job got onto the cluster.
    pub(crate) started: oneshot::Receiver<Result<()>>,
    /// How it ended there.
    pub(crate) outcome: oneshot::Receiver<Result<Arc<Finished>>>,
    /// How far it is.
    pub(crate) progress: Arc<SharedProgress>,
}

struct Report {
    started: Option<oneshot::Sender<Result<()>>>,
    outcome: Option<oneshot::Sender<Result<Arc<Finished>>>>,
    progress: Arc<SharedProgress>,
}

/// The last progress that was read.
#[derive(Debug, Default)]
pub(crate) struct SharedProgress(Mutex<JobProgress>);

impl ProgressSource for SharedProgress {
    fn progress(&self) -> JobProgress {
        *self.0.lock()
    }
}

impl Driver {
    /// A driver for `job`, to be run in a task of its own.
    pub(crate) fn new(
        core: Core,
        job: PhysicalJob,
        limits: Limits,
        unwanted: CancellationToken,
    ) -> (Driver, JobWatch) {
        let (started, started_watch) = oneshot::channel();
        let (outcome, outcome_watch) = oneshot::channel();
        let progress = Arc::new(SharedProgress::default());
        let report =
            Report { started: Some(started), outcome: Some(outcome), progress: Arc::clone(&progress) };
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let driver = Driver {
            writer: RemoteWriter::of(&job.plan),
            capacity: core.capacity(),
            core,
            job,
            limits,
            unwanted,
            unwanted_seen: false,
            ticks,
            submitted: None,
            release_due: false,
            snapshot: Snapshot::default(),
            finished: None,
            report,
        };
        (driver, JobWatch { started: started_watch, outcome: outcome_watch, progress })
    }

    /// Runs the job to its end.
    pub(crate) async fn run(mut self) {
        let mut state = State::Waiting { since: Instant::now() };
        while !state.is_over() {
            for event in self.next_events(&state).await {
                let (next, actions) = step(state, &self.limits, event, Instant::now());
                state = next;
                for action in actions {
                    if let Err(error) = self.act(action).await {
                        // Only a submission can fail.
                        state = State::Ended(End::Failed(error.frame()));
                    }
                }
                self.tell(&state);
            }
        }
        let delivered = matches!(state, State::Ended(End::Delivered));
        if let (Some(submitted), false) = (&self.submitted, delivered) {
            let writes = self.writer.as_ref().map_or("", RemoteWriter::job);
            self.core.end(&submitted.job, writes).await;
        }
        drop(self.writer.take());
        if self.release_due {
            self.release(&state).await;
        }
    }

    async fn next_events(&mut self, state: &State) -> Vec<Event> {
        let is_waiting = matches!(state, State::Waiting { .. });
        let is_delivering = matches!(state, State::Delivering);
        tokio::select! {
            biased;
            () = self.unwanted.cancelled(), if !self.unwanted_seen => {
                self.unwanted_seen = true;
                vec![Event::CancelAsked]
            }
            signal = next_signal(&mut self.submitted), if !is_delivering => {
                self.event_of(signal).into_iter().collect()
            }
            () = first_executor(&mut self.capacity), if is_waiting => vec![Event::ExecutorReady],
            _ = self.ticks.tick(), if !is_delivering => self.look().await,
        }
    }

    fn event_of(&mut self, signal: Signal) -> Option<Event> {
        match signal {
            Signal::Unknown => None,
            Signal::Queued => Some(Event::Queued),
            Signal::Running => Some(Event::Running),
            Signal::Failed(text) => Some(Event::Failed(text.to_string())),
            Signal::Succeeded(finished) => {
                *self.report.progress.0.lock() = finished.progress;
                self.finished = Some(finished);
                Some(Event::Succeeded)
            }
        }
    }

    async fn look(&mut self) -> Vec<Event> {
        let Some(submitted) = &self.submitted else { return vec![Event::Tick] };
        match self.core.snapshot(&submitted.job).await {
            Some(snapshot) if snapshot != self.snapshot => {
                tracing::debug!(job = %submitted.job, ?snapshot, "a job goes on");
                self.snapshot = snapshot;
                *self.report.progress.0.lock() = snapshot.progress;
                vec![Event::Progressed, Event::Tick]
            }
            _ => vec![Event::Tick],
        }
    }

    async fn act(&mut self, action: Action) -> Result<()> {
        match (action, &self.submitted) {
            (Action::Submit, _) => self.submitted = Some(self.core.submit(&self.job).await?),
            (Action::Cancel, Some(submitted)) => {
                tracing::info!(job = %submitted.job, name = %self.job.name, "cancelling a job");
                self.core.cancel(&submitted.job).await;
            }
            // After the end is told, because it takes a pause.
            (Action::Release, _) => self.release_due = true,
            (Action::Cancel, None) => {}
        }
        Ok(())
    }

    fn tell(&mut self, state: &State) {
        match state {
            State::Waiting { .. } => {}
            State::Submitted { .. } | State::Running { .. } | State::Cancelling { .. } => {
                self.report.started(Ok(()))
            }
            State::Delivering => {
                self.report.started(Ok(()));
                if let Some(finished) = self.finished.take() {
                    self.report.outcome(Ok(finished));
                }
            }
            State::Ended(End::Delivered) => {}
            State::Ended(end) => {
                let error = failure::of_end(end, &self.limits);
                self.report.started(Err(error.clone()));
                self.report.outcome(Err(error));
            }
        }
    }

    async fn release(&self, state: &State) {
        let Some(submitted) = &self.submitted else { return };
        tracing::info!(job = %submitted.job, name = %self.job.name, ?state, "a job is over");
        let delivered = matches!(state, State::Ended(End::Delivered));
        tokio::time::sleep(if delivered { SUCCESS_PAUSE } else { WIND_DOWN }).await;
        self.core.release(&submitted.job);
    }
}

impl Report {
    /// The first report counts. Nobody may be listening any more.
    fn started(&mut self, result: Result<()>) {
        if let Some(started) = self.started.take() {
            started.send(result).ok();
        }
    }

    fn outcome(&mut self, result: Result<Arc<Finished>, Error>) {
        if let Some(outcome) = self.outcome.take() {
            outcome.send(result).ok();
        }
    }
}

async fn next_signal(submitted: &mut Option<Submitted>) -> Signal {
    let Some(submitted) = submitted else { return std::future::pending().await };
    match submitted.signals.changed().await {
        Ok(()) => submitted.signals.borrow_and_update().clone(),
        // The board forgets a job only when it is told to, at the end.
        Err(_) => std::future::pending().await,
    }
}

async fn first_executor(capacity: &mut watch::Receiver<Capacity>) {
    if capacity.wait_for(|capacity| capacity.executors > 0).await.is_err() {
        std::future::pending().await
    }
}
