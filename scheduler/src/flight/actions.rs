//! The actions beside those that arrow-flight dispatches: cancelling, session options, closing a session.

use super::caller::Caller;
use super::session_options::{
    self, CloseSessionRequest, CloseSessionResult, CloseSessionStatus, GetSessionOptionsRequest,
    SetSessionOptionsRequest,
};
use super::sessions::Sessions;
use super::statements::Cancelled;
use super::status::{OrStatus, with_code};
use super::tickets::Signer;
use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo,
};
use bytes::Bytes;
use gristmill_engine::{Code, Error, Result};
use prost::Message;
use tonic::Status;

const CANCEL_FLIGHT_INFO: &str = "CancelFlightInfo";
const SET_SESSION_OPTIONS: &str = "SetSessionOptions";
const GET_SESSION_OPTIONS: &str = "GetSessionOptions";
const CLOSE_SESSION: &str = "CloseSession";

/// Every action that works, those that arrow-flight dispatches first.
const ACTIONS: [(&str, &str); 7] = [
    (
        "CreatePreparedStatement",
        "Prepares a statement without parameters. ActionCreatePreparedStatementRequest",
    ),
    ("ClosePreparedStatement", "Closes a prepared statement. ActionClosePreparedStatementRequest"),
    ("CancelQuery", "Cancels a statement; CancelFlightInfo is its newer name. ActionCancelQueryRequest"),
    (CANCEL_FLIGHT_INFO, "Cancels a statement that waits or runs. CancelFlightInfoRequest"),
    (SET_SESSION_OPTIONS, "Sets options as SET does. SetSessionOptionsRequest"),
    (GET_SESSION_OPTIONS, "Lists options as SHOW ALL does. GetSessionOptionsRequest"),
    (CLOSE_SESSION, "Ends the session: tables, settings and results. CloseSessionRequest"),
];

pub(super) fn action_types() -> impl Iterator<Item = ActionType> + Send + 'static {
    ACTIONS.into_iter().map(|(name, description)| ActionType {
        r#type: name.to_owned(),
        description: description.to_owned(),
    })
}

/// Runs an action that arrow-flight does not know; gives the body of its one result.
pub(super) async fn act(
    caller: &Caller,
    action: &Action,
    sessions: &Sessions,
    signer: &Signer,
) -> Result<Vec<u8>, Status> {
    let body = &action.body;
    match action.r#type.as_str() {
        CANCEL_FLIGHT_INFO => {
            let request: CancelFlightInfoRequest = decode(body)?;
            let status = cancel(&request.info.unwrap_or_default(), sessions, signer)?;
            Ok(CancelFlightInfoResult::new(status).encode_to_vec())
        }
        SET_SESSION_OPTIONS => {
            let request: SetSessionOptionsRequest = decode(body)?;
            let session = caller.session()?;
            Ok(session_options::set(&session.engine, request).await.encode_to_vec())
        }
        GET_SESSION_OPTIONS => {
            let GetSessionOptionsRequest {} = decode(body)?;
            let session = caller.session()?;
            Ok(session_options::get(&session.engine.context()).encode_to_vec())
        }
        CLOSE_SESSION => {
            let CloseSessionRequest {} = decode(body)?;
            caller.close(&*caller.session()?);
            Ok(CloseSessionResult { status: CloseSessionStatus::Closed as i32 }.encode_to_vec())
        }
        other => {
            let names: Vec<_> = ACTIONS.iter().map(|(name, _)| *name).collect();
            Err(Error::new(Code::Unsupported, format!("there is no action \"{other}\""))
                .with_hint(format!("there are {}", names.join(", "))))
            .or_status()
        }
    }
}

/// The older way to cancel, which arrow-flight unpacks.
pub(super) fn cancel_query(
    request: &ActionCancelQueryRequest,
    sessions: &Sessions,
    signer: &Signer,
) -> Result<ActionCancelQueryResult, Status> {
    let status = cancel(&decode(&request.info)?, sessions, signer)?;
    // `CancelResult` has the same numbers as `CancelStatus`, and is not exported.
    Ok(ActionCancelQueryResult { result: status as i32 })
}

/// Cancels what is behind the tickets of `info`.
fn cancel(info: &FlightInfo, sessions: &Sessions, signer: &Signer) -> Result<CancelStatus, Status> {
    let mut status = None;
    for ticket in info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref()) {
        let handle = signer.open_ticket(ticket).or_status()?;
        let session = sessions.find_number(handle.session).or_status()?;
        status = match session.statements.cancel(handle.id) {
            Some(Cancelled::Yes) => Some(CancelStatus::Cancelled),
            Some(Cancelled::TooLate) => status.or(Some(CancelStatus::NotCancellable)),
            None => status,
        };
    }
    status.ok_or_else(|| {
        // The specification asks for `NOT_FOUND`, which no kind of ours maps to without meaning more.
        let error =
            Error::new(Code::StatementFailed, "there is nothing to cancel: the statement is done or unknown");
        with_code(tonic::Code::NotFound, &error)
    })
}

fn decode<M: Message + Default>(body: &Bytes) -> Result<M, Status> {
    M::decode(body.clone())
        .map_err(|error| {
            Error::new(Code::StatementFailed, format!("the request does not decode: {error}"))
                .with_source(error)
        })
        .or_status()
}
