//! Where statements run: in this process, or on the cluster of a scheduler. Both give the same rows.

use crate::client::Remote;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use gristmill_engine::Result;
use gristmill_engine::backend::ProgressSource;
use gristmill_engine::config::Config;
use gristmill_engine::session::{self, Engine, Session};
use gristmill_engine::statement::Statement;
use std::fmt;
use std::sync::Arc;

/// A session somewhere.
#[derive(Debug)]
pub(crate) enum Target {
    /// In this process.
    Embedded(Session),
    /// Through Flight SQL.
    Remote(Box<Remote>),
}

/// A statement that has been started. Dropping `stream` before its end cancels it.
pub(crate) struct Answer {
    /// The columns; none for a statement without a result.
    pub(crate) schema: SchemaRef,
    /// The rows.
    pub(crate) stream: SendableRecordBatchStream,
    /// How far it is, where that is known.
    pub(crate) progress: Option<Arc<dyn ProgressSource>>,
    warnings: Warnings,
}

/// What a statement warns of.
enum Warnings {
    /// Of one that runs here: known at the end of the rows.
    Later(session::Warnings),
    /// Of one that has run.
    Now(Vec<String>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Answer {
    /// What the statement warns of, a sentence each; complete at the end of the rows.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        match &mut self.warnings {
            Warnings::Later(warnings) => warnings.take(),
            Warnings::Now(warnings) => std::mem::take(warnings),
        }
    }
}

impl Target {
    /// Opens a session: on the cluster at `connect`, or in this process without one.
    ///
    /// # Errors
    /// `ClusterUnavailable` when nobody answers at `connect`; `BadConfiguration` or `ResourcesExhausted` when this
    /// process cannot run statements.
    pub(crate) async fn open(config: Arc<Config>, connect: Option<&str>) -> Result<Self> {
        let connect = connect.unwrap_or(&config.client.connect);
        if connect.is_empty() {
            return Ok(Self::Embedded(Engine::embedded(config)?.session()));
        }
        Ok(Self::Remote(Box::new(Remote::connect(connect).await?)))
    }

    /// Starts one statement.
    ///
    /// # Errors
    /// Those of planning and starting it; what fails later comes through the stream.
    pub(crate) async fn execute(&self, statement: &Statement) -> Result<Answer> {
        match self {
            Self::Embedded(session) => {
                let result = session.execute(statement).await?;
                let warnings = Warnings::Later(result.warnings);
                let progress = Some(result.progress);
                Ok(Answer { schema: result.schema, stream: result.stream, progress, warnings })
            }
            Self::Remote(remote) => {
                let result = remote.execute(&statement.text).await?;
                let warnings = Warnings::Now(result.report.warnings);
                Ok(Answer { schema: result.schema, stream: result.stream, progress: None, warnings })
            }
        }
    }

    /// Waits until what a cancelled statement left behind is gone.
    pub(crate) async fn settle(&self) {
        if let Self::Embedded(session) = self {
            session.settle().await;
        }
    }
}
