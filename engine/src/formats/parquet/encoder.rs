//! One Parquet shard: rows in, row groups out.

use super::super::plain_types::plain_batch;
use super::super::{Encoder, ShardExtras};
use crate::error::{Code, Error, Result};
use ::parquet::arrow::ArrowWriter;
use ::parquet::file::properties::WriterProperties;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// Rows per call of the writer: its own unit of work (`write_batch_size`).
///
/// The writer decides at the end of a unit and of a call whether a page or a row group is full. Calls of the batches as
/// they come would make the bytes depend on the batching, so every call has this many rows, from the row group's first.
const CALL_ROWS: usize = 1024;

/// Batches that wait for a call: more are joined, so that small slices of large batches do not keep those in memory.
const PENDING_BATCHES: usize = 64;

/// **Limits** holds one row group (64 MiB encoded, and at most one call's rows above) and up to [`CALL_ROWS`] rows.
#[derive(Debug)]
pub(super) struct ParquetEncoder {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
    row_group_rows: usize,
    pending: Pending,
}

/// Rows that do not fill a call yet.
#[derive(Debug, Default)]
struct Pending {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl ParquetEncoder {
    /// `schema` in plain types.
    pub(super) fn new(schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let row_group_rows = properties.max_row_group_row_count().unwrap_or(usize::MAX);
        let writer =
            ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).map_err(could_not)?;
        Ok(Self { schema, writer, row_group_rows, pending: Pending::default() })
    }

    /// Rows of the next call: a whole one, or what the row group has room for.
    fn call_rows(&self) -> usize {
        CALL_ROWS.min(self.row_group_rows - self.writer.in_progress_rows())
    }

    fn write_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        match pending.batches.as_slice() {
            [] => Ok(()),
            [batch] => self.writer.write(batch).map_err(could_not),
            batches => {
                let batch = concat_batches(&self.schema, batches).map_err(could_not)?;
                self.writer.write(&batch).map_err(could_not)
            }
        }
    }

    /// Moves finished row groups to `out`; the writer counts offsets itself and does not look at what it wrote.
    fn drain(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.writer.sync().map_err(could_not)?;
        let ready = std::mem::take(self.writer.inner_mut());
        if out.is_empty() {
            *out = ready;
        } else {
            out.extend_from_slice(&ready);
        }
        Ok(())
    }
}

impl Encoder for ParquetEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let wanted = self.call_rows() - self.pending.rows;
            let part = batch.slice(start, wanted.min(batch.num_rows() - start));
            start += part.num_rows();
            self.pending.push(plain_batch(&part, &self.schema)?)?;
            if self.pending.rows == self.call_rows() {
                self.write_pending()?;
            }
        }
        if self.writer.inner().is_empty() { Ok(()) } else { self.drain(out) }
    }

    fn buffered_bytes(&self) -> usize {
        self.pending.bytes + self.writer.in_progress_size() + self.writer.inner().len()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        self.write_pending()?;
        self.writer.finish().map_err(could_not)?;
        self.drain(out)?;
        Ok(ShardExtras::default())
    }
}

impl Pending {
    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        // A slice keeps its parent's buffers, so only the sliced bytes count.
        let sliced =
            batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
        self.bytes += sliced.sum::<usize>();
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if let [first, .., _] = self.batches.as_slice()
            && self.batches.len() == PENDING_BATCHES
        {
            let joined = concat_batches(first.schema_ref(), &self.batches).map_err(could_not)?;
            self.batches = vec![joined];
        }
        Ok(())
    }
}

fn could_not(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Internal, "rows could not be encoded as Parquet").with_source(error)
}
