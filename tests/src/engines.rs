//! Where SQL runs: in this process, or on a cluster through Flight SQL. Both give the same rows.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use gristmill::client::Remote;
use gristmill_engine::config::Config;
use gristmill_engine::session::Session;
use gristmill_engine::statement::{Statement, split_script};
use gristmill_engine::{Error, Result, session};
use std::path::Path;
use std::sync::Arc;

/// A session on an engine.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few, and they are not moved around")]
pub enum Engine {
    /// In this process.
    Embedded(Session),
    /// Through a scheduler.
    Cluster(Remote),
}

/// The whole result of a statement.
#[derive(Debug)]
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
}

impl Engine {
    /// A new session in this process.
    ///
    /// # Panics
    /// The configuration cannot be used.
    #[must_use]
    pub fn embedded(config: Config) -> Self {
        Self::Embedded(session::Engine::embedded(Arc::new(config)).expect("an embedded engine").session())
    }

    /// A new session of the cluster at `address`, `grpc://host:port`.
    ///
    /// # Panics
    /// Nobody answers there.
    pub async fn connect(address: &str) -> Self {
        Self::Cluster(Remote::connect(address).await.expect("a scheduler"))
    }

    /// Starts one statement; dropping the stream before its end cancels it.
    ///
    /// # Errors
    /// Those of planning and starting it.
    pub async fn start(&self, sql: &str) -> Result<(SchemaRef, SendableRecordBatchStream)> {
        match self {
            Self::Embedded(session) => {
                let result = session.execute(&Statement::parse(sql)?).await?;
                Ok((result.schema, result.stream))
            }
            Self::Cluster(remote) => {
                let result = remote.execute(sql).await?;
                Ok((result.schema, result.stream))
            }
        }
    }

    /// Runs one statement to its end.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn run(&self, sql: &str) -> Result<Answer> {
        let (schema, stream) = self.start(sql).await?;
        let batches = stream.try_collect().await.map_err(Error::from_datafusion)?;
        Ok(Answer { schema, batches })
    }

    /// Runs the statements of a script, which must not fail; gives the answer of the last one.
    ///
    /// # Panics
    /// One fails, or there is none.
    pub async fn script(&self, script: &str) -> Answer {
        let mut answer = None;
        for sql in split_script(script).expect("a script") {
            let result = self.run(&sql).await;
            answer = Some(result.unwrap_or_else(|error| panic!("{}\nin: {sql}", error.report())));
        }
        answer.expect("a script has a statement")
    }

    /// Runs one statement, which must fail.
    ///
    /// # Panics
    /// It does not.
    pub async fn fail(&self, sql: &str) -> Error {
        match self.run(sql).await {
            Err(error) => error,
            Ok(answer) => panic!("did not fail: {sql}\n{:?}", answer.rows()),
        }
    }

    /// Makes the Parquet file at `path` a table of the session.
    pub async fn parquet(&self, name: &str, path: &Path) {
        self.script(&format!("CREATE EXTERNAL TABLE {name} STORED AS PARQUET LOCATION '{}'", path.display()))
            .await;
    }
}

impl Answer {
    /// Its rows as text.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        crate::text::rows(&self.batches)
    }

    /// Its only value.
    ///
    /// # Panics
    /// It is not one row of one column.
    #[must_use]
    pub fn value(&self) -> String {
        let rows = self.rows();
        match rows.as_slice() {
            [row] if row.len() == 1 => row[0].clone(),
            _ => panic!("not one value: {rows:?}"),
        }
    }
}
