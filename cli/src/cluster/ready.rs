//! Waits until the executors have joined, by asking the scheduler's health page.

use gristmill_engine::{Error, Result};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PAUSE: Duration = Duration::from_millis(50);
/// Longer than any answer of a health page.
const MOST_BYTES: u64 = 64 * 1024;

/// Returns when `count` executors have joined the scheduler whose HTTP door is at `http`.
pub(super) async fn executors(http: SocketAddr, count: usize) -> Result<()> {
    loop {
        // Whatever goes wrong here may be gone the next time; the caller has the deadline.
        match joined(http).await {
            Ok(joined) if joined >= count => return Ok(()),
            Ok(_) => {}
            Err(error) => tracing::debug!("{error}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn joined(http: SocketAddr) -> Result<usize> {
    let failed = |error| Error::from_io(error, format!("http://{http}/readyz"));
    let mut stream = TcpStream::connect(http).await.map_err(failed)?;
    let request = format!("GET /readyz HTTP/1.0\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await.map_err(failed)?;
    Ok(parse(&answer))
}

/// The number of executors in an HTTP answer, whose body is `ready: 2 executors, 4 cores` or says that it is not ready.
fn parse(answer: &[u8]) -> usize {
    let text = String::from_utf8_lossy(answer);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let count = body.strip_prefix("ready: ").and_then(|rest| rest.split(' ').next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_number_of_executors_is_read_from_the_body() {
        let check = |answer: &str, executors| assert_eq!(parse(answer.as_bytes()), executors, "{answer}");
        check("HTTP/1.0 200 OK\r\ncontent-length: 28\r\n\r\nready: 2 executors, 4 cores\n", 2);
        check("HTTP/1.0 503 Service Unavailable\r\n\r\nnot ready: no executor is registered\n", 0);
        check("", 0);
    }
}
