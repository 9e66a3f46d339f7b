//! Where a server is: `grpc://host:port`.

use gristmill_engine::{Code, Error, Result};
use std::time::Duration;
use tonic::transport::Endpoint;
use url::Url;

const DEFAULT_PORT: u16 = 8815;

/// Finds out that a server is gone while a long statement runs.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How many bytes may be on their way: HTTP/2's default of 64 KiB would wait for a round trip per 64 KiB of rows.
const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// The endpoint at `address`.
///
/// # Errors
/// `BadConfiguration` for what is no address, `Unsupported` for TLS.
pub(super) fn endpoint(address: &str) -> Result<Endpoint> {
    let uri = uri(address)?;
    let endpoint = Endpoint::from_shared(uri).map_err(|error| not_an_address(address).with_source(error))?;
    Ok(endpoint
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES))
}

fn uri(address: &str) -> Result<String> {
    let url = Url::parse(address).map_err(|error| not_an_address(address).with_source(error))?;
    match url.scheme() {
        "grpc" | "grpc+tcp" | "http" => {}
        "grpcs" | "grpc+tls" | "https" => {
            return Err(Error::new(Code::Unsupported, format!("cannot connect to \"{address}\" with TLS"))
                .with_hint("use grpc://, on a network you trust or through a tunnel"));
        }
        _ => return Err(not_an_address(address)),
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| not_an_address(address))?;
    let extra = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if extra || !url.username().is_empty() || url.password().is_some() {
        return Err(not_an_address(address));
    }
    Ok(format!("http://{host}:{}", url.port().unwrap_or(DEFAULT_PORT)))
}

fn not_an_address(address: &str) -> Error {
    Error::new(Code::BadConfiguration, format!("\"{address}\" is not the address of a scheduler"))
        .with_hint("write grpc://host:port, as in grpc://localhost:8815")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_host_and_maybe_a_port() {
        assert_eq!(uri("grpc://localhost:9000").unwrap(), "http://localhost:9000");
        assert_eq!(uri("http://10.0.0.1/").unwrap(), "http://10.0.0.1:8815");
        assert_eq!(uri("grpc://[::1]:9000").unwrap(), "http://[::1]:9000");
    }

    #[test]
    fn what_is_no_address_is_quoted() {
        for address in
            ["", "localhost:8815", "grpc://", "s3://bucket", "grpc://host/path", "grpc://user@host:1"]
        {
            let error = endpoint(address).unwrap_err();
            assert_eq!(error.code(), Code::BadConfiguration, "{address}");
            assert!(error.message().contains(&format!("\"{address}\"")), "{error}");
        }
    }

    #[test]
    fn tls_is_refused_rather_than_left_out() {
        assert_eq!(endpoint("grpc+tls://host:8815").unwrap_err().code(), Code::Unsupported);
    }
}
