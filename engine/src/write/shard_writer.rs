//! One open shard: rows → encoder → hash → upload.

use super::ShardRecord;
use crate::error::Result;
use crate::formats::{Encoder, Format};
use crate::storage::{Attempt, ShardStore, ShardUpload};
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use sha2::{Digest, Sha256};

/// Encoded bytes are handed over in pieces of at least this size: large enough to make the call cheap, small enough
/// to stay in the cache between encoding and hashing.
const PIECE_BYTES: usize = 512 * 1024;

/// One open shard.
#[derive(Debug)]
pub(super) struct ShardWriter {
    path: String,
    split: String,
    encoder: Box<dyn Encoder>,
    upload: Box<dyn ShardUpload>,
    buffer: Vec<u8>,
    hash: Sha256,
    rows: u64,
    bytes: u64,
}

impl ShardWriter {
    pub(super) async fn open(
        store: &dyn ShardStore,
        attempt: &Attempt,
        (format, schema): (&dyn Format, &SchemaRef),
        (path, split): (String, String),
    ) -> Result<Self> {
        Ok(Self {
            encoder: format.encoder(schema)?,
            upload: store.create(&path, attempt).await?,
            path,
            split,
            buffer: Vec::with_capacity(PIECE_BYTES * 2),
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

    pub(super) async fn finish(mut self) -> Result<ShardRecord> {
        self.encoder.finish(&mut self.buffer)?;
        self.hand_over().await?;
        let staged = self.upload.finish().await?;
        Ok(ShardRecord {
            path: self.path,
            split: self.split,
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
        let capacity = self.buffer.len() + PIECE_BYTES / 4;
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(capacity));
        self.hash.update(&piece);
        self.bytes += piece.len() as u64;
        self.upload.write(Bytes::from(piece)).await
    }
}
