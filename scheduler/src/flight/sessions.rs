//! The sessions of all clients: who has which, how many there may be, and when one ends.

use super::prepared::PreparedStatements;
use super::statements::Statements;
use gristmill_engine::session::{Engine, Session};
use gristmill_engine::{Code, Error, Result};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How many sessions there may be at a time.
const MAX_SESSIONS: usize = 1_024;

/// How often idle sessions and results that nobody fetched are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Every session of this process.
pub(super) struct Sessions {
    engine: Engine,
    idle_timeout: Duration,
    table: Mutex<Table>,
    /// Sessions that have ended and are not cleaned up yet.
    leaving: TaskTracker,
}

#[derive(Default)]
struct Table {
    by_number: BTreeMap<u64, Arc<ClientSession>>,
    by_secret: HashMap<String, u64>,
    last_number: u64,
    shut: bool,
}

/// One client's tables, settings and statements.
pub(super) struct ClientSession {
    /// What logs call it; not a secret.
    pub(super) number: u64,
    /// What finds it again: 256 random bits in hex, used as token and as cookie.
    pub(super) secret: String,
    pub(super) engine: Session,
    pub(super) statements: Statements,
    pub(super) prepared: PreparedStatements,
    lifetime: Lifetime,
    /// Its client has shown its cookie, so it is found again after its connection is gone.
    remembered: AtomicBool,
    activity: Mutex<Activity>,
    /// What it computes now.
    work: TaskTracker,
    ended: CancellationToken,
    end: Arc<OnceLock<End>>,
}

/// What a connection keeps of its session: enough to find it, and to say later why it is gone.
pub(super) struct Bond {
    number: u64,
    end: Arc<OnceLock<End>>,
}

struct Activity {
    users: usize,
    last_use: Instant,
}

/// What a session outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// It ends with its connection.
    Connection,
    /// It ends with its connection, unless its client sends back the cookie it was given.
    UntilCookie,
    /// It outlives connections, and ends when it is closed or idle for too long.
    Client,
}

/// Why a session is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its client closed it, or hung up.
    Closed,
    /// It was not used for too long.
    Idle,
    /// The server stops.
    Shutdown,
}

/// A session in use: it does not expire while this is held.
pub(super) struct SessionUse {
    session: Arc<ClientSession>,
}

impl Sessions {
    pub(super) fn new(engine: Engine, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self { engine, idle_timeout, table: Mutex::default(), leaving: TaskTracker::new() })
    }

    /// The engine behind all sessions.
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A new session.
    ///
    /// # Errors
    /// `ResourcesExhausted` when there are too many, `ClusterUnavailable` when the server stops.
    pub(super) fn open(&self, lifetime: Lifetime) -> Result<SessionUse> {
        self.sweep();
        self.table.lock().check_room()?;
        // Building a session takes milliseconds, so it is built outside of the lock.
        let engine = self.engine.session();
        let mut table = self.table.lock();
        table.check_room()?;
        table.last_number += 1;
        let session = Arc::new(ClientSession {
            number: table.last_number,
            secret: new_secret(),
            engine,
            statements: Statements::default(),
            prepared: PreparedStatements::default(),
            lifetime,
            remembered: AtomicBool::new(false),
            activity: Mutex::new(Activity { users: 0, last_use: Instant::now() }),
            work: TaskTracker::new(),
            ended: CancellationToken::new(),
            end: Arc::default(),
        });
        table.by_secret.insert(session.secret.clone(), session.number);
        table.by_number.insert(session.number, Arc::clone(&session));
        tracing::debug!(session = session.number, sessions = table.by_number.len(), "session opened");
        Ok(SessionUse::of(session))
    }

    /// The session of a token or cookie.
    pub(super) fn find_secret(&self, secret: &str) -> Option<SessionUse> {
        let table = self.table.lock();
        let session = table.by_number.get(table.by_secret.get(secret)?)?;
        session.remembered.store(true, Ordering::Relaxed);
        Some(SessionUse::of(Arc::clone(session)))
    }

    /// The session that a handle or ticket belongs to.
    ///
    /// # Errors
    /// `ClusterUnavailable` when it has ended.
    pub(super) fn find_number(&self, number: u64) -> Result<SessionUse> {
        let table = self.table.lock();
        let session = table.by_number.get(&number).ok_or_else(gone)?;
        Ok(SessionUse::of(Arc::clone(session)))
    }

    /// The connection of that session is gone; so is the session, unless its client can find it again.
    pub(super) fn connection_closed(&self, bond: &Bond) {
        let Ok(session) = self.find_number(bond.number) else { return };
        let ends = match session.lifetime {
            Lifetime::Connection => true,
            Lifetime::UntilCookie => !session.remembered.load(Ordering::Relaxed),
            Lifetime::Client => false,
        };
        if ends {
            self.close(&session, End::Closed);
        }
    }

    /// The session of a connection: `None` when its client has closed it.
    ///
    /// # Errors
    /// `ClusterUnavailable` when it ended without its client's doing.
    pub(super) fn follow(&self, bond: &Bond) -> Result<Option<SessionUse>> {
        match (self.find_number(bond.number), bond.end.get()) {
            (Ok(session), _) => Ok(Some(session)),
            (Err(_), None | Some(End::Closed)) => Ok(None),
            (Err(_), Some(End::Idle)) => Err(self.idle_error()),
            (Err(_), Some(End::Shutdown)) => Err(shutting_down()),
        }
    }

    /// Ends `session`: cancels what it runs, forgets its results, statements and tables.
    pub(super) fn close(&self, session: &ClientSession, end: End) {
        let removed = self.table.lock().remove(session);
        if removed {
            self.end(session, end);
        }
    }

    /// Ends every session, for good.
    pub(super) fn close_all(&self) {
        let mut table = self.table.lock();
        table.shut = true;
        table.by_secret.clear();
        let all = std::mem::take(&mut table.by_number);
        drop(table);
        all.values().for_each(|session| self.end(session, End::Shutdown));
    }

    /// Waits until sessions that have ended compute nothing, and what their statements left behind is removed.
    pub(super) async fn settle(&self) {
        self.leaving.close();
        self.leaving.wait().await;
    }

    fn end(&self, session: &ClientSession, end: End) {
        session.end(end);
        // No runtime: the process is on its way out, and nothing can be waited for.
        if let Ok(runtime) = Handle::try_current() {
            let (work, engine) = (session.work.clone(), session.engine.clone());
            let leave = async move {
                work.close();
                work.wait().await;
                engine.settle().await;
            };
            self.leaving.spawn_on(leave, &runtime);
        }
    }

    /// Ends idle sessions and drops results that nobody fetched, again and again.
    pub(super) async fn sweep_forever(&self) {
        let mut ticks =
            tokio::time::interval(SWEEP_INTERVAL.min(self.idle_timeout.max(Duration::from_millis(10))));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.sweep();
        }
    }

    fn sweep(&self) {
        let mut table = self.table.lock();
        let (idle, live): (Vec<_>, Vec<_>) =
            table.by_number.values().cloned().partition(|session| session.is_idle(self.idle_timeout));
        for session in &idle {
            table.remove(session);
        }
        drop(table);
        idle.iter().for_each(|session| self.end(session, End::Idle));
        live.iter().for_each(|session| session.statements.drop_expired());
    }

    fn idle_error(&self) -> Error {
        Error::new(
            Code::ClusterUnavailable,
            format!("the session is gone: it was not used for {:?}", self.idle_timeout),
        )
        .with_hint(
            "its tables and settings are lost; [scheduler] session_idle_timeout sets how long one lives",
        )
    }
}

/// The error for a session that cannot be found.
pub(super) fn gone() -> Error {
    Error::new(
        Code::ClusterUnavailable,
        "the session is gone: it was closed, was idle for too long, or the server has restarted",
    )
    .with_hint("connect again; its tables and settings are lost")
}

fn shutting_down() -> Error {
    Error::new(Code::ClusterUnavailable, "the server is shutting down").with_hint("try again once it is back")
}

impl Table {
    fn check_room(&self) -> Result<()> {
        if self.shut {
            return Err(shutting_down());
        }
        if self.by_number.len() >= MAX_SESSIONS {
            return Err(Error::new(
                Code::ResourcesExhausted,
                format!("there are {MAX_SESSIONS} sessions, which is as many as there can be"),
            )
            .with_hint("close sessions that are done, or lower [scheduler] session_idle_timeout"));
        }
        Ok(())
    }

    fn remove(&mut self, session: &ClientSession) -> bool {
        self.by_secret.remove(&session.secret);
        self.by_number.remove(&session.number).is_some()
    }
}

impl ClientSession {
    /// Waits for `work`, unless the session ends first.
    ///
    /// # Errors
    /// Those of `work`; `Cancelled` or `ClusterUnavailable` when the session has ended.
    pub(super) async fn unless_ended<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let _work = self.work();
        tokio::select! {
            biased;
            () = self.ended.cancelled() => Err(self.cancelled_error()),
            done = work => done,
        }
    }

    /// A sign that something is computed, to be held meanwhile.
    pub(super) fn work(&self) -> TaskTrackerToken {
        self.work.token()
    }

    /// Why a statement of this session was cancelled.
    pub(super) fn cancelled_error(&self) -> Error {
        match self.end.get() {
            Some(End::Shutdown) => shutting_down(),
            Some(End::Closed | End::Idle) => {
                Error::new(Code::Cancelled, "the statement was cancelled: its session was closed")
            }
            None => Error::new(Code::Cancelled, "the statement was cancelled by its client"),
        }
    }

    /// What its connection keeps of it.
    pub(super) fn bond(&self) -> Bond {
        Bond { number: self.number, end: Arc::clone(&self.end) }
    }

    fn end(&self, end: End) {
        // The first reason stays.
        self.end.get_or_init(|| end);
        self.ended.cancel();
        self.statements.cancel_all();
        tracing::debug!(session = self.number, reason = ?end, "session ended");
    }

    fn is_idle(&self, timeout: Duration) -> bool {
        let activity = self.activity.lock();
        activity.users == 0 && activity.last_use.elapsed() >= timeout
    }
}

impl SessionUse {
    fn of(session: Arc<ClientSession>) -> Self {
        session.activity.lock().users += 1;
        Self { session }
    }
}

impl Clone for SessionUse {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.session))
    }
}

impl Drop for SessionUse {
    fn drop(&mut self) {
        let mut activity = self.session.activity.lock();
        activity.users -= 1;
        activity.last_use = Instant::now();
    }
}

impl Deref for SessionUse {
    type Target = ClientSession;

    fn deref(&self) -> &ClientSession {
        &self.session
    }
}

fn new_secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a `String` cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
