//! What went wrong at a place, as an error that a user can act on.

use crate::error::{Code, Error};
use std::error::Error as StdError;
use std::fmt::Display;

const CREDENTIALS_HINT: &str = "credentials come from [s3] in the configuration, the AWS_* variables, a web identity \
     token, the container or the instance's role; profiles in ~/.aws are not read";

/// The error for a failed operation on `place`.
///
/// A missing file is `PathNotFound`, refused or missing credentials `AccessDenied`, a file in the way
/// `LocationNotEmpty`, a file that changed while it was read `InputChanged`, a full disk `ResourcesExhausted`;
/// everything else may work next time: `StorageUnavailable`.
#[must_use]
pub fn error(place: impl Display, error: object_store::Error) -> Error {
    match &error {
        object_store::Error::Unauthenticated { .. } => {
            Error::new(Code::AccessDenied, format!("no valid credentials for {place}: {}", innermost(&error)))
                .with_hint(CREDENTIALS_HINT)
        }
        object_store::Error::PermissionDenied { .. } => denied(place),
        object_store::Error::NotFound { .. } => not_found(place, &error),
        object_store::Error::AlreadyExists { .. } => {
            Error::new(Code::LocationNotEmpty, format!("{place} already exists"))
        }
        object_store::Error::Precondition { .. } | object_store::Error::NotModified { .. } => {
            Error::new(Code::InputChanged, format!("{place} changed while it was read"))
        }
        object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => Error::new(
            Code::Unsupported,
            format!("the store of {place} cannot do this: {}", innermost(&error)),
        ),
        object_store::Error::InvalidPath { .. } => {
            Error::new(Code::BadOption, format!("cannot use the path {place}: {}", innermost(&error)))
        }
        _ => unclassified(place, &error),
    }
    .with_source(error)
}

fn denied(place: impl Display) -> Error {
    Error::new(Code::AccessDenied, format!("access to {place} was denied")).with_hint(CREDENTIALS_HINT)
}

fn not_found(place: impl Display, error: &object_store::Error) -> Error {
    if server_code(error).as_deref() == Some("NoSuchBucket") {
        return Error::new(Code::PathNotFound, format!("the bucket of {place} does not exist"))
            .with_hint("check its name and the region; Gristmill does not create buckets");
    }
    Error::new(Code::PathNotFound, format!("{place} does not exist"))
}

/// `object_store` gives a kind to failures of single objects, but none to those of listing, and keeps the type that
/// has the status to itself. What remains is the code in the server's XML answer, which is the S3 protocol's own.
fn unclassified(place: impl Display, error: &object_store::Error) -> Error {
    if let Some(io) = io_source(error) {
        // Without its text: the place and the kind say it all, and the path in it is escaped.
        return Error::from_io(std::io::Error::from(io.kind()), place);
    }
    match server_code(error).as_deref() {
        Some("NoSuchBucket") => not_found(place, error),
        Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem") => denied(place),
        Some(
            code @ ("InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "RequestTimeTooSkewed"),
        ) => Error::new(Code::AccessDenied, format!("no valid credentials for {place}: {code}"))
            .with_hint(CREDENTIALS_HINT),
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            Error::new(Code::BadConfiguration, format!("the bucket of {place} is in another region"))
                .with_hint("set s3.region or AWS_REGION to the bucket's region")
        }
        _ => Error::new(Code::StorageUnavailable, format!("could not reach {place}: {}", innermost(error)))
            .with_hint(
                "the network or the store may be down; try again, and check s3.endpoint and s3.region",
            ),
    }
}

fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The text of the cause below everything; the layers above only repeat it with URLs around.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let text = sources(error).last().map(ToString::to_string).unwrap_or_default();
    text.trim().trim_end_matches('.').to_owned()
}

/// The I/O error that a local file gave; one below an HTTP client is about a connection, not a file.
fn io_source<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a std::io::Error> {
    sources(error)
        .take_while(|source| !source.is::<object_store::client::HttpError>())
        .find_map(|source| source.downcast_ref::<std::io::Error>())
}

/// The `<Code>` of an S3 error answer.
fn server_code(error: &(dyn StdError + 'static)) -> Option<String> {
    sources(error).find_map(|source| {
        let text = source.to_string();
        let start = text.find("<Code>")? + "<Code>".len();
        let length = text[start..].find("</Code>")?;
        Some(text[start..start + length].to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing_failure(body: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: format!("status 4xx: {body}").into() }
    }

    fn check(error: object_store::Error, code: Code, message: &str) {
        let error = super::error("s3://b/k", error);
        assert_eq!((error.code(), error.message()), (code, message));
    }

    #[test]
    fn errors_of_objects_are_told_by_their_kind() {
        let source = || Box::<dyn StdError + Send + Sync>::from("why");
        let path = || "k".to_owned();
        check(
            object_store::Error::NotFound { path: path(), source: source() },
            Code::PathNotFound,
            "s3://b/k does not exist",
        );
        check(
            object_store::Error::AlreadyExists { path: path(), source: source() },
            Code::LocationNotEmpty,
            "s3://b/k already exists",
        );
        check(
            object_store::Error::PermissionDenied { path: path(), source: source() },
            Code::AccessDenied,
            "access to s3://b/k was denied",
        );
        check(
            object_store::Error::Unauthenticated { path: path(), source: source() },
            Code::AccessDenied,
            "no valid credentials for s3://b/k: why",
        );
        check(
            object_store::Error::Precondition { path: path(), source: source() },
            Code::InputChanged,
            "s3://b/k changed while it was read",
        );
    }

    #[test]
    fn errors_of_listing_are_told_by_the_servers_code() {
        let body = "<Error><Code>NoSuchBucket</Code></Error>";
        check(listing_failure(body), Code::PathNotFound, "the bucket of s3://b/k does not exist");
        let body = "<Error><Code>AccessDenied</Code></Error>";
        check(listing_failure(body), Code::AccessDenied, "access to s3://b/k was denied");
        let body = "<Error><Code>PermanentRedirect</Code></Error>";
        check(listing_failure(body), Code::BadConfiguration, "the bucket of s3://b/k is in another region");
        check(
            listing_failure("no answer"),
            Code::StorageUnavailable,
            "could not reach s3://b/k: status 4xx: no answer",
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_store_that_is_down() {
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(source) };
        assert_eq!(super::error("/data/x", error).code(), Code::ResourcesExhausted);
    }
}
