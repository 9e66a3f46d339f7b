//! Why a command ended before it was done, and the exit code that says so.

use gristmill_engine::{Code, Error};
use std::io;

/// Which signal asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, a service manager, a container runtime.
    Terminate,
}

impl StopSignal {
    /// 128 plus the signal's number, as shells report it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Why a command ended before it was done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The statement or the command failed; exit code 1.
    Failed(Error),
    /// Whoever read stdout has had enough (`| head`); exit code 0, nothing said.
    PipeClosed,
    /// A signal; exit code 130 or 143.
    Signal(StopSignal),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Stop {
    /// What an error while writing to stdout means.
    pub(crate) fn from_stdout(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::PipeClosed;
        }
        let message = format!("could not write to standard output: {error}");
        Self::Failed(Error::new(Code::StorageUnavailable, message).with_source(error))
    }
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Stop>;
