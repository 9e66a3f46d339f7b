//! The HTTP port: is the process alive, and can it take statements.

use crate::capacity::Capacity;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use gristmill_engine::{Code, Error, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What readiness depends on.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    pub(crate) capacity: watch::Receiver<Capacity>,
    /// Cancelled when the Flight SQL port does not listen any more.
    pub(crate) flight_closed: CancellationToken,
}

/// Serves `/healthz` and `/readyz` until `stop`.
///
/// # Errors
/// `ClusterUnavailable`: the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    stop: CancellationToken,
) -> Result<()> {
    axum::serve(listener, router(readiness))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(|error| Error::new(Code::ClusterUnavailable, "could not serve HTTP").with_source(error))
}

fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async |State(readiness): State<Readiness>| readiness.answer()))
        .with_state(readiness)
}

impl Readiness {
    fn answer(&self) -> (StatusCode, String) {
        let Capacity { executors, vcores } = *self.capacity.borrow();
        if self.flight_closed.is_cancelled() {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: the Flight SQL port is closed\n".to_owned())
        } else if executors == 0 {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: no executor is registered\n".to_owned())
        } else {
            (StatusCode::OK, format!("ready: {executors} executors, {vcores} cores\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(executors: usize, flight_listens: bool, status: StatusCode, text: &str) {
        let (_sender, capacity) = watch::channel(Capacity { executors, vcores: 2 * executors });
        let flight_closed = CancellationToken::new();
        if !flight_listens {
            flight_closed.cancel();
        }
        assert_eq!(Readiness { capacity, flight_closed }.answer(), (status, text.to_owned()));
    }

    #[test]
    fn ready_means_an_executor_and_an_open_door() {
        let no = StatusCode::SERVICE_UNAVAILABLE;
        check(2, true, StatusCode::OK, "ready: 2 executors, 4 cores\n");
        check(0, true, no, "not ready: no executor is registered\n");
        check(2, false, no, "not ready: the Flight SQL port is closed\n");
    }
}
