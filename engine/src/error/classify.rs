//! Library errors into ours: by type, never by text.

use super::{Code, Error};
use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use gristmill_udfs::split::PlacementError;
use std::error::Error as StdError;
use std::io;

impl Error {
    /// The error a user gets for one of DataFusion's.
    ///
    /// One of ours that was wrapped on the way, or framed into text by a hop, comes back as itself.
    #[must_use]
    pub fn from_datafusion(error: DataFusionError) -> Error {
        if let Some(own) = find_own(&error) {
            return own;
        }
        if let Some(own) = Error::unframe(&error.to_string()) {
            return own;
        }
        let (code, hint) = classify(&error);
        let mut own = Error::new(code, plain_text(&error));
        own.hint = hint.or_else(|| usual_hint(code).map(str::to_owned));
        own.is_from_decoding = is_from_decoding(&error);
        own.with_source(error)
    }

    /// The error a user gets for a failed operation on a file.
    #[must_use]
    pub fn from_io(error: io::Error, place: impl std::fmt::Display) -> Error {
        let own = Error::new(classify_io(&error), format!("{place}: {error}"));
        match own.code {
            Code::ResourcesExhausted => own.with_hint("free space there, or choose another folder"),
            Code::AccessDenied => own.with_hint("check who owns it and its permissions"),
            _ => own,
        }
        .with_source(error)
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Error::from_datafusion(error)
    }
}

fn find_own(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        if let Some(error) = error.downcast_ref::<PlacementError>() {
            return Some(Error::new(Code::BadRow, error.to_string()).with_hint(error.hint()));
        }
        current = match error.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::Shared(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::ArrowError(inner, _)) => Some(inner.as_ref()),
            Some(DataFusionError::ParquetError(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::ObjectStore(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner)) => {
                Some(inner.as_ref())
            }
            Some(DataFusionError::Collection(errors)) => {
                errors.first().map(|error| error as &(dyn StdError + 'static))
            }
            _ => match error.downcast_ref::<ArrowError>() {
                Some(ArrowError::ExternalError(inner)) => Some(inner.as_ref()),
                _ => match error.downcast_ref::<ParquetError>() {
                    Some(ParquetError::External(inner)) => Some(inner.as_ref()),
                    _ => error.source(),
                },
            },
        };
    }
    None
}

fn classify(error: &DataFusionError) -> (Code, Option<String>) {
    match error {
        DataFusionError::SQL(..) => (Code::Syntax, None),
        DataFusionError::SchemaError(error, _) => classify_schema(error),
        DataFusionError::ObjectStore(error) => with_text(crate::storage::classify(error)),
        DataFusionError::ParquetError(error) => classify_parquet(error),
        DataFusionError::ArrowError(error, _) => classify_arrow(error),
        DataFusionError::IoError(error) => (classify_io(error), None),
        DataFusionError::ResourcesExhausted(_) => (
            Code::ResourcesExhausted,
            Some("raise [memory] limit or [scratch] limit, or use more partitions".to_owned()),
        ),
        DataFusionError::NotImplemented(_) => (Code::Unsupported, None),
        DataFusionError::Configuration(_) => (Code::BadOption, None),
        DataFusionError::Internal(_) | DataFusionError::Ffi(_) | DataFusionError::Substrait(_) => {
            (Code::Internal, None)
        }
        DataFusionError::ExecutionJoin(error) if error.is_cancelled() => (Code::Cancelled, None),
        DataFusionError::ExecutionJoin(_) => (Code::Internal, None),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => classify(inner),
        DataFusionError::Shared(inner) => classify(inner),
        DataFusionError::Collection(errors) => errors.first().map_or((Code::StatementFailed, None), classify),
        DataFusionError::External(inner) => classify_external(inner.as_ref()),
        DataFusionError::Plan(_) | DataFusionError::Execution(_) => (Code::StatementFailed, None),
    }
}

fn classify_external(error: &(dyn StdError + 'static)) -> (Code, Option<String>) {
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        classify(error)
    } else if let Some(error) = error.downcast_ref::<ArrowError>() {
        classify_arrow(error)
    } else if let Some(error) = error.downcast_ref::<ParquetError>() {
        classify_parquet(error)
    } else if let Some(error) = error.downcast_ref::<object_store::Error>() {
        with_text(crate::storage::classify(error))
    } else if let Some(error) = error.downcast_ref::<io::Error>() {
        (classify_io(error), None)
    } else {
        (Code::StatementFailed, None)
    }
}

fn classify_schema(error: &SchemaError) -> (Code, Option<String>) {
    let hint = match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            crate::suggest::hint(&field.name, &names)
        }
        SchemaError::AmbiguousReference { field } => {
            Some(format!("name its table, as in \"table\".\"{}\"", field.name))
        }
        SchemaError::DuplicateQualifiedField { .. } | SchemaError::DuplicateUnqualifiedField { .. } => {
            Some("name one of them with AS".to_owned())
        }
    };
    (Code::UnknownName, hint)
}

fn schema_text(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, .. } => format!("unknown column \"{}\"", field.flat_name()),
        SchemaError::AmbiguousReference { field } => {
            format!("column \"{}\" is ambiguous", field.flat_name())
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            format!("two columns are named \"{name}\"")
        }
    }
}

fn with_text((code, hint): (Code, Option<&'static str>)) -> (Code, Option<String>) {
    (code, hint.map(str::to_owned))
}

fn classify_parquet(error: &ParquetError) -> (Code, Option<String>) {
    match error {
        ParquetError::External(inner) => match classify_external(inner.as_ref()) {
            (Code::StatementFailed, _) => (Code::CorruptInput, None),
            known => known,
        },
        _ => (Code::CorruptInput, None),
    }
}

fn classify_arrow(error: &ArrowError) -> (Code, Option<String>) {
    match error {
        ArrowError::ExternalError(inner) => classify_external(inner.as_ref()),
        ArrowError::IoError(_, error) => (classify_io(error), None),
        ArrowError::CsvError(_)
        | ArrowError::JsonError(_)
        | ArrowError::CastError(_)
        | ArrowError::ParseError(_)
        | ArrowError::ComputeError(_)
        | ArrowError::DivideByZero
        | ArrowError::ArithmeticOverflow(_)
        | ArrowError::OffsetOverflowError(_) => (Code::BadRow, None),
        ArrowError::AvroError(_) | ArrowError::ParquetError(_) | ArrowError::IpcError(_) => {
            (Code::CorruptInput, None)
        }
        ArrowError::MemoryError(_) => (Code::ResourcesExhausted, None),
        ArrowError::NotYetImplemented(_) => (Code::Unsupported, None),
        _ => (Code::StatementFailed, None),
    }
}

fn classify_io(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::NotFound => Code::PathNotFound,
        io::ErrorKind::PermissionDenied => Code::AccessDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Code::ResourcesExhausted
        }
        _ => Code::StorageUnavailable,
    }
}

/// What a user can do about an error of that code, where nothing more is known.
fn usual_hint(code: Code) -> Option<&'static str> {
    match code {
        Code::CorruptInput => {
            Some("the file is damaged, or of another format than STORED AS says: replace it or leave it out")
        }
        Code::BadRow => Some(
            "correct the row, or check the columns and the options of the table; try_cast gives null where a cast fails",
        ),
        _ => None,
    }
}

/// Whether the error came up while bytes of a file became rows, and not while rows were computed with.
fn is_from_decoding(error: &DataFusionError) -> bool {
    let mut sources =
        std::iter::successors(Some(error as &(dyn StdError + 'static)), |error| (*error).source());
    sources.any(|error| {
        error.is::<ParquetError>()
            || matches!(
                error.downcast_ref::<ArrowError>(),
                Some(
                    ArrowError::CsvError(_)
                        | ArrowError::JsonError(_)
                        | ArrowError::ParseError(_)
                        | ArrowError::AvroError(_)
                        | ArrowError::ParquetError(_)
                )
            )
    })
}

/// DataFusion's text without the layers it was wrapped in and without a backtrace.
fn plain_text(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = match root {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Internal(text)
        | DataFusionError::ResourcesExhausted(text) => text.clone(),
        DataFusionError::SchemaError(error, _) => schema_text(error),
        DataFusionError::SQL(error, _) => error.to_string(),
        DataFusionError::ArrowError(error, _) => error.to_string(),
        DataFusionError::ParquetError(error) => error.to_string(),
        DataFusionError::ObjectStore(error) => crate::storage::innermost(error.as_ref()),
        other => other.to_string(),
    };
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    let text = text.trim_end().trim_end_matches('.');
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !text.chars().nth(1).is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
