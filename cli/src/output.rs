//! stdout, for data: the only place that writes to it.

use crate::stderr::Stderr;
use crate::stop::{Outcome, Stop};
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};

/// Bytes collected before they are written; one write per batch of rows rather than one per row.
const BUFFER_BYTES: usize = 64 * 1024;

/// stdout for data, next to stderr for people.
pub(crate) struct Output {
    data: BufWriter<Box<dyn Write + Send>>,
    is_terminal: bool,
    stderr: Stderr,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

impl Output {
    /// stdout of this process.
    pub(crate) fn of_process(stderr: Stderr) -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { data: BufWriter::with_capacity(BUFFER_BYTES, Box::new(io::stdout())), is_terminal, stderr }
    }

    pub(crate) fn stderr(&self) -> &Stderr {
        &self.stderr
    }

    /// Writes data; on a terminal it is shown at once, above any progress bar.
    ///
    /// # Errors
    /// `PipeClosed` when the reader has gone, `StorageUnavailable` for anything else (a full disk).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Outcome {
        if !self.is_terminal {
            return self.data.write_all(bytes).map_err(Stop::from_stdout);
        }
        let data = &mut self.data;
        self.stderr
            .without_bars(|| data.write_all(bytes).and_then(|()| data.flush()))
            .map_err(Stop::from_stdout)
    }

    /// Writes one line.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub(crate) fn line(&mut self, text: &str) -> Outcome {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }

    /// Hands everything to the reader.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub(crate) fn flush(&mut self) -> Outcome {
        self.data.flush().map_err(Stop::from_stdout)
    }
}
