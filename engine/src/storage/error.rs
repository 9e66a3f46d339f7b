//! What went wrong at a place, as an error that a user can act on.

use crate::error::{Code, Error};
use std::error::Error as StdError;
use std::fmt::Display;

const CREDENTIALS_HINT: &str = "credentials come from [s3] in the configuration, the AWS_* variables, a web identity \
     token, the container or the instance's role; profiles in ~/.aws are not read";

/// The error for a failed operation on `place`, with the code and hint of [`classify`].
#[must_use]
pub fn error(place: impl Display, error: object_store::Error) -> Error {
    let (code, hint) = classify(&error);
    let own = Error::new(code, message(place, &error, code)).with_source(error);
    match hint {
        Some(hint) => own.with_hint(hint),
        None => own,
    }
}

/// What kind of failure it is, and what a user can do about it.
///
/// A missing file or bucket is `PathNotFound`, refused or missing credentials `AccessDenied`, a file in the way
/// `LocationNotEmpty`, a file that changed while it was read `InputChanged`, a full disk `ResourcesExhausted`;
/// everything else may work next time: `StorageUnavailable`.
#[must_use]
pub fn classify(error: &object_store::Error) -> (Code, Option<&'static str>) {
    match error {
        object_store::Error::Unauthenticated { .. } | object_store::Error::PermissionDenied { .. } => {
            (Code::AccessDenied, Some(CREDENTIALS_HINT))
        }
        object_store::Error::NotFound { .. } => (Code::PathNotFound, missing_hint(error)),
        object_store::Error::AlreadyExists { .. } => (Code::LocationNotEmpty, None),
        object_store::Error::Precondition { .. } | object_store::Error::NotModified { .. } => {
            (Code::InputChanged, None)
        }
        object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => {
            (Code::Unsupported, None)
        }
        object_store::Error::InvalidPath { .. } => (Code::BadOption, None),
        object_store::Error::UnknownConfigurationKey { .. } => (Code::BadConfiguration, None),
        _ => match io_source(error) {
            Some(source) => (Error::from_io(source.kind().into(), "").code(), None),
            None => classify_answer(error),
        },
    }
}

/// `object_store` gives a kind to failures of single objects, but none to those of listing, and keeps the type that
/// has the status to itself. What remains is the code in the server's XML answer, which is the S3 protocol's own.
fn classify_answer(error: &object_store::Error) -> (Code, Option<&'static str>) {
    match server_code(error).as_deref() {
        Some("NoSuchBucket") => (Code::PathNotFound, missing_hint(error)),
        Some("InvalidBucketName") => {
            (Code::BadOption, Some("a bucket name has 3 to 63 lower-case letters, digits, dots and hyphens"))
        }
        Some(
            "AccessDenied"
            | "AllAccessDisabled"
            | "AccountProblem"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "RequestTimeTooSkewed",
        ) => (Code::AccessDenied, Some(CREDENTIALS_HINT)),
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            (
                Code::BadConfiguration,
                Some("the bucket is in another region: set s3.region or AWS_REGION to the bucket's region"),
            )
        }
        _ => (
            Code::StorageUnavailable,
            Some("the network or the store may be down; try again, and check s3.endpoint and s3.region"),
        ),
    }
}

fn missing_hint(error: &object_store::Error) -> Option<&'static str> {
    is_bucket_missing(error)
        .then_some("check the bucket's name and s3.region; Gristmill does not create buckets")
}

fn is_bucket_missing(error: &object_store::Error) -> bool {
    server_code(error).as_deref() == Some("NoSuchBucket")
}

fn message(place: impl Display, error: &object_store::Error, code: Code) -> String {
    match code {
        Code::PathNotFound if is_bucket_missing(error) => format!("the bucket of {place} does not exist"),
        Code::PathNotFound => format!("{place} does not exist"),
        Code::LocationNotEmpty => format!("{place} already exists"),
        Code::InputChanged => format!("{place} changed while it was read"),
        Code::AccessDenied if matches!(error, object_store::Error::Unauthenticated { .. }) => {
            format!("no valid credentials for {place}: {}", innermost(error))
        }
        Code::AccessDenied => format!("access to {place} was denied"),
        Code::ResourcesExhausted => format!("no space is left for {place}"),
        Code::StorageUnavailable => format!("could not reach {place}: {}", innermost(error)),
        _ => format!("cannot use {place}: {}", innermost(error)),
    }
}

fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The cause in words: the server's code where it gave one, else the text of the cause below everything; the layers
/// above only repeat it with URLs around.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    if let Some(code) = server_code(error) {
        return format!("the store answered {code}");
    }
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
        check(
            listing_failure(body),
            Code::BadConfiguration,
            "cannot use s3://b/k: the store answered PermanentRedirect",
        );
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
