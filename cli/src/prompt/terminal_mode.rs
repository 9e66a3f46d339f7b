//! How the terminal was before the line editor took it, for an end that the editor does not see coming.
//!
//! The editor blocks in a read that only a key ends, so a process that is told to stop leaves without it.

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Write;

/// Ends bracketed paste, which the editor turns on, and the line it was drawn on.
const LEAVE_EDITOR: &[u8] = b"\x1b[?2004l\r\n";

/// The terminal of this process, and how it was.
#[derive(Debug)]
pub(super) struct TerminalMode {
    terminal: File,
    before: Termios,
}

impl TerminalMode {
    /// The terminal as it is now; `None` where there is none.
    pub(super) fn save() -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        Some(Self { terminal, before })
    }

    /// Makes the terminal what it was.
    pub(super) fn restore(&mut self) {
        // The process ends: whatever fails here, there is nothing left to try.
        tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before).ok();
        self.terminal.write_all(LEAVE_EDITOR).ok();
    }
}
