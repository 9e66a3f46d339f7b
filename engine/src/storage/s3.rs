//! Shards on an object store: a multipart upload that its task leaves incomplete and the committer completes.
//!
//! Each is noted under `_gristmill/uploads/{job}/` as soon as it exists, and [`ShardStore::discard_job`] aborts what is
//! noted there: a list of uploads does not say whose they are, and a job may not be allowed to see it. What is left is
//! the moment between creating an upload and noting it; [`ShardStore::leftovers`] finds those in the list of the store.

mod journal;
mod leftovers;
mod open_uploads;
mod upload;

use super::{Attempt, FileStat, Leftover, Location, ShardStore, ShardUpload, StagedShard, error};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use journal::Journal;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as ObjectPath;
use object_store::{
    Attribute, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
pub(super) use open_uploads::OpenUploads;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use upload::S3Upload;

/// How many requests that discard a job are on their way at a time.
const DISCARDS_IN_FLIGHT: usize = 16;

/// The folder of the notes about uploads, one folder for each job.
const UPLOADS: &str = "_gristmill/uploads";

/// The metadata of an object that must be the first of its name: an id of the call that put it there.
const MARK: Attribute = Attribute::Metadata(Cow::Borrowed("gristmill-put"));

/// An object store whose uploads can be completed by someone else.
pub(super) trait MultipartObjectStore: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> MultipartObjectStore for T {}

/// What bounds the memory of one upload: `part_bytes` × (`in_flight` + 1).
#[derive(Debug, Clone, Copy)]
pub(super) struct UploadLimits {
    /// The size of every part but the last; S3 wants at least 5 MiB.
    pub(super) part_bytes: usize,
    /// How many parts are on their way at a time.
    pub(super) in_flight: usize,
}

/// What publishing needs: the upload, and what the store answered to each part.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    upload_id: String,
    parts: Vec<String>,
}

/// One object of the store that is written as a multipart upload.
#[derive(Debug, Clone)]
struct Target {
    store: Arc<dyn MultipartObjectStore>,
    place: Location,
    upload_id: String,
    /// Where it is aborted when nobody waits for that.
    background: TaskTracker,
}

impl Target {
    /// Aborts the upload; gives whether it was still there to abort.
    async fn abort(&self) -> Result<bool> {
        match self.store.abort_multipart(self.place.object_path(), &self.upload_id).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(failure) => Err(error(&self.place, failure)),
        }
    }
}

/// A prefix of a bucket as a [`ShardStore`].
#[derive(Debug, Clone)]
pub(super) struct S3Shards {
    location: Location,
    store: Arc<dyn MultipartObjectStore>,
    limits: UploadLimits,
    background: TaskTracker,
    /// Where the store lists its uploads.
    open_uploads: Option<Arc<OpenUploads>>,
}

impl S3Shards {
    pub(super) fn new(
        location: Location,
        store: Arc<dyn MultipartObjectStore>,
        limits: UploadLimits,
    ) -> Self {
        Self { location, store, limits, background: TaskTracker::new(), open_uploads: None }
    }

    /// The same; what goes on behind its callers' backs is counted in `background`.
    pub(super) fn tracked_by(self, background: TaskTracker) -> Self {
        Self { background, ..self }
    }

    /// The same; uploads that no note speaks of are found in `open_uploads`.
    pub(super) fn listed_by(self, open_uploads: Arc<OpenUploads>) -> Self {
        Self { open_uploads: Some(open_uploads), ..self }
    }

    fn journal(&self, job: &str) -> Result<Journal> {
        let folder = self.location.join(&format!("{UPLOADS}/{job}"))?;
        Ok(Journal::new(Arc::clone(&self.store), folder))
    }

    fn target(&self, place: Location, upload_id: String) -> Target {
        Target { store: Arc::clone(&self.store), place, upload_id, background: self.background.clone() }
    }

    /// Starts an upload and notes it.
    async fn open(
        self,
        journal: Journal,
        place: Location,
        path: String,
        writer: Attempt,
    ) -> Result<S3Upload> {
        let upload_id = match self.store.create_multipart(place.object_path()).await {
            Ok(upload_id) => upload_id,
            Err(failure) => return Err(error(place, failure)),
        };
        let target = self.target(place, upload_id);
        // From here on, dropping it aborts the upload.
        let note_of = writer.attempt.clone();
        let mut upload = S3Upload::new(path.clone(), target.clone(), writer, self.limits);
        upload.noted_as(journal.note(&note_of, &path, &target.upload_id).await?);
        Ok(upload)
    }

    async fn stat_of(&self, place: &Location) -> Result<Option<FileStat>> {
        match self.store.head(place.object_path()).await {
            Ok(meta) => Ok(Some(FileStat { bytes: meta.size, changed: meta.last_modified.into() })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(failure) => Err(error(place, failure)),
        }
    }

    /// Whether the object is the one that was put with that mark.
    async fn bears(&self, place: &Location, mark: &str) -> bool {
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.store.get_opts(place.object_path(), options).await {
            Ok(found) => found.attributes.get(&MARK).is_some_and(|found| found.as_ref() == mark),
            Err(failure) => {
                tracing::debug!(%place, %failure, "could not tell who wrote an object");
                false
            }
        }
    }
}

#[async_trait]
impl ShardStore for S3Shards {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn first_entry(&self) -> Result<Option<String>> {
        let prefix = self.location.object_path();
        let mut below = self.store.list(Some(prefix));
        while let Some(found) = below.next().await {
            let found = found.map_err(|failure| error(&self.location, failure))?;
            // The AWS console makes a folder as an empty object `prefix/`, which is read as `prefix`.
            if found.location != *prefix {
                return Ok(Some(self.location.sibling(found.location).to_string()));
            }
        }
        if prefix.as_ref().is_empty() {
            return Ok(None);
        }
        Ok(self.stat_of(&self.location).await?.map(|_| self.location.to_string()))
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>> {
        let place = self.location.join(folder)?;
        let (prefix, root) = (place.object_path(), self.location.object_path().as_ref());
        let found = self.store.list(Some(prefix)).map_err(|failure| error(&place, failure));
        let found: Vec<_> = found.try_collect().await?;
        // An empty object `prefix/` is a folder that the AWS console made.
        let below = found.iter().map(|found| &found.location).filter(|found| *found != prefix);
        let relative = below.filter_map(|found| found.as_ref().strip_prefix(root));
        let mut paths: Vec<String> = relative.map(|path| path.trim_start_matches('/').to_owned()).collect();
        paths.sort();
        Ok(paths)
    }

    async fn create(&self, path: &str, attempt: &Attempt) -> Result<Box<dyn ShardUpload>> {
        attempt.check()?;
        let place = self.location.join(path)?;
        let journal = self.journal(&attempt.job)?;
        let opening = self.clone().open(journal, place.clone(), path.to_owned(), attempt.clone());
        let (give, take) = oneshot::channel();
        // In a task of its own, because a caller that is dropped half-way would leave an upload that nobody knows of.
        // An upload that nobody takes is dropped in the task, and so aborted.
        self.background.spawn(async move { drop(give.send(opening.await)) });
        match take.await {
            Ok(upload) => Ok(Box::new(upload?)),
            Err(stopped) => Err(Error::new(Code::Internal, format!("opening the upload of {place} stopped"))
                .with_source(stopped)),
        }
    }

    async fn publish(&self, shard: &StagedShard) -> Result<()> {
        let place = self.location.join(&shard.path)?;
        let token: Token = serde_json::from_str(&shard.token).map_err(|error| {
            Error::new(Code::Internal, format!("cannot read the token of {place}")).with_source(error)
        })?;
        let parts = token.parts.into_iter().map(|content_id| PartId { content_id }).collect();
        let completed = self.store.complete_multipart(place.object_path(), &token.upload_id, parts).await;
        let Err(failure) = completed else {
            return Ok(());
        };
        // The upload is gone once it is completed, and the answer to completing it can get lost.
        let may_be_published =
            matches!(failure, object_store::Error::NotFound { .. } | object_store::Error::Generic { .. });
        if may_be_published && self.stat_of(&place).await?.is_some_and(|found| found.bytes == shard.bytes) {
            return Ok(());
        }
        Err(match failure {
            object_store::Error::NotFound { .. } => Error::new(
                Code::StorageUnavailable,
                format!("could not publish {place}: its upload was aborted or has expired"),
            )
            .with_source(failure),
            failure => error(place, failure),
        })
    }

    /// An object is durable once it is there.
    async fn flush(&self, _folders: &[String]) -> Result<()> {
        Ok(())
    }

    async fn discard_job(&self, job: &str, _folders: &[String]) -> Result<usize> {
        let journal = self.journal(job)?;
        let notes = journal.notes().await?;
        let journal = &journal;
        let discarded: Vec<Result<bool>> = futures::stream::iter(notes)
            .map(|note| async move {
                let was_there = match journal.read(&note.place).await? {
                    Some(entry) => {
                        let place = self.location.join(&entry.path)?;
                        self.target(place, entry.upload_id).abort().await?
                    }
                    None => false,
                };
                journal.remove(&note.place).await?;
                Ok(was_there)
            })
            .buffer_unordered(DISCARDS_IN_FLIGHT)
            .collect()
            .await;
        let discarded: Vec<bool> = discarded.into_iter().collect::<Result<_>>()?;
        Ok(discarded.into_iter().filter(|was_there| *was_there).count())
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>> {
        self.find_leftovers().await
    }

    async fn discard(&self, leftover: &Leftover) -> Result<()> {
        self.discard_leftover(leftover).await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let place = self.location.join(path)?;
        match self.store.put(place.object_path(), PutPayload::from(bytes)).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(error(place, failure)),
        }
    }

    async fn put_new(&self, path: &str, bytes: Bytes) -> Result<()> {
        let place = self.location.join(path)?;
        // When the answer gets lost, the request is repeated and finds the object of the first one.
        let mark = uuid::Uuid::new_v4().to_string();
        let options = PutOptions {
            mode: PutMode::Create,
            attributes: Attributes::from_iter([(MARK, mark.clone())]),
            ..PutOptions::default()
        };
        match self.store.put_opts(place.object_path(), PutPayload::from(bytes), options).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Generic { .. })
                if self.bears(&place, &mark).await =>
            {
                Ok(())
            }
            Err(failure) => Err(error(place, failure)),
        }
    }

    async fn get(&self, path: &str) -> Result<Bytes> {
        let chunks: Vec<Bytes> = self.read(path).await?.try_collect().await?;
        Ok(Bytes::from(chunks.concat()))
    }

    async fn read(&self, path: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let place = self.location.join(path)?;
        match self.store.get(place.object_path()).await {
            Ok(found) => Ok(found.into_stream().map_err(move |failure| error(&place, failure)).boxed()),
            Err(failure) => Err(error(place, failure)),
        }
    }

    async fn stat(&self, path: &str) -> Result<Option<FileStat>> {
        self.stat_of(&self.location.join(path)?).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let place = self.location.join(path)?;
        delete(self.store.as_ref(), &place).await
    }

    async fn remove_empty_folders(&self) -> Result<()> {
        Ok(())
    }
}

/// Removes an object; fine when there is none.
async fn delete(store: &dyn MultipartObjectStore, place: &Location) -> Result<()> {
    let path: &ObjectPath = place.object_path();
    match store.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(failure) => Err(error(place, failure)),
    }
}
