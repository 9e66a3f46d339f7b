//! How connections are made: Ballista's own have no limits in time on the data plane, and follow advertised names.

use ballista_core::extension::EndpointOverrideFn;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::Endpoint;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Connections to the scheduler: always to `host` and `port`, whatever address it advertises.
///
/// The scheduler sends an address for status updates with every task. An executor that cannot reach that address
/// logs and drops the updates, and its jobs never end. The address it registered at works.
pub(super) fn to_scheduler(host: &str, port: u16) -> EndpointOverrideFn {
    let url = format!("http://{host}:{port}");
    Arc::new(move |_advertised| {
        let endpoint = Endpoint::from_shared(url.clone())?;
        Ok(with_time_limits(endpoint).timeout(CALL_TIMEOUT).keep_alive_while_idle(true))
    })
}

/// Connections to other executors: a peer that vanished without a word is noticed.
pub(super) fn to_executors() -> EndpointOverrideFn {
    Arc::new(|endpoint| Ok(with_time_limits(endpoint)))
}

fn with_time_limits(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheduler_is_reached_where_it_was_found_not_where_it_says() {
        let advertised = Endpoint::from_static("http://localhost:1");
        let endpoint = to_scheduler("10.0.0.7", 50050)(advertised).unwrap();
        assert_eq!(endpoint.uri().authority().unwrap().as_str(), "10.0.0.7:50050");
    }
}
