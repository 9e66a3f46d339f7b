//! Whether a training set still is what its manifest says.

use super::VerifyReport;
use crate::error::{Code, Error, Result};
use crate::manifest::{MANIFEST, META_FOLDER};
use crate::storage::ShardStore;
use futures::{StreamExt, TryStreamExt};
use gristmill_proto::manifest::{FileInfo, Manifest, ShardInfo};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// See [`super::TrainingSet::verify`]; what takes least comes first.
pub(super) async fn verify(
    store: &Arc<dyn ShardStore>,
    manifest: &Manifest,
    parallelism: usize,
) -> Result<VerifyReport> {
    verify_totals(manifest)?;
    verify_no_other_files(store.as_ref(), manifest).await?;
    let side_files = manifest.files.iter().map(Recorded::side_file);
    let files = side_files.chain(manifest.shards.iter().map(Recorded::shard));
    let files = futures::stream::iter(files.map(|file| {
        // A task each, because hashing is what takes the time.
        let task = AbortOnDropHandle::new(tokio::spawn(verify_file(Arc::clone(store), file)));
        async move {
            task.await.map_err(|error| Error::new(Code::Internal, "verifying failed").with_source(error))?
        }
    }))
    .buffered(parallelism.max(1));
    files.try_for_each(|()| async { Ok(()) }).await?;
    let bytes = manifest.shards.iter().map(|shard| shard.bytes).sum();
    Ok(VerifyReport { shards: manifest.shards.len() as u64, bytes })
}

/// A file as the manifest has it.
struct Recorded {
    kind: &'static str,
    path: String,
    bytes: u64,
    sha256: String,
}

impl Recorded {
    fn shard(shard: &ShardInfo) -> Self {
        let ShardInfo { path, bytes, sha256, .. } = shard;
        Self { kind: "shard", path: path.clone(), bytes: *bytes, sha256: sha256.clone() }
    }

    fn side_file(file: &FileInfo) -> Self {
        let FileInfo { path, bytes, sha256 } = file;
        Self { kind: "file", path: path.clone(), bytes: *bytes, sha256: sha256.clone() }
    }
}

/// A manifest is a file, and can be changed or damaged as any other: its splits are the sums of its shards.
fn verify_totals(manifest: &Manifest) -> Result<()> {
    let differs = |what: String| {
        failed(format!("\"{MANIFEST}\" {what}")).with_hint(
            "the manifest was changed or damaged after it was written: create the training set again",
        )
    };
    for split in &manifest.splits {
        let own = || manifest.shards.iter().filter(|shard| shard.split == split.name);
        let sum = |field: fn(&ShardInfo) -> u64| own().map(field).fold(0, u64::saturating_add);
        let found = (own().count() as u64, sum(|shard| shard.rows), sum(|shard| shard.bytes));
        let claimed = (split.shards, split.rows, split.bytes);
        if found != claimed {
            let text = |(shards, rows, bytes)| format!("{shards} shards, {rows} rows and {bytes} bytes");
            let (name, claimed, found) = (&split.name, text(claimed), text(found));
            return Err(differs(format!("gives split \"{name}\" {claimed}, but lists {found}")));
        }
    }
    let splits: BTreeSet<&str> = manifest.splits.iter().map(|split| split.name.as_str()).collect();
    match manifest.shards.iter().find(|shard| !splits.contains(shard.split.as_str())) {
        None => Ok(()),
        Some(shard) => {
            let message = format!("has no split \"{}\", but shard \"{}\" is in it", shard.split, shard.path);
            Err(differs(message))
        }
    }
}

/// A trainer reads every file below the folder of a split, whatever its name: hidden ones too, and some fail at those.
async fn verify_no_other_files(store: &dyn ShardStore, manifest: &Manifest) -> Result<()> {
    let shards = manifest.shards.iter().map(|shard| shard.path.as_str());
    let known: BTreeSet<&str> = shards.chain(manifest.files.iter().map(|file| file.path.as_str())).collect();
    for split in &manifest.splits {
        // Without splits, what is not data lies among the shards.
        let is_other = |path: &&String| !known.contains(path.as_str()) && !is_below_meta_folder(path);
        if let Some(path) = store.files(&split.name).await?.iter().find(is_other) {
            let place = store.location();
            return Err(failed(format!("file \"{path}\" of \"{place}\" is not in the manifest"))
                .with_hint("a trainer would read it as data: move it elsewhere"));
        }
    }
    Ok(())
}

fn is_below_meta_folder(path: &str) -> bool {
    path.strip_prefix(META_FOLDER).is_some_and(|rest| rest.starts_with('/'))
}

async fn verify_file(store: Arc<dyn ShardStore>, file: Recorded) -> Result<()> {
    let Recorded { kind, path, .. } = &file;
    let differs = |what: String| {
        let hint =
            format!("the {kind} was changed or damaged after it was written: create the training set again");
        failed(format!("{kind} \"{path}\" {what}")).with_hint(hint)
    };
    let mut pieces = store.read(path).await.map_err(|error| match error.code() {
        Code::PathNotFound => differs("is missing".to_owned()),
        _ => error,
    })?;
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    while let Some(piece) = pieces.try_next().await? {
        hash.update(&piece);
        bytes += piece.len() as u64;
    }
    if bytes != file.bytes {
        return Err(differs(format!("has {bytes} bytes, the manifest says {}", file.bytes)));
    }
    let found = hex::encode(hash.finalize());
    if found != file.sha256 {
        return Err(differs(format!("has SHA-256 {found}, the manifest says {}", file.sha256)));
    }
    Ok(())
}

fn failed(message: String) -> Error {
    Error::new(Code::VerificationFailed, message)
}
