//! From shards that nobody can see to a training set that exists, or to nothing.
//!
//! ```text
//! claim location ─▶ tasks stage shards ─▶ record ─▶ publish shards ─▶ side files ─▶ discard leftovers ─▶ manifest (create-if-absent)
//!        └──────────────── any failure or cancellation: withdraw everything ─────────────────────────┘
//! ```
//!
//! What a job leaves that is killed on the way is [`Garbage`].

mod changes;
mod claim;
mod garbage;
mod job_file;
mod job_folder;
mod job_notes;
#[cfg(test)]
mod tests;

pub use garbage::{Garbage, GarbageReport, KeptJob, Tally};
pub use job_file::JobFile;
pub use job_folder::JobFolder;
pub use job_notes::{JobNote, JobNotes, NotedJob};

use crate::error::{Code, Error, Result};
use crate::manifest::Description;
use crate::storage::StagedShard;
use crate::write::ShardRecord;
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use std::fmt::Debug;

/// What a job writes, from before the first thing it does there to the end.
///
/// Whoever calls [`JobOutput::claim`] calls [`JobOutput::withdraw`] too, unless the commit went through: also when
/// claiming failed or was cancelled, as nobody knows how far it came.
#[async_trait]
pub trait JobOutput: Send + Sync + Debug {
    /// Keeps other jobs away, where that is needed.
    ///
    /// # Errors
    /// `LocationNotEmpty` when another job was faster; those of the store.
    async fn claim(&self) -> Result<()>;

    /// Makes the staged shards and companions visible.
    ///
    /// # Errors
    /// Those of the store.
    async fn commit(&self, description: &Description, shards: &[ShardRecord]) -> Result<()>;

    /// Removes everything the job left, and nothing of anyone else.
    ///
    /// # Errors
    /// The first thing that could not be removed; everything is tried that is safe to try.
    async fn withdraw(&self) -> Result<()>;
}

fn staged(shard: &ShardRecord) -> StagedShard {
    StagedShard { path: shard.path.clone(), bytes: shard.bytes, token: shard.token.clone() }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Bytes> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::new(Code::Internal, "cannot write JSON").with_source(error))?;
    bytes.push(b'\n');
    Ok(Bytes::from(bytes))
}
