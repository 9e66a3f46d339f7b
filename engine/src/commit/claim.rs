//! What a job says about itself at a location: its claim, and its record of what it is about to publish.
//!
//! Both are created if absent. The claim keeps other jobs from starting there; the record keeps them from publishing,
//! even where someone has removed a claim, and tells whoever cleans up what a job that died has published.

use super::to_json;
use crate::error::{Code, Error, Result};
use crate::manifest::MANIFEST;
use crate::storage::{ShardStore, is_staged};
use bytes::Bytes;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Says that a job is writing here; it is there from the start of a job to its end.
pub(super) const CLAIM: &str = "_gristmill/claim.json";

/// Says what a job publishes here; it is there from before the first shard is visible to the end of the job.
pub(super) const PUBLISHING: &str = "_gristmill/publishing.json";

/// How many files are published, or removed, at a time.
pub(super) const IN_FLIGHT: usize = 16;

/// The text of a claim.
#[derive(Debug, Serialize)]
pub(super) struct Claim<'a> {
    pub(super) job: &'a str,
    pub(super) statement: &'a str,
}

/// The text of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Publishing {
    pub(super) job: String,
    /// Shards, companions and side files, but not the manifest.
    pub(super) paths: Vec<String>,
}

impl Publishing {
    pub(super) fn to_json(&self) -> Result<Bytes> {
        to_json(self)
    }

    /// The record at a location, if there is one.
    pub(super) async fn read(store: &dyn ShardStore) -> Result<Option<Self>> {
        let Some(bytes) = get(store, PUBLISHING).await? else { return Ok(None) };
        let record = serde_json::from_slice(&bytes);
        record.map(Some).map_err(|error| unreadable(store, PUBLISHING).with_source(error))
    }
}

/// What claims, records and manifests have in common.
#[derive(Debug, Deserialize)]
struct Signature {
    job: String,
}

/// Who wrote a claim, a record or a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Writer {
    /// It is not there.
    Nobody,
    /// That job.
    Job(String),
    /// Somebody: it cannot be read as ours.
    Unknown,
}

impl Writer {
    /// Who wrote the file `path`.
    pub(super) async fn of(store: &dyn ShardStore, path: &str) -> Result<Self> {
        Ok(match get(store, path).await? {
            None => Writer::Nobody,
            Some(bytes) => match serde_json::from_slice::<Signature>(&bytes) {
                Ok(signature) => Writer::Job(signature.job),
                Err(_) => Writer::Unknown,
            },
        })
    }

    pub(super) fn is(&self, job: &str) -> bool {
        matches!(self, Writer::Job(found) if found == job)
    }
}

async fn get(store: &dyn ShardStore, path: &str) -> Result<Option<Bytes>> {
    match store.get(path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.code() == Code::PathNotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what was published, for good. Everything is tried; the first failure is returned.
pub(super) async fn remove_published(store: &dyn ShardStore, paths: &[String]) -> Result<()> {
    let results: Vec<Result<()>> = futures::stream::iter(paths.to_vec())
        .map(|path| async move { store.delete(&path).await })
        .buffer_unordered(IN_FLIGHT)
        .collect()
        .await;
    results.into_iter().collect::<Result<()>>()?;
    let folders: BTreeSet<&str> =
        paths.iter().map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
    store.flush(&folders.into_iter().map(str::to_owned).collect::<Vec<_>>()).await
}

/// The error for something in the place of a claim or a record that no job wrote.
pub(super) fn unreadable(store: &dyn ShardStore, path: &str) -> Error {
    Error::new(
        Code::CorruptInput,
        format!("\"{path}\" of \"{}\" is not what a job writes there", store.location()),
    )
    .with_hint("make sure that no job runs there, then remove it by hand")
}

/// The error for a location with `entry` in it.
pub(super) fn occupied(store: &dyn ShardStore, entry: &str) -> Error {
    let location = store.location();
    let what = match entry {
        MANIFEST => "a training set".to_owned(),
        _ => format!("\"{entry}\""),
    };
    let is_of_a_job = format!("/{entry}").contains("/_gristmill/") || is_staged(entry);
    let hint = match entry {
        MANIFEST => "choose another location, or DROP TRAINING SET what is there".to_owned(),
        _ if is_of_a_job => format!(
            "another job is writing there, or one died there: choose another location, or remove what a dead job left \
             with `gristmill training-set gc {location}`; its `--older-than` says how long that one must have been quiet"
        ),
        _ => "choose another location, or remove what is there".to_owned(),
    };
    Error::new(Code::LocationNotEmpty, format!("location \"{location}\" already holds {what}"))
        .with_hint(hint)
}
