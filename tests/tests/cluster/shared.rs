//! One cluster, and one S3 server it knows, for all tests that break neither.

use crate::program;
use std::ops::Deref;
use std::sync::OnceLock;
use tests::process::{Cluster, ClusterOptions};
use tests::s3::Server;
use tokio::sync::{Mutex, MutexGuard};

struct Shared {
    server: Server,
    cluster: Cluster,
    /// Held by tests that make the server fail, or look for what is left on it.
    server_use: Mutex<()>,
}

/// A use of the shared cluster; when its test fails, the logs of the cluster are shown.
pub(crate) struct SharedCluster(&'static Shared);

/// Two executors of two cores.
pub(crate) async fn cluster() -> SharedCluster {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let started = tokio::task::spawn_blocking(|| {
        SHARED.get_or_init(|| {
            let server = Server::start();
            let options = ClusterOptions::default().with(server.settings());
            let cluster = Cluster::start(&program(), &options);
            Shared { server, cluster, server_use: Mutex::default() }
        })
    });
    SharedCluster(started.await.unwrap())
}

impl SharedCluster {
    /// The S3 server, for one test at a time.
    pub(crate) async fn server(&self) -> (MutexGuard<'static, ()>, &'static Server) {
        (self.0.server_use.lock().await, &self.0.server)
    }
}

impl Deref for SharedCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0.cluster
    }
}

impl Drop for SharedCluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.cluster.show_logs();
        }
    }
}
