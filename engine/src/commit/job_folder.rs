//! A location that a job writes a folder of shards to.

use super::changes::Changes;
use super::{JobOutput, staged, to_json};
use crate::error::{Code, Error, Result};
use crate::formats::format;
use crate::manifest::{Description, MANIFEST, META_FOLDER};
use crate::plan::WriteSpec;
use crate::storage::{ShardStore, StagedShard};
use crate::write::ShardRecord;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many shards are published, or withdrawn, at a time.
const IN_FLIGHT: usize = 16;

/// Says that a job is writing here; it is there from the start of a job to its end.
const CLAIM: &str = "_gristmill/claim.json";

#[derive(Debug, Serialize)]
struct Claim<'a> {
    job: &'a str,
    statement: &'a str,
}

/// What a claim and a manifest have in common.
#[derive(Debug, Deserialize)]
struct Signature {
    job: String,
}

/// Who wrote a claim or a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// It is not there.
    Nobody,
    ThisJob,
    /// Another job, or something that cannot be read as ours.
    Another,
}

/// A location that one job may write to, and no other.
#[derive(Debug)]
pub struct JobFolder {
    store: Arc<dyn ShardStore>,
    job: String,
    statement: String,
    /// The folders that shards and their companions lie in.
    folders: Vec<String>,
    /// Paths of everything whose publishing has begun.
    published: Mutex<Vec<String>>,
    changes: Changes,
}

impl JobFolder {
    /// The location of `store`, which is to be empty. Nothing is written there yet.
    ///
    /// # Errors
    /// `LocationNotEmpty`, naming what is there; those of the store.
    pub async fn empty(store: Arc<dyn ShardStore>, spec: &WriteSpec, statement: &str) -> Result<Self> {
        for known in [MANIFEST, CLAIM] {
            if store.size(known).await?.is_some() {
                return Err(occupied(store.as_ref(), known));
            }
        }
        if let Some(entry) = store.first_entry().await? {
            return Err(occupied(store.as_ref(), &entry));
        }
        Ok(Self {
            store,
            job: spec.job.clone(),
            statement: statement.to_owned(),
            folders: folders(spec),
            published: Mutex::default(),
            changes: Changes::default(),
        })
    }

    async fn put_new(&self, path: &'static str, bytes: Bytes) -> Result<()> {
        let store = Arc::clone(&self.store);
        self.changes.run(async move { store.put_new(path, bytes).await }).await
    }

    async fn publish(&self, shards: &[ShardRecord]) -> Result<()> {
        self.published.lock().extend(shards.iter().map(|shard| shard.path.clone()));
        let staged: Vec<StagedShard> = shards.iter().map(staged).collect();
        futures::stream::iter(staged.into_iter().map(Ok))
            .try_for_each_concurrent(IN_FLIGHT, |shard| {
                let store = Arc::clone(&self.store);
                self.changes.run(async move { store.publish(&shard).await })
            })
            .await?;
        self.store.flush(&self.folders).await
    }

    async fn put_side_files(&self, description: &Description) -> Result<()> {
        self.published.lock().extend(description.side_files.iter().map(|file| file.path.clone()));
        let (store, files) = (Arc::clone(&self.store), description.side_files.clone());
        let put_all = async move {
            for file in files {
                store.put(&file.path, file.bytes).await?;
            }
            Ok(())
        };
        self.changes.run(put_all).await
    }

    /// Whether a claim or manifest is this job's. A store whose create-if-absent is not atomic may let two jobs claim;
    /// and someone may have removed a claim, so that another job could take the location.
    async fn writer_of(&self, path: &str) -> Result<Writer> {
        let bytes = match self.store.get(path).await {
            Ok(bytes) => bytes,
            Err(error) if error.code() == Code::PathNotFound => return Ok(Writer::Nobody),
            Err(error) => return Err(error),
        };
        let is_ours = serde_json::from_slice::<Signature>(&bytes).is_ok_and(|found| found.job == self.job);
        Ok(if is_ours { Writer::ThisJob } else { Writer::Another })
    }

    async fn remove_published(&self) -> Result<()> {
        let paths = std::mem::take(&mut *self.published.lock());
        let results: Vec<Result<()>> = futures::stream::iter(paths)
            .map(|path| {
                let store = Arc::clone(&self.store);
                async move { store.delete(&path).await }
            })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
        results.into_iter().collect()
    }
}

#[async_trait]
impl JobOutput for JobFolder {
    async fn claim(&self) -> Result<()> {
        let claim = to_json(&Claim { job: &self.job, statement: &self.statement })?;
        match self.put_new(CLAIM, claim).await {
            Err(error) if error.code() == Code::LocationNotEmpty => {
                return Err(occupied(self.store.as_ref(), CLAIM));
            }
            put => put?,
        }
        // Another job may have committed, and dropped its claim, since the location was found empty.
        match self.store.size(MANIFEST).await? {
            Some(_) => Err(occupied(self.store.as_ref(), MANIFEST)),
            None => Ok(()),
        }
    }

    /// Publishes the shards and writes the manifest, which makes the training set exist.
    async fn commit(&self, description: &Description, shards: &[ShardRecord]) -> Result<()> {
        match self.writer_of(CLAIM).await? {
            Writer::ThisJob => {}
            Writer::Another => return Err(occupied(self.store.as_ref(), CLAIM)),
            Writer::Nobody => return Err(unclaimed(self.store.as_ref())),
        }
        self.publish(shards).await?;
        self.put_side_files(description).await?;
        self.store.discard_job(&self.job, &self.folders).await?;
        self.put_new(MANIFEST, to_json(&description.manifest)?).await?;
        // The training set exists from here on: a claim that stays only keeps others away, as the manifest does.
        if let Err(error) = self.store.delete(CLAIM).await {
            tracing::warn!(location = %self.store.location(), %error, "could not remove the claim of a finished job");
        }
        Ok(())
    }

    async fn withdraw(&self) -> Result<()> {
        self.changes.settle().await;
        let discarded = self.store.discard_job(&self.job, &self.folders).await.map(drop);
        if self.writer_of(CLAIM).await? != Writer::ThisJob {
            // What is published there is another job's, or belongs to the training set that this one has become.
            return discarded;
        }
        match self.writer_of(MANIFEST).await? {
            Writer::Nobody => {}
            // It goes first, and for good, so that no manifest is ever seen without its shards.
            Writer::ThisJob => {
                self.store.delete(MANIFEST).await?;
                self.store.flush(&[META_FOLDER.to_owned()]).await?;
            }
            Writer::Another => return discarded.and(self.store.delete(CLAIM).await),
        }
        let removed = self.remove_published().await;
        // Last, as it keeps other jobs away from what is being removed.
        let claim = self.store.delete(CLAIM).await;
        let folders = self.store.remove_empty_folders().await;
        discarded.and(removed).and(claim).and(folders)
    }
}

/// The folders that a job's shards and their companions lie in: one a split; without splits, the location itself.
fn folders(spec: &WriteSpec) -> Vec<String> {
    let shards = if spec.splits.is_empty() { vec![String::new()] } else { spec.splits.clone() };
    if format(&spec.format).companions().is_empty() {
        return shards;
    }
    let beside = |split: &String| format!("{META_FOLDER}/{split}").trim_end_matches('/').to_owned();
    let companions: Vec<String> = shards.iter().map(beside).collect();
    shards.into_iter().chain(companions).collect()
}

fn occupied(store: &dyn ShardStore, entry: &str) -> Error {
    let location = store.location();
    let (what, hint) = match entry {
        MANIFEST => {
            ("a training set".to_owned(), "choose another location, or DROP TRAINING SET what is there")
        }
        CLAIM => (
            format!("\"{CLAIM}\""),
            "another job is writing there, or one died there: choose another location, or remove it once no job runs",
        ),
        _ => (format!("\"{entry}\""), "choose another location, or remove what is there"),
    };
    Error::new(Code::LocationNotEmpty, format!("location \"{location}\" already holds {what}"))
        .with_hint(hint)
}

fn unclaimed(store: &dyn ShardStore) -> Error {
    let message = format!("\"{CLAIM}\" was removed from \"{}\" while a job wrote there", store.location());
    Error::new(Code::PathNotFound, message)
        .with_hint("keep others from removing files there, and run the statement again")
}
