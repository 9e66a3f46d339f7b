//! What is to go wrong at the S3 server, and when: by rules that give the same faults every time.

use hyper::body::{Body, Frame, Incoming};
use hyper::{Method, Request, StatusCode};
use parking_lot::Mutex;
use s3s::service::S3Service;
use s3s::{HttpError, HttpResponse};
use sha2::{Digest, Sha256};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a request may be held before the test counts as stuck.
const HOLD_LIMIT: Duration = Duration::from_secs(100);

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The keys below a prefix, or the uploads.
    List,
    /// An object or a range of it.
    Get,
    /// An object's size and tag.
    Head,
    /// A whole object.
    Put,
    /// One object or several.
    Delete,
    /// A new multipart upload.
    CreateUpload,
    /// A part of one.
    UploadPart,
    /// Its end: the object becomes visible.
    CompleteUpload,
    /// Its end without an object.
    AbortUpload,
}

/// Which of the requests that a rule is about fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The first ones, that many.
    First(u64),
    /// So many of a hundred, chosen by the seed.
    Percent {
        /// How many.
        percent: u64,
        /// What chooses them.
        seed: u64,
    },
    /// All of them.
    Always,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is answered with that status, and nothing is done.
    Status(u16),
    /// The connection ends without an answer, and nothing is done.
    Drop,
    /// It is done, and the connection ends without an answer.
    LoseAnswer,
    /// It is done, and answered that much later.
    Slow(Duration),
    /// Each of these in turn.
    OneOf(Vec<Action>),
}

/// When something goes wrong, and what.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The requests it is about; none means all.
    pub operation: Option<Operation>,
    /// The end of their paths; empty means all.
    pub path_end: &'static str,
    /// Which of them.
    pub when: When,
    /// What happens to those.
    pub action: Action,
}

/// The rules in force, and what they have done.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Active>,
    gates: Vec<(Operation, Arc<GateState>)>,
    injected: u64,
}

/// A rule in force.
#[derive(Debug)]
struct Active {
    rule: Rule,
    /// The bucket it is for; none means all.
    bucket: Option<String>,
    /// How many requests it was about.
    seen: u64,
    /// How many of those went wrong.
    struck: u64,
}

/// Holds requests of one kind until it is opened or dropped.
#[derive(Debug)]
pub struct Gate {
    state: Arc<GateState>,
}

#[derive(Debug)]
struct GateState {
    held: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

/// A request that is at a gate, or on its way from there to its answer.
struct Held(Arc<GateState>);

impl Faults {
    /// Adds a rule; the first one that fits decides.
    pub fn add(&self, rule: Rule) {
        self.state.lock().rules.push(Active { rule, bucket: None, seen: 0, struck: 0 });
    }

    /// The same for the requests to one bucket.
    pub fn add_for(&self, bucket: &str, rule: Rule) {
        let bucket = Some(bucket.to_owned());
        self.state.lock().rules.push(Active { rule, bucket, seen: 0, struck: 0 });
    }

    /// From now on holds every request for `operation`. What is held has reached the store: it is done when the gate
    /// opens, even if the client is gone by then.
    #[must_use]
    pub fn hold(&self, operation: Operation) -> Gate {
        let state = Arc::new(GateState { held: watch::Sender::new(0), open: watch::Sender::new(false) });
        self.state.lock().gates.push((operation, Arc::clone(&state)));
        Gate { state }
    }

    /// How many requests went wrong.
    #[must_use]
    pub fn injected(&self) -> u64 {
        self.state.lock().injected
    }

    /// Forgets all rules and opens all gates.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.rules.clear();
        for (_, gate) in state.gates.drain(..) {
            gate.open.send_replace(true);
        }
    }

    pub(super) async fn answer(
        self: &Arc<Self>,
        service: &S3Service,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, HttpError> {
        let operation = operation_of(&request);
        let Some(gate) = self.gate(operation) else {
            return self.perform(service, operation, request.map(s3s::Body::from)).await;
        };
        let request = whole(request).await?;
        let (faults, service) = (Arc::clone(self), service.clone());
        // A task of its own: this future is dropped when the client goes away.
        let held = tokio::spawn(async move {
            let _held = gate.pass().await;
            faults.perform(&service, operation, request).await
        });
        held.await.map_err(|stopped| HttpError::new(stopped.into()))?
    }

    async fn perform(
        &self,
        service: &S3Service,
        operation: Option<Operation>,
        request: Request<s3s::Body>,
    ) -> Result<HttpResponse, HttpError> {
        match self.fault(operation, request.uri().path()) {
            None => service.call(request).await,
            Some(Action::Status(status)) => {
                // Answering before the request has been read would look like a broken connection to the client.
                drain(request.into_body()).await;
                Ok(refusal(status))
            }
            Some(Action::Drop) => Err(lost()),
            Some(Action::LoseAnswer) => {
                service.call(request).await?;
                Err(lost())
            }
            Some(Action::Slow(delay)) => {
                let answer = service.call(request).await;
                tokio::time::sleep(delay).await;
                answer
            }
            Some(Action::OneOf(_)) => unreachable!("one of them was chosen"),
        }
    }

    fn gate(&self, operation: Option<Operation>) -> Option<Arc<GateState>> {
        let state = self.state.lock();
        let mut gates = state.gates.iter();
        gates.find(|(held, _)| Some(*held) == operation).map(|(_, gate)| Arc::clone(gate))
    }

    fn fault(&self, operation: Option<Operation>, path: &str) -> Option<Action> {
        let mut state = self.state.lock();
        let active = state.rules.iter_mut().find(|active| active.fits(operation, path))?;
        let action = active.next();
        state.injected += u64::from(action.is_some());
        action
    }
}

impl Active {
    fn fits(&self, operation: Option<Operation>, path: &str) -> bool {
        let bucket = path.trim_start_matches('/').split('/').next();
        let is_there = self.bucket.is_none() || self.bucket.as_deref() == bucket;
        let is_it = self.rule.operation.is_none() || self.rule.operation == operation;
        is_there && is_it && path.ends_with(self.rule.path_end)
    }

    /// What happens to the next request that it is about.
    fn next(&mut self) -> Option<Action> {
        self.seen += 1;
        if !self.rule.when.strikes(self.seen - 1) {
            return None;
        }
        self.struck += 1;
        Some(match &self.rule.action {
            Action::OneOf(actions) => actions[(self.struck - 1) as usize % actions.len()].clone(),
            action => action.clone(),
        })
    }
}

impl When {
    fn strikes(self, number: u64) -> bool {
        match self {
            When::Always => true,
            When::First(count) => number < count,
            When::Percent { percent, seed } => {
                let hash = Sha256::digest([seed.to_be_bytes(), number.to_be_bytes()].concat());
                u64::from(hash[0]) * 100 < percent * 256
            }
        }
    }
}

impl Gate {
    /// Waits until `count` requests are held.
    ///
    /// # Panics
    /// They do not come within `limit`.
    pub async fn wait_for(&self, count: usize, limit: Duration) {
        let mut held = self.state.held.subscribe();
        let reached = held.wait_for(|held| *held >= count);
        let reached = crate::wait::within("requests at the gate", limit, reached).await;
        assert!(reached.is_ok(), "the gate is gone");
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        self.state.open.send_replace(true);
    }

    /// Opens, and waits until everything that was held is done.
    ///
    /// # Panics
    /// It is not within `limit`.
    pub async fn let_through(&self, limit: Duration) {
        self.open();
        let mut held = self.state.held.subscribe();
        let emptied = held.wait_for(|held| *held == 0);
        let emptied = crate::wait::within("the end of what was held at the gate", limit, emptied).await;
        assert!(emptied.is_ok(), "the gate is gone");
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl GateState {
    /// Waits until the gate is open; the request counts as held until what this gives is dropped.
    async fn pass(self: &Arc<Self>) -> Held {
        let mut open = self.open.subscribe();
        self.held.send_modify(|held| *held += 1);
        let held = Held(Arc::clone(self));
        let opened = open.wait_for(|open| *open);
        // A test that is stuck for this long has failed: the rest only makes room for its clean-up.
        tokio::time::timeout(HOLD_LIMIT, opened).await.map(drop).ok();
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.send_modify(|held| *held -= 1);
    }
}

fn operation_of(request: &Request<Incoming>) -> Option<Operation> {
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    Some(match *request.method() {
        Method::GET if has("list-type") || has("uploads") => Operation::List,
        Method::GET => Operation::Get,
        Method::HEAD => Operation::Head,
        Method::PUT if has("partNumber") => Operation::UploadPart,
        Method::PUT => Operation::Put,
        Method::DELETE if has("uploadId") => Operation::AbortUpload,
        Method::DELETE => Operation::Delete,
        Method::POST if has("uploads") => Operation::CreateUpload,
        Method::POST if has("uploadId") => Operation::CompleteUpload,
        Method::POST if has("delete") => Operation::Delete,
        _ => return None,
    })
}

/// The same request, with all of its body here.
async fn whole(request: Request<Incoming>) -> Result<Request<s3s::Body>, HttpError> {
    let (head, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = next_frame(&mut body).await {
        let frame = frame.map_err(|broken| HttpError::new(broken.into()))?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    Ok(Request::from_parts(head, s3s::Body::from(bytes)))
}

async fn drain(mut body: s3s::Body) {
    while let Some(Ok(_)) = next_frame(&mut body).await {}
}

async fn next_frame<B: Body + Unpin>(body: &mut B) -> Option<Result<Frame<B::Data>, B::Error>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

fn refusal(status: u16) -> HttpResponse {
    let code = if status == 503 { "SlowDown" } else { "InternalError" };
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
    let mut response = HttpResponse::new(s3s::Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

fn lost() -> HttpError {
    HttpError::new("the connection was lost on purpose".into())
}
