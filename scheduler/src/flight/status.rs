//! An engine error as a gRPC status, and back: kind, code, message and hint survive the hop.
//!
//! The status's message is for people with any driver. Its details are a `google.rpc.Status`, as gRPC asks, which
//! carries the framed error for our own client.

use arrow_flight::error::FlightError;
use arrow_flight::sql::Any;
use datafusion::error::DataFusionError;
use gristmill_engine::{Code, Error, Kind};
use prost::Message;
use std::error::Error as _;
use tonic::Status;

const FRAME_TYPE_URL: &str = "type.googleapis.com/gristmill.Error";

/// A status travels in HTTP/2 headers, and gRPC's C++ core, and so pyarrow, refuses more than 8 KiB of them. Details
/// hold text and frame in base64: 2,000 + (2,000 + 2,000) × 4/3 leaves 800 bytes for the other headers.
const TEXT_LIMIT_BYTES: usize = 2_000;
const FRAME_LIMIT_BYTES: usize = 2_000;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// The status that tells a client about `error`.
///
/// A message that does not fit into headers is cut; [`status_to_error`] gives everything else back as it was.
#[must_use]
pub fn error_to_status(error: &Error) -> Status {
    with_code(grpc_code(error.kind()), error)
}

/// As [`error_to_status`], with a gRPC code that says more than the error's kind.
pub(super) fn with_code(code: tonic::Code, error: &Error) -> Status {
    let text = cut_encoded(&human_text(error), TEXT_LIMIT_BYTES);
    let frame = Any { type_url: FRAME_TYPE_URL.to_owned(), value: fitting_frame(error).into_bytes().into() };
    let details = RpcStatus { code: code.into(), message: text.clone(), details: vec![frame] };
    Status::with_details(code, text, details.encode_to_vec().into())
}

/// The error inside `status`: the one the server had, or the best description of a status that others made.
#[must_use]
pub fn status_to_error(status: &Status) -> Error {
    if let Some(error) = framed(status) {
        return error;
    }
    let message = status.message();
    if status.source().is_some() {
        // tonic keeps the transport's error as the source; a status that a server sent has none.
        return Error::new(Code::ClusterUnavailable, format!("lost the connection to the server: {message}"))
            .with_hint("check that the scheduler runs, and its log")
            .with_source(status.clone());
    }
    Error::new(engine_code(status.code()), message).with_source(status.clone())
}

/// The same status with an error of ours inside, for those that libraries below made while they answered `method`.
pub(super) fn with_frame(status: Status, method: &str) -> Status {
    if framed(&status).is_some() {
        return status;
    }
    let error = match status.code() {
        tonic::Code::Unimplemented => {
            Error::new(Code::Unsupported, format!("this kind of {method} request is not supported"))
                .with_hint(
                    "transactions, Substrait plans, bulk ingestion and bound parameters are not supported",
                )
        }
        code => Error::new(engine_code(code), format!("{method}: {}", status.message())),
    };
    let mut ours = with_code(status.code(), &error);
    *ours.metadata_mut() = status.metadata().clone();
    ours
}

/// The status for an error out of arrow-flight's encoder, which hands through the statuses put into it.
pub(super) fn flight_to_status(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        FlightError::Arrow(error) => error_to_status(&Error::from_datafusion(DataFusionError::from(error))),
        other => error_to_status(&Error::new(Code::Internal, other.to_string()).with_source(other)),
    }
}

/// Turns the errors of a room into those of the wire.
pub(super) trait OrStatus<T> {
    fn or_status(self) -> Result<T, Status>;
}

impl<T> OrStatus<T> for gristmill_engine::Result<T> {
    fn or_status(self) -> Result<T, Status> {
        self.map_err(|error| error_to_status(&error))
    }
}

fn framed(status: &Status) -> Option<Error> {
    let details = RpcStatus::decode(status.details()).ok()?;
    let frame = details.details.iter().find(|any| any.type_url == FRAME_TYPE_URL)?;
    Error::unframe(std::str::from_utf8(&frame.value).ok()?)
}

fn human_text(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{}: {} (hint: {hint})", error.code(), error.message()),
        None => format!("{}: {}", error.code(), error.message()),
    }
}

/// The frame, its message cut until it fits: escaping can make JSON up to six times as long as its text.
fn fitting_frame(error: &Error) -> String {
    let mut limit = FRAME_LIMIT_BYTES;
    let mut frame = error.frame();
    while frame.len() > FRAME_LIMIT_BYTES && limit > 1 {
        limit /= 2;
        let mut shorter = Error::new(error.code(), cut(error.message(), limit));
        if let Some(hint) = error.hint() {
            shorter = shorter.with_hint(cut(hint, limit));
        }
        frame = shorter.frame();
    }
    frame
}

/// The longest start of `text` with at most `limit` bytes.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(limit)])
}

/// The longest start of `text` whose percent encoding, as tonic writes it, has at most `limit` bytes.
fn cut_encoded(text: &str, limit: usize) -> String {
    let mut encoded = 0;
    for (offset, character) in text.char_indices() {
        let plain = character.is_ascii_graphic() && !"\"#%<>`?{}".contains(character);
        encoded += if plain { 1 } else { 3 * character.len_utf8() };
        if encoded > limit {
            return format!("{}…", &text[..offset]);
        }
    }
    text.to_owned()
}

fn grpc_code(kind: Kind) -> tonic::Code {
    match kind {
        Kind::Invalid => tonic::Code::InvalidArgument,
        Kind::NotFound => tonic::Code::NotFound,
        Kind::Conflict => tonic::Code::AlreadyExists,
        Kind::Denied => tonic::Code::PermissionDenied,
        // Not `DataLoss`: the data was bad before we came, and the way out is to mend it.
        Kind::Data => tonic::Code::FailedPrecondition,
        Kind::Resources => tonic::Code::ResourceExhausted,
        Kind::Unavailable => tonic::Code::Unavailable,
        Kind::Cancelled => tonic::Code::Cancelled,
        Kind::Unsupported => tonic::Code::Unimplemented,
        Kind::Internal => tonic::Code::Internal,
    }
}

fn engine_code(code: tonic::Code) -> Code {
    match code {
        tonic::Code::InvalidArgument | tonic::Code::NotFound | tonic::Code::FailedPrecondition => {
            Code::StatementFailed
        }
        tonic::Code::AlreadyExists => Code::LocationNotEmpty,
        tonic::Code::PermissionDenied | tonic::Code::Unauthenticated => Code::AccessDenied,
        // `OutOfRange` is what tonic says about a message over its size limit.
        tonic::Code::ResourceExhausted | tonic::Code::OutOfRange => Code::ResourcesExhausted,
        tonic::Code::Unavailable | tonic::Code::DeadlineExceeded => Code::ClusterUnavailable,
        tonic::Code::Cancelled | tonic::Code::Aborted => Code::Cancelled,
        tonic::Code::Unimplemented => Code::Unsupported,
        tonic::Code::DataLoss => Code::CorruptInput,
        tonic::Code::Ok | tonic::Code::Unknown | tonic::Code::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(error: &Error) -> Error {
        status_to_error(&error_to_status(error))
    }

    #[test]
    fn every_code_survives_the_hop_with_message_and_hint() {
        for code in Code::ALL {
            let error = Error::new(*code, "column \"größe\" is\nnot there").with_hint("use \"groesse\"");
            let back = there_and_back(&error);
            assert_eq!((back.code(), back.message(), back.hint()), (*code, error.message(), error.hint()));
        }
    }

    #[test]
    fn people_read_code_message_and_hint() {
        let error = Error::new(Code::UnknownTargetColumn, "no column \"x\"").with_hint("did you mean \"y\"?");
        let status = error_to_status(&error);
        assert_eq!(status.message(), "GM0003: no column \"x\" (hint: did you mean \"y\"?)");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
    }

    #[test]
    fn a_message_too_long_for_headers_is_cut_and_keeps_code_and_hint() {
        let error = Error::new(Code::BadRow, "ü\u{1}".repeat(20_000)).with_hint("look");
        let status = error_to_status(&error);
        assert!(status.message().len() < TEXT_LIMIT_BYTES, "{}", status.message().len());
        assert!(status.details().len() < 4_200, "{}", status.details().len());
        let back = status_to_error(&status);
        assert_eq!((back.code(), back.hint()), (Code::BadRow, Some("look")));
    }

    #[test]
    fn a_status_of_others_keeps_its_meaning() {
        let back = status_to_error(&Status::unimplemented("no such method"));
        assert_eq!((back.code(), back.message()), (Code::Unsupported, "no such method"));
        let framed = with_frame(Status::unimplemented("no default"), "DoPut");
        assert_eq!(framed.code(), tonic::Code::Unimplemented);
        let back = status_to_error(&framed);
        assert!(back.message().contains("DoPut") && back.hint().is_some(), "{back}");
    }
}
