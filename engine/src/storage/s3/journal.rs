//! The notes about a job's uploads, one small object each, so that whoever cleans up finds them.

use super::super::{Location, error};
use super::{MultipartObjectStore, delete};
use crate::error::{Code, Error, Result};
use futures::stream::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// An attempt runs in one process, so with its id this number makes a name that is used once.
static NEXT_NOTE: AtomicU64 = AtomicU64::new(0);

/// One upload.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The shard, relative to the location.
    pub(super) path: String,
    /// The upload.
    pub(super) upload_id: String,
}

/// Where a note is.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) place: Location,
    pub(super) changed: SystemTime,
}

/// The notes of one job, at `{location}/_gristmill/uploads/{job}`, or those of all.
#[derive(Debug)]
pub(super) struct Journal {
    store: Arc<dyn MultipartObjectStore>,
    folder: Location,
}

impl Journal {
    pub(super) fn new(store: Arc<dyn MultipartObjectStore>, folder: Location) -> Self {
        Self { store, folder }
    }

    /// Notes an upload; gives where.
    pub(super) async fn note(&self, attempt: &str, path: &str, upload_id: &str) -> Result<Location> {
        let number = NEXT_NOTE.fetch_add(1, Ordering::Relaxed);
        let note = self.folder.join(&format!("{attempt}-{number}.json"))?;
        let entry = Entry { path: path.to_owned(), upload_id: upload_id.to_owned() };
        let json = serde_json::to_vec(&entry).map_err(|error| {
            Error::new(Code::Internal, format!("could not write {note}")).with_source(error)
        })?;
        match self.store.put(note.object_path(), PutPayload::from(json)).await {
            Ok(_) => Ok(note),
            Err(failure) => Err(error(note, failure)),
        }
    }

    /// Where the notes are.
    pub(super) async fn notes(&self) -> Result<Vec<Note>> {
        self.store
            .list(Some(self.folder.object_path()))
            .map_ok(|found| Note {
                place: self.folder.sibling(found.location),
                changed: found.last_modified.into(),
            })
            .map_err(|failure| error(&self.folder, failure))
            .try_collect()
            .await
    }

    /// The upload of that note, or `None` when the note is gone.
    pub(super) async fn read(&self, note: &Location) -> Result<Option<Entry>> {
        let json = match self.store.get(note.object_path()).await {
            Ok(found) => found.bytes().await,
            Err(failure) => Err(failure),
        };
        match json {
            Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|error| {
                Error::new(Code::CorruptInput, format!("cannot read {note}: {error}")).with_source(error)
            }),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(failure) => Err(error(note, failure)),
        }
    }

    /// Removes a note; fine when it is gone.
    pub(super) async fn remove(&self, note: &Location) -> Result<()> {
        delete(self.store.as_ref(), note).await
    }
}
