//! Notices that a process is gone: its operating system closes its connections and refuses new ones.

use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);
/// A process that is there can refuse a connection when too many come at once.
const REFUSALS: usize = 3;

/// Completes when nobody listens on `port` of `host` any more.
///
/// A host that does not answer at all is not gone by this measure: it may be the network, and heartbeats decide.
pub(super) async fn until_gone(host: &str, port: u16) {
    let mut refusals = 0;
    while refusals < REFUSALS {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port))).await {
            Ok(Ok(connection)) => {
                refusals = 0;
                until_closed(connection).await;
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => refusals += 1,
            _ => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_closed(mut connection: TcpStream) {
    let mut ignored = [0; 256];
    while matches!(connection.read(&mut ignored).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn gone_within(port: u16, limit: Duration) -> bool {
        tokio::time::timeout(limit, until_gone("127.0.0.1", port)).await.is_ok()
    }

    #[tokio::test]
    async fn a_listener_that_closes_is_gone() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let watch = tokio::spawn(async move { gone_within(port, Duration::from_secs(10)).await });
        let (connection, _) = listener.accept().await.unwrap();
        drop((connection, listener));
        assert!(watch.await.unwrap());
    }

    #[tokio::test]
    async fn a_listener_that_hangs_up_and_listens_on_is_not_gone() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hang_up = tokio::spawn(async move {
            loop {
                drop(listener.accept().await);
            }
        });
        assert!(!gone_within(port, Duration::from_millis(800)).await);
        hang_up.abort();
    }
}
