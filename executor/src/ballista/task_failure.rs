//! What the scheduler is told about a failed task: whether to try again, and an error that keeps its kind.

use ballista_core::error::BallistaError;
use datafusion::error::DataFusionError;
use gristmill_engine::{Code, Error};
use std::error::Error as StdError;
use std::{fmt, io};

/// Makes Ballista treat `error` for what it is.
///
/// | error | becomes | Ballista then |
/// |---|---|---|
/// | Ballista's own (a lost exchange file, …) | itself | handles it: runs the lost tasks again |
/// | one that may not happen again (object store, network, disk) | an I/O error | tries the task again, 4 times |
/// | any other | an external error | fails the job |
///
/// Ballista retries nothing but I/O errors: without this a single 503 of S3 fails the job.
pub(super) fn translate(error: DataFusionError) -> DataFusionError {
    if is_ballistas(&error) {
        return error;
    }
    let framed = Framed(Error::from_datafusion(error));
    if framed.0.is_retryable() {
        DataFusionError::IoError(io::Error::other(framed))
    } else {
        DataFusionError::External(Box::new(framed))
    }
}

/// The same of a task whose exchange files had no room in `folder`, which says so and is tried again, maybe elsewhere.
pub(super) fn name_full_disk(error: DataFusionError, folder: &str) -> DataFusionError {
    let Some(full) = full_disk(&error).map(ToString::to_string) else { return error };
    let own =
        Error::new(Code::ResourcesExhausted, format!("could not write exchange files to {folder}: {full}"))
            .with_hint("free space there, or give the executor another folder: [scratch] dir")
            .with_source(error);
    DataFusionError::IoError(io::Error::other(Framed(own)))
}

/// What the file system said, if that was it. An error that has been framed already is not looked into.
fn full_disk<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.downcast_ref::<io::Error>() {
        Some(error) => matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge).then_some(error),
        None => full_disk(error.source()?),
    }
}

/// The failure of a task that this executor stopped by itself: it runs again elsewhere, and it is not counted.
pub(super) fn stopped() -> DataFusionError {
    BallistaError::Cancelled.into_datafusion()
}

fn is_ballistas(error: &(dyn StdError + 'static)) -> bool {
    error.is::<BallistaError>() || error.source().is_some_and(is_ballistas)
}

/// An error that is written as its frame.
///
/// Ballista reports a failed task as the `Debug` text of its error. It has no source: Ballista looks for the
/// innermost error, and would find the one below ours.
struct Framed(Error);

impl fmt::Debug for Framed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.frame())
    }
}

impl fmt::Display for Framed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.frame())
    }
}

impl StdError for Framed {}

#[cfg(test)]
mod tests {
    use super::*;
    use ballista_core::serde::protobuf::FailedTask;
    use ballista_core::serde::protobuf::failed_task::FailedReason;
    use datafusion::arrow::error::ArrowError;
    use std::sync::Arc;

    /// What the scheduler gets when a task's plan fails with `error` under Ballista's shuffle writer.
    fn reported(error: DataFusionError) -> FailedTask {
        let under_writer = BallistaError::from(translate(error)).into_datafusion();
        FailedTask::from(BallistaError::from(DataFusionError::Shared(Arc::new(under_writer))))
    }

    fn store_error(error: object_store::Error) -> DataFusionError {
        DataFusionError::ObjectStore(Box::new(error))
    }

    fn unavailable() -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: "503 Slow Down".into() }
    }

    #[test]
    fn what_may_not_happen_again_is_tried_again() {
        let wrapped = ArrowError::ExternalError(Box::new(unavailable()));
        let own = Error::new(Code::StorageUnavailable, "could not upload a part");
        let cases = [
            store_error(unavailable()),
            DataFusionError::ArrowError(Box::new(wrapped), None),
            DataFusionError::Shared(Arc::new(store_error(unavailable()))).context("join"),
            DataFusionError::IoError(io::Error::from(io::ErrorKind::ConnectionReset)),
            own.into(),
        ];
        for error in cases {
            let text = error.to_string();
            let task = reported(error);
            assert!(matches!(task.failed_reason, Some(FailedReason::IoError(_))), "{text}");
            assert!(task.retryable && task.count_to_failures, "{text}");
            assert_eq!(
                Error::unframe(&task.error).map(|own| own.code()),
                Some(Code::StorageUnavailable),
                "{text}"
            );
        }
    }

    #[test]
    fn what_will_happen_again_fails_the_job_and_keeps_its_kind() {
        let missing = object_store::Error::NotFound { path: "a".to_owned(), source: "404".into() };
        let own = Error::new(Code::BadRow, "row \"7\" has 3 fields").with_hint("expected 2");
        let cases = [
            (store_error(missing), Code::PathNotFound),
            (DataFusionError::ResourcesExhausted("pool".to_owned()), Code::ResourcesExhausted),
            (DataFusionError::Execution("divide by zero".to_owned()), Code::StatementFailed),
            (own.into(), Code::BadRow),
        ];
        for (error, code) in cases {
            let task = reported(error);
            assert!(matches!(task.failed_reason, Some(FailedReason::ExecutionError(_))), "{code}");
            assert_eq!(Error::unframe(&task.error).map(|own| own.code()), Some(code));
        }
    }

    #[test]
    fn message_and_hint_arrive_as_they_were() {
        let own = Error::new(Code::BadRow, "row \"7\"\nhas \\ 3 fields").with_hint("expected 2");
        let back = Error::unframe(&reported(own.into()).error).unwrap();
        assert_eq!((back.message(), back.hint()), ("row \"7\"\nhas \\ 3 fields", Some("expected 2")));
    }

    #[test]
    fn a_full_scratch_folder_is_named_and_the_task_is_tried_again() {
        let full = || DataFusionError::IoError(io::Error::from(io::ErrorKind::StorageFull));
        for error in [full(), DataFusionError::Shared(Arc::new(full()))] {
            let named = name_full_disk(error, "/scratch");
            let task = FailedTask::from(BallistaError::from(named));
            assert!(matches!(task.failed_reason, Some(FailedReason::IoError(_))) && task.retryable);
            let back = Error::unframe(&task.error).unwrap();
            assert_eq!(back.code(), Code::ResourcesExhausted);
            assert!(back.message().starts_with("could not write exchange files to /scratch: "), "{back}");
        }
        let other = translate(store_error(unavailable()));
        let text = other.to_string();
        assert_eq!(name_full_disk(other, "/scratch").to_string(), text);
    }

    #[test]
    fn a_lost_exchange_file_stays_a_lost_exchange_file() {
        let lost = BallistaError::FetchFailed("executor".to_owned(), 1, 2, "refused".to_owned());
        let task = reported(lost.into_datafusion().context("reading"));
        assert!(matches!(task.failed_reason, Some(FailedReason::FetchPartitionError(_))));
    }

    #[test]
    fn a_stopped_task_runs_again_without_being_counted() {
        let task = FailedTask::from(BallistaError::from(stopped()));
        assert!(matches!(task.failed_reason, Some(FailedReason::TaskKilled(_))));
        assert!(task.retryable && !task.count_to_failures);
    }
}
