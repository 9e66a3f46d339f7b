//! Making, naming and dropping training sets in a session.

use super::{Effect, QueryResult, Session, Warnings, tables};
use crate::backend::{JobProgress, PhysicalJob, ProgressSource};
use crate::commit::{JobFile, JobFolder, JobNote, JobOutput};
use crate::error::{Code, Error, Result};
use crate::expect::{self, PlanRunner};
use crate::manifest::Description;
use crate::plan::{InputFiles, Layout, PlannedWrite, plan_physically};
use crate::statement::{Statement, TrainingSetName};
use crate::storage::Location;
use crate::suggest;
use crate::training_set::TrainingSet;
use crate::write::ShardRecord;
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};
use gristmill_proto::manifest::{Expectation, Manifest};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

mod shard_sizes;

impl Session {
    /// Runs a planned write to its end, as the stream is polled: its result is one row per split.
    pub(super) async fn run_write(&self, statement: &Statement, write: PlannedWrite) -> Result<QueryResult> {
        let physical = plan_physically(&self.planning_state(), &write.plan).await?;
        let inputs = InputFiles::of(&physical)?;
        let job = PhysicalJob { name: statement.title(), ctx: self.context(), plan: physical };
        let schema = if write.spec.splits.is_empty() { tables::count() } else { tables::summary() };
        let progress = Arc::new(WriteProgress::default());
        let warnings = Warnings::default();
        let attempt = WriteJob {
            session: self.clone(),
            write,
            inputs,
            progress: Arc::clone(&progress),
            warnings: warnings.clone(),
        };
        let result = async move { attempt.run(job).await.map_err(Into::into) };
        let stream = futures::stream::once(result).boxed();
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
        Ok(QueryResult { schema, stream, progress, effect: Effect::Change, warnings })
    }

    pub(super) fn show_training_sets(&self) -> Result<RecordBatch> {
        tables::list_rows(&self.inner.training_sets.lock())
    }

    pub(super) async fn describe_training_set(&self, name: &TrainingSetName) -> Result<RecordBatch> {
        tables::description_rows(&self.open(name).await?.describe())
    }

    pub(super) async fn drop_training_set(&self, name: &TrainingSetName) -> Result<()> {
        let set = self.open(name).await?;
        set.drop_files().await?;
        let location = set.location().to_string();
        self.inner.training_sets.lock().retain(|_, known| known.to_string() != location);
        Ok(())
    }

    async fn open(&self, name: &TrainingSetName) -> Result<TrainingSet> {
        let location = match name {
            TrainingSetName::Location(text) => Location::parse(text)?,
            TrainingSetName::Name(name) => self.location_of(name)?,
        };
        TrainingSet::open(self.engine().stores(), &location).await
    }

    fn location_of(&self, name: &str) -> Result<Location> {
        let known = self.inner.training_sets.lock();
        if let Some(location) = known.get(name) {
            return Ok(location.clone());
        }
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let hint = suggest::hint(name, &names)
            .unwrap_or_else(|| "this session made none: name it by its location, as in 's3://…'".to_owned());
        Err(Error::new(Code::UnknownTrainingSet, format!("unknown training set \"{name}\"")).with_hint(hint))
    }
}

/// A write that is about to run. Dropped before its end, it removes what it wrote, in the background;
/// [`Session::settle`] waits for that.
struct WriteJob {
    session: Session,
    write: PlannedWrite,
    inputs: InputFiles,
    progress: Arc<WriteProgress>,
    warnings: Warnings,
}

impl WriteJob {
    async fn run(self, job: PhysicalJob) -> Result<RecordBatch> {
        let output = self.output().await?;
        let expectations = match self.check_rows(&job.name).await {
            Ok(expectations) => expectations,
            Err(error) => return Err(self.explain(error).await),
        };
        // Before the first thing is written, so that there is no moment in which a cancellation leaves something.
        let note = self.session.engine().note(&self.write.spec.job, &self.write.location).await?;
        let mut cleanup = Cleanup::new(&self, Arc::clone(&output), note);
        let manifest = match self.write(job, output.as_ref(), expectations).await {
            Ok(manifest) => manifest,
            Err(error) => {
                let error = self.explain(error).await;
                cleanup.run().await;
                return Err(error);
            }
        };
        cleanup.disarm();
        self.warnings.extend(self.write.facts.warnings.iter().cloned());
        self.warnings.extend(expect::complaints(&manifest.expectations));
        self.warnings.extend(shard_sizes::complaints(&manifest));
        if self.write.spec.splits.is_empty() {
            return tables::count_row(&manifest);
        }
        let name = self.write.facts.name.clone();
        self.session.inner.training_sets.lock().insert(name, self.write.location.clone());
        tables::summary_rows(&manifest, &self.write.location)
    }

    /// Where it writes to, which holds nothing that is in the way.
    async fn output(&self) -> Result<Arc<dyn JobOutput>> {
        let (spec, facts) = (&self.write.spec, &self.write.facts);
        let store = self.session.engine().stores().shards(&self.write.location)?;
        Ok(match &spec.layout {
            Layout::SingleFile { name } => Arc::new(JobFile::absent(store, &spec.job, name).await?),
            Layout::Rolling { .. } | Layout::Sharded { .. } => {
                Arc::new(JobFolder::empty(store, spec, &facts.statement).await?)
            }
        })
    }

    /// What the rules of the statement measure; fails when one that must hold does not. Nothing is written yet.
    async fn check_rows(&self, job: &str) -> Result<Vec<Expectation>> {
        let runner = RuleRunner { session: &self.session, job, progress: &self.progress };
        let results = self.write.expectations.evaluate(&runner).await?;
        self.write.expectations.judge(&results)?;
        Ok(results)
    }

    async fn write(
        &self,
        job: PhysicalJob,
        output: &dyn JobOutput,
        expectations: Vec<Expectation>,
    ) -> Result<Manifest> {
        output.claim().await?;
        let shards = self.stage(job).await?;
        let mut description = Description::of(&self.write, &shards, &self.inputs, self.progress.progress())?;
        description.manifest.expectations = expectations;
        output.commit(&description, &shards).await?;
        Ok(description.manifest)
    }

    /// Runs the plan; its rows are the shards.
    async fn stage(&self, job: PhysicalJob) -> Result<Vec<ShardRecord>> {
        let running = self.session.inner.engine.inner.backend.run(job).await?;
        self.progress.follow(Arc::clone(&running.progress));
        let mut shards = Vec::new();
        let mut stream = running.stream;
        while let Some(batch) = stream.try_next().await? {
            shards.extend(ShardRecord::from_batch(&batch)?);
        }
        self.inputs.check_unchanged(self.session.engine().runtime()).await?;
        Ok(shards)
    }

    async fn explain(&self, error: Error) -> Error {
        self.inputs.explain(self.session.engine().runtime(), error).await
    }
}

/// Runs the plans of rules where the session's statements run.
struct RuleRunner<'a> {
    session: &'a Session,
    job: &'a str,
    progress: &'a WriteProgress,
}

#[async_trait]
impl PlanRunner for RuleRunner<'_> {
    async fn rows(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
        let plan = plan_physically(&self.session.planning_state(), plan).await?;
        let job = PhysicalJob { name: format!("EXPECT of {}", self.job), ctx: self.session.context(), plan };
        let running = self.session.inner.engine.inner.backend.run(job).await?;
        self.progress.follow(Arc::clone(&running.progress));
        Ok(running.stream.try_collect().await?)
    }
}

/// Withdraws what a job wrote unless its commit has gone through, also when the job is dropped half-way.
struct Cleanup {
    session: Session,
    job: String,
    output: Option<Arc<dyn JobOutput>>,
    note: Option<JobNote>,
}

impl Cleanup {
    fn new(job: &WriteJob, output: Arc<dyn JobOutput>, note: Option<JobNote>) -> Self {
        let (session, job) = (job.session.clone(), job.write.spec.job.clone());
        Self { session, job, output: Some(output), note }
    }

    fn disarm(&mut self) {
        self.output = None;
        if let Some(note) = self.note.take() {
            note.forget();
        }
    }

    /// Withdraws now; goes on with it in the background when this is dropped half-way.
    async fn run(&mut self) {
        if let Some(withdrawing) = self.start()
            && let Err(error) = withdrawing.await
        {
            tracing::warn!(%error, "removing what a failed job wrote was stopped");
        }
    }

    fn start(&mut self) -> Option<JoinHandle<()>> {
        let output = self.output.take()?;
        let note = self.note.take();
        let stores = Arc::clone(self.session.engine().stores());
        let job = self.job.clone();
        let withdraw = async move {
            // Of tasks that were cancelled some are still about to open a shard, or to finish one.
            stores.writers_ended(&job).await;
            match output.withdraw().await {
                Ok(()) => drop(note.map(JobNote::forget)),
                // The note stays: another attempt is made when the scheduler starts again.
                Err(leftover) => {
                    tracing::warn!(%leftover, "could not remove everything that an unfinished job wrote");
                }
            }
            stores.settle().await;
        };
        match Handle::try_current() {
            Ok(runtime) => Some(self.session.inner.cleanups.spawn_on(withdraw, &runtime)),
            Err(_) => {
                tracing::warn!("a job was dropped outside of the runtime: what it wrote is still there");
                None
            }
        }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        drop(self.start());
    }
}

/// The progress of a write: that of its job, once it has one.
#[derive(Debug, Default)]
struct WriteProgress {
    job: Mutex<Option<Arc<dyn ProgressSource>>>,
}

impl WriteProgress {
    fn follow(&self, job: Arc<dyn ProgressSource>) {
        *self.job.lock() = Some(job);
    }
}

impl ProgressSource for WriteProgress {
    fn progress(&self) -> JobProgress {
        self.job.lock().as_ref().map_or_else(JobProgress::default, |job| job.progress())
    }
}

#[cfg(test)]
mod tests;
