//! Making, naming and dropping training sets in a session.

use super::{Effect, QueryResult, Session, tables};
use crate::backend::{JobProgress, PhysicalJob, ProgressSource};
use crate::commit::ClaimedLocation;
use crate::error::{Code, Error, Result};
use crate::manifest::manifest_of;
use crate::plan::{InputFiles, Layout, PlannedWrite};
use crate::statement::{Statement, TrainingSetName};
use crate::storage::{Location, ShardStore, StagedShard};
use crate::suggest;
use crate::training_set::TrainingSet;
use crate::write::ShardRecord;
use datafusion::arrow::array::RecordBatch;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};
use gristmill_proto::manifest::Manifest;
use parking_lot::Mutex;
use std::sync::Arc;

impl Session {
    /// Runs a planned write to its end, as the stream is polled: its result is one row per split.
    pub(super) async fn run_write(&self, statement: &Statement, write: PlannedWrite) -> Result<QueryResult> {
        let physical = self.planning_state().create_physical_plan(&write.plan).await?;
        let inputs = InputFiles::of(&physical)?;
        let job = PhysicalJob { name: statement.title(), ctx: self.context(), plan: physical };
        let schema = if write.spec.splits.is_empty() { tables::count() } else { tables::summary() };
        let progress = Arc::new(WriteProgress::default());
        let attempt = WriteJob { session: self.clone(), write, inputs, progress: Arc::clone(&progress) };
        let result = async move { attempt.run(job).await.map_err(Into::into) };
        let stream = futures::stream::once(result).boxed();
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
        Ok(QueryResult { schema, stream, progress, effect: Effect::Change })
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
}

impl WriteJob {
    async fn run(self, job: PhysicalJob) -> Result<RecordBatch> {
        let store = self.session.engine().stores().shards(&self.write.location)?;
        match self.write.spec.layout {
            Layout::SingleFile { ref name } => self.run_single_file(job, store, name).await,
            _ => self.run_folder(job, store).await,
        }
    }

    async fn run_folder(&self, job: PhysicalJob, store: Arc<dyn ShardStore>) -> Result<RecordBatch> {
        let spec = &self.write.spec;
        let claimed = ClaimedLocation::claim(store, &spec.job, &self.write.facts.statement).await?;
        let mut cleanup = Cleanup::new(&self.session, claimed.clone());
        let outcome = async {
            let shards = self.stage(job).await?;
            cleanup.published = shards.clone();
            let manifest = self.manifest(&shards)?;
            claimed.commit(&manifest, &shards).await?;
            Ok(manifest)
        }
        .await;
        let manifest = match outcome {
            Ok(manifest) => manifest,
            Err(error) => return Err(cleanup.run(self.explain(error).await).await),
        };
        cleanup.disarm();
        if self.write.spec.splits.is_empty() {
            return tables::count_row(&manifest);
        }
        let name = self.write.facts.name.clone();
        self.session.inner.training_sets.lock().insert(name, self.write.location.clone());
        tables::summary_rows(&manifest, &self.write.location)
    }

    /// One file needs no manifest: it is there as a whole or not at all.
    async fn run_single_file(
        &self,
        job: PhysicalJob,
        store: Arc<dyn ShardStore>,
        name: &str,
    ) -> Result<RecordBatch> {
        if store.size(name).await?.is_some() {
            let place = format!("{}/{name}", self.write.location);
            return Err(Error::new(Code::LocationNotEmpty, format!("file \"{place}\" is there already"))
                .with_hint("choose another name, or remove the file"));
        }
        let outcome = async {
            let shards = self.stage(job).await?;
            let manifest = self.manifest(&shards)?;
            for ShardRecord { path, bytes, token, .. } in shards {
                store.publish(&StagedShard { path, bytes, token }).await?;
            }
            Ok(manifest)
        }
        .await;
        let leftovers = store.discard_job(&self.write.spec.job).await;
        match (outcome, leftovers) {
            (Ok(manifest), Ok(_)) => tables::count_row(&manifest),
            (Err(error), _) => Err(self.explain(error).await),
            (_, Err(error)) => Err(error),
        }
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

    fn manifest(&self, shards: &[ShardRecord]) -> Result<Manifest> {
        manifest_of(&self.write, shards, &self.inputs, self.progress.progress())
    }

    async fn explain(&self, error: Error) -> Error {
        self.inputs.explain(self.session.engine().runtime(), error).await
    }
}

/// Withdraws a claimed location unless the commit has gone through, also when the job is dropped half-way.
struct Cleanup {
    session: Session,
    claimed: Option<ClaimedLocation>,
    published: Vec<ShardRecord>,
}

impl Cleanup {
    fn new(session: &Session, claimed: ClaimedLocation) -> Self {
        Self { session: session.clone(), claimed: Some(claimed), published: Vec::new() }
    }

    fn disarm(&mut self) {
        self.claimed = None;
    }

    /// Withdraws now, and gives the error that led here.
    async fn run(&mut self, error: Error) -> Error {
        if let Some(claimed) = self.claimed.take()
            && let Err(leftover) = claimed.withdraw(&self.published).await
        {
            tracing::warn!(%leftover, "could not remove everything a failed job wrote");
        }
        self.session.engine().stores().settle().await;
        error
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let Some(claimed) = self.claimed.take() else { return };
        let published = std::mem::take(&mut self.published);
        let stores = Arc::clone(self.session.engine().stores());
        let withdraw = async move {
            if let Err(leftover) = claimed.withdraw(&published).await {
                tracing::warn!(%leftover, "could not remove everything a cancelled job wrote");
            }
            stores.settle().await;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                self.session.inner.cleanups.spawn_on(withdraw, &runtime);
            }
            Err(_) => {
                tracing::warn!("a job was dropped outside of the runtime: what it wrote is still there")
            }
        }
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
