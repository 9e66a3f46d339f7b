//! Where statements run: in this process, or on the cluster of a scheduler. Both give the same rows.

use crate::client::Remote;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use gristmill_engine::Result;
use gristmill_engine::backend::ProgressSource;
use gristmill_engine::config::Config;
use gristmill_engine::session::{Engine, Session};
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
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
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
                Ok(Answer { schema: result.schema, stream: result.stream, progress: Some(result.progress) })
            }
            Self::Remote(remote) => {
                let result = remote.execute(&statement.text).await?;
                Ok(Answer { schema: result.schema, stream: result.stream, progress: None })
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
