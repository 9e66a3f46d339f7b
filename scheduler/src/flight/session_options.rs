//! Session options: the settings of `SET` and `SHOW`, in Flight's words.
//!
//! **Source** `Flight.proto`; arrow-flight has no types for these messages yet.

use datafusion::config::ConfigEntry;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use gristmill_engine::session::Session;
use gristmill_engine::statement::Statement;
use gristmill_engine::{Error, Kind, Result};
use std::collections::BTreeMap;

/// The options that ADBC and JDBC know by other names than `SET` does.
const ALIASES: [(&str, &str); 2] =
    [("catalog", "datafusion.catalog.default_catalog"), ("schema", "datafusion.catalog.default_schema")];

/// The settings that are a client's business; those of the cluster underneath are not.
const PREFIXES: [&str; 2] = ["datafusion.", "gristmill."];

/// A setting whose name has one of these is not shown.
const SECRET_WORDS: [&str; 5] = ["secret", "password", "token", "credential", "access_key"];

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetSessionOptionsRequest {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) session_options: BTreeMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetSessionOptionsResult {
    /// Only the options that could not be set.
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) errors: BTreeMap<String, OptionError>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GetSessionOptionsRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GetSessionOptionsResult {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) session_options: BTreeMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CloseSessionRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CloseSessionResult {
    #[prost(enumeration = "CloseSessionStatus", tag = "1")]
    pub(super) status: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum CloseSessionStatus {
    Unspecified = 0,
    Closed = 1,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OptionError {
    #[prost(enumeration = "OptionErrorKind", tag = "1")]
    pub(super) value: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum OptionErrorKind {
    Unspecified = 0,
    InvalidName = 1,
    InvalidValue = 2,
    Error = 3,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionOptionValue {
    /// No value: the option goes back to its default.
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub(super) value: Option<OptionValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum OptionValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(sfixed64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Float(f64),
    #[prost(message, tag = "5")]
    Texts(TextList),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TextList {
    #[prost(string, repeated, tag = "1")]
    pub(super) values: Vec<String>,
}

/// Sets each option as `SET` would.
pub(super) async fn set(session: &Session, request: SetSessionOptionsRequest) -> SetSessionOptionsResult {
    let mut errors = BTreeMap::new();
    for (name, value) in request.session_options {
        if let Err(kind) = set_one(session, &name, value.value).await {
            errors.insert(name, OptionError { value: kind as i32 });
        }
    }
    SetSessionOptionsResult { errors }
}

/// The session's settings, all as text, as `SHOW ALL` has them.
pub(super) fn get(ctx: &SessionContext) -> GetSessionOptionsResult {
    let mut session_options: BTreeMap<_, _> = entries(ctx)
        .filter(|entry| !SECRET_WORDS.iter().any(|word| entry.key.contains(word)))
        .filter_map(|entry| Some((entry.key, text(entry.value?))))
        .collect();
    for (alias, key) in ALIASES {
        if let Some(value) = session_options.get(key).cloned() {
            session_options.insert(alias.to_owned(), value);
        }
    }
    GetSessionOptionsResult { session_options }
}

fn entries(ctx: &SessionContext) -> impl Iterator<Item = ConfigEntry> + use<> {
    let entries = ctx.state().config_options().entries();
    entries.into_iter().filter(|entry| PREFIXES.iter().any(|prefix| entry.key.starts_with(prefix)))
}

fn text(value: String) -> SessionOptionValue {
    SessionOptionValue { value: Some(OptionValue::Text(value)) }
}

async fn set_one(session: &Session, name: &str, value: Option<OptionValue>) -> Result<(), OptionErrorKind> {
    let key = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, key)| *key);
    // Also what keeps other SQL out of the statement below.
    if !entries(&session.context()).any(|entry| entry.key == key) {
        return Err(OptionErrorKind::InvalidName);
    }
    let sql = match value {
        None => format!("RESET {key}"),
        Some(OptionValue::Text(value)) => format!("SET {key} = '{}'", value.replace('\'', "''")),
        Some(OptionValue::Bool(value)) => format!("SET {key} = '{value}'"),
        Some(OptionValue::Int(value)) => format!("SET {key} = '{value}'"),
        Some(OptionValue::Float(value)) => format!("SET {key} = '{value}'"),
        Some(OptionValue::Texts(_)) => return Err(OptionErrorKind::InvalidValue),
    };
    run(session, &sql).await.map_err(|error| match error.kind() {
        Kind::Invalid => OptionErrorKind::InvalidValue,
        _ => OptionErrorKind::Error,
    })
}

async fn run(session: &Session, sql: &str) -> Result<()> {
    let mut result = session.execute(&Statement::parse(sql)?).await?;
    while let Some(batch) = result.stream.next().await {
        batch.map_err(Error::from_datafusion)?;
    }
    Ok(())
}
