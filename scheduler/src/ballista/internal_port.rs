//! The port that executors talk to.

use super::core::Server;
use super::executor_calls::ExecutorCalls;
use axum::Router;
use axum::serve::ListenerExt;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use gristmill_engine::{Code, Error, Result};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// Serves executors until `stop`.
pub(super) async fn serve(
    listener: TcpListener,
    server: Server,
    max_message_bytes: usize,
    stop: CancellationToken,
) -> Result<()> {
    let service = SchedulerGrpcServer::new(ExecutorCalls(server))
        .max_decoding_message_size(max_message_bytes)
        .max_encoding_message_size(max_message_bytes);
    let router: Router = Routes::new(service).into_axum_router();
    let listener = listener.tap_io(|connection| {
        // Answers are small: without this each waits for the acknowledgement of the one before.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
    });
    // Ballista panics on an executor without a host name when it does not know the address it calls from.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(|error| Error::new(Code::ClusterUnavailable, "could not serve executors").with_source(error))
}
