//! TCP connections that know which session is theirs.
//!
//! An address and port is not an identity: it is used again as soon as a connection has closed. So the session of a
//! client without token or cookie hangs on the connection itself, and ends with it.

use super::sessions::{Bond, Sessions};
use futures::{Stream, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::{Connected, TcpIncoming};

/// When the system probes a silent peer; HTTP/2 pings find a dead one earlier, this covers a stuck runtime.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// Accepts connections, each with an empty place for its session.
pub(super) fn connections(
    listener: TcpListener,
    sessions: &Arc<Sessions>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let sessions = Arc::downgrade(sessions);
    TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(TCP_KEEPALIVE)).map(
        move |stream| {
            let stream = stream?;
            let address = stream.peer_addr().ok();
            let peer = Peer(Arc::new(PeerInner {
                address,
                sessions: Weak::clone(&sessions),
                bond: Mutex::default(),
            }));
            Ok(Connection { stream, peer })
        },
    )
}

/// One client's connection.
pub(super) struct Connection {
    stream: TcpStream,
    peer: Peer,
}

/// The other end of a connection, as requests carry it. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Peer(Arc<PeerInner>);

struct PeerInner {
    address: Option<SocketAddr>,
    sessions: Weak<Sessions>,
    bond: Mutex<Option<Bond>>,
}

impl Peer {
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.address
    }

    /// The session that belongs to this connection, and that is no more when the connection is gone.
    pub(super) fn bond(&self) -> MutexGuard<'_, Option<Bond>> {
        self.0.bond.lock()
    }
}

impl Drop for PeerInner {
    fn drop(&mut self) {
        if let (Some(bond), Some(sessions)) = (self.bond.get_mut().take(), self.sessions.upgrade()) {
            sessions.connection_closed(&bond);
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
