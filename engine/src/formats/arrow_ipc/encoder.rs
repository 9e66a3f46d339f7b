//! One Arrow file: rows in, record batches out.

use super::super::plain_types::plain_batch;
use super::super::{Encoder, ShardExtras};
use super::canonical::canonical_batch;
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};

/// Batches that wait for a record batch: more are joined, so that small slices of large batches do not keep those in
/// memory.
const PENDING_BATCHES: usize = 64;

/// **Limits** holds the rows of one record batch, twice while it is written. Text, binary and lists of one record batch
/// must have less than 2 GiB a column.
pub(super) struct ArrowEncoder {
    schema: SchemaRef,
    writer: FileWriter<Vec<u8>>,
    batch_rows: usize,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
}

impl std::fmt::Debug for ArrowEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrowEncoder")
            .field("batch_rows", &self.batch_rows)
            .field("pending_rows", &self.pending_rows)
            .finish_non_exhaustive()
    }
}

impl ArrowEncoder {
    /// `schema` in plain types.
    pub(super) fn new(schema: SchemaRef, batch_rows: usize, options: IpcWriteOptions) -> Result<Self> {
        let writer = FileWriter::try_new_with_options(Vec::new(), &schema, options).map_err(cannot_encode)?;
        Ok(Self { schema, writer, batch_rows, pending: Vec::new(), pending_rows: 0, pending_bytes: 0 })
    }

    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        // A slice keeps its parent's buffers, so only the sliced bytes count.
        let sliced =
            batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
        self.pending_bytes += sliced.sum::<usize>();
        self.pending_rows += batch.num_rows();
        self.pending.push(batch);
        if self.pending.len() == PENDING_BATCHES {
            self.pending = vec![self.joined()?];
        }
        Ok(())
    }

    fn joined(&mut self) -> Result<RecordBatch> {
        concat_batches(&self.schema, &std::mem::take(&mut self.pending)).map_err(|error| {
            let message = format!("{} rows are too large for one record batch of Arrow", self.pending_rows);
            Error::new(Code::BadRow, message)
                .with_hint("give OPTIONS a smaller 'batch_rows', such as '1024'")
                .with_source(error)
        })
    }

    fn write_pending(&mut self) -> Result<()> {
        if self.pending_rows == 0 {
            return Ok(());
        }
        let batch = canonical_batch(&self.joined()?)?;
        (self.pending_rows, self.pending_bytes) = (0, 0);
        self.writer.write(&batch).map_err(cannot_encode)
    }

    /// Moves what is written to `out`; the writer counts offsets itself and does not look at what it wrote.
    fn drain(&mut self, out: &mut Vec<u8>) {
        let ready = std::mem::take(self.writer.get_mut());
        if out.is_empty() {
            *out = ready;
        } else {
            out.extend_from_slice(&ready);
        }
    }
}

impl Encoder for ArrowEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let wanted = self.batch_rows - self.pending_rows;
            let part = batch.slice(start, wanted.min(batch.num_rows() - start));
            start += part.num_rows();
            self.push(plain_batch(&part, &self.schema)?)?;
            if self.pending_rows == self.batch_rows {
                self.write_pending()?;
            }
        }
        if !self.writer.get_ref().is_empty() {
            self.drain(out);
        }
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        self.pending_bytes + self.writer.get_ref().len()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        self.write_pending()?;
        self.writer.finish().map_err(cannot_encode)?;
        self.drain(out);
        Ok(ShardExtras::default())
    }
}

fn cannot_encode(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Internal, "rows cannot be encoded as Arrow").with_source(error)
}
