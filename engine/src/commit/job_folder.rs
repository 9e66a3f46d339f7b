//! A location that a job writes a folder of shards to.

use super::changes::Changes;
use super::claim::{CLAIM, Claim, IN_FLIGHT, PUBLISHING, Publishing, Writer, occupied, remove_published};
use super::{JobOutput, staged, to_json};
use crate::error::{Code, Error, Result};
use crate::formats::format;
use crate::manifest::{Description, MANIFEST, META_FOLDER};
use crate::plan::WriteSpec;
use crate::storage::{ShardStore, StagedShard};
use crate::write::ShardRecord;
use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use parking_lot::Mutex;
use std::sync::Arc;

/// A location that one job may write to, and no other.
#[derive(Debug)]
pub struct JobFolder {
    store: Arc<dyn ShardStore>,
    job: String,
    statement: String,
    /// The folders that shards and their companions lie in.
    folders: Vec<String>,
    /// What it has recorded, or tried to.
    recorded: Mutex<Option<Publishing>>,
    changes: Changes,
}

impl JobFolder {
    /// The location of `store`, which is to be empty. Nothing is written there yet.
    ///
    /// # Errors
    /// `LocationNotEmpty`, naming what is there; those of the store.
    pub async fn empty(store: Arc<dyn ShardStore>, spec: &WriteSpec, statement: &str) -> Result<Self> {
        for known in [MANIFEST, CLAIM, PUBLISHING] {
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
            recorded: Mutex::default(),
            changes: Changes::default(),
        })
    }

    async fn put_new(&self, path: &'static str, bytes: Bytes) -> Result<()> {
        let store = Arc::clone(&self.store);
        self.changes.run(async move { store.put_new(path, bytes).await }).await
    }

    async fn publish(&self, shards: &[ShardRecord]) -> Result<()> {
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
        let (store, files) = (Arc::clone(&self.store), description.side_files.clone());
        let put_all = async move {
            for file in files {
                store.put(&file.path, file.bytes).await?;
            }
            Ok(())
        };
        self.changes.run(put_all).await
    }

    /// Fails when the claim is not this job's any more. A store whose create-if-absent is not atomic may let two jobs
    /// claim; and someone may have removed the claim, so that another job could take the location.
    async fn check_claim(&self) -> Result<()> {
        match Writer::of(self.store.as_ref(), CLAIM).await? {
            found if found.is(&self.job) => Ok(()),
            Writer::Nobody => Err(unclaimed(self.store.as_ref())),
            _ => Err(occupied(self.store.as_ref(), CLAIM)),
        }
    }

    /// Records what is about to be published: before the first of it is visible, for whoever cleans up after this job.
    async fn record(&self, description: &Description, shards: &[ShardRecord]) -> Result<()> {
        let shards = shards.iter().map(|shard| shard.path.clone());
        let paths = shards.chain(description.side_files.iter().map(|file| file.path.clone())).collect();
        let record = Publishing { job: self.job.clone(), paths };
        *self.recorded.lock() = Some(record.clone());
        match self.put_new(PUBLISHING, record.to_json()?).await {
            Err(error) if error.code() == Code::LocationNotEmpty => {
                Err(occupied(self.store.as_ref(), PUBLISHING))
            }
            put => put,
        }
    }

    /// Removes what this job published, its manifest first.
    async fn unpublish(&self) -> Result<()> {
        let Some(record) = self.recorded.lock().take() else { return Ok(()) };
        let store = self.store.as_ref();
        match Publishing::read(store).await? {
            Some(found) if found.job == self.job => {}
            // It was not written: nobody publishes without it.
            Some(_) => return Ok(()),
            // Somebody has cleaned up while this job went on. Other jobs do not publish while it is there.
            None => match store.put_new(PUBLISHING, record.to_json()?).await {
                Err(error) if error.code() == Code::LocationNotEmpty => return Ok(()),
                put => put?,
            },
        }
        match Writer::of(store, MANIFEST).await? {
            Writer::Nobody => remove_published(store, &record.paths).await?,
            // It goes first, and for good, so that no manifest is ever seen without its shards.
            found if found.is(&self.job) => {
                store.delete(MANIFEST).await?;
                store.flush(&[META_FOLDER.to_owned()]).await?;
                remove_published(store, &record.paths).await?;
            }
            // The files belong to the training set that is there.
            _ => {}
        }
        store.delete(PUBLISHING).await
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
        self.record(description, shards).await?;
        // While the record is there no other job publishes; so from here on what is there is this job's.
        self.check_claim().await?;
        self.publish(shards).await?;
        self.put_side_files(description).await?;
        self.store.discard_job(&self.job, &self.folders).await?;
        // Whoever took the claim meanwhile may have removed shards.
        self.check_claim().await?;
        self.put_new(MANIFEST, to_json(&description.manifest)?).await?;
        // The training set exists from here on: what stays only keeps others away, as the manifest does.
        for path in [CLAIM, PUBLISHING] {
            if let Err(error) = self.store.delete(path).await {
                let location = self.store.location();
                tracing::warn!(%location, path, %error, "could not remove what a finished job said about itself");
            }
        }
        Ok(())
    }

    async fn withdraw(&self) -> Result<()> {
        self.changes.settle().await;
        let discarded = self.store.discard_job(&self.job, &self.folders).await;
        let unpublished = self.unpublish().await;
        // What could not be removed stays claimed, and is found by whoever cleans up.
        discarded?;
        unpublished?;
        if !Writer::of(self.store.as_ref(), CLAIM).await?.is(&self.job) {
            return Ok(());
        }
        // Last, as it keeps other jobs away from what is being removed.
        self.store.delete(CLAIM).await?;
        self.store.remove_empty_folders().await
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

fn unclaimed(store: &dyn ShardStore) -> Error {
    let message = format!("\"{CLAIM}\" was removed from \"{}\" while a job wrote there", store.location());
    Error::new(Code::PathNotFound, message).with_hint(
        "keep others, and `training-set gc`, from removing files there, and run the statement again",
    )
}
