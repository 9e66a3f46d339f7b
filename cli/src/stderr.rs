//! stderr, for people: notes, errors, logs and progress bars, which must not draw over each other.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::fmt::MakeWriter;

/// A handle to stderr; clones share the progress bars, so whatever is written appears above them.
#[derive(Debug, Clone)]
pub(crate) struct Stderr {
    bars: MultiProgress,
    is_terminal: bool,
    is_quiet: bool,
}

impl Stderr {
    /// The stderr of this process; `is_quiet` keeps notes and progress back, never errors.
    pub(crate) fn of_process(is_quiet: bool) -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            is_terminal: io::stderr().is_terminal(),
            is_quiet,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Adds a bar below what has been written so far.
    pub(crate) fn add_bar(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }

    /// Runs `write` while no bar is on the screen.
    pub(crate) fn without_bars<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bars.suspend(write)
    }

    /// Something worth knowing; left out when quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_quiet {
            self.line(text);
        }
    }

    /// Something the user must see.
    pub(crate) fn line(&self, text: &str) {
        self.without_bars(|| {
            // There is nowhere left to say that stderr is closed.
            writeln!(io::stderr().lock(), "{text}").ok();
        });
    }
}

/// What logs are written through. It never fails: whoever read stderr may be gone, and a server goes on without them.
#[derive(Debug)]
pub(crate) struct LogWriter(Stderr);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.without_bars(|| io::stderr().lock().write_all(bytes)).ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Stderr {
    type Writer = LogWriter;

    fn make_writer(&self) -> LogWriter {
        LogWriter(self.clone())
    }
}
