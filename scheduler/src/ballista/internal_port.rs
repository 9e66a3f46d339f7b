//! The port that executors talk to.

use super::core::Server;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use gristmill_engine::{Code, Error, Result};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// What executors call. The other calls of the service submit plans and cancel jobs without asking who calls.
const EXECUTOR_CALLS: [&str; 4] =
    ["RegisterExecutor", "HeartBeatFromExecutor", "UpdateTaskStatus", "ExecutorStopped"];
const SERVICE: &str = "/ballista.protobuf.SchedulerGrpc/";

/// Serves executors until `stop`.
pub(super) async fn serve(
    listener: TcpListener,
    server: Server,
    max_message_bytes: usize,
    stop: CancellationToken,
) -> Result<()> {
    let service = SchedulerGrpcServer::new(server)
        .max_decoding_message_size(max_message_bytes)
        .max_encoding_message_size(max_message_bytes);
    let router: Router = Routes::new(service).into_axum_router().layer(from_fn(executor_calls_only));
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

async fn executor_calls_only(request: Request, next: Next) -> Response {
    if is_executor_call(request.uri().path()) {
        next.run(request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

fn is_executor_call(path: &str) -> bool {
    path.strip_prefix(SERVICE).is_some_and(|call| EXECUTOR_CALLS.contains(&call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_submits_a_plan_through_the_executors_port() {
        assert!(is_executor_call("/ballista.protobuf.SchedulerGrpc/UpdateTaskStatus"));
        for call in
            ["ExecuteQuery", "ExecuteQueryPush", "CancelJob", "CleanJobData", "", "UpdateTaskStatus/x"]
        {
            assert!(!is_executor_call(&format!("{SERVICE}{call}")), "{call}");
        }
        assert!(!is_executor_call("/"));
    }
}
