//! The executor's life: prepare, join the cluster, run tasks, leave.

use crate::ballista::TaskHost;
use crate::ports::Ports;
use crate::work_dir::WorkDir;
use gristmill_engine::config::{Config, ExecutorConfig, ScratchConfig};
use gristmill_engine::{Code, Error, Result};
use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long an executor that starts before its scheduler waits for it.
const SCHEDULER_WAIT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_PAUSE: Duration = Duration::from_millis(200);

/// Runs an executor until `shutdown` completes, or the process gets SIGTERM or Ctrl-C.
///
/// When asked to stop it cancels its tasks and leaves; the scheduler runs them elsewhere. Once per process: the library
/// below keeps process-wide state.
///
/// # Errors
/// `BadConfiguration`: it cannot listen where it should. `AccessDenied` and the like: no scratch folder.
/// `ClusterUnavailable`: no scheduler for a minute, the scheduler refused it, or it was lost later.
pub async fn run(config: Arc<Config>, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
    let ports = Ports::choose(&config.executor).await?;
    let work_dir = WorkDir::create(&config.scratch.create()?)?;
    let scratch = ScratchConfig { dir: work_dir.spill(), ..config.scratch.clone() };
    let config = Arc::new(Config { scratch, ..Config::clone(&config) });
    let host = TaskHost::new(&config, ports, &work_dir.exchange())?;
    let asked = CancellationToken::new();
    let leave = async {
        tokio::select! {
            () = shutdown => {}
            result = stop_signal() => result?,
        }
        asked.cancel();
        host.wind_down().await;
        pending::<Result<Infallible>>().await
    };
    tokio::select! {
        ended = serve(&config.executor, &host, &asked) => ended,
        result = leave => result.map(|never| match never {}),
    }
}

async fn serve(config: &ExecutorConfig, host: &TaskHost, asked: &CancellationToken) -> Result<()> {
    tokio::select! {
        biased;
        () = asked.cancelled() => return Ok(()),
        found = wait_for_scheduler(config) => found?,
    }
    let mut running = pin!(host.run());
    tokio::select! {
        ended = &mut running => ended?,
        () = host.scheduler_lost() => {
            host.wind_down().await;
            running.await?;
        }
    }
    if asked.is_cancelled() {
        return Ok(());
    }
    // The library gives the same Ok when the scheduler dismisses it because its heartbeats were late, and when a port of
    // its own dies.
    let ExecutorConfig { scheduler_host, scheduler_port, .. } = config;
    let message = format!("the executor lost its place in the cluster of {scheduler_host}:{scheduler_port}");
    Err(Error::new(Code::ClusterUnavailable, message).with_hint(
        "it could not reach the scheduler, or not in time; start it again when the scheduler runs",
    ))
}

async fn wait_for_scheduler(config: &ExecutorConfig) -> Result<()> {
    let deadline = Instant::now() + SCHEDULER_WAIT;
    let address = (config.scheduler_host.as_str(), config.scheduler_port);
    loop {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if Instant::now() >= deadline => {
                return Err(unreachable_scheduler(config).with_source(error));
            }
            Err(_) if Instant::now() >= deadline => return Err(unreachable_scheduler(config)),
            _ => tokio::time::sleep(CONNECT_PAUSE).await,
        }
    }
}

fn unreachable_scheduler(config: &ExecutorConfig) -> Error {
    let ExecutorConfig { scheduler_host, scheduler_port, .. } = config;
    Error::new(
        Code::ClusterUnavailable,
        format!("could not reach the scheduler at {scheduler_host}:{scheduler_port}"),
    )
    .with_hint("check that it runs, and executor.scheduler_host and executor.scheduler_port")
}

async fn stop_signal() -> Result<()> {
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Error::from_io(error, "the handler of SIGTERM"))?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Error::from_io(error, "the handler of Ctrl-C"))
        }
    }
}
