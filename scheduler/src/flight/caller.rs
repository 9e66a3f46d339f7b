//! Who sends a request: the token, the cookie or the connection that finds its session.

use super::connection::Peer;
use super::sessions::{ClientSession, End, Lifetime, SessionUse, Sessions, gone};
use super::status::{error_to_status, with_code};
use gristmill_engine::{Code, Error, Result};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Status};

/// The cookie that finds a session.
pub(super) const COOKIE: &str = "gristmill-session";

/// The header of a handshake that says how long the session is to live; `gristmill run --connect` sends it.
pub(super) const SESSION_SCOPE: &str = "gristmill-session-scope";

/// As long as the connection, and after a reconnect the token is refused: never a fresh session without the tables.
pub(super) const ONE_CONNECTION: &str = "connection";

/// The client of one request. Clones are the same request.
#[derive(Clone)]
pub(super) struct Caller {
    inner: Arc<Inner>,
}

struct Inner {
    claim: Claim,
    peer: Option<Peer>,
    sessions: Arc<Sessions>,
    session_number: OnceLock<u64>,
    cookie_to_set: Mutex<Option<String>>,
    statement: OnceLock<String>,
}

/// How the client says which session is its own, the surest first.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    Token(String),
    Cookie(String),
    Connection,
}

impl Caller {
    /// Reads who sends `request`, and leaves the answer in it for [`Caller::of`].
    pub(super) fn admit<T>(request: &mut Request<T>, sessions: &Arc<Sessions>) -> Caller {
        let caller = Caller {
            inner: Arc::new(Inner {
                claim: Claim::read(request.metadata()),
                peer: request.extensions().get::<Peer>().cloned(),
                sessions: Arc::clone(sessions),
                session_number: OnceLock::new(),
                cookie_to_set: Mutex::default(),
                statement: OnceLock::new(),
            }),
        };
        request.extensions_mut().insert(caller.clone());
        caller
    }

    /// Who sends `request`.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Caller, Status> {
        request.extensions().get::<Caller>().cloned().ok_or_else(|| {
            error_to_status(&Error::new(
                Code::Internal,
                "a request came in past the front of the Flight service",
            ))
        })
    }

    /// The caller's session; one is opened for a connection that has none yet.
    pub(super) fn session(&self) -> Result<SessionUse, Status> {
        let found = match &self.inner.claim {
            Claim::Token(token) => self.inner.sessions.find_secret(token).ok_or_else(|| {
                with_code(
                    tonic::Code::Unauthenticated,
                    &gone().with_hint(
                        "get a token with a handshake, or send none: a token is good for one session",
                    ),
                )
            })?,
            Claim::Cookie(cookie) => self.inner.sessions.find_secret(cookie).ok_or_else(|| {
                // Not a new session in silence: the client would miss its tables and not know why. Its next
                // request, without the cookie, opens one.
                self.set_cookie(format!("{COOKIE}=; Path=/; Max-Age=0"));
                error_to_status(&gone())
            })?,
            Claim::Connection => self.connection_session().map_err(|error| error_to_status(&error))?,
        };
        self.note_session(&found);
        Ok(found)
    }

    fn connection_session(&self) -> Result<SessionUse> {
        let sessions = &self.inner.sessions;
        let Some(peer) = &self.inner.peer else {
            return Err(Error::new(Code::Internal, "a request came in without a connection"));
        };
        let mut place = peer.bond();
        if let Some(bond) = place.take()
            && let Some(session) = sessions.follow(&bond)?
        {
            *place = Some(bond);
            return Ok(session);
        }
        let opened = sessions.open(Lifetime::UntilCookie)?;
        *place = Some(opened.bond());
        self.set_cookie(format!("{COOKIE}={}; Path=/; HttpOnly", opened.secret));
        Ok(opened)
    }

    /// Opens a session that is found by the token it gives, and by nothing else.
    ///
    /// A client that asks for [`ONE_CONNECTION`] has it end with the connection; else it lives until it is idle.
    pub(super) fn handshake(&self, headers: &MetadataMap) -> Result<String> {
        let ends_with_connection = headers.get(SESSION_SCOPE).is_some_and(|scope| scope == ONE_CONNECTION);
        let lifetime = if ends_with_connection { Lifetime::Connection } else { Lifetime::Client };
        let opened = self.inner.sessions.open(lifetime)?;
        self.note_session(&opened);
        if let (Some(peer), true) = (&self.inner.peer, ends_with_connection) {
            *peer.bond() = Some(opened.bond());
        }
        Ok(opened.secret.clone())
    }

    /// Ends `session`, and the cookie with it.
    pub(super) fn close(&self, session: &ClientSession) {
        self.inner.sessions.close(session, End::Closed);
        if matches!(self.inner.claim, Claim::Cookie(_)) {
            self.set_cookie(format!("{COOKIE}=; Path=/; Max-Age=0"));
        }
    }

    /// Remembers whose session the request uses, for the log.
    pub(super) fn note_session(&self, session: &ClientSession) {
        self.inner.session_number.get_or_init(|| session.number);
    }

    /// Remembers what the request is about, for the log.
    pub(super) fn note(&self, statement: &str) {
        self.inner.statement.get_or_init(|| first_words(statement));
    }

    pub(super) fn statement(&self) -> &str {
        self.inner.statement.get().map_or("", String::as_str)
    }

    /// The number of the session it used, 0 for none.
    pub(super) fn session_number(&self) -> u64 {
        self.inner.session_number.get().copied().unwrap_or(0)
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.inner.peer.as_ref().and_then(Peer::address)
    }

    fn set_cookie(&self, cookie: String) {
        *self.inner.cookie_to_set.lock() = Some(cookie);
    }

    /// Adds the cookie that this request brought about to the headers of its response.
    pub(super) fn write_cookie(&self, headers: &mut MetadataMap) {
        if let Some(cookie) = self.inner.cookie_to_set.lock().take()
            && let Ok(value) = MetadataValue::try_from(cookie)
        {
            headers.insert("set-cookie", value);
        }
    }
}

impl Claim {
    /// `Authorization: Basic` is no claim: any user is let in, and a session is found in one of the other ways.
    fn read(headers: &MetadataMap) -> Claim {
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()).and_then(bearer);
        if let Some(token) = token {
            return Claim::Token(token.to_owned());
        }
        let mut cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
        match cookies.find_map(session_cookie) {
            Some(cookie) => Claim::Cookie(cookie.to_owned()),
            None => Claim::Connection,
        }
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn session_cookie(cookies: &str) -> Option<&str> {
    cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.trim_matches('"'))
        .filter(|value| !value.is_empty())
}

/// The start of a statement, up to its first text: passwords and keys are texts.
fn first_words(statement: &str) -> String {
    const LONGEST: usize = 80;
    let open = statement.split(['\'', '"', '$']).next().unwrap_or_default();
    let mut words = open.split_whitespace().collect::<Vec<_>>().join(" ");
    words.truncate(words.floor_char_boundary(LONGEST));
    if words.len() < statement.trim().len() {
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(headers: &[(&'static str, &str)]) -> Claim {
        let mut map = MetadataMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Claim::read(&map)
    }

    #[test]
    fn a_token_goes_before_a_cookie_and_a_cookie_before_the_connection() {
        let cookie = ("cookie", "a=b; gristmill-session=s1 ; c=d");
        assert_eq!(claim(&[cookie, ("authorization", "bearer t1")]), Claim::Token("t1".to_owned()));
        assert_eq!(claim(&[("cookie", "x=y"), cookie]), Claim::Cookie("s1".to_owned()));
        assert_eq!(claim(&[("cookie", "x=y"), ("authorization", "Basic dTpw")]), Claim::Connection);
    }

    #[test]
    fn an_empty_cookie_or_token_is_none() {
        assert_eq!(claim(&[("cookie", "gristmill-session=")]), Claim::Connection);
        assert_eq!(claim(&[("authorization", "Bearer ")]), Claim::Connection);
    }

    #[test]
    fn a_log_shows_no_texts() {
        let sql = "CREATE  EXTERNAL TABLE t\nOPTIONS ('aws.secret_access_key' 'hunter2')";
        assert_eq!(first_words(sql), "CREATE EXTERNAL TABLE t OPTIONS (…");
        assert_eq!(first_words("SELECT 1"), "SELECT 1");
    }
}
