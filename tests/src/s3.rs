//! A real S3 protocol server on loopback, in this process: SigV4, multipart, ranges, conditional writes, over HTTP.

mod faults;
mod store;

pub use faults::{Action, Faults, Gate, Operation, Rule, When};

use crate::paths::files_below;
use gristmill_engine::config::{S3Config, Secret};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ACCESS_KEY: &str = "test-access-key";
const SECRET_KEY: &str = "test-secret-key";
const REGION: &str = "us-east-1";

/// A server and what it holds; dropping it stops the server and removes everything.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    root: TempDir,
    faults: Arc<Faults>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Starts a server on a port from the OS. It has a thread and a runtime of its own, so that it goes on while a
    /// test blocks, and outlives the runtime of the test that started it.
    ///
    /// # Panics
    /// There is no port, folder or thread.
    #[must_use]
    pub fn start() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let store = Store::new(root.path());
        let service = {
            let mut builder = S3ServiceBuilder::new(store);
            builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
            builder.build()
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let (faults, stop) = (Arc::<Faults>::default(), CancellationToken::new());
        let serving = serve(listener, service, Arc::clone(&faults), stop.clone());
        let thread = std::thread::Builder::new().name("s3".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(serving);
        });
        Self { address, root, faults, stop, thread: Some(thread.expect("a thread")) }
    }

    /// Makes a bucket, and gives its folder.
    ///
    /// # Panics
    /// The folder cannot be made.
    #[must_use]
    pub fn bucket(&self, name: &str) -> PathBuf {
        let folder = self.root.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder for the bucket");
        folder
    }

    /// The keys of a bucket, sorted.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        files_below(&self.root.path().join(bucket))
    }

    /// Multipart uploads, and parts of them, that are neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self) -> Vec<String> {
        let names = files_below(self.root.path()).into_iter();
        names.filter(|name| name.starts_with(".upload-") || name.starts_with(".upload_id-")).collect()
    }

    /// What is to go wrong.
    #[must_use]
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// The configuration that reaches it, with retries that do not slow a test down.
    #[must_use]
    pub fn config(&self) -> S3Config {
        S3Config {
            endpoint: Some(self.endpoint()),
            region: Some(REGION.to_owned()),
            access_key_id: Some(ACCESS_KEY.to_owned()),
            secret_access_key: Some(Secret::new(SECRET_KEY)),
            request_timeout: Duration::from_secs(120),
            ..S3Config::default()
        }
    }

    /// The same as settings for the command line.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("s3.endpoint", self.endpoint()),
            ("s3.region", REGION.to_owned()),
            ("s3.access_key_id", ACCESS_KEY.to_owned()),
            ("s3.secret_access_key", SECRET_KEY.to_owned()),
            ("s3.request_timeout", "120s".to_owned()),
        ];
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder of what it holds.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.faults.clear();
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic in the server's thread has been reported, and the test failed for it.
            thread.join().ok();
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    service: S3Service,
    faults: Arc<Faults>,
    stop: CancellationToken,
) {
    let listener = TcpListener::from_std(listener).expect("a socket");
    loop {
        let socket = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted.expect("a connection").0,
        };
        let (service, faults) = (service.clone(), Arc::clone(&faults));
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let (service, faults) = (service.clone(), Arc::clone(&faults));
            async move { faults.answer(&service, request).await }
        });
        // How a connection ends is the client's business: a fault may have ended it.
        tokio::spawn(async move {
            http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await.ok()
        });
    }
}
