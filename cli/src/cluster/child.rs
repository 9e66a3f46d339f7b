//! One child process: its log lines under its name, its end, and how it is stopped.

use crate::stderr::Stderr;
use gristmill_engine::{Code, Error, Result};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio_util::task::AbortOnDropHandle;

/// How long the last lines of a child that has ended may take.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);

/// A running child; dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    name: String,
    process: tokio::process::Child,
    /// The child runs until this is closed, by us or by our death.
    lifeline: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Gone once the child has ended and its last line is out.
    logs: Option<AbortOnDropHandle<()>>,
}

impl Child {
    /// Starts this executable with `arguments`; what it writes to stderr appears on ours behind `name`.
    ///
    /// # Errors
    /// `Internal` when the process cannot be started.
    pub(super) fn spawn(name: &str, arguments: &[String], stderr: &Stderr) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(Code::Internal, format!("could not start the {name}: {error}")).with_source(error)
        };
        let executable = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(executable)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for this process, which then stops its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let no_pipe = || Error::new(Code::Internal, format!("the {name} has no pipes"));
        let lines = process.stderr.take().ok_or_else(no_pipe)?;
        let stdout = process.stdout.take().ok_or_else(no_pipe)?;
        Ok(Self {
            name: name.to_owned(),
            lifeline: Some(process.stdin.take().ok_or_else(no_pipe)?),
            process,
            stdout: BufReader::new(stdout).lines(),
            logs: Some(AbortOnDropHandle::new(tokio::spawn(relay(name.to_owned(), lines, stderr.clone())))),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The process's id; 0 once it has ended.
    pub(super) fn id(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    /// The first line of its stdout: a supervised role says there that it is ready.
    ///
    /// # Errors
    /// The child ended instead.
    pub(super) async fn ready_line(&mut self) -> Result<String> {
        match self.stdout.next_line().await {
            Ok(Some(line)) => Ok(line),
            Ok(None) | Err(_) => Err(self.end().await),
        }
    }

    /// Waits until it has ended by itself, which is an error.
    pub(super) async fn end(&mut self) -> Error {
        let how = match self.process.wait().await {
            // `exit status: 1` or `signal: 9 (SIGKILL)`.
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        if let Some(logs) = self.logs.take() {
            // A process that the child left behind could hold the pipe open for ever.
            tokio::time::timeout(LAST_WORDS_LIMIT, logs).await.ok();
        }
        Error::new(Code::ClusterUnavailable, format!("the {} has ended: {how}", self.name))
            .with_hint("its last words are above")
    }

    /// Asks it to stop and waits for that; kills it after `limit`.
    pub(super) async fn stop(&mut self, limit: Duration, stderr: &Stderr) {
        self.lifeline.take();
        if tokio::time::timeout(limit, self.process.wait()).await.is_ok() {
            return;
        }
        stderr.line(&format!("the {} did not stop within {} s and is killed", self.name, limit.as_secs()));
        if let Err(error) = self.process.kill().await {
            stderr.line(&format!("could not kill the {}: {error}", self.name));
        }
    }
}

/// Copies lines to stderr, each behind `name`.
async fn relay(name: String, lines: impl AsyncRead + Unpin, stderr: Stderr) {
    let mut lines = BufReader::new(lines).split(b'\n');
    // A line that cannot be read is the end of the pipe.
    while let Ok(Some(line)) = lines.next_segment().await {
        stderr.line(&format!("[{name}] {}", String::from_utf8_lossy(&line)));
    }
}
