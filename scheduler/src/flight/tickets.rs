//! What clients hold of a statement: opaque, signed, good for this process only.
//!
//! A handle names a session and one statement in it. Whoever holds it may use it: it is 128 random bits under a MAC,
//! so it cannot be guessed, and drivers that fetch a result on another connection still get it.

use arrow_flight::Ticket;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use bytes::{BufMut, Bytes, BytesMut};
use gristmill_engine::{Code, Error, Result};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use prost::Message;
use sha2::Sha256;

/// One statement of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StatementId([u8; 16]);

impl StatementId {
    pub(super) fn random() -> Self {
        Self(rand::random())
    }
}

/// What a handle is for; part of what is signed, so one kind cannot pass for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A result that waits to be fetched, once.
    Result = 1,
    /// A prepared statement.
    Prepared = 2,
}

/// A handle whose signature was good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) session: u64,
    pub(super) id: StatementId,
}

/// Purpose, session, id, MAC.
const BODY_BYTES: usize = 1 + 8 + 16;
const MAC_BYTES: usize = 32;

/// Signs and verifies handles with a key that lives and dies with this process.
pub(super) struct Signer {
    mac: Hmac<Sha256>,
}

impl Signer {
    pub(super) fn new() -> Self {
        let key: [u8; 64] = rand::random();
        Self { mac: <Hmac<Sha256> as KeyInit>::new(&key.into()) }
    }

    pub(super) fn sign(&self, purpose: Purpose, handle: Handle) -> Bytes {
        let mut bytes = BytesMut::with_capacity(BODY_BYTES + MAC_BYTES);
        bytes.put_u8(purpose as u8);
        bytes.put_u64(handle.session);
        bytes.put_slice(&handle.id.0);
        let mut mac = self.mac.clone();
        mac.update(&bytes);
        bytes.put_slice(&mac.finalize().into_bytes());
        bytes.freeze()
    }

    /// # Errors
    /// `AccessDenied` when this process did not sign it, or for another purpose.
    pub(super) fn verify(&self, purpose: Purpose, bytes: &[u8]) -> Result<Handle> {
        let refused = || {
            Error::new(Code::AccessDenied, "the ticket or handle was not issued by this server")
                .with_hint("execute the statement again; tickets do not survive a restart of the server")
        };
        let (body, signature) = bytes.split_at_checked(BODY_BYTES).ok_or_else(refused)?;
        let mut mac = self.mac.clone();
        mac.update(body);
        if mac.verify_slice(signature).is_err() {
            return Err(refused());
        }
        let (kind, rest) = body.split_first().ok_or_else(refused)?;
        let (session, id) = rest.split_first_chunk::<8>().ok_or_else(refused)?;
        let id = id.first_chunk::<16>().ok_or_else(refused)?;
        if *kind != purpose as u8 {
            return Err(refused());
        }
        Ok(Handle { session: u64::from_be_bytes(*session), id: StatementId(*id) })
    }

    /// The ticket of a result, as arrow-flight dispatches it: a `TicketStatementQuery` inside an `Any`.
    pub(super) fn ticket(&self, handle: Handle) -> Ticket {
        let statement_handle = self.sign(Purpose::Result, handle);
        Ticket::new(TicketStatementQuery { statement_handle }.as_any().encode_to_vec())
    }

    /// The handle inside a ticket that [`Signer::ticket`] made.
    ///
    /// # Errors
    /// `StatementFailed` for a ticket of another kind, such as that of a metadata request; as [`Signer::verify`].
    pub(super) fn open_ticket(&self, ticket: &Ticket) -> Result<Handle> {
        let query = Any::decode(ticket.ticket.as_ref())
            .ok()
            .and_then(|any| any.unpack::<TicketStatementQuery>().ok().flatten())
            .ok_or_else(|| Error::new(Code::StatementFailed, "the ticket is not that of a statement"))?;
        self.verify(Purpose::Result, &query.statement_handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle() -> Handle {
        Handle { session: 7, id: StatementId::random() }
    }

    #[test]
    fn a_handle_comes_back_as_it_was() {
        let (signer, handle) = (Signer::new(), handle());
        assert_eq!(signer.open_ticket(&signer.ticket(handle)).unwrap(), handle);
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let signer = Signer::new();
        let signed = signer.sign(Purpose::Result, handle());
        for index in 0..signed.len() {
            let mut forged = signed.to_vec();
            forged[index] ^= 1;
            assert_eq!(signer.verify(Purpose::Result, &forged).unwrap_err().code(), Code::AccessDenied);
        }
        assert!(signer.verify(Purpose::Result, &signed[..signed.len() - 1]).is_err());
        assert!(signer.verify(Purpose::Result, b"").is_err());
    }

    #[test]
    fn a_handle_is_good_for_one_purpose_and_one_process() {
        let signer = Signer::new();
        let signed = signer.sign(Purpose::Prepared, handle());
        assert!(signer.verify(Purpose::Result, &signed).is_err());
        assert!(Signer::new().verify(Purpose::Prepared, &signed).is_err());
    }
}
