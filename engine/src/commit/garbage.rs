//! What jobs that died left at a location: found by what it says of itself, and removed.

use super::claim::{CLAIM, IN_FLIGHT, PUBLISHING, Publishing, Writer, remove_published, unreadable};
use crate::error::{Error, Result};
use crate::manifest::MANIFEST;
use crate::storage::{Leftover, ShardStore};
use futures::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What dead jobs left at a location.
#[derive(Debug)]
pub struct Garbage {
    store: Arc<dyn ShardStore>,
    /// Staged, and never published.
    staged: Vec<Leftover>,
    /// The dead job that has claimed the location.
    claim: Option<String>,
    record: Option<Publishing>,
    /// What is there of the record's files, with their sizes; none where there is a training set.
    published: Vec<(String, u64)>,
    kept: Vec<KeptJob>,
}

/// What there is to remove, or was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GarbageReport {
    /// The jobs it is of, as far as its names tell.
    pub jobs: Vec<String>,
    /// Temporary files, or uploads that have not ended.
    pub staged: Tally,
    /// Shards and side files that were published without a manifest.
    pub published: Tally,
    /// Claims, records of what a job publishes, and notes about uploads that have ended.
    pub notes: Tally,
    /// Jobs that may be alive, whose files stay.
    pub kept: Vec<KeptJob>,
}

/// Files, or uploads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Their bytes, where those are known.
    pub bytes: u64,
}

/// A job that has changed something too lately to count as dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptJob {
    /// The job; none for uploads and temporary files whose names do not tell.
    pub job: Option<String>,
    /// How long ago it changed something.
    pub idle: Duration,
}

/// Which jobs are dead.
#[derive(Debug, Clone, Copy)]
enum Dead<'a> {
    /// Those that have changed nothing at the location for that long, until then.
    Idle { at_least: Duration, now: SystemTime },
    /// That one.
    Job(&'a str),
}

impl Dead<'_> {
    /// Whether what `job` last changed at that time is a dead job's.
    fn includes(self, job: Option<&str>, changed: SystemTime) -> bool {
        match self {
            Dead::Idle { at_least, now } => idle(changed, now) >= at_least,
            Dead::Job(dead) => job == Some(dead),
        }
    }
}

/// The time since, none where the store's clock is ahead.
fn idle(changed: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(changed).unwrap_or_default()
}

/// Everything at a location by which a job can be told, and when that was last changed.
#[derive(Debug)]
struct Signs {
    claim: Option<(String, SystemTime)>,
    record: Option<(Publishing, SystemTime)>,
    leftovers: Vec<Leftover>,
}

impl Signs {
    async fn read(store: &dyn ShardStore) -> Result<Self> {
        let claim = match Writer::of(store, CLAIM).await? {
            Writer::Nobody => None,
            Writer::Job(job) => Some(job),
            Writer::Unknown => return Err(unreadable(store, CLAIM)),
        };
        let record = Publishing::read(store).await?;
        // What is gone by now belongs to a job that has just ended.
        let changed = async |path| Ok::<_, Error>(store.stat(path).await?.map(|stat| stat.changed));
        Ok(Self {
            claim: claim.zip(changed(CLAIM).await?),
            record: record.zip(changed(PUBLISHING).await?),
            leftovers: store.leftovers().await?,
        })
    }

    /// When each job last changed something.
    fn latest(&self) -> BTreeMap<&str, SystemTime> {
        let claim = self.claim.iter().map(|(job, changed)| (job.as_str(), *changed));
        let record = self.record.iter().map(|(record, changed)| (record.job.as_str(), *changed));
        let staged = self.leftovers.iter().filter_map(|it| Some((it.job.as_deref()?, it.changed)));
        let mut latest = BTreeMap::new();
        for (job, changed) in claim.chain(record).chain(staged) {
            let known = latest.entry(job).or_insert(changed);
            *known = changed.max(*known);
        }
        latest
    }

    fn anonymous(&self) -> impl Iterator<Item = &Leftover> {
        self.leftovers.iter().filter(|leftover| leftover.job.is_none())
    }

    /// Who may be alive.
    fn kept(&self, dead: Dead<'_>) -> Vec<KeptJob> {
        let Dead::Idle { now, .. } = dead else { return Vec::new() };
        let jobs = self.latest().into_iter().map(|(job, changed)| (Some(job), changed));
        let anonymous =
            self.anonymous().map(|leftover| leftover.changed).max().map(|changed| (None, changed));
        jobs.chain(anonymous)
            .filter(|(job, changed)| !dead.includes(*job, *changed))
            .map(|(job, changed)| KeptJob { job: job.map(str::to_owned), idle: idle(changed, now) })
            .collect()
    }
}

impl GarbageReport {
    /// Whether there is nothing to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.staged.count + self.published.count + self.notes.count == 0
    }
}

impl Garbage {
    /// What jobs left that have changed nothing there for `at_least`, by the store's clock, until `now`.
    ///
    /// # Errors
    /// `CorruptInput` for a claim or a record that cannot be read; those of the store.
    pub async fn idle_for(store: Arc<dyn ShardStore>, at_least: Duration, now: SystemTime) -> Result<Self> {
        Self::find(store, Dead::Idle { at_least, now }).await
    }

    /// What `job` left, which is dead for sure.
    ///
    /// # Errors
    /// As [`Garbage::idle_for`].
    pub async fn of_job(store: Arc<dyn ShardStore>, job: &str) -> Result<Self> {
        Self::find(store, Dead::Job(job)).await
    }

    async fn find(store: Arc<dyn ShardStore>, dead: Dead<'_>) -> Result<Self> {
        let signs = Signs::read(store.as_ref()).await?;
        let kept = signs.kept(dead);
        let latest = signs.latest();
        let is_dead = |job: &str| latest.get(job).is_some_and(|changed| dead.includes(Some(job), *changed));
        let staged = signs.leftovers.iter().filter(|it| match &it.job {
            Some(job) => is_dead(job),
            None => dead.includes(None, it.changed),
        });
        let staged = staged.cloned().collect();
        let claimed_by = signs.claim.as_ref().map(|(job, _)| job);
        // While a job that is alive has claimed the location, only what is staged can go.
        let is_free = claimed_by.is_none_or(|job| is_dead(job));
        let claim = claimed_by.filter(|_| is_free).cloned();
        let record = signs.record.as_ref().map(|(record, _)| record);
        let record = record.filter(|record| is_free && is_dead(&record.job)).cloned();
        let published = published(store.as_ref(), record.as_ref()).await?;
        Ok(Self { store, staged, claim, record, published, kept })
    }

    /// What it is.
    #[must_use]
    pub fn report(&self) -> GarbageReport {
        let signs = self.claim.as_ref().into_iter().chain(self.record.as_ref().map(|record| &record.job));
        let jobs: BTreeSet<&String> =
            signs.clone().chain(self.staged.iter().filter_map(|it| it.job.as_ref())).collect();
        let (staged, notes): (Vec<&Leftover>, Vec<&Leftover>) =
            self.staged.iter().partition(|it| it.is_staged);
        GarbageReport {
            jobs: jobs.into_iter().cloned().collect(),
            staged: Tally::of(staged.iter().map(|leftover| leftover.bytes.unwrap_or(0))),
            published: Tally::of(self.published.iter().map(|(_, bytes)| *bytes)),
            notes: Tally { count: (notes.len() + signs.count()) as u64, bytes: 0 },
            kept: self.kept.clone(),
        }
    }

    /// Removes it. A second time goes on where this one failed.
    ///
    /// **Order**: the claim goes before what is published, so that a job that runs after all finds out before it writes
    /// a manifest; and the record after that, as other jobs do not publish while it is there.
    ///
    /// # Errors
    /// The first thing that could not be removed; those of the store.
    pub async fn remove(self) -> Result<GarbageReport> {
        let report = self.report();
        let store = self.store.as_ref();
        let discarded: Vec<Result<()>> = futures::stream::iter(self.staged.clone())
            .map(|leftover| async move { store.discard(&leftover).await })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
        discarded.into_iter().collect::<Result<()>>()?;
        if let Some(job) = &self.claim
            && Writer::of(store, CLAIM).await?.is(job)
        {
            store.delete(CLAIM).await?;
        }
        if let Some(record) = &self.record {
            self.remove_recorded(record).await?;
        }
        let had_job = self.claim.is_some() || self.record.is_some();
        if had_job && Writer::of(store, CLAIM).await? == Writer::Nobody {
            // The location was empty when the job claimed it: its folders are the job's.
            store.remove_empty_folders().await?;
        }
        Ok(report)
    }

    async fn remove_recorded(&self, record: &Publishing) -> Result<()> {
        let store = self.store.as_ref();
        if Writer::of(store, CLAIM).await? != Writer::Nobody {
            // A job has claimed the location since the record was read.
            return Ok(());
        }
        if Writer::of(store, MANIFEST).await? == Writer::Nobody {
            let paths: Vec<String> = self.published.iter().map(|(path, _)| path.clone()).collect();
            remove_published(store, &paths).await?;
        }
        // A job has ended or begun since the record was read, if it is another one now.
        if Publishing::read(store).await?.is_some_and(|found| found == *record) {
            store.delete(PUBLISHING).await?;
        }
        Ok(())
    }
}

impl Tally {
    fn of(bytes: impl Iterator<Item = u64>) -> Self {
        bytes.fold(Self::default(), |sum, bytes| Self { count: sum.count + 1, bytes: sum.bytes + bytes })
    }
}

/// What is there of a record's files, with sizes. Where there is a manifest, whoever's, they are a training set's.
async fn published(store: &dyn ShardStore, record: Option<&Publishing>) -> Result<Vec<(String, u64)>> {
    let Some(record) = record else { return Ok(Vec::new()) };
    if Writer::of(store, MANIFEST).await? != Writer::Nobody {
        return Ok(Vec::new());
    }
    let sizes = futures::stream::iter(record.paths.clone())
        .map(|path| async move { Ok::<_, Error>(store.size(&path).await?.map(|bytes| (path, bytes))) });
    let sizes: Vec<Option<(String, u64)>> = sizes.buffered(IN_FLIGHT).try_collect().await?;
    Ok(sizes.into_iter().flatten().collect())
}
