//! Shards on a file system: a temporary name beside the final one, renamed when the job commits.
//!
//! The temporary name is `.{file}.{job}.{attempt}.tmp`. Readers skip names with a dot in front. Whole files are written the
//! same way, by the job [`PUT`].

mod files;
mod leftovers;
mod upload;

use super::{Attempt, FileStat, Leftover, Location, ShardStore, ShardUpload, StagedShard};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tokio::task::JoinError;
use upload::LocalUpload;

/// The size of one read or write; each is one trip to the blocking threads.
const CHUNK_BYTES: usize = 1 << 20;

/// What stands for the job in the temporary name of a file that is written as a whole.
const PUT: &str = "gristmill-put";

/// What publishing needs: the name the shard has now, in the folder it stays in.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    temporary: String,
}

/// A folder as a [`ShardStore`].
#[derive(Debug)]
pub(super) struct LocalShards {
    location: Location,
    root: PathBuf,
    sync: bool,
}

impl LocalShards {
    /// `sync`: whether everything is flushed to the disk before it becomes visible.
    pub(super) fn new(location: Location, sync: bool) -> Self {
        let root = location.local_path().unwrap_or_default();
        Self { location, root, sync }
    }

    fn resolve(&self, path: &str) -> Result<PathBuf> {
        let place = self.location.join(path)?;
        place.local_path().ok_or_else(|| Error::new(Code::Internal, format!("{place} is not a local path")))
    }

    fn resolve_all(&self, folders: &[String]) -> Result<Vec<PathBuf>> {
        folders.iter().map(|folder| self.resolve(folder)).collect()
    }
}

#[async_trait]
impl ShardStore for LocalShards {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn first_entry(&self) -> Result<Option<String>> {
        let root = self.root.clone();
        let first = blocking(move || files::first(&root)).await?;
        Ok(first.map(|path| path.display().to_string()))
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>> {
        let (folder, root) = (self.resolve(folder)?, self.root.clone());
        blocking(move || files::below(&folder, &root)).await
    }

    async fn create(&self, path: &str, attempt: &Attempt) -> Result<Box<dyn ShardUpload>> {
        let target = self.resolve(path)?;
        let place = self.location.join(path)?;
        let temporary = temporary_name(&target, attempt)?;
        let created = target.with_file_name(&temporary);
        let (writer, sync) = (attempt.clone(), self.sync);
        let (file, guard) = blocking(move || files::create(created, writer, sync)).await?;
        let shard = StagedShard { path: path.to_owned(), bytes: 0, token: token(&Token { temporary })? };
        Ok(Box::new(LocalUpload::new(place, shard, file, guard).with_sync(self.sync)))
    }

    async fn publish(&self, shard: &StagedShard) -> Result<()> {
        let target = self.resolve(&shard.path)?;
        let temporary = target.with_file_name(parse_token(&shard.token)?.temporary);
        let bytes = shard.bytes;
        blocking(move || files::publish(&temporary, &target, bytes)).await
    }

    async fn flush(&self, folders: &[String]) -> Result<()> {
        if !self.sync {
            return Ok(());
        }
        let (folders, root) = (self.resolve_all(folders)?, self.root.clone());
        blocking(move || files::sync_folders(&folders, &root)).await
    }

    async fn discard_job(&self, job: &str, folders: &[String]) -> Result<usize> {
        let (folders, job) = (self.resolve_all(folders)?, job.to_owned());
        blocking(move || files::remove_files(&folders, |name| is_temporary_of(name, &job))).await
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>> {
        let root = self.root.clone();
        blocking(move || leftovers::find(&root)).await
    }

    async fn discard(&self, leftover: &Leftover) -> Result<()> {
        let target = self.resolve(&leftover.path)?.with_file_name(parse_token(&leftover.token)?.temporary);
        blocking(move || files::remove(&target).map(drop)).await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let (target, sync) = (self.resolve(path)?, self.sync);
        blocking(move || {
            let file = files::write_beside(&target, &bytes, sync)?;
            file.persist(&target).map_err(|failed| Error::from_io(failed.error, target.display()))?;
            if sync { files::sync_folder_of(&target) } else { Ok(()) }
        })
        .await
    }

    async fn put_new(&self, path: &str, bytes: Bytes) -> Result<()> {
        let (target, sync) = (self.resolve(path)?, self.sync);
        blocking(move || {
            let file = files::write_beside(&target, &bytes, sync)?;
            file.persist_noclobber(&target).map_err(|failed| files::in_the_way(failed.error, &target))?;
            if sync { files::sync_folder_of(&target) } else { Ok(()) }
        })
        .await
    }

    async fn get(&self, path: &str) -> Result<Bytes> {
        let target = self.resolve(path)?;
        blocking(move || match std::fs::read(&target) {
            Ok(bytes) => Ok(Bytes::from(bytes)),
            Err(error) => Err(files::not_read(error, &target)),
        })
        .await
    }

    async fn read(&self, path: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let target = self.resolve(path)?;
        let opened = target.clone();
        let file =
            blocking(move || std::fs::File::open(&opened).map_err(|error| files::not_read(error, &opened)))
                .await?;
        let chunks = futures::stream::try_unfold((file, target), |(mut file, target)| {
            blocking(move || {
                let bytes = files::read_chunk(&mut file, CHUNK_BYTES)
                    .map_err(|error| files::error(error, &target))?;
                Ok((!bytes.is_empty()).then_some((bytes, (file, target))))
            })
        });
        Ok(chunks.into_stream().boxed())
    }

    async fn stat(&self, path: &str) -> Result<Option<FileStat>> {
        let target = self.resolve(path)?;
        blocking(move || files::stat(&target)).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let target = self.resolve(path)?;
        blocking(move || files::remove(&target).map(drop)).await
    }

    async fn remove_empty_folders(&self) -> Result<()> {
        let root = self.root.clone();
        blocking(move || files::remove_empty_folders(&root)).await
    }
}

fn temporary_name(target: &Path, attempt: &Attempt) -> Result<String> {
    attempt.check()?;
    match target.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(format!(".{name}.{}.{}.tmp", attempt.job, attempt.attempt)),
        None => Err(Error::new(Code::Internal, format!("{} is not a file name", target.display()))),
    }
}

/// File and job of the name `.{file}.{job}.{attempt}.tmp`.
fn parse_temporary(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('.')
        .and_then(|rest| rest.strip_suffix(".tmp"))
        .and_then(|rest| rest.rsplit_once('.'))
        .and_then(|(rest, _attempt)| rest.rsplit_once('.'))
}

/// Whether a path ends in the temporary name of a shard.
pub(crate) fn is_staged(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    parse_temporary(name).is_some_and(|(_file, job)| super::is_job_id(job))
}

/// Whether that file name is a temporary name of that job.
fn is_temporary_of(name: &str, job: &str) -> bool {
    parse_temporary(name).is_some_and(|(_file, found)| found == job)
}

fn token(token: &impl Serialize) -> Result<String> {
    serde_json::to_string(token)
        .map_err(|error| Error::new(Code::Internal, "could not write a token").with_source(error))
}

fn parse_token(token: &str) -> Result<Token> {
    serde_json::from_str(token).map_err(|error| {
        Error::new(Code::Internal, format!("cannot read the token {token:?}")).with_source(error)
    })
}

/// Runs file work where blocking is fine.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(tokio::task::spawn_blocking(work).await)
}

/// What file work gave.
fn joined<T>(outcome: Result<Result<T>, JoinError>) -> Result<T> {
    match outcome {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => {
            Err(Error::new(Code::Cancelled, "file work was cancelled: the process is shutting down"))
        }
        Err(error) => Err(Error::new(Code::Internal, "file work panicked").with_source(error)),
    }
}
