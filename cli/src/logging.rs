//! Logs: `tracing` events to stderr, above any progress bar.

use crate::args::{GlobalArgs, LogFormatArg};
use crate::stderr::Stderr;
use gristmill_engine::config::LogFormat;
use gristmill_engine::{Code, Error, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// What the command line says about logs, as settings, the same way as `--set` does.
pub(crate) fn settings(global: &GlobalArgs) -> Vec<(String, String)> {
    let level = match global.verbose {
        0 => None,
        1 => Some("info"),
        2 => Some("debug"),
        _ => Some("trace"),
    };
    let format = global.log_format.map(|format| match format {
        LogFormatArg::Text => "text",
        LogFormatArg::Json => "json",
    });
    [("log.level", level), ("log.format", format)]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect()
}

/// Starts to log; events before this are lost.
///
/// # Errors
/// `BadConfiguration` for a filter that does not parse; `Internal` when logging has been started before.
pub(crate) fn start(level: &str, format: LogFormat, stderr: Stderr) -> Result<()> {
    let filter = EnvFilter::builder().parse(level).map_err(|error| {
        Error::new(Code::BadConfiguration, format!("cannot use \"{level}\" for log.level: {error}"))
            .with_hint("expected error, warn, info, debug, trace or a filter as warn,gristmill_engine=debug")
            .with_source(error)
    })?;
    let has_color = stderr.is_terminal();
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(has_color)
        .with_writer(stderr)
        // It would say so on stderr, in a way that panics when stderr is what fails.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => logs.finish().try_init(),
        LogFormat::Json => logs.json().flatten_event(true).finish().try_init(),
    };
    started.map_err(|error| {
        Error::new(Code::Internal, format!("could not start logging: {error}")).with_source(error)
    })
}
