//! Places: how they are named, how they are reached, and how shards get there without being seen too early.
//!
//! Reading goes through DataFusion's [`object_store`] registry ([`Stores`]); writing goes through [`ShardStore`].

mod client;
mod credentials;
mod error;
mod local;
mod location;
mod part_buffer;
mod s3;
mod stores;
#[cfg(test)]
pub(crate) mod tests;
mod writers;

use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::time::SystemTime;

pub(crate) use error::innermost;
pub use error::{classify, error};
pub(crate) use local::is_staged;
pub use location::Location;
pub use stores::Stores;
use writers::WriterGuard;

/// Where a job writes: everything is invisible until it is published.
///
/// All paths are relative to the location, with `/` between folders; a path that leaves the location is `BadOption`.
#[async_trait]
pub trait ShardStore: Send + Sync + Debug {
    /// The place itself.
    fn location(&self) -> &Location;

    /// Something that is under the location already, in full, or `None`.
    ///
    /// A location that is a file is that file. Empty folders are nothing; what a running job has staged is
    /// something, as far as it can be listed.
    async fn first_entry(&self) -> Result<Option<String>>;

    /// The files at any depth below `folder`, all of them, as paths in order; none where there is no such folder.
    async fn files(&self, folder: &str) -> Result<Vec<String>>;

    /// Opens the shard `path`, invisible until [`ShardStore::publish`].
    async fn create(&self, path: &str, attempt: &Attempt) -> Result<Box<dyn ShardUpload>>;

    /// Makes a finished shard visible; fine when it is already, with the same size.
    ///
    /// Whether it is still there after a crash of the machine, only [`ShardStore::flush`] settles.
    async fn publish(&self, shard: &StagedShard) -> Result<()>;

    /// Makes the names in `folders` survive a crash of the machine; fine where there is no such folder.
    async fn flush(&self, folders: &[String]) -> Result<()>;

    /// Removes everything that job `job` staged in `folders` and did not publish; gives how many uploads or files that
    /// were.
    ///
    /// Folders below those are not looked at: the location of a single file may be anyone's folder. An object store
    /// has notes of the job's uploads, wherever they are.
    ///
    /// To be called once no task of the job writes any more. Everything is tried; the first failure is returned,
    /// and a second call goes on where this one failed.
    async fn discard_job(&self, job: &str, folders: &[String]) -> Result<usize>;

    /// What jobs staged here and did not publish, as far as it can be found, whoever they are.
    ///
    /// Folders that are locations of their own are not looked at.
    async fn leftovers(&self) -> Result<Vec<Leftover>>;

    /// Removes one of them; fine when it is gone.
    async fn discard(&self, leftover: &Leftover) -> Result<()>;

    /// Writes a whole file, over one that is there; readers see the old one or the new one.
    async fn put(&self, path: &str, bytes: Bytes) -> Result<()>;

    /// Writes a whole file that is not there yet.
    ///
    /// It succeeds only if this very call made the file, even where the answer to that got lost and it was tried
    /// again.
    ///
    /// **Errors**: `LocationNotEmpty` when it is there. After `StorageUnavailable` it may or may not have been
    /// written: read it back to know.
    async fn put_new(&self, path: &str, bytes: Bytes) -> Result<()>;

    /// A whole file; `PathNotFound` when there is none.
    async fn get(&self, path: &str) -> Result<Bytes>;

    /// A file piece by piece; `PathNotFound` when there is none.
    async fn read(&self, path: &str) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// What a file is like, or `None` when there is none.
    async fn stat(&self, path: &str) -> Result<Option<FileStat>>;

    /// The size of a file in bytes, or `None` when there is none.
    async fn size(&self, path: &str) -> Result<Option<u64>> {
        Ok(self.stat(path).await?.map(|stat| stat.bytes))
    }

    /// Removes a file; fine when there is none.
    async fn delete(&self, path: &str) -> Result<()>;

    /// Removes the folders of the location that hold no file, the location itself included; object stores have none.
    async fn remove_empty_folders(&self) -> Result<()>;
}

/// Who writes: one attempt of one task of one job. Both ids are of letters, digits, `-` and `_`.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The job.
    pub job: String,
    /// The attempt; no two attempts at any task ever have the same.
    pub attempt: String,
    /// Whoever has a clone of this writes, see [`Stores::writers_ended`].
    _guard: WriterGuard,
}

impl Attempt {
    /// An attempt that nobody waits for the end of.
    #[cfg(test)]
    pub(crate) fn untracked(job: &str, attempt: &str) -> Self {
        let guard = writers::Writers::default().enter(job);
        Self { job: job.to_owned(), attempt: attempt.to_owned(), _guard: guard }
    }

    /// Ids are parts of names: one with a dot or a slash could make a job's files look like another's.
    fn check(&self) -> Result<()> {
        let is_id =
            |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if is_id(&self.job) && is_id(&self.attempt) {
            return Ok(());
        }
        Err(Error::new(
            Code::Internal,
            format!("cannot write as {self:?}: an id has other characters than names may"),
        ))
    }
}

/// One shard while it is written. Dropping it before [`ShardUpload::finish`] removes what was written.
#[async_trait]
pub trait ShardUpload: Send + Debug {
    /// Appends bytes; waits while too much is on its way.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// The memory it holds: bytes that it was given, and that are not at the store or on the disk yet.
    fn buffered_bytes(&self) -> usize;

    /// Ends the shard: durable, and still invisible.
    async fn finish(self: Box<Self>) -> Result<StagedShard>;

    /// Gives the shard up and removes what was written.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// What a store says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, by the store's clock.
    pub changed: SystemTime,
}

/// Something that was staged, or the note of it, and was not removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The job that staged it; none where its name does not tell.
    pub job: Option<String>,
    /// The path it would have been published at.
    pub path: String,
    /// Whether there is more than a note: a file, or an upload that has not ended.
    pub is_staged: bool,
    /// Its size, where that is known.
    pub bytes: Option<u64>,
    /// When it was last changed.
    pub changed: SystemTime,
    /// What discarding needs to know, as JSON.
    pub token: String,
}

/// Whether a part of a name is the id of a job, as the planner makes them: no other file is to be taken for ours.
fn is_job_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A shard that is written but not visible. It may be published by another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedShard {
    /// The path it will have, relative to the location.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// What publishing needs to know, as JSON: a temporary name, or an upload id and its parts.
    pub token: String,
}

/// Writing went on after a failure that the caller was told about.
fn written_after_failure(place: &Location) -> Error {
    Error::new(Code::Internal, format!("{place} was written to after writing had failed"))
}
