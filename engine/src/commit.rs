//! From shards that nobody can see to a training set that exists, or to nothing.
//!
//! ```text
//! claim location ─▶ tasks stage shards ─▶ publish shards ─▶ side files ─▶ discard leftovers ─▶ manifest (create-if-absent)
//!        └──────────────── any failure or cancellation: withdraw everything ────────────────┘
//! ```

use crate::error::{Code, Error, Result};
use crate::manifest::{MANIFEST, META_FOLDER, write_side_files};
use crate::storage::{ShardStore, StagedShard};
use crate::write::ShardRecord;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use gristmill_proto::manifest::Manifest;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many shards are published, or withdrawn, at a time.
const IN_FLIGHT: usize = 16;

/// Says that a job is writing here; it is there from the start of a job to its end.
const CLAIM: &str = "_gristmill/claim.json";

#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    job: String,
    statement: String,
}

/// A location that one job may write to, and no other.
#[derive(Debug, Clone)]
pub struct ClaimedLocation {
    store: Arc<dyn ShardStore>,
    job: String,
}

impl ClaimedLocation {
    /// Claims an empty location for `job`.
    ///
    /// # Errors
    /// `LocationNotEmpty`, naming what is there; those of the store.
    pub async fn claim(store: Arc<dyn ShardStore>, job: &str, statement: &str) -> Result<Self> {
        if let Some(entry) = store.first_entry().await? {
            return Err(occupied(store.as_ref(), &entry));
        }
        let claim = Claim { job: job.to_owned(), statement: statement.to_owned() };
        let bytes = to_json(&claim)?;
        match store.put_new(CLAIM, bytes).await {
            Ok(()) => {}
            Err(error) if error.code() == Code::LocationNotEmpty => {
                return Err(occupied(store.as_ref(), CLAIM));
            }
            Err(error) => return Err(error),
        }
        // Another job may have committed, and dropped its claim, since the location was found empty.
        if store.size(MANIFEST).await?.is_some() {
            store.delete(CLAIM).await?;
            return Err(occupied(store.as_ref(), MANIFEST));
        }
        Ok(Self { store, job: job.to_owned() })
    }

    /// Publishes the shards and writes the manifest, which makes the training set exist.
    ///
    /// # Errors
    /// Those of the store. The caller then withdraws.
    pub async fn commit(&self, manifest: &Manifest, shards: &[ShardRecord]) -> Result<()> {
        if !self.is_ours().await? {
            return Err(occupied(self.store.as_ref(), CLAIM));
        }
        let staged: Vec<StagedShard> = shards.iter().map(staged).collect();
        futures::stream::iter(staged.into_iter().map(Ok))
            .try_for_each_concurrent(IN_FLIGHT, |shard| {
                let store = Arc::clone(&self.store);
                async move { store.publish(&shard).await }
            })
            .await?;
        write_side_files(self.store.as_ref(), manifest).await?;
        self.store.discard_job(&self.job).await?;
        self.store.put_new(MANIFEST, to_json(manifest)?).await?;
        // The training set exists from here on: a claim that stays only keeps others away, as the manifest does.
        if let Err(error) = self.store.delete(CLAIM).await {
            tracing::warn!(location = %self.store.location(), %error, "could not remove the claim of a finished job");
        }
        Ok(())
    }

    /// Removes everything the job left: staged shards, published shards, side files, the claim.
    ///
    /// # Errors
    /// The first thing that could not be removed; everything is tried.
    pub async fn withdraw(&self, published: &[ShardRecord]) -> Result<()> {
        if matches!(self.is_ours().await, Ok(false)) {
            // What is published there is another job's.
            return self.store.discard_job(&self.job).await.map(drop);
        }
        // First, so that no manifest is ever seen without its shards. One that is there is this job's, written by a call
        // whose answer got lost: the claim keeps others away.
        let mut first_error = self.store.delete(MANIFEST).await.err();
        first_error = first_error.or(self.store.discard_job(&self.job).await.err());
        let mut paths: Vec<String> = published.iter().map(|shard| shard.path.clone()).collect();
        paths.extend(crate::manifest::side_files(published));
        paths.push(CLAIM.to_owned());
        let results: Vec<Result<()>> = futures::stream::iter(paths)
            .map(|path| {
                let store = Arc::clone(&self.store);
                async move { store.delete(&path).await }
            })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
        first_error = first_error.or_else(|| results.into_iter().find_map(Result::err));
        first_error = first_error.or(self.store.remove_empty_folders().await.err());
        first_error.map_or(Ok(()), Err)
    }
}

impl ClaimedLocation {
    /// Whether the claim is still this job's: a store whose create-if-absent is not atomic may let two jobs claim.
    async fn is_ours(&self) -> Result<bool> {
        let bytes = self.store.get(CLAIM).await?;
        Ok(serde_json::from_slice::<Claim>(&bytes).is_ok_and(|claim| claim.job == self.job))
    }
}

fn staged(shard: &ShardRecord) -> StagedShard {
    StagedShard { path: shard.path.clone(), bytes: shard.bytes, token: shard.token.clone() }
}

fn occupied(store: &dyn ShardStore, entry: &str) -> Error {
    let location = store.location();
    let error =
        Error::new(Code::LocationNotEmpty, format!("location \"{location}\" already holds \"{entry}\""));
    if entry.contains(META_FOLDER) && !entry.ends_with(MANIFEST) {
        error.with_hint(
            "another job is writing there, or one died there: choose another location or remove it",
        )
    } else {
        error.with_hint("choose another location, or drop what is there")
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Bytes> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::new(Code::Internal, "cannot write JSON").with_source(error))?;
    bytes.push(b'\n');
    Ok(Bytes::from(bytes))
}
