//! The manifest and the files beside it: made from shard records, read back from a location.

use crate::backend::JobProgress;
use crate::channels::channels;
use crate::commit::to_json;
use crate::error::{Code, Error, Result};
use crate::formats::{SideFile, format, type_name};
use crate::plan::{InputFiles, PlannedWrite};
use crate::statistics::statistics_files;
use crate::storage::{Location, ShardStore};
use crate::write::ShardRecord;
use bytes::Bytes;
use datafusion::arrow::datatypes::Schema;
use gristmill_proto::manifest::{
    ColumnInfo, FORMAT_VERSION, FileInfo, FormatInfo, Inputs, Manifest, ShardInfo, SplitInfo,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The folder for everything that is not data.
pub const META_FOLDER: &str = "_gristmill";
/// The file that says a training set exists.
pub const MANIFEST: &str = "_gristmill/manifest.json";
/// SageMaker's `InputDataConfig`.
const CHANNELS: &str = "_gristmill/channels.json";

/// What is written beside the shards of a training set when it is committed.
#[derive(Debug, Clone)]
pub struct Description {
    /// What makes it exist; written last.
    pub manifest: Manifest,
    /// Small files that the manifest lists; their paths are relative to the location.
    pub side_files: Vec<SideFile>,
}

impl Description {
    /// Of a finished write.
    ///
    /// # Errors
    /// `Internal` when the format cannot be described.
    pub fn of(
        write: &PlannedWrite,
        records: &[ShardRecord],
        inputs: &InputFiles,
        progress: JobProgress,
    ) -> Result<Description> {
        let mut manifest = manifest_of(write, records, inputs, progress)?;
        let mut side_files = side_files(write, &manifest)?;
        side_files.extend(statistics_files(write, records)?);
        let companions = records.iter().filter(|record| record.is_companion).map(|record| FileInfo {
            path: record.path.clone(),
            bytes: record.bytes,
            sha256: record.sha256.clone(),
        });
        manifest.files = companions.chain(side_files.iter().map(file_info)).collect();
        manifest.files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(Self { manifest, side_files })
    }
}

fn file_info(file: &SideFile) -> FileInfo {
    FileInfo {
        path: file.path.clone(),
        bytes: file.bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&file.bytes)),
    }
}

fn manifest_of(
    write: &PlannedWrite,
    records: &[ShardRecord],
    inputs: &InputFiles,
    progress: JobProgress,
) -> Result<Manifest> {
    let facts = &write.facts;
    let encoder = format(&write.spec.format);
    let mut shards: Vec<ShardInfo> = records
        .iter()
        .filter(|record| !record.is_companion)
        .map(|shard| ShardInfo {
            path: shard.path.clone(),
            split: shard.split.clone(),
            rows: shard.rows,
            bytes: shard.bytes,
            raw_bytes: shard.raw_bytes,
            sha256: shard.sha256.clone(),
        })
        .collect();
    shards.sort_by(|left, right| left.path.cmp(&right.path));
    let splits = facts.splits.iter().map(|(name, fraction)| split_info(name, *fraction, &shards)).collect();
    Ok(Manifest {
        format_version: FORMAT_VERSION,
        created_by: concat!("gristmill ", env!("CARGO_PKG_VERSION")).to_owned(),
        job: write.spec.job.clone(),
        name: facts.name.clone(),
        statement: facts.statement.clone(),
        format: FormatInfo {
            name: encoder.name().to_owned(),
            content_type: encoder.content_type(write.spec.roles),
            options: options_of(&write.spec.format)?,
        },
        labels: facts.labels.clone(),
        training: facts.training.clone(),
        placement: facts.placement.clone(),
        schema: column_infos(facts.columns.schema()),
        inputs: Inputs {
            files: inputs.count(),
            total_bytes: inputs.total_bytes(),
            scanned_bytes: progress.scanned_bytes,
            scanned_rows: progress.scanned_rows,
        },
        expectations: Vec::new(),
        splits,
        shards,
        files: Vec::new(),
    })
}

fn column_infos(schema: &Schema) -> Vec<ColumnInfo> {
    let info = |field: &datafusion::arrow::datatypes::FieldRef| ColumnInfo {
        name: field.name().clone(),
        r#type: type_name(field.data_type()),
        nullable: field.is_nullable(),
    };
    schema.fields().iter().map(info).collect()
}

fn split_info(name: &str, fraction: Option<f64>, shards: &[ShardInfo]) -> SplitInfo {
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
    // One key, the format's name, with its options as the value; the name alone where it has none.
    match serde_json::to_value(options).map_err(error)? {
        Value::String(_) => Ok(BTreeMap::new()),
        tagged => {
            let tagged: BTreeMap<String, BTreeMap<String, Value>> =
                serde_json::from_value(tagged).map_err(error)?;
            Ok(tagged.into_values().next().unwrap_or_default())
        }
    }
}

/// The files beside the manifest.
fn side_files(write: &PlannedWrite, manifest: &Manifest) -> Result<Vec<SideFile>> {
    let mut files = format_files(write, manifest)?;
    let named: Vec<&str> =
        manifest.splits.iter().map(|split| split.name.as_str()).filter(|name| !name.is_empty()).collect();
    for split in &named {
        let listing = sagemaker_manifest(&write.location, manifest, split)?;
        files.push(SideFile { path: format!("{META_FOLDER}/{split}.manifest"), bytes: to_json(&listing)? });
    }
    if !named.is_empty() {
        let channels = to_json(&channels(&write.location, manifest)?)?;
        files.push(SideFile { path: CHANNELS.to_owned(), bytes: channels });
    }
    Ok(files)
}

/// What the format wants among the shards of each split.
fn format_files(write: &PlannedWrite, manifest: &Manifest) -> Result<Vec<SideFile>> {
    let format = format(&write.spec.format);
    let mut files = Vec::new();
    for split in manifest.splits.iter().filter(|split| split.shards > 0) {
        let shards: Vec<&ShardInfo> =
            manifest.shards.iter().filter(|shard| shard.split == split.name).collect();
        for file in format.split_files(&write.facts.columns, &shards)? {
            let path =
                if split.name.is_empty() { file.path } else { format!("{}/{}", split.name, file.path) };
            files.push(SideFile { path, bytes: file.bytes });
        }
    }
    Ok(files)
}

/// SageMaker's `ManifestFile`: a prefix, and the files below it.
fn sagemaker_manifest(location: &Location, manifest: &Manifest, split: &str) -> Result<Value> {
    let folder = location.join(split)?;
    let files = manifest.shards.iter().filter(|shard| shard.split == split);
    let names = files.map(|shard| json!(shard.path.rsplit('/').next().unwrap_or(&shard.path)));
    Ok(std::iter::once(json!({ "prefix": format!("{folder}/") })).chain(names).collect())
}

/// Reads the manifest of the training set at a location.
///
/// # Errors
/// `UnknownTrainingSet` when there is none, it is not a manifest, or it is newer than this version knows.
pub async fn read_manifest(store: &dyn ShardStore) -> Result<Manifest> {
    let location = store.location();
    let bytes = match store.get(MANIFEST).await {
        Err(error) if error.code() == Code::PathNotFound => return Err(no_training_set(store).await),
        read => read?,
    };
    let path = location.join(MANIFEST)?;
    parse_manifest(&bytes).map_err(|error| error.context(format!("the manifest \"{path}\" cannot be read")))
}

/// The error for a location without a manifest.
async fn no_training_set(store: &dyn ShardStore) -> Error {
    let location = store.location().to_string();
    match store.first_entry().await {
        Ok(Some(entry)) if entry == location => {
            let message = format!("\"{location}\" is a file, not the folder of a training set");
            Error::new(Code::UnknownTrainingSet, message)
                .with_hint(format!("give the folder in which {MANIFEST} is"))
        }
        _ => Error::new(Code::UnknownTrainingSet, format!("no training set at \"{location}\""))
            .with_hint(format!("a training set has a file {MANIFEST}")),
    }
}

fn parse_manifest(bytes: &Bytes) -> Result<Manifest> {
    let damaged = |why: String| {
        Error::new(Code::UnknownTrainingSet, why).with_hint(
            "the file was changed or damaged after it was written: restore it, or create the training set again",
        )
    };
    let broken = |error: serde_json::Error| damaged(error.to_string()).with_source(error);
    let value: Value = serde_json::from_slice(bytes).map_err(broken)?;
    match value.get("format_version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(FORMAT_VERSION) => {
            serde_json::from_value(value).map_err(broken)
        }
        Some(version) => {
            let message = format!("it has version {version}, this program reads version {FORMAT_VERSION}");
            Err(Error::new(Code::UnknownTrainingSet, message)
                .with_hint("use the gristmill that wrote it, or a newer one"))
        }
        None => Err(damaged("it has no format_version".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::options_of;
    use crate::formats::{FormatDefaults, FormatKind, FormatOptions};
    use std::collections::BTreeMap;

    #[test]
    fn the_options_of_every_format_can_be_described() {
        for kind in FormatKind::ALL {
            let taken =
                FormatOptions::take(*kind, &mut BTreeMap::new(), FormatDefaults::TRAINING_SET).unwrap();
            let described = options_of(&taken).unwrap();
            assert_eq!(described.contains_key("delimiter"), *kind == FormatKind::Csv, "{kind}");
        }
    }
}
