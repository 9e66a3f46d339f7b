//! From splits to SageMaker's `InputDataConfig`: which channels a training job is given, as what, and how they are dealt
//! out to its instances.
//!
//! What each built-in algorithm accepts is in `channels/algorithm.rs`, as a table.

mod algorithm;
mod column_rule;
mod readable;
mod target;
mod unwritable;

pub(crate) use target::{Target, TargetOptions};

use crate::error::Result;
use crate::formats::FormatKind;
use crate::storage::Location;
use algorithm::{Algorithm, ContentType, Job};
use column_rule::ColumnRule;
use gristmill_proto::manifest::{Distribution, Manifest, ShardInfo, SplitInfo};
use serde_json::{Value, json};

/// SageMaker's `InputDataConfig`: one channel per split that has rows and that the algorithm, if one was named, has a
/// channel for. It is that of `CreateTrainingJob`, and of `CreateAutoMLJob` where that starts the algorithm.
///
/// # Errors
/// `Unsupported` when the manifest names an algorithm or a format that this version does not know.
pub(crate) fn channels(location: &Location, manifest: &Manifest) -> Result<Value> {
    let algorithm = manifest.training.algorithm.as_deref().map(Algorithm::parse).transpose()?;
    let format = FormatKind::parse(&manifest.format.name)?;
    let with_rows = manifest.splits.iter().filter(|split| split.shards > 0);
    let channels = with_rows.filter_map(|split| {
        let name = match algorithm {
            Some(algorithm) => algorithm.channel(&split.name)?,
            None => split.name.as_str(),
        };
        let shard = manifest.shards.iter().find(|shard| shard.split == split.name);
        let channel = Channel { location, manifest, format, algorithm, split, shard };
        Some(match algorithm.map(|algorithm| algorithm.job) {
            Some(Job::AutoMl) => channel.of_auto_ml(name),
            _ if format == FormatKind::AugmentedManifest => channel.of_attributes(name),
            _ => channel.of_files(name),
        })
    });
    Ok(channels.collect())
}

/// A split on its way to a job.
struct Channel<'a> {
    location: &'a Location,
    manifest: &'a Manifest,
    format: FormatKind,
    algorithm: Option<&'a Algorithm>,
    split: &'a SplitInfo,
    /// Its first shard.
    shard: Option<&'a ShardInfo>,
}

impl Channel<'_> {
    fn of_files(&self, name: &str) -> Value {
        json!({
            "ChannelName": name,
            "ContentType": self.content_type(),
            "CompressionType": "None",
            "InputMode": "File",
            "DataSource": { "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": self.prefix(),
                "S3DataDistributionType": self.distribution(),
            } },
        })
    }

    fn of_attributes(&self, name: &str) -> Value {
        let path = self.shard.map_or("", |shard| shard.path.as_str());
        let rule = self.algorithm.map_or(ColumnRule::Any, |algorithm| algorithm.columns);
        let names = rule.attributes(self.manifest.schema.iter().map(|column| column.name.as_str()));
        json!({
            "ChannelName": name,
            "ContentType": self.content_type(),
            "CompressionType": "None",
            "InputMode": "Pipe",
            "RecordWrapperType": "RecordIO",
            "DataSource": { "S3DataSource": {
                "S3DataType": "AugmentedManifestFile",
                "S3Uri": format!("{}/{path}", self.location),
                "S3DataDistributionType": "FullyReplicated",
                "AttributeNames": names,
            } },
        })
    }

    /// SageMaker's `AutoMLChannel`.
    fn of_auto_ml(&self, name: &str) -> Value {
        let is_gzip = self.extension().ends_with(".gz");
        let mut channel = json!({
            "ChannelType": name,
            "ContentType": self.content_type(),
            "CompressionType": if is_gzip { "Gzip" } else { "None" },
            "TargetAttributeName": self.manifest.labels.first(),
            "DataSource": { "S3DataSource": { "S3DataType": "S3Prefix", "S3Uri": self.prefix() } },
        });
        if let Some(weight) = &self.manifest.training.weight {
            channel["SampleWeightAttributeName"] = json!(weight);
        }
        channel
    }

    fn prefix(&self) -> String {
        format!("{}/{}/", self.location, self.split.name)
    }

    fn content_type(&self) -> &str {
        match self.algorithm.map(|algorithm| algorithm.content_type) {
            Some(ContentType::Extension) => self.extension(),
            Some(ContentType::Instead(format, name)) if format == self.format => name,
            _ => &self.manifest.format.content_type,
        }
    }

    /// The extension of the files, that of their compression included.
    fn extension(&self) -> &str {
        let path = self.shard.map_or("", |shard| shard.path.as_str());
        let name = path.rsplit('/').next().unwrap_or(path);
        name.split_once('.').map_or("", |(_, extension)| extension)
    }

    /// The rows to train on go as the statement says. Those to evaluate on go to every instance, unless the algorithm
    /// wants parts of them too and there is a shard for each instance.
    fn distribution(&self) -> &'static str {
        let training = &self.manifest.training;
        let by_part = training.deals_out_every_split && self.split.shards >= u64::from(training.instances);
        let is_dealt = training.distribution == Distribution::ShardedByS3Key
            && (self.split.name == crate::plan::DEFAULT_SPLIT || by_part);
        if is_dealt { "ShardedByS3Key" } else { "FullyReplicated" }
    }
}

#[cfg(test)]
mod tests;
