//! The files of statistics beside a training set: made of shard records, read back from a location.

use super::drift::Drift;
use super::model_monitor::Statistics;
use super::shard::{ShardAccumulator, ShardStatistics};
use crate::commit::to_json;
use crate::error::{Code, Error, Result};
use crate::formats::SideFile;
use crate::manifest::META_FOLDER;
use crate::plan::{DEFAULT_SPLIT, PlannedWrite};
use crate::storage::ShardStore;
use crate::write::ShardRecord;
use bytes::Bytes;
use gristmill_proto::manifest::Manifest;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How far the other splits have drifted from the one that trains.
const DRIFT: &str = "_gristmill/drift.json";

/// What was measured of a training set's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Of each split, in the order of the statement.
    pub splits: Vec<(String, Statistics)>,
    /// Between the splits.
    pub drift: Drift,
}

/// The files of a write that took statistics; none of another.
///
/// Shards are merged in the order of their paths, so the files do not depend on which task wrote what, or when it ended.
pub(crate) fn statistics_files(write: &PlannedWrite, records: &[ShardRecord]) -> Result<Vec<SideFile>> {
    if !write.spec.statistics {
        return Ok(Vec::new());
    }
    let (schema, labels) = (write.facts.columns.schema(), write.spec.roles.labels);
    let mut files = Vec::new();
    let mut merged = Vec::new();
    for split in &write.spec.splits {
        let empty = ShardAccumulator::new(schema, labels).finish();
        let of_split = merge(empty, records.iter().filter(|record| record.split == *split))?;
        let statistics = Statistics::of(&of_split, schema, labels);
        files.push(SideFile { path: statistics_path(split), bytes: to_line(&statistics)? });
        let path = format!("{META_FOLDER}/{split}.constraints.json");
        files.push(SideFile { path, bytes: to_json(&statistics.constraints())? });
        merged.push((split.clone(), of_split));
    }
    let reference = write.spec.splits.iter().find(|split| *split == DEFAULT_SPLIT);
    if let Some(reference) = reference.or(write.spec.splits.first()) {
        let drift = Drift::of(&merged, reference, schema);
        files.push(SideFile { path: DRIFT.to_owned(), bytes: to_json(&drift)? });
    }
    Ok(files)
}

fn merge<'a>(
    mut into: ShardStatistics,
    records: impl Iterator<Item = &'a ShardRecord>,
) -> Result<ShardStatistics> {
    let mut shards: Vec<&ShardRecord> = records.filter(|record| !record.is_companion).collect();
    shards.sort_by(|left, right| left.path.cmp(&right.path));
    for shard in shards {
        into.merge(&ShardStatistics::from_bytes(&shard.statistics)?)?;
    }
    Ok(into)
}

/// What [`statistics_files`] wrote; `None` for a training set without.
///
/// # Errors
/// `VerificationFailed` for a file that is not what was written; those of the store.
pub(crate) async fn read_measured(store: &dyn ShardStore, manifest: &Manifest) -> Result<Option<Measured>> {
    if !manifest.files.iter().any(|file| file.path == DRIFT) {
        return Ok(None);
    }
    let mut splits = Vec::new();
    for split in &manifest.splits {
        splits.push((split.name.clone(), read(store, &statistics_path(&split.name)).await?));
    }
    Ok(Some(Measured { splits, drift: read(store, DRIFT).await? }))
}

async fn read<T: DeserializeOwned>(store: &dyn ShardStore, path: &str) -> Result<T> {
    let differs = |what: &str| {
        let message = format!("file \"{path}\" of \"{}\" {what}", store.location());
        Error::new(Code::VerificationFailed, message)
            .with_hint("the file was changed or damaged after it was written: create the training set again")
    };
    let bytes = store.get(path).await.map_err(|error| match error.code() {
        Code::PathNotFound => differs("is missing").with_source(error),
        _ => error,
    })?;
    serde_json::from_slice(&bytes).map_err(|error| differs("cannot be read").with_source(error))
}

fn statistics_path(split: &str) -> String {
    format!("{META_FOLDER}/{split}.statistics.json")
}

/// JSON on one line: a sketch has hundreds of numbers.
fn to_line(value: &impl Serialize) -> Result<Bytes> {
    let mut bytes = serde_json::to_vec(value)
        .map_err(|error| Error::new(Code::Internal, "cannot write statistics").with_source(error))?;
    bytes.push(b'\n');
    Ok(bytes.into())
}
