//! The real executable as processes: one command to its end, or the roles of a cluster.

mod cluster;

pub use cluster::{Cluster, ClusterOptions};

use crate::wait;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use parking_lot::Mutex;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// How long the last lines of a process that has ended may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How many lines of a log are shown when a test fails.
const SHOWN_LINES: usize = 40;
/// How much of each line.
const SHOWN_CHARACTERS: usize = 300;

/// The executable, and what its processes are started with: no variable of the environment reaches them unless it is
/// named here, so that nobody's credentials or settings change a test.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    folder: Arc<TempDir>,
    environment: Vec<(String, String)>,
    largest_file_bytes: Option<u64>,
}

/// A running process in a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// A supervised role runs until this is closed: so it never outlives this process, however that ends.
    lifeline: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    log: Arc<Mutex<Vec<String>>>,
    /// Its stderr is closed here at the next line.
    ignored: Arc<AtomicBool>,
    readers: Vec<JoinHandle<()>>,
    /// What it runs in stays as long as it does.
    _folder: Arc<TempDir>,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Program {
    /// The executable at `path`; its processes run in a folder of their own, which goes with the last of them.
    ///
    /// # Panics
    /// The folder cannot be made.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let environment = [
            ("HOME", place("")),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("RUST_BACKTRACE", "1".to_owned()),
            ("GRISTMILL_SCRATCH__DIR", place("scratch")),
            // Where instances have their credentials; nobody listens on port 9, and nothing leaves loopback.
            ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9".to_owned()),
        ];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { path: path.as_ref().to_owned(), folder, environment, largest_file_bytes: None }
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The same, where no file can grow beyond `bytes`, whose 512 is a divisor: what a full disk is to whoever writes,
    /// without the rights it takes to make one.
    #[must_use]
    pub fn with_largest_file(self, bytes: u64) -> Self {
        Self { largest_file_bytes: Some(bytes), ..self }
    }

    /// The folder its processes run in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn spawn(&self, name: &str, arguments: &[String]) -> Process {
        let mut child = self
            .command()
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        let log = Arc::<Mutex<Vec<String>>>::default();
        let stderr = child.stderr.take().expect("a pipe");
        let (lines, ignored) = (Arc::clone(&log), Arc::<AtomicBool>::default());
        let closes = Arc::clone(&ignored);
        let reader = std::thread::spawn(move || {
            let text = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
            let text = text.take_while(|_| !closes.load(Ordering::Relaxed));
            text.for_each(|line| lines.lock().push(String::from_utf8_lossy(&line).into_owned()));
        });
        Process {
            name: name.to_owned(),
            lifeline: child.stdin.take(),
            stdout: child.stdout.take(),
            child,
            log,
            ignored,
            readers: vec![reader],
            _folder: Arc::clone(&self.folder),
        }
    }

    fn command(&self) -> Command {
        let Some(bytes) = self.largest_file_bytes else { return Command::new(&self.path) };
        // With the signal ignored, writing beyond the limit is an error. `ulimit` counts in blocks of 512 bytes.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes / 512);
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg(&self.path);
        command
    }

    /// Runs it with `arguments` to its end.
    ///
    /// # Panics
    /// It does not end within `limit`.
    #[must_use]
    pub fn run(&self, arguments: &[&str], limit: Duration) -> Finished {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut process = self.spawn(&arguments.join(" "), &arguments);
        process.lifeline.take();
        let stdout = process.collect_stdout();
        let status = process.wait(limit);
        let stdout = stdout.recv_timeout(LAST_WORDS).expect("the end of stdout");
        Finished { code: status.code(), stdout, stderr: process.log() }
    }
}

impl Process {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stderr.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().join("\n")
    }

    /// Closes this end of its stderr at the next line, as a supervisor that dies does.
    pub fn ignore_log(&self) {
        self.ignored.store(true, Ordering::Relaxed);
    }

    /// Its stdout, to be read once.
    ///
    /// # Panics
    /// It has been taken before.
    #[must_use]
    pub fn take_stdout(&mut self) -> ChildStdout {
        self.stdout.take().expect("stdout is read once")
    }

    /// Reads stdout to its end, in the background.
    #[must_use]
    pub fn collect_stdout(&mut self) -> Receiver<String> {
        let mut stdout = self.take_stdout();
        self.read_with(move |sender| {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).ok();
            sender.send(String::from_utf8_lossy(&bytes).into_owned()).ok();
        })
    }

    /// The first line of stdout: a supervised role says there that it is ready.
    pub(crate) fn first_line(&mut self, limit: Duration) -> Option<String> {
        let stdout = self.take_stdout();
        let line = self.read_with(move |sender| {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.next().map(|line| sender.send(line)).transpose().ok();
            // The pipe is read until it ends: a full one would stop the process.
            lines.for_each(drop);
        });
        line.recv_timeout(limit).ok()
    }

    fn read_with(&mut self, read: impl FnOnce(Sender<String>) + Send + 'static) -> Receiver<String> {
        let (sender, receiver) = channel();
        self.readers.push(std::thread::spawn(move || read(sender)));
        receiver
    }

    /// Sends a signal to its whole group.
    pub fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(i32::try_from(self.id()).expect("a process id"));
        // It may have ended by itself.
        killpg(group, signal).ok();
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait(LAST_WORDS);
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Not within `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the end of \"{}\"", self.name);
        let status = wait::until_blocking(&what, limit, || self.child.try_wait().expect("a child"));
        // What it said last is in the pipes; a process it left behind could keep them open, so not for ever.
        let readers = std::mem::take(&mut self.readers);
        wait::until_blocking(&what, LAST_WORDS, || readers.iter().all(JoinHandle::is_finished).then_some(()));
        status
    }

    /// The processor time it has used, in hundredths of a second.
    #[must_use]
    pub fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // The name is in parentheses and may hold spaces; user and system time are fields 14 and 15 of all.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        ticks(11) + ticks(12)
    }

    fn show_log(&self) {
        let log = self.log.lock();
        eprintln!("--- the end of the log of {} ({} lines)", self.name, log.len());
        for line in &log[log.len().saturating_sub(SHOWN_LINES)..] {
            eprintln!("{}", line.chars().take(SHOWN_CHARACTERS).collect::<String>());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().ok();
        if std::thread::panicking() {
            self.show_log();
        }
    }
}
