//! A training set that exists: everything here works from its manifest alone.

mod verification;

use crate::channels::channels;
use crate::commit::to_json;
use crate::error::Result;
use crate::manifest::{MANIFEST, META_FOLDER, read_manifest};
use crate::one_line;
use crate::statistics::{Measured, read_measured};
use crate::storage::{Location, ShardStore, Stores};
use futures::StreamExt;
use gristmill_proto::manifest::{Manifest, SplitBy};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A training set that exists.
#[derive(Debug)]
pub struct TrainingSet {
    store: Arc<dyn ShardStore>,
    manifest: Manifest,
}

/// What a verification read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyReport {
    /// Shards whose bytes are what the manifest says.
    pub shards: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl TrainingSet {
    /// Opens the training set at `location`.
    ///
    /// # Errors
    /// `UnknownTrainingSet` when there is none or its manifest cannot be read; those of the store.
    pub async fn open(stores: &Stores, location: &Location) -> Result<TrainingSet> {
        let store = stores.shards(location)?;
        let manifest = read_manifest(store.as_ref()).await?;
        Ok(TrainingSet { store, manifest })
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        self.store.location()
    }

    /// SageMaker's `InputDataConfig` for it.
    ///
    /// # Errors
    /// `Unsupported` when it was made for an algorithm that this version does not know.
    pub fn channels(&self) -> Result<Value> {
        channels(self.store.location(), &self.manifest)
    }

    /// What was measured of its rows while they were written; `None` where that was switched off, and for a copy.
    ///
    /// # Errors
    /// `VerificationFailed` for a file that is not what was written; those of the store.
    pub async fn statistics(&self) -> Result<Option<Measured>> {
        read_measured(self.store.as_ref(), &self.manifest).await
    }

    /// Checks that the manifest agrees with itself and that a trainer finds its shards and no other file; then reads
    /// the side files and every shard, `parallelism` at a time, and compares size and hash with the manifest.
    ///
    /// # Errors
    /// `VerificationFailed` names the first file, in the manifest's order, that differs, or the first that is not the
    /// training set's.
    pub async fn verify(&self, parallelism: usize) -> Result<VerifyReport> {
        verification::verify(&self.store, &self.manifest, parallelism).await
    }

    /// Removes exactly what the manifest lists, the manifest first: from then on the training set does not exist.
    ///
    /// # Errors
    /// Those of the store; a second call goes on where this one failed, as long as the manifest is there.
    pub async fn drop_files(&self) -> Result<()> {
        let shards = self.manifest.shards.iter().map(|shard| shard.path.clone());
        let paths: Vec<String> =
            shards.chain(self.manifest.files.iter().map(|file| file.path.clone())).collect();
        // Kept for the case that something below fails, so that what is left can be found.
        let keepsake = to_json(&self.manifest)?;
        self.store.delete(MANIFEST).await?;
        // A crash must not bring it back without its shards.
        self.store.flush(&[META_FOLDER.to_owned()]).await?;
        let results: Vec<Result<()>> = futures::stream::iter(paths)
            .map(|path| {
                let store = Arc::clone(&self.store);
                async move { store.delete(&path).await }
            })
            .buffer_unordered(16)
            .collect()
            .await;
        if let Some(error) = results.into_iter().find_map(Result::err) {
            self.store.put(MANIFEST, keepsake).await?;
            return Err(error.context("could not remove every shard; the manifest is kept"));
        }
        self.store.remove_empty_folders().await
    }

    /// What it is, as names and values for people.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, String)> {
        let manifest = &self.manifest;
        let placement = &manifest.placement;
        let (split_by, deciding) = deciding(&placement.split);
        let mut facts = vec![
            ("name", one_line(&manifest.name).into_owned()),
            ("location", self.store.location().to_string()),
            ("format", manifest.format.name.clone()),
            ("content type", manifest.format.content_type.clone()),
            ("label", names(&manifest.labels)),
            ("columns", manifest.schema.len().to_string()),
            (split_by, deciding),
            ("hash", placement.hash.clone()),
            ("seed", placement.seed.to_string()),
            ("shuffled", placement.shuffled.to_string()),
        ];
        facts.extend(placement.balance.map(|balance| ("balance", balance.to_string())));
        facts.extend(placement.sample.map(|fraction| ("sample", fraction.to_string())));
        facts.extend(factors("undersample", &placement.undersample));
        facts.extend(factors("oversample", &placement.oversample));
        facts.extend([
            ("input files", manifest.inputs.files.to_string()),
            ("input bytes", manifest.inputs.total_bytes.to_string()),
            ("scanned bytes", manifest.inputs.scanned_bytes.to_string()),
            ("created by", manifest.created_by.clone()),
            ("job", manifest.job.clone()),
            ("statement", manifest.statement.clone()),
        ]);
        let splits = manifest.splits.iter().map(|split| {
            let value = format!("{} rows, {} shards, {} bytes", split.rows, split.shards, split.bytes);
            (format!("split {}", split.name).trim_end().to_owned(), value)
        });
        let rules = manifest.expectations.iter().enumerate().map(|(index, rule)| {
            (format!("rule {}", index + 1), format!("{}: {}", rule.outcome, one_line(&rule.to_string())))
        });
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
        facts.chain(splits).chain(rules).collect()
    }
}

/// What decided the split of a row, for people.
fn deciding(split: &SplitBy) -> (&'static str, String) {
    match split {
        SplitBy::Row => ("split key", "the whole row".to_owned()),
        SplitBy::Key { columns } => ("split key", names(columns)),
        SplitBy::Time { column, gap } => {
            let gap = gap.as_ref().map_or_else(String::new, |gap| format!(", gap {gap}"));
            ("split time", format!("{}{gap}", one_line(column)))
        }
        SplitBy::Column { column } => ("split column", one_line(column).into_owned()),
        SplitBy::Stratum { columns } => ("split classes", names(columns)),
    }
}

fn names(columns: &[String]) -> String {
    columns.iter().map(|name| one_line(name)).collect::<Vec<_>>().join(", ")
}

/// Numbers by label, as in the option; none when there are none.
fn factors(name: &'static str, factors: &BTreeMap<String, f64>) -> Option<(&'static str, String)> {
    let shown: Vec<String> =
        factors.iter().map(|(label, factor)| format!("{}={factor}", one_line(label))).collect();
    (!shown.is_empty()).then(|| (name, shown.join(", ")))
}

#[cfg(test)]
mod tests;
