//! From splits to SageMaker's `InputDataConfig`: which channels a training job is given, as what, and how they are dealt
//! out to its instances.
//!
//! What each built-in algorithm accepts is in `channels/algorithm.rs`, as a table.

mod algorithm;
mod readable;
mod target;

pub(crate) use target::{Target, TargetOptions};

use crate::error::Result;
use crate::storage::Location;
use algorithm::Algorithm;
use gristmill_proto::manifest::{Distribution, Manifest, SplitInfo};
use serde_json::{Value, json};

/// The format whose shards are lists of attributes: SageMaker reads it through a pipe, as one file.
const AUGMENTED_MANIFEST: &str = "AUGMENTED_MANIFEST";

/// SageMaker's `InputDataConfig`: one channel per split that has rows and that the algorithm, if one was named, has a
/// channel for.
///
/// # Errors
/// `Unsupported` when the manifest names an algorithm that this version does not know.
pub(crate) fn channels(location: &Location, manifest: &Manifest) -> Result<Value> {
    let algorithm = manifest.training.algorithm.as_deref().map(Algorithm::parse).transpose()?;
    let with_rows = manifest.splits.iter().filter(|split| split.shards > 0);
    let channels = with_rows.filter_map(|split| {
        let name = match algorithm {
            Some(algorithm) => algorithm.channel(&split.name)?,
            None => split.name.as_str(),
        };
        Some(channel(location, manifest, split, name))
    });
    Ok(channels.collect())
}

fn channel(location: &Location, manifest: &Manifest, split: &SplitInfo, name: &str) -> Value {
    if manifest.format.name == AUGMENTED_MANIFEST {
        return attributes_channel(location, manifest, split, name);
    }
    json!({
        "ChannelName": name,
        "ContentType": manifest.format.content_type,
        "CompressionType": "None",
        "InputMode": "File",
        "DataSource": { "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": format!("{location}/{}/", split.name),
            "S3DataDistributionType": distribution(manifest, split),
        } },
    })
}

/// The rows to train on go as the statement says; those to evaluate on go to every instance.
fn distribution(manifest: &Manifest, split: &SplitInfo) -> &'static str {
    let is_dealt = manifest.training.distribution == Distribution::ShardedByS3Key
        && (split.name == crate::plan::DEFAULT_SPLIT || manifest.training.deals_out_every_split);
    if is_dealt { "ShardedByS3Key" } else { "FullyReplicated" }
}

fn attributes_channel(location: &Location, manifest: &Manifest, split: &SplitInfo, name: &str) -> Value {
    let shard = manifest.shards.iter().find(|shard| shard.split == split.name);
    let path = shard.map_or("", |shard| shard.path.as_str());
    let names: Vec<&str> = manifest.schema.iter().map(|column| column.name.as_str()).collect();
    json!({
        "ChannelName": name,
        "ContentType": manifest.format.content_type,
        "CompressionType": "None",
        "InputMode": "Pipe",
        "RecordWrapperType": "RecordIO",
        "DataSource": { "S3DataSource": {
            "S3DataType": "AugmentedManifestFile",
            "S3Uri": format!("{location}/{path}"),
            "S3DataDistributionType": "FullyReplicated",
            "AttributeNames": names,
        } },
    })
}

#[cfg(test)]
mod tests;
