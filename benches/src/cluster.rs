//! The cluster that is measured: one that runs already, or one on this machine for as long as the measurement takes.

use crate::report::say;
use gristmill_engine::{Code, Error, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a cluster may take until it is ready; it has a limit of 60 s itself.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How long it may take to stop all its processes.
const STOP_LIMIT: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(50);
/// What `gristmill cluster` says on stderr, before its address.
const READY: &str = "gristmill cluster ready: ";

/// Which cluster to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Measure the cluster of this scheduler
    #[arg(long, value_name = "grpc://HOST:PORT", conflicts_with = "cluster_executors")]
    cluster: Option<String>,

    /// Start a cluster of N executors with one core each on this machine, and measure that
    #[arg(long, value_name = "N")]
    cluster_executors: Option<u32>,
}

/// A cluster; one that was started here is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    address: String,
    executors: Option<u32>,
    process: Option<Child>,
}

impl ClusterArgs {
    /// The cluster they ask for; without a wish, one of `default_executors` executors, or none.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub(crate) fn open(&self, default_executors: Option<u32>) -> Result<Option<Cluster>> {
        match (&self.cluster, self.cluster_executors.or(default_executors)) {
            (Some(address), _) => {
                Ok(Some(Cluster { address: address.clone(), executors: None, process: None }))
            }
            (None, Some(executors)) => Cluster::start(executors).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Cluster {
    /// Starts `gristmill cluster` on free ports and waits until it is ready.
    ///
    /// # Errors
    /// `PathNotFound` when the binary is not beside this one; `ClusterUnavailable` when it is not ready in time.
    fn start(executors: u32) -> Result<Self> {
        let own = std::env::current_exe().map_err(|error| Error::from_io(error, "this program"))?;
        let binary = own.with_file_name("gristmill");
        if !binary.is_file() {
            return Err(Error::new(Code::PathNotFound, format!("there is no \"{}\"", binary.display()))
                .with_hint("build it with the same profile: cargo build --release --bin gristmill"));
        }
        let arguments = ["cluster", "--vcores", "1", "--flight-port", "0", "--http-port", "0", "--executors"];
        let mut process = Command::new(&binary)
            .args(arguments)
            .arg(executors.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Error::from_io(error, binary.display()))?;
        let (sender, receiver) = mpsc::channel();
        if let Some(stderr) = process.stderr.take() {
            // Reads to the end, so that the cluster never waits for somebody to read what it says.
            thread::spawn(move || relay(BufReader::new(stderr), &sender));
        }
        let mut cluster = Self { address: String::new(), executors: Some(executors), process: Some(process) };
        cluster.address = receiver.recv_timeout(START_LIMIT).map_err(|error| {
            Error::new(Code::ClusterUnavailable, "the cluster did not become ready")
                .with_hint("what it says is above")
                .with_source(error)
        })?;
        Ok(cluster)
    }

    /// Where its clients connect.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it is, for a table's title.
    pub(crate) fn describe(&self) -> String {
        match self.executors {
            Some(executors) => format!("a loopback cluster of {executors} one-core executors"),
            None => format!("the cluster at {}", self.address),
        }
    }
}

/// Sends the address once it is said, and passes on everything else.
fn relay(lines: impl BufRead, address: &mpsc::Sender<String>) {
    for line in lines.lines().map_while(std::result::Result::ok) {
        match line.strip_prefix(READY).and_then(|rest| rest.split(' ').next()) {
            // Nobody waits any more: the start took too long.
            Some(ready) => address.send(ready.to_owned()).unwrap_or_default(),
            None => say(&format!("cluster: {line}")),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(process) = self.process.as_mut() else { return };
        let id = i32::try_from(process.id()).unwrap_or(i32::MAX);
        if kill(Pid::from_raw(id), Signal::SIGTERM).is_ok() {
            let started = Instant::now();
            while started.elapsed() < STOP_LIMIT {
                match process.try_wait() {
                    Ok(None) => thread::sleep(PAUSE),
                    Ok(Some(_)) | Err(_) => return,
                }
            }
        }
        if let Err(error) = process.kill().and_then(|()| process.wait()) {
            say(&format!("could not stop the cluster, process {id}: {error}"));
        }
    }
}
