//! One open shard: rows → encoder → hash → upload, and rows → statistics.

use super::ShardRecord;
use crate::error::Result;
use crate::formats::{Columns, Companion, Encoder, Format};
use crate::manifest::META_FOLDER;
use crate::statistics::ShardAccumulator;
use crate::storage::{Attempt, ShardStore, ShardUpload};
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Encoded bytes are handed over in pieces of at least this size: large enough to make the call cheap, small enough
/// to stay in the cache between encoding and hashing.
const PIECE_BYTES: usize = 512 * 1024;

/// What all shards of a task have in common: where they go, who writes them, and as what.
#[derive(Debug)]
pub(super) struct ShardTarget {
    pub(super) store: Arc<dyn ShardStore>,
    pub(super) attempt: Attempt,
    pub(super) format: Arc<dyn Format>,
    /// The columns of the shards.
    pub(super) columns: Columns,
    /// Whether statistics of them are taken.
    pub(super) statistics: bool,
}

/// Which shard it is.
#[derive(Debug, Clone)]
pub(super) struct ShardName {
    /// Relative to the location.
    pub(super) path: String,
    /// Empty where there are no splits.
    pub(super) split: String,
    /// Whether it is the only file of its job, in a folder that is not the job's.
    pub(super) is_alone: bool,
}

impl ShardName {
    /// Where a companion goes: beside a file that is alone; otherwise out of the way of trainers, who read every file
    /// below the folder of a split.
    fn companion(&self, extension: &str) -> String {
        let file = self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, file)| file);
        let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
        match (self.is_alone, self.split.as_str()) {
            (true, _) => format!("{stem}.{extension}"),
            (false, "") => format!("{META_FOLDER}/{stem}.{extension}"),
            (false, split) => format!("{META_FOLDER}/{split}/{stem}.{extension}"),
        }
    }
}

/// One open shard.
#[derive(Debug)]
pub(super) struct ShardWriter {
    name: ShardName,
    store: Arc<dyn ShardStore>,
    attempt: Attempt,
    encoder: Box<dyn Encoder>,
    upload: Box<dyn ShardUpload>,
    buffer: Vec<u8>,
    hash: Sha256,
    statistics: Option<ShardAccumulator>,
    rows: u64,
    bytes: u64,
}

impl ShardWriter {
    pub(super) async fn open(target: &ShardTarget, name: ShardName) -> Result<Self> {
        Ok(Self {
            store: Arc::clone(&target.store),
            attempt: target.attempt.clone(),
            encoder: target.format.encoder(&target.columns)?,
            upload: target.store.create(&name.path, &target.attempt).await?,
            name,
            buffer: Vec::with_capacity(next_capacity(PIECE_BYTES)),
            hash: Sha256::new(),
            statistics: target
                .statistics
                .then(|| ShardAccumulator::new(target.columns.schema(), target.columns.roles().labels)),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.encoder.encode(batch, &mut self.buffer)?;
        if let Some(statistics) = &mut self.statistics {
            statistics.push(batch)?;
        }
        self.rows += batch.num_rows() as u64;
        if self.buffer.len() >= PIECE_BYTES { self.hand_over().await } else { Ok(()) }
    }

    /// The size the shard would have if it were finished now, about.
    pub(super) fn size_bytes(&self) -> u64 {
        self.bytes + (self.buffer.len() + self.encoder.buffered_bytes()) as u64
    }

    /// The memory it holds, about.
    pub(super) fn buffered_bytes(&self) -> usize {
        let statistics = self.statistics.as_ref().map_or(0, ShardAccumulator::memory_bytes);
        self.buffer.len() + self.encoder.buffered_bytes() + self.upload.buffered_bytes() + statistics
    }

    /// Makes it durable, and its companions; gives the shard's record first.
    pub(super) async fn finish(mut self) -> Result<Vec<ShardRecord>> {
        let extras = self.encoder.finish(&mut self.buffer)?;
        self.hand_over().await?;
        let staged = self.upload.finish().await?;
        let mut records = vec![ShardRecord {
            path: self.name.path.clone(),
            split: self.name.split.clone(),
            rows: self.rows,
            bytes: self.bytes,
            sha256: hex::encode(self.hash.finalize()),
            raw_bytes: extras.raw_bytes.unwrap_or(self.bytes),
            token: staged.token,
            is_companion: false,
            statistics: self.statistics.map(|taken| taken.finish().to_bytes()).unwrap_or_default(),
        }];
        for companion in extras.companions {
            records.push(stage_companion(self.store.as_ref(), &self.attempt, &self.name, companion).await?);
        }
        Ok(records)
    }

    async fn hand_over(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let next = Vec::with_capacity(next_capacity(self.buffer.len()));
        let piece = std::mem::replace(&mut self.buffer, next);
        self.hash.update(&piece);
        self.bytes += piece.len() as u64;
        self.upload.write(Bytes::from(piece)).await
    }
}

async fn stage_companion(
    store: &dyn ShardStore,
    attempt: &Attempt,
    shard: &ShardName,
    companion: Companion,
) -> Result<ShardRecord> {
    let path = shard.companion(companion.extension);
    let (bytes, sha256) = (companion.bytes.len() as u64, hex::encode(Sha256::digest(&companion.bytes)));
    let mut upload = store.create(&path, attempt).await?;
    upload.write(Bytes::from(companion.bytes)).await?;
    let token = upload.finish().await?.token;
    let split = shard.split.clone();
    Ok(ShardRecord {
        path,
        split,
        rows: 0,
        bytes,
        sha256,
        raw_bytes: bytes,
        token,
        is_companion: true,
        statistics: Vec::new(),
    })
}

/// The room for the next piece: a little more than the last one took, but not for another row group of Parquet, which
/// brings a buffer of its own.
fn next_capacity(last_bytes: usize) -> usize {
    last_bytes.min(PIECE_BYTES * 2) + PIECE_BYTES / 4
}

#[cfg(test)]
mod tests {
    use super::{PIECE_BYTES, ShardName, next_capacity};

    #[test]
    fn companions_lie_out_of_the_way_of_trainers() {
        let name = |path: &str, split: &str, is_alone| ShardName {
            path: path.to_owned(),
            split: split.to_owned(),
            is_alone,
        };
        assert_eq!(name("train/p-0.rec", "train", false).companion("idx"), "_gristmill/train/p-0.idx");
        assert_eq!(name("p-0.csv.gz", "", false).companion("idx"), "_gristmill/p-0.idx");
        assert_eq!(name("x.rec", "", true).companion("lst"), "x.lst");
    }

    #[test]
    fn the_next_piece_has_room_but_never_that_of_a_row_group() {
        assert!(next_capacity(PIECE_BYTES + 10) > PIECE_BYTES + 10);
        assert!(next_capacity(64 << 20) < 2 << 20);
    }
}
