//! Ctrl-C and SIGTERM: the first one asks for a clean stop, the second one ends the process at once.

use crate::stop::{Outcome, Stop, StopSignal};
use gristmill_engine::{Code, Error, Result};
use std::future::Future;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Listens for signals for as long as it lives.
#[derive(Debug)]
pub(crate) struct Interrupts {
    state: watch::Sender<Option<StopSignal>>,
    _listener: AbortOnDropHandle<()>,
}

impl Interrupts {
    /// Starts to listen; from now on no signal ends the process by itself.
    ///
    /// # Errors
    /// `Internal` when the operating system refuses a signal handler.
    pub(crate) fn listen() -> Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).map_err(no_handler)?;
        let terminate = signal(SignalKind::terminate()).map_err(no_handler)?;
        let state = watch::Sender::new(None);
        let listener = AbortOnDropHandle::new(tokio::spawn(listen(interrupt, terminate, state.clone())));
        Ok(Self { state, _listener: listener })
    }

    /// Waits until a stop has been asked for; returns at once if that was before.
    pub(crate) async fn stopped(&self) -> StopSignal {
        let mut state = self.state.subscribe();
        loop {
            let signal = *state.borrow_and_update();
            if let Some(signal) = signal {
                return signal;
            }
            if state.changed().await.is_err() {
                // Not reached: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The result of `work`, unless a stop is asked for first; then `work` is dropped.
    pub(crate) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Outcome<T> {
        tokio::select! {
            biased;
            signal = self.stopped() => Err(Stop::Signal(signal)),
            result = work => Ok(result),
        }
    }

    /// Forgets an interrupt that has been acted on, so that the prompt can go on; termination is never forgotten.
    pub(crate) fn forget_interrupt(&self) {
        self.state.send_if_modified(|state| {
            let is_interrupt = *state == Some(StopSignal::Interrupt);
            if is_interrupt {
                *state = None;
            }
            is_interrupt
        });
    }
}

async fn listen(mut interrupt: Signal, mut terminate: Signal, state: watch::Sender<Option<StopSignal>>) {
    loop {
        let signal = tokio::select! {
            Some(()) = interrupt.recv() => StopSignal::Interrupt,
            Some(()) = terminate.recv() => StopSignal::Terminate,
            else => return,
        };
        let earlier = *state.borrow();
        if let Some(earlier) = earlier {
            // Someone asks twice: what a clean stop would still tidy up is given up.
            std::process::exit(i32::from(earlier.exit_code()));
        }
        state.send_replace(Some(signal));
    }
}

fn no_handler(error: io::Error) -> Error {
    Error::new(Code::Internal, format!("could not listen for signals: {error}")).with_source(error)
}
