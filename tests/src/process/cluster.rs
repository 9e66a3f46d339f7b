//! A cluster of real processes: one scheduler and its executors, each of which can be killed.

use super::{Process, Program};
use crate::engines::Engine;
use crate::wait;
use serde::Deserialize;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long a cluster may take until it is ready, on a machine that also compiles.
const READY_LIMIT: Duration = Duration::from_secs(90);
const ATTEMPTS: usize = 3;
/// How long executors have to be quiet to count as idle.
const QUIET: Duration = Duration::from_millis(1_500);
/// More than an idle executor ever takes in that time, and a tenth of what one busy core does, in ticks.
const IDLE_TICKS: u64 = 15;
/// What idle executors would need minutes for, in ticks.
const BUSY_TICKS: u64 = 100;

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// How many executors.
    pub executors: usize,
    /// How many tasks each runs at a time.
    pub vcores: usize,
    /// Settings of all its processes, as `section.key` and value.
    pub settings: Vec<(String, String)>,
}

/// A running cluster; dropping it kills all of it.
#[derive(Debug)]
pub struct Cluster {
    scheduler: Process,
    executors: Vec<Process>,
    ready: Ready,
}

/// What a supervised scheduler says when it listens.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Ready {
    flight: SocketAddr,
    http: SocketAddr,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { executors: 2, vcores: 2, settings: vec![] }
    }
}

impl ClusterOptions {
    /// The same with more settings.
    #[must_use]
    pub fn with(mut self, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// The same, noticing a lost executor after seconds rather than half a minute.
    #[must_use]
    pub fn noticing_fast(self) -> Self {
        let settings = [("executor.heartbeat", "1s"), ("scheduler.executor_timeout", "6s")];
        self.with(settings.map(|(key, value)| (key.to_owned(), value.to_owned())))
    }
}

impl Cluster {
    /// Starts a cluster and waits until all executors have joined.
    ///
    /// # Panics
    /// It is not ready in time.
    #[must_use]
    pub fn start(program: &Program, options: &ClusterOptions) -> Self {
        let (scheduler, ready, port) = start_scheduler(program, options);
        let mut cluster = Self { scheduler, executors: vec![], ready };
        for number in 1..=options.executors {
            let own = [
                ("executor.scheduler_port", port.to_string()),
                ("executor.port", "0".to_owned()),
                ("executor.control_port", "0".to_owned()),
                ("executor.vcores", options.vcores.to_string()),
            ];
            let arguments = arguments("executor", options, &own);
            cluster.executors.push(program.spawn(&format!("executor {number}"), &arguments));
        }
        wait::until_blocking("executors that join", READY_LIMIT, || {
            assert!(cluster.scheduler.is_running(), "the scheduler has ended");
            (cluster.joined() >= options.executors).then_some(())
        });
        cluster
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> String {
        format!("grpc://{}", self.ready.flight)
    }

    /// A new client with a session of its own.
    pub async fn client(&self) -> Engine {
        Engine::connect(&self.address()).await
    }

    /// The answer of its HTTP door: status line and body.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(String, String)> {
        http_get(self.ready.http, path)
    }

    /// How many executors the scheduler knows: the first number that `/readyz` says.
    #[must_use]
    pub fn joined(&self) -> usize {
        let body = self.get("/readyz").map(|(_, body)| body).unwrap_or_default();
        let digits = body.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap_or(0)
    }

    /// Its scheduler.
    #[must_use]
    pub fn scheduler(&mut self) -> &mut Process {
        &mut self.scheduler
    }

    /// Its executors.
    #[must_use]
    pub fn executors(&mut self) -> &mut [Process] {
        &mut self.executors
    }

    /// The processor time all executors have used, in hundredths of a second.
    #[must_use]
    pub fn executor_ticks(&self) -> u64 {
        self.executors.iter().map(Process::cpu_ticks).sum()
    }

    /// Waits until the executors work.
    ///
    /// # Panics
    /// Not within `limit`.
    pub async fn wait_until_busy(&self, limit: Duration) {
        let before = self.executor_ticks();
        let busy = || (self.executor_ticks() > before + BUSY_TICKS).then_some(());
        wait::until("work on the executors", limit, busy).await;
    }

    /// Waits until the executors have nothing more to do.
    ///
    /// # Panics
    /// Not within `limit`.
    pub async fn wait_until_idle(&self, limit: Duration) {
        let (mut since, mut ticks) = (Instant::now(), self.executor_ticks());
        wait::until("idle executors", limit, || {
            let now = self.executor_ticks();
            if now > ticks + IDLE_TICKS {
                (since, ticks) = (Instant::now(), now);
            }
            (since.elapsed() >= QUIET).then_some(())
        })
        .await;
    }

    /// Shows the ends of all logs, for a test that failed on a cluster that goes on.
    pub fn show_logs(&self) {
        std::iter::once(&self.scheduler).chain(&self.executors).for_each(Process::show_log);
    }
}

/// Ballista's executors call the scheduler back at a port that has to be known before it listens, so one that is free
/// now is chosen; whoever takes it meanwhile makes the scheduler end, and another one is tried.
fn start_scheduler(program: &Program, options: &ClusterOptions) -> (Process, Ready, u16) {
    for _ in 0..ATTEMPTS {
        let port = free_port();
        let own = [
            ("scheduler.port", port.to_string()),
            ("scheduler.flight_port", "0".to_owned()),
            ("scheduler.http_port", "0".to_owned()),
        ];
        let mut scheduler = program.spawn("scheduler", &arguments("scheduler", options, &own));
        match scheduler.first_line(READY_LIMIT) {
            Some(line) => {
                let ready = serde_json::from_str(&line);
                return (scheduler, ready.unwrap_or_else(|error| panic!("{line:?}: {error}")), port);
            }
            None => eprintln!("a scheduler did not start:\n{}", scheduler.log()),
        }
    }
    panic!("no scheduler started");
}

fn arguments(role: &str, options: &ClusterOptions, own: &[(&str, String)]) -> Vec<String> {
    let mut arguments = vec![role.to_owned(), "--supervised".to_owned(), "-v".to_owned()];
    let given = options.settings.iter().map(|(key, value)| (key.as_str(), value));
    let own = own.iter().map(|(key, value)| (*key, value));
    for (key, value) in given.chain(own) {
        arguments.extend(["--set".to_owned(), format!("{key}={value}")]);
    }
    arguments
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn http_get(address: SocketAddr, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}
