//! Who runs statements: Gristmill in this process, plain DataFusion in this process, or a cluster.

use crate::measure::cores;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use gristmill::client::Remote;
use gristmill_engine::config::Config;
use gristmill_engine::session::{Engine, Session};
use gristmill_engine::{Code, Error, Result};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Someone who can run SQL.
#[derive(Clone)]
pub(crate) enum Contender {
    /// Embedded Gristmill.
    Gristmill(Session),
    /// DataFusion as it comes.
    DataFusion(SessionContext),
    /// A Gristmill cluster, through its Flight client.
    Cluster(Remote),
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One statement, run to its last row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// From the text to the last row.
    pub(crate) seconds: f64,
    /// Rows of the result.
    pub(crate) rows: u64,
}

impl Contender {
    /// Embedded Gristmill with the defaults of its configuration, and `settings` over them.
    ///
    /// # Errors
    /// `BadConfiguration` for a setting that does not exist.
    pub(crate) fn gristmill(settings: &[(String, String)]) -> Result<Self> {
        let config = Config::load(None, settings)?;
        Ok(Self::Gristmill(Engine::embedded(Arc::new(config))?.session()))
    }

    /// DataFusion with its own defaults, and as many partitions as there are cores.
    pub(crate) fn datafusion() -> Self {
        let config = SessionConfig::new().with_target_partitions(cores());
        #[expect(
            clippy::disallowed_methods,
            reason = "the peer that Gristmill's own sessions are compared with"
        )]
        Self::DataFusion(SessionContext::new_with_config(config))
    }

    /// A session on the cluster at `address`.
    ///
    /// # Errors
    /// Those of connecting.
    pub(crate) async fn cluster(address: &str) -> Result<Self> {
        Ok(Self::Cluster(Remote::connect(address).await?))
    }

    /// What tables call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Gristmill(_) => "gristmill",
            Self::DataFusion(_) => "DataFusion",
            Self::Cluster(_) => "cluster",
        }
    }

    /// Runs one statement to its last row; what it gives is counted and dropped.
    ///
    /// # Errors
    /// Those of the statement.
    pub(crate) async fn run(&self, sql: &str) -> Result<Run> {
        let started = Instant::now();
        let mut stream = self.stream(sql).await?;
        let mut rows = 0;
        while let Some(batch) = stream.try_next().await? {
            rows += batch.num_rows() as u64;
        }
        Ok(Run { seconds: started.elapsed().as_secs_f64(), rows })
    }

    /// Starts one statement.
    ///
    /// # Errors
    /// Those of planning and starting it; `Syntax` when `sql` is not one statement.
    pub(crate) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        Ok(match self {
            Self::Gristmill(session) => match session.parse(sql)?.as_slice() {
                [statement] => session.execute(statement).await?.stream,
                several => {
                    let message = format!("expected one statement, found {}", several.len());
                    return Err(Error::new(Code::Syntax, message));
                }
            },
            Self::DataFusion(ctx) => ctx.sql(sql).await?.execute_stream().await?,
            Self::Cluster(remote) => remote.execute(sql).await?.stream,
        })
    }

    /// Runs statements whose result is of no interest.
    ///
    /// # Errors
    /// That of the first one that fails.
    pub(crate) async fn prepare(&self, statements: &[String]) -> Result<()> {
        for statement in statements {
            self.run(statement).await?;
        }
        Ok(())
    }
}
