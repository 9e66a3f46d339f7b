//! The manifest and the files beside it: made from shard records, read back from a location.

use crate::backend::JobProgress;
use crate::commit::to_json;
use crate::error::{Code, Error, Result};
use crate::formats::format;
use crate::plan::{InputFiles, PlannedWrite};
use crate::storage::{Location, ShardStore};
use crate::write::ShardRecord;
use bytes::Bytes;
use gristmill_proto::manifest::{FORMAT_VERSION, FormatInfo, Inputs, Manifest, ShardInfo, SplitInfo};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The folder for everything that is not data.
pub const META_FOLDER: &str = "_gristmill";
/// The file that says a training set exists.
pub const MANIFEST: &str = "_gristmill/manifest.json";
/// SageMaker's `InputDataConfig`.
const CHANNELS: &str = "_gristmill/channels.json";

/// The manifest of a finished write.
///
/// # Errors
/// `Internal` when the format cannot be described.
pub fn manifest_of(
    write: &PlannedWrite,
    shards: &[ShardRecord],
    inputs: &InputFiles,
    progress: JobProgress,
) -> Result<Manifest> {
    let facts = &write.facts;
    let encoder = format(&write.spec.format);
    let splits = facts.splits.iter().map(|(name, fraction)| split_info(name, *fraction, shards)).collect();
    let mut shards: Vec<ShardInfo> = shards
        .iter()
        .map(|shard| ShardInfo {
            path: shard.path.clone(),
            split: shard.split.clone(),
            rows: shard.rows,
            bytes: shard.bytes,
            sha256: shard.sha256.clone(),
        })
        .collect();
    shards.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(Manifest {
        format_version: FORMAT_VERSION,
        created_by: concat!("gristmill ", env!("CARGO_PKG_VERSION")).to_owned(),
        job: write.spec.job.clone(),
        name: facts.name.clone(),
        statement: facts.statement.clone(),
        format: FormatInfo {
            name: encoder.name().to_owned(),
            content_type: encoder.content_type(facts.label.is_some()),
            options: options_of(&write.spec.format)?,
        },
        label: facts.label.clone(),
        placement: facts.placement.clone(),
        schema: facts.schema.clone(),
        inputs: Inputs {
            files: inputs.count(),
            total_bytes: inputs.total_bytes(),
            scanned_bytes: progress.scanned_bytes,
            scanned_rows: progress.scanned_rows,
        },
        expectations: Vec::new(),
        splits,
        shards,
    })
}

fn split_info(name: &str, fraction: f64, shards: &[ShardRecord]) -> SplitInfo {
    let own = || shards.iter().filter(|shard| shard.split == name);
    SplitInfo {
        name: name.to_owned(),
        fraction,
        shards: own().count() as u64,
        rows: own().map(|shard| shard.rows).sum(),
        bytes: own().map(|shard| shard.bytes).sum(),
    }
}

fn options_of(options: &crate::formats::FormatOptions) -> Result<BTreeMap<String, Value>> {
    let error = |error| Error::new(Code::Internal, "cannot describe a format").with_source(error);
    // One key, the format's name, with its options as the value.
    let tagged: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_value(serde_json::to_value(options).map_err(error)?).map_err(error)?;
    Ok(tagged.into_values().next().unwrap_or_default())
}

/// Writes the files beside the manifest.
///
/// # Errors
/// Those of the store.
pub(crate) async fn write_side_files(store: &dyn ShardStore, manifest: &Manifest) -> Result<()> {
    for split in manifest.splits.iter().filter(|split| !split.name.is_empty()) {
        let listing = sagemaker_manifest(store.location(), manifest, &split.name)?;
        store.put(&split_manifest(&split.name), to_json(&listing)?).await?;
    }
    if manifest.splits.iter().any(|split| !split.name.is_empty()) {
        store.put(CHANNELS, to_json(&channels(store.location(), manifest))?).await?;
    }
    Ok(())
}

/// What [`write_side_files`] writes for splits of those names, with and without shards.
pub(crate) fn side_files(splits: &[impl AsRef<str>]) -> Vec<String> {
    let named = splits.iter().map(AsRef::as_ref).filter(|split| !split.is_empty());
    let mut paths: Vec<String> = named.map(split_manifest).collect();
    if !paths.is_empty() {
        paths.push(CHANNELS.to_owned());
    }
    paths
}

fn split_manifest(split: &str) -> String {
    format!("{META_FOLDER}/{split}.manifest")
}

/// SageMaker's `ManifestFile`: a prefix, and the files below it.
fn sagemaker_manifest(location: &Location, manifest: &Manifest, split: &str) -> Result<Value> {
    let folder = location.join(split)?;
    let files = manifest.shards.iter().filter(|shard| shard.split == split);
    let names = files.map(|shard| json!(shard.path.rsplit('/').next().unwrap_or(&shard.path)));
    Ok(std::iter::once(json!({ "prefix": format!("{folder}/") })).chain(names).collect())
}

/// SageMaker's `InputDataConfig`: one channel per split that has rows.
#[must_use]
pub fn channels(location: &Location, manifest: &Manifest) -> Value {
    manifest
        .splits
        .iter()
        .filter(|split| split.shards > 0)
        .map(|split| {
            json!({
                "ChannelName": split.name,
                "ContentType": manifest.format.content_type,
                "CompressionType": "None",
                "InputMode": "File",
                "DataSource": { "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": format!("{location}/{}/", split.name),
                    "S3DataDistributionType": "FullyReplicated",
                } },
            })
        })
        .collect()
}

/// Reads the manifest of the training set at a location.
///
/// # Errors
/// `UnknownTrainingSet` when there is none, it is not a manifest, or it is newer than this version knows.
pub async fn read_manifest(store: &dyn ShardStore) -> Result<Manifest> {
    let location = store.location();
    let bytes = store.get(MANIFEST).await.map_err(|error| match error.code() {
        Code::PathNotFound => {
            Error::new(Code::UnknownTrainingSet, format!("no training set at \"{location}\""))
                .with_hint(format!("a training set has a file {MANIFEST}"))
        }
        _ => error,
    })?;
    parse_manifest(&bytes)
        .map_err(|error| error.context(format!("the manifest at \"{location}\" cannot be read")))
}

fn parse_manifest(bytes: &Bytes) -> Result<Manifest> {
    let broken =
        |error: serde_json::Error| Error::new(Code::UnknownTrainingSet, error.to_string()).with_source(error);
    let value: Value = serde_json::from_slice(bytes).map_err(broken)?;
    let version = value.get("format_version").and_then(Value::as_u64);
    if version != Some(u64::from(FORMAT_VERSION)) {
        let found = version.map_or("no version".to_owned(), |version| format!("version {version}"));
        let message = format!("it has {found}, this program reads version {FORMAT_VERSION}");
        return Err(Error::new(Code::UnknownTrainingSet, message)
            .with_hint("use the gristmill that wrote it, or a newer one"));
    }
    serde_json::from_value(value).map_err(broken)
}
