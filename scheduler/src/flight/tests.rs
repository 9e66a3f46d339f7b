//! The service as clients meet it: a server in this process, on a port from the system, and arrow-flight's client.

mod cancelling;
mod metadata;
mod sessions;
mod statements;

use super::{serve, status_to_error};
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::{FlightInfo, Ticket};
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionConfig;
use futures::{StreamExt, TryStreamExt};
use gristmill_engine::backend::{Backend, JobProgress, PhysicalJob, ProgressSource, RunningJob};
use gristmill_engine::config::Config;
use gristmill_engine::session::Engine;
use gristmill_engine::{Code, Error};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

type Client = FlightSqlServiceClient<Channel>;

const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<gristmill_engine::Result<()>>,
    /// What its jobs have done.
    jobs: Arc<Jobs>,
}

/// Runs plans in this process and watches them.
#[derive(Debug, Default)]
struct Jobs {
    rows: AtomicU64,
    running: AtomicU64,
}

impl ProgressSource for Jobs {
    fn progress(&self) -> JobProgress {
        JobProgress::default()
    }
}

#[derive(Debug)]
struct WatchedBackend(Arc<Jobs>);

struct Watch(Arc<Jobs>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Backend for WatchedBackend {
    fn target_partitions(&self) -> Option<usize> {
        Some(2)
    }

    async fn run(&self, job: PhysicalJob) -> gristmill_engine::Result<RunningJob> {
        let rows = execute_stream(job.plan, job.ctx.task_ctx())?;
        self.0.running.fetch_add(1, Ordering::SeqCst);
        let watch = Watch(Arc::clone(&self.0));
        let (schema, jobs) = (rows.schema(), Arc::clone(&self.0));
        let rows = rows.inspect_ok(move |batch| {
            let _running = &watch;
            jobs.rows.fetch_add(batch.num_rows() as u64, Ordering::SeqCst);
        });
        let stream: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, rows));
        Ok(RunningJob { stream, progress: Arc::clone(&self.0) as Arc<dyn ProgressSource> })
    }
}

impl Server {
    async fn start() -> Server {
        Server::with(Config::default()).await
    }

    async fn with(config: Config) -> Server {
        let (config, jobs) = (Arc::new(config), Arc::new(Jobs::default()));
        let backend = Arc::new(WatchedBackend(Arc::clone(&jobs)));
        let engine = Engine::cluster(Arc::clone(&config), backend, SessionConfig::new(), Vec::new()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let task = tokio::spawn(serve(listener, engine, config, shutdown.clone()));
        Server { address, shutdown, task, jobs }
    }

    async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    /// A client with a connection of its own.
    async fn client(&self) -> Client {
        FlightSqlServiceClient::new(self.channel().await)
    }

    async fn no_job_runs(&self) {
        eventually("no job runs", || self.jobs.running.load(Ordering::SeqCst) == 0).await;
    }
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = tokio::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn ticket(info: &FlightInfo) -> Ticket {
    info.endpoint[0].ticket.clone().unwrap()
}

async fn fetch(client: &mut Client, info: &FlightInfo) -> Result<Vec<RecordBatch>, FlightError> {
    client.do_get(ticket(info)).await?.try_collect().await
}

async fn run(client: &mut Client, sql: &str) -> Result<Vec<RecordBatch>, FlightError> {
    let info = client.execute(sql.to_owned(), None).await?;
    fetch(client, &info).await
}

/// The rows as text, without frame.
fn cells(batches: &[RecordBatch]) -> Vec<String> {
    let table = pretty_format_batches(batches).unwrap().to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",")).collect()
}

async fn rows(client: &mut Client, sql: &str) -> Vec<String> {
    cells(&run(client, sql).await.unwrap())
}

fn error_of(error: &FlightError) -> Error {
    match error {
        FlightError::Tonic(status) => status_to_error(status),
        other => panic!("not a status: {other}"),
    }
}

fn grpc_code(error: &FlightError) -> tonic::Code {
    match error {
        FlightError::Tonic(status) => status.code(),
        other => panic!("not a status: {other}"),
    }
}

async fn failure(client: &mut Client, sql: &str) -> Error {
    error_of(&run(client, sql).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_cancels_what_runs_and_ends_the_server() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute(statements::ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = client.do_get(ticket(&info)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    server.shutdown.cancel();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error_of(&error),
        }
    };
    // That the server is shutting down, or, if its last words were overtaken by the end of the connection, that it
    // is gone.
    assert_eq!(error.code(), Code::ClusterUnavailable, "{error}");
    tokio::time::timeout(DEADLINE, server.task).await.unwrap().unwrap().unwrap();
    assert_eq!(server.jobs.running.load(Ordering::SeqCst), 0);
}
