//! The gRPC service itself: finds out who asks, logs, hands on, and makes every error one of ours.
//!
//! arrow-flight implements Flight for whatever implements Flight SQL; this newtype stands before that implementation
//! to see each request first and to answer the calls it leaves out.

use super::actions::action_types;
use super::caller::Caller;
use super::service::FlightSql;
use super::sessions::Sessions;
use super::status::{OrStatus, with_frame};
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest,
    PollInfo, SchemaResult, Ticket,
};
use futures::stream;
use gristmill_engine::{Code, Error, Result};
use std::sync::Arc;
use std::time::Instant;
use tonic::{Request, Response, Status, Streaming};

/// Flight for all clients.
pub(super) struct Front {
    inner: FlightSql,
    sessions: Arc<Sessions>,
}

impl Front {
    /// # Errors
    /// As [`FlightSql::new`].
    pub(super) fn new(sessions: &Arc<Sessions>) -> Result<Self> {
        Ok(Self { inner: FlightSql::new(Arc::clone(sessions))?, sessions: Arc::clone(sessions) })
    }

    fn visit<T>(&self, method: &'static str, request: &mut Request<T>) -> Visit {
        let caller = Caller::admit(request, &self.sessions);
        Visit { caller, method, started: Instant::now(), outcome: None }
    }
}

/// One request from its arrival to its answer; logged when it ends, whichever way.
struct Visit {
    caller: Caller,
    method: &'static str,
    started: Instant,
    outcome: Option<tonic::Code>,
}

impl Visit {
    fn leave<T>(mut self, answer: Result<Response<T>, Status>) -> Result<Response<T>, Status> {
        self.outcome = Some(answer.as_ref().map_or_else(Status::code, |_| tonic::Code::Ok));
        match answer {
            Ok(mut response) => {
                self.caller.write_cookie(response.metadata_mut());
                Ok(response)
            }
            Err(status) => {
                let mut status = with_frame(status, self.method);
                self.caller.write_cookie(status.metadata_mut());
                Err(status)
            }
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let (session, statement) = (self.caller.session_number(), self.caller.statement());
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, client) = (self.method, self.caller.address().map(tracing::field::display));
        match self.outcome {
            None => tracing::info!(
                method,
                session,
                statement,
                elapsed_ms,
                client,
                "request dropped by its client"
            ),
            Some(tonic::Code::Ok) if statement.is_empty() => {
                tracing::debug!(method, session, elapsed_ms, client, "request");
            }
            Some(code) => tracing::info!(method, session, statement, elapsed_ms, client, ?code, "request"),
        }
    }
}

#[tonic::async_trait]
impl FlightService for Front {
    type HandshakeStream = <FlightSql as FlightService>::HandshakeStream;
    type ListFlightsStream = <FlightSql as FlightService>::ListFlightsStream;
    type DoGetStream = <FlightSql as FlightService>::DoGetStream;
    type DoPutStream = <FlightSql as FlightService>::DoPutStream;
    type DoActionStream = <FlightSql as FlightService>::DoActionStream;
    type ListActionsStream = <FlightSql as FlightService>::ListActionsStream;
    type DoExchangeStream = <FlightSql as FlightService>::DoExchangeStream;

    async fn handshake(
        &self,
        mut request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let visit = self.visit("Handshake", &mut request);
        visit.leave(FlightService::handshake(&self.inner, request).await)
    }

    async fn list_flights(
        &self,
        mut request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        let visit = self.visit("ListFlights", &mut request);
        let error = Error::new(Code::Unsupported, "ListFlights is not supported")
            .with_hint("list tables with CommandGetTables, or with SHOW TABLES");
        visit.leave(Err(error).or_status())
    }

    async fn get_flight_info(
        &self,
        mut request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let visit = self.visit("GetFlightInfo", &mut request);
        visit.leave(self.inner.get_flight_info(request).await)
    }

    async fn poll_flight_info(
        &self,
        mut request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        let visit = self.visit("PollFlightInfo", &mut request);
        let error = Error::new(Code::Unsupported, "PollFlightInfo is not supported")
            .with_hint("use GetFlightInfo: it returns as soon as a query is planned");
        visit.leave(Err(error).or_status())
    }

    async fn get_schema(
        &self,
        mut request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let visit = self.visit("GetSchema", &mut request);
        visit.leave(self.inner.schema_of(request).await)
    }

    async fn do_get(&self, mut request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let visit = self.visit("DoGet", &mut request);
        visit.leave(self.inner.do_get(request).await)
    }

    async fn do_put(
        &self,
        mut request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let visit = self.visit("DoPut", &mut request);
        visit.leave(self.inner.do_put(request).await)
    }

    async fn do_action(
        &self,
        mut request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let visit = self.visit("DoAction", &mut request);
        visit.leave(self.inner.do_action(request).await)
    }

    async fn list_actions(
        &self,
        mut request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        let visit = self.visit("ListActions", &mut request);
        // arrow-flight's list has every action of the specification, also those that are not supported here.
        let actions: Self::ListActionsStream =
            Box::pin(stream::iter(action_types().map(Ok::<ActionType, Status>)));
        visit.leave(Ok(Response::new(actions)))
    }

    async fn do_exchange(
        &self,
        mut request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        let visit = self.visit("DoExchange", &mut request);
        visit.leave(self.inner.do_exchange(request).await)
    }
}
