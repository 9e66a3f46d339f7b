//! The Flight SQL door, port 8815: one gRPC service for every SQL client.
//!
//! Turns requests into statements of a client's session, and results into Flight streams. What a statement means is
//! `gristmill_engine`'s business, where it runs is its backend's; no word of Ballista crosses this door.

mod actions;
mod caller;
mod connection;
mod front;
mod metadata;
mod prepared;
mod results;
mod run;
mod running;
mod service;
mod session_options;
mod sessions;
mod sql_info;
mod statements;
mod status;
#[cfg(test)]
mod tests;
mod tickets;
mod xdbc_types;

use arrow_flight::flight_service_server::FlightServiceServer;
use connection::connections;
use front::Front;
use gristmill_engine::config::Config;
use gristmill_engine::session::Engine;
use gristmill_engine::{Code, Error, Result};
use sessions::Sessions;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

pub use status::{error_to_status, status_to_error};

/// How often a silent connection is asked for a sign of life.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long it may take to answer. A client that is gone has its statements cancelled after both together.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Requests at a time on one connection; more wait.
const MAX_REQUESTS_PER_CONNECTION: u32 = 256;

/// How long a shutdown waits for clients to take their last answer.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// How long a shutdown waits until what cancelled statements left behind is removed.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);

/// Serves Flight SQL on `listener` until `shutdown`; then cancels what runs, cleans up and returns.
///
/// A client's session is found by the bearer token of its handshake, by the cookie it was given, or else by its
/// connection. Nothing is collected: a result's next rows are computed when the client takes the ones before.
///
/// **Limits** 1,024 sessions, each living for `[scheduler] session_idle_timeout` after its last call; 256 results
/// waiting to be fetched per session, for 5 minutes; 1,024 prepared statements per session; messages of
/// `[scheduler] max_message_bytes`.
///
/// # Errors
/// `Internal` when what the server says about itself cannot be built, `ClusterUnavailable` when the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    engine: Engine,
    config: Arc<Config>,
    shutdown: CancellationToken,
) -> Result<()> {
    let sessions = Sessions::new(engine, config.scheduler.session_idle_timeout);
    let message_bytes = config.scheduler.max_message_bytes.as_usize();
    let service = FlightServiceServer::new(Front::new(&sessions)?)
        .max_decoding_message_size(message_bytes)
        .max_encoding_message_size(message_bytes);
    let closing = async {
        shutdown.cancelled().await;
        sessions.close_all();
    };
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(MAX_REQUESTS_PER_CONNECTION)
        .add_service(service)
        .serve_with_incoming_shutdown(connections(listener, &sessions), closing);
    let patience = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_LIMIT).await;
    };
    let served = tokio::select! {
        served = serving => served.map_err(|error| {
            Error::new(Code::ClusterUnavailable, "could not serve Flight SQL").with_source(error)
        }),
        () = patience => {
            tracing::warn!("some Flight SQL clients did not hang up; leaving them");
            Ok(())
        }
        () = sessions.sweep_forever() => Ok(()),
    };
    sessions.close_all();
    if tokio::time::timeout(SETTLE_LIMIT, sessions.settle()).await.is_err() {
        tracing::warn!("what cancelled statements left behind may not all be removed yet");
    }
    served
}
