//! One open shard: rows → encoder → hash → upload.

use super::ShardRecord;
use crate::error::Result;
use crate::formats::{Encoder, Format};
use crate::storage::{Attempt, ShardStore, ShardUpload};
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
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
    pub(super) schema: SchemaRef,
}

/// Which shard it is.
#[derive(Debug)]
pub(super) struct ShardName {
    /// Relative to the location.
    pub(super) path: String,
    /// Empty where there are no splits.
    pub(super) split: String,
}

/// One open shard.
#[derive(Debug)]
pub(super) struct ShardWriter {
    name: ShardName,
    encoder: Box<dyn Encoder>,
    upload: Box<dyn ShardUpload>,
    buffer: Vec<u8>,
    hash: Sha256,
    rows: u64,
    bytes: u64,
}

impl ShardWriter {
    pub(super) async fn open(target: &ShardTarget, name: ShardName) -> Result<Self> {
        Ok(Self {
            encoder: target.format.encoder(&target.schema)?,
            upload: target.store.create(&name.path, &target.attempt).await?,
            name,
            buffer: Vec::with_capacity(next_capacity(PIECE_BYTES)),
            hash: Sha256::new(),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.encoder.encode(batch, &mut self.buffer)?;
        self.rows += batch.num_rows() as u64;
        if self.buffer.len() >= PIECE_BYTES { self.hand_over().await } else { Ok(()) }
    }

    /// The size the shard would have if it were finished now, about.
    pub(super) fn size_bytes(&self) -> u64 {
        self.bytes + (self.buffer.len() + self.encoder.buffered_bytes()) as u64
    }

    /// The memory it holds, about.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.buffer.len() + self.encoder.buffered_bytes() + self.upload.buffered_bytes()
    }

    pub(super) async fn finish(mut self) -> Result<ShardRecord> {
        self.encoder.finish(&mut self.buffer)?;
        self.hand_over().await?;
        let staged = self.upload.finish().await?;
        Ok(ShardRecord {
            path: self.name.path,
            split: self.name.split,
            rows: self.rows,
            bytes: self.bytes,
            sha256: hex::encode(self.hash.finalize()),
            token: staged.token,
        })
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

/// The room for the next piece: a little more than the last one took, but not for another row group of Parquet, which
/// brings a buffer of its own.
fn next_capacity(last_bytes: usize) -> usize {
    last_bytes.min(PIECE_BYTES * 2) + PIECE_BYTES / 4
}

#[cfg(test)]
mod tests {
    use super::{PIECE_BYTES, next_capacity};

    #[test]
    fn the_next_piece_has_room_but_never_that_of_a_row_group() {
        assert!(next_capacity(PIECE_BYTES + 10) > PIECE_BYTES + 10);
        assert!(next_capacity(64 << 20) < 2 << 20);
    }
}
