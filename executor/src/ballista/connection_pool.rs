//! Connections to other executors, kept for the next exchange file.
//!
//! Ballista has a pool of its own, but drops it when the execution engine is not its own, and then every file that
//! is fetched opens a connection: a wide exchange runs out of ports.

use crate::idle_set::IdleSet;
use ballista_core::client::BallistaClient;
use ballista_core::client_pool::{BallistaClientPool, PooledClient};
use ballista_core::error::Result;
use ballista_core::extension::BallistaConfigGrpcEndpoint;
use ballista_core::utils::GrpcClientConfig;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than the pause between two stages of a job, shorter than what firewalls allow.
const KEEP: Duration = Duration::from_secs(60);
/// A connection carries any number of fetches at a time; several spread their decoding over cores.
const MAX_PER_PEER: usize = 8;

type Peer = (String, u16, GrpcClientConfig);

/// **Limits** [`MAX_PER_PEER`] idle connections to a peer, each for [`KEEP`].
pub(super) struct ConnectionPool {
    idle: Arc<Mutex<IdleSet<Peer, BallistaClient>>>,
}

impl Default for ConnectionPool {
    fn default() -> Self {
        Self { idle: Arc::new(Mutex::new(IdleSet::new(KEEP, MAX_PER_PEER))) }
    }
}

impl fmt::Debug for ConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionPool").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl BallistaClientPool for ConnectionPool {
    async fn acquire(
        &self,
        host: &str,
        port: u16,
        config: &GrpcClientConfig,
        customize_endpoint: Option<Arc<BallistaConfigGrpcEndpoint>>,
    ) -> Result<PooledClient> {
        let peer = (host.to_owned(), port, config.clone());
        let kept = self.idle.lock().take(&peer, Instant::now());
        let client = match kept {
            Some(client) => client,
            None => {
                self.evict_idle().await;
                connect(&peer, customize_endpoint).await?
            }
        };
        let idle = Arc::clone(&self.idle);
        let give_back = move |client| idle.lock().put(peer, client, Instant::now());
        Ok(PooledClient::new(client, Box::new(give_back)))
    }

    async fn evict_idle(&self) {
        self.idle.lock().evict(Instant::now());
    }
}

async fn connect(
    peer: &Peer,
    customize_endpoint: Option<Arc<BallistaConfigGrpcEndpoint>>,
) -> Result<BallistaClient> {
    let (host, port, config) = peer;
    BallistaClient::try_new(
        host,
        *port,
        config.max_message_size,
        config.use_tls,
        customize_endpoint,
        config.io_retries_times,
        config.io_retry_wait_time_ms,
        config.initial_connection_window_size,
        config.initial_stream_window_size,
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A pool with one idle connection to a port where nobody listens.
    async fn pool_with_idle() -> (ConnectionPool, u16) {
        let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
        let pool = ConnectionPool::default();
        let peer = ("127.0.0.1".to_owned(), port, GrpcClientConfig::default());
        pool.idle.lock().put(peer, BallistaClient::new_for_test("127.0.0.1", port), Instant::now());
        (pool, port)
    }

    async fn acquire(pool: &ConnectionPool, port: u16) -> Result<PooledClient> {
        pool.acquire("127.0.0.1", port, &GrpcClientConfig::default(), None).await
    }

    #[tokio::test]
    async fn an_idle_connection_is_used_again_and_again() {
        let (pool, port) = pool_with_idle().await;
        for _ in 0..3 {
            drop(acquire(&pool, port).await.expect("the idle connection"));
        }
    }

    #[tokio::test]
    async fn a_connection_in_use_is_not_given_to_another() {
        let (pool, port) = pool_with_idle().await;
        let _in_use = acquire(&pool, port).await.expect("the idle connection");
        assert!(acquire(&pool, port).await.is_err(), "a new connection cannot be made");
    }

    #[tokio::test]
    async fn a_discarded_connection_does_not_come_back() {
        let (pool, port) = pool_with_idle().await;
        acquire(&pool, port).await.expect("the idle connection").discard();
        assert!(acquire(&pool, port).await.is_err(), "a new connection cannot be made");
    }
}
