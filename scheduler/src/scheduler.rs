//! The scheduler's life: a list of steps, and one value that owns what they started.

use crate::backend::ClusterBackend;
use crate::ballista::Core;
use crate::http::{self, Readiness};
use crate::lost_jobs::remove_lost_jobs;
use gristmill_engine::config::Config;
use gristmill_engine::session::Engine;
use gristmill_engine::{Code, Error, Result};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

/// How long a shutdown waits for connections to be closed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A running scheduler. Dropping it stops it at once.
pub struct Scheduler {
    engine: Engine,
    backend: Arc<ClusterBackend>,
    addresses: Addresses,
    servers: JoinSet<(&'static str, Result<()>)>,
    doors: CancellationToken,
    core: CancellationToken,
    _lost_jobs: AbortOnDropHandle<()>,
    _stop_on_drop: [DropGuard; 2],
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
struct Addresses {
    flight: SocketAddr,
    http: SocketAddr,
    executors: SocketAddr,
}

struct Listeners {
    flight: TcpListener,
    http: TcpListener,
    executors: TcpListener,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// Starts a scheduler: when this returns, all its ports listen. Once per process.
    ///
    /// # Errors
    /// `BadConfiguration`: a port cannot be had; else as [`Engine::cluster`].
    pub async fn start(config: Arc<Config>) -> Result<Scheduler> {
        let (doors, core_stop) = (CancellationToken::new(), CancellationToken::new());
        let listeners = Listeners::bind(&config).await?;
        let addresses = listeners.addresses()?;
        let core = Core::start(&config, addresses.executors.port(), core_stop.clone()).await?;
        let backend = Arc::new(ClusterBackend::new(core.clone(), &config.scheduler));
        let engine = Engine::cluster(
            Arc::clone(&config),
            Arc::clone(&backend) as _,
            core.base_config(),
            core.first_rules(),
        )?;
        let lost_jobs = remove_lost_jobs(Arc::clone(&config), Arc::clone(engine.stores()));
        let mut scheduler = Scheduler {
            engine,
            _lost_jobs: AbortOnDropHandle::new(tokio::spawn(lost_jobs)),
            backend,
            addresses,
            servers: JoinSet::new(),
            _stop_on_drop: [doors.clone().drop_guard(), core_stop.clone().drop_guard()],
            doors,
            core: core_stop,
        };
        scheduler.serve(listeners, core, config);
        tracing::info!(
            flight = %addresses.flight, http = %addresses.http, executors = %addresses.executors,
            "the scheduler listens"
        );
        Ok(scheduler)
    }

    fn serve(&mut self, listeners: Listeners, core: Core, config: Arc<Config>) {
        let readiness = Readiness { capacity: core.capacity(), flight_closed: self.doors.clone() };
        let pulse = core.clone().keep_pulse(self.core.clone());
        self.servers.spawn(async { ("the pulse", pulse.await) });
        let executors = core.serve_executors(listeners.executors, self.core.clone());
        self.servers.spawn(async { ("the port for executors", executors.await) });
        let flight = crate::flight::serve(listeners.flight, self.engine.clone(), config, self.doors.clone());
        self.servers.spawn(async { ("the Flight SQL port", flight.await) });
        let http = http::serve(listeners.http, readiness, self.core.clone());
        self.servers.spawn(async { ("the HTTP port", http.await) });
    }

    /// The engine whose jobs run on this scheduler's executors.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where SQL clients connect.
    #[must_use]
    pub fn flight_addr(&self) -> SocketAddr {
        self.addresses.flight
    }

    /// Where `/healthz` and `/readyz` are.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.addresses.http
    }

    /// Where executors register.
    #[must_use]
    pub fn executor_addr(&self) -> SocketAddr {
        self.addresses.executors
    }

    /// Runs until `shutdown` completes, then stops in order: no new statements, running jobs are cancelled and what
    /// they wrote is removed, and at last executors are let go.
    ///
    /// # Errors
    /// A port stopped working, with the server's own error.
    pub async fn run_until(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            Some(server) = self.servers.join_next() => Err(unexpected_end(server)),
        };
        self.stop().await;
        ended
    }

    async fn stop(&mut self) {
        tracing::info!("the scheduler stops");
        self.doors.cancel();
        self.backend.close().await;
        self.core.cancel();
        let all_ended = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_LIMIT, all_ended).await.is_err() {
            tracing::warn!("some connections were not closed in time; dropping them");
        }
    }
}

fn unexpected_end(server: Result<(&'static str, Result<()>), tokio::task::JoinError>) -> Error {
    match server {
        Ok((_, Err(error))) => error,
        Ok((name, Ok(()))) => Error::new(Code::Internal, format!("{name} ended by itself")),
        Err(error) => Error::new(Code::Internal, "a server of the scheduler was stopped").with_source(error),
    }
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Listeners> {
        let scheduler = &config.scheduler;
        Ok(Listeners {
            flight: bind(&scheduler.bind_host, scheduler.flight_port, "scheduler.flight_port").await?,
            http: bind(&scheduler.bind_host, scheduler.http_port, "scheduler.http_port").await?,
            executors: bind(&scheduler.bind_host, scheduler.port, "scheduler.port").await?,
        })
    }

    fn addresses(&self) -> Result<Addresses> {
        let address = |listener: &TcpListener| {
            listener.local_addr().map_err(|error| Error::from_io(error, "a listener"))
        };
        Ok(Addresses {
            flight: address(&self.flight)?,
            http: address(&self.http)?,
            executors: address(&self.executors)?,
        })
    }
}

async fn bind(host: &str, port: u16, setting: &str) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        Error::new(Code::BadConfiguration, format!("cannot listen on \"{host}\", port {port}: {error}"))
            .with_hint(format!(
                "set scheduler.bind_host to an address of this machine, and {setting} to a free port or 0"
            ))
            .with_source(error)
    })
}
