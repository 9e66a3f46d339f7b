//! Sessions: a user's tables, settings and training sets, and the statements run in them.
//!
//! The one place where DataFusion's session state is built. What runs where is the [`Backend`]'s business.

use crate::backend::{Backend, ProgressSource};
use crate::commit::{JobNote, JobNotes};
use crate::config::Config;
use crate::error::Result;
use crate::statement::{Statement, split_script};
use crate::storage::{Location, Stores};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::optimizer::OptimizerRule;
use datafusion::prelude::{SessionConfig, SessionContext};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

mod balance_scans;
mod embedded;
mod external_tables;
mod functions;
mod options;
mod partition_outer_joins;
mod run;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod training_sets;
mod warnings;

pub use embedded::EmbeddedBackend;
pub use options::SessionOptions;
pub use state::{Mode, build_runtime, build_state, session_config};
pub use warnings::Warnings;

/// Makes sessions that share memory, scratch, object stores and the backend. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

struct EngineInner {
    config: Arc<Config>,
    stores: Arc<Stores>,
    runtime: Arc<RuntimeEnv>,
    backend: Arc<dyn Backend>,
    mode: Mode,
    base: SessionConfig,
    rules: Vec<Arc<dyn OptimizerRule + Send + Sync>>,
    /// Which jobs are under way, where someone looks after those that are lost.
    notes: Option<JobNotes>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("mode", &self.inner.mode).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that runs everything in this process.
    ///
    /// # Errors
    /// As [`build_runtime`].
    pub fn embedded(config: Arc<Config>) -> Result<Engine> {
        let stores = Stores::new(&config.s3, &config.write);
        let runtime = build_runtime(&config, Arc::clone(&stores))?;
        Ok(Engine {
            inner: Arc::new(EngineInner {
                config,
                stores,
                runtime,
                backend: Arc::new(EmbeddedBackend),
                mode: Mode::Embedded,
                base: SessionConfig::new(),
                rules: Vec::new(),
                notes: None,
            }),
        })
    }

    /// An engine whose jobs run through `backend`. Its sessions start from `base`, and plan with `rules` first. Jobs that
    /// write are noted in the scratch folder while they are under way.
    ///
    /// # Errors
    /// As [`build_runtime`].
    pub fn cluster(
        config: Arc<Config>,
        backend: Arc<dyn Backend>,
        base: SessionConfig,
        rules: Vec<Arc<dyn OptimizerRule + Send + Sync>>,
    ) -> Result<Engine> {
        let stores = Stores::new(&config.s3, &config.write);
        let runtime = build_runtime(&config, Arc::clone(&stores))?;
        let notes = Some(JobNotes::begin(&config.scratch.create()?)?);
        Ok(Engine {
            inner: Arc::new(EngineInner {
                config,
                stores,
                runtime,
                notes,
                backend,
                mode: Mode::Cluster,
                base,
                rules,
            }),
        })
    }

    /// A new session: no tables, default settings.
    #[must_use]
    pub fn session(&self) -> Session {
        let engine = &self.inner;
        let config = session_config(engine.mode, engine.base.clone(), &engine.config);
        let (runtime, stores) = (Arc::clone(&engine.runtime), Arc::clone(&engine.stores));
        let state = build_state(engine.mode, config, runtime, stores, &engine.rules);
        #[expect(clippy::disallowed_methods, reason = "this is the one place that builds sessions")]
        let ctx = Arc::new(SessionContext::new_with_state(state).enable_url_table());
        let session = Session {
            inner: Arc::new(SessionInner {
                engine: self.clone(),
                ctx,
                training_sets: Mutex::default(),
                spark_functions: Mutex::new(false),
                cleanups: TaskTracker::new(),
            }),
        };
        session.apply_settings();
        session
    }

    /// The configuration it was made with.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.inner.config
    }

    /// Its object stores.
    #[must_use]
    pub fn stores(&self) -> &Arc<Stores> {
        &self.inner.stores
    }

    /// Notes that a job begins to write, where jobs are noted.
    async fn note(&self, job: &str, location: &Location) -> Result<Option<JobNote>> {
        match &self.inner.notes {
            Some(notes) => notes.note(job, location).await.map(Some),
            None => Ok(None),
        }
    }

    /// What its sessions share.
    #[must_use]
    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        &self.inner.runtime
    }
}

/// One user's session. Clones are the same session.
#[derive(Clone)]
pub struct Session {
    inner: Arc<SessionInner>,
}

struct SessionInner {
    engine: Engine,
    ctx: Arc<SessionContext>,
    training_sets: Mutex<BTreeMap<String, Location>>,
    /// Whether Spark's functions have the names that clash.
    spark_functions: Mutex<bool>,
    cleanups: TaskTracker,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.inner.ctx.session_id()).finish_non_exhaustive()
    }
}

/// The same session with other settings, for one job: it shares everything else with the original.
#[must_use]
pub fn with_settings(
    session: &SessionContext,
    change: impl FnOnce(SessionConfig) -> SessionConfig,
) -> SessionContext {
    let mut state = session.state();
    let config = std::mem::take(state.config_mut());
    *state.config_mut() = change(config);
    #[expect(clippy::disallowed_methods, reason = "this is the one place that builds sessions")]
    SessionContext::new_with_state(state)
}

/// What a statement does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads: nothing happens unless its rows are fetched.
    Query,
    /// It changes the session or writes something.
    Change,
}

/// A statement's shape, known without running it.
#[derive(Debug, Clone)]
pub struct StatementInfo {
    /// The columns of its result.
    pub schema: SchemaRef,
    /// Whether running it changes something.
    pub effect: Effect,
}

/// A running statement. Dropping `stream` before its end cancels it; what it wrote is removed.
pub struct QueryResult {
    /// The columns of its result.
    pub schema: SchemaRef,
    /// The rows.
    pub stream: SendableRecordBatchStream,
    /// How far it is.
    pub progress: Arc<dyn ProgressSource>,
    /// Whether it changes something.
    pub effect: Effect,
    /// What it warns of, once `stream` has ended.
    pub warnings: Warnings,
}

impl fmt::Debug for QueryResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryResult").field("effect", &self.effect).finish_non_exhaustive()
    }
}

impl Session {
    /// The statements of a script.
    ///
    /// # Errors
    /// `Syntax` for the first one that does not parse.
    pub fn parse(&self, script: &str) -> Result<Vec<Statement>> {
        split_script(script)?.iter().map(|text| Statement::parse(text)).collect()
    }

    /// The session's DataFusion context: its catalogs and settings.
    #[must_use]
    pub fn context(&self) -> Arc<SessionContext> {
        Arc::clone(&self.inner.ctx)
    }

    /// The engine that made it.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Makes the functions of the session what its settings say.
    fn apply_settings(&self) {
        let ctx = &self.inner.ctx;
        let wanted = ctx
            .state_ref()
            .read()
            .config_options()
            .extensions
            .get::<SessionOptions>()
            .is_some_and(|options| options.spark_functions);
        let mut current = self.inner.spark_functions.lock();
        if *current == wanted {
            return;
        }
        *current = wanted;
        if wanted {
            functions::preferring_spark().into_iter().for_each(|function| ctx.register_udf(function));
        } else {
            functions::defaults().iter().for_each(|function| ctx.register_udf(function.as_ref().clone()));
        }
    }

    /// Waits until everything that cancelled statements left behind is removed.
    pub async fn settle(&self) {
        self.inner.cleanups.close();
        self.inner.cleanups.wait().await;
        self.inner.cleanups.reopen();
    }
}
