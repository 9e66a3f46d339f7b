//! What jobs left at a location: uploads that their notes speak of, and those that the store lists beside them.

use super::journal::{Entry, Journal, Note};
use super::open_uploads::OpenUpload;
use super::{DISCARDS_IN_FLIGHT, Leftover, S3Shards, UPLOADS, delete, error};
use crate::error::{Code, Error, Result};
use crate::manifest::META_FOLDER;
use futures::stream::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What discarding needs: the upload, and where its note is.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    upload_id: String,
    note: Option<String>,
}

impl S3Shards {
    pub(super) async fn find_leftovers(&self) -> Result<Vec<Leftover>> {
        let journal = Journal::new(Arc::clone(&self.store), self.location.join(UPLOADS)?);
        let noted: Vec<(Note, Option<Entry>)> = futures::stream::iter(journal.notes().await?)
            .map(|note| async {
                let entry = journal.read(&note.place).await?;
                Ok::<_, Error>((note, entry))
            })
            .buffered(DISCARDS_IN_FLIGHT)
            .try_collect()
            .await?;
        let open = self.listed_uploads().await?;
        let is_open =
            |id: &str| open.as_ref().is_none_or(|open| open.iter().any(|upload| upload.upload_id == id));
        let mut found = Vec::new();
        for (note, entry) in &noted {
            // It may have been removed meanwhile.
            if let Some(entry) = entry {
                found.push(self.noted(note, entry, is_open(&entry.upload_id))?);
            }
        }
        let known: BTreeSet<&str> =
            noted.iter().filter_map(|(_, entry)| Some(entry.as_ref()?.upload_id.as_str())).collect();
        let unknown =
            open.unwrap_or_default().into_iter().filter(|it| !known.contains(it.upload_id.as_str()));
        found.extend(self.unnoted(unknown.collect()).await?);
        Ok(found)
    }

    pub(super) async fn discard_leftover(&self, leftover: &Leftover) -> Result<()> {
        let token: Token = serde_json::from_str(&leftover.token).map_err(|error| {
            Error::new(Code::Internal, format!("cannot read the token of {}", leftover.path))
                .with_source(error)
        })?;
        self.target(self.location.join(&leftover.path)?, token.upload_id).abort().await?;
        match token.note {
            Some(note) => delete(self.store.as_ref(), &self.location.join(&note)?).await,
            None => Ok(()),
        }
    }

    /// The uploads below the location, if the store lists them.
    async fn listed_uploads(&self) -> Result<Option<Vec<OpenUpload>>> {
        match &self.open_uploads {
            Some(open) => open.below(&self.location).await,
            None => Ok(None),
        }
    }

    fn noted(&self, note: &Note, entry: &Entry, is_staged: bool) -> Result<Leftover> {
        let place = self.relative(note.place.object_path().as_ref()).unwrap_or_default();
        let job = place.strip_prefix(UPLOADS).and_then(|rest| rest.trim_start_matches('/').split('/').next());
        Ok(Leftover {
            job: job.map(str::to_owned),
            path: entry.path.clone(),
            is_staged,
            bytes: None,
            changed: note.changed,
            token: token(Token { upload_id: entry.upload_id.clone(), note: Some(place.to_owned()) })?,
        })
    }

    /// Those of `uploads` that only a job can have begun that wrote its shards here.
    async fn unnoted(&self, uploads: Vec<OpenUpload>) -> Result<Vec<Leftover>> {
        let mut is_own = BTreeMap::new();
        let mut found = Vec::new();
        for upload in uploads {
            let Some(path) = self.relative(&upload.key) else { continue };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if !name.starts_with("part-") {
                continue;
            }
            if !is_own.contains_key(folder) {
                is_own.insert(folder.to_owned(), self.is_own_folder(folder).await?);
            }
            if is_own.get(folder) == Some(&true) {
                found.push(Leftover {
                    job: None,
                    path: path.to_owned(),
                    is_staged: true,
                    bytes: None,
                    changed: upload.initiated,
                    token: token(Token { upload_id: upload.upload_id, note: None })?,
                });
            }
        }
        Ok(found)
    }

    /// Whether shards and companions of this location can lie in that folder, and those of no other location.
    async fn is_own_folder(&self, folder: &str) -> Result<bool> {
        // Companions lie as shards do, but in the folder of the manifest.
        let beside = match folder.strip_prefix(META_FOLDER) {
            Some("") => Some(""),
            rest => rest.and_then(|rest| rest.strip_prefix('/')),
        };
        if beside.unwrap_or(folder).contains('/') {
            return Ok(false);
        }
        if folder.is_empty() || beside.is_some() {
            return Ok(true);
        }
        let other = self.location.join(&format!("{folder}/{META_FOLDER}"))?;
        let first = self.store.list(Some(other.object_path())).next().await.transpose();
        Ok(first.map_err(|failure| error(&other, failure))?.is_none())
    }

    /// The path of a key, if it is below the location.
    fn relative<'a>(&self, key: &'a str) -> Option<&'a str> {
        match self.location.object_path().as_ref() {
            "" => Some(key),
            root => key.strip_prefix(root)?.strip_prefix('/'),
        }
    }
}

fn token(token: Token) -> Result<String> {
    serde_json::to_string(&token)
        .map_err(|error| Error::new(Code::Internal, "could not write a token").with_source(error))
}
