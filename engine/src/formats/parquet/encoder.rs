//! One Parquet shard: rows in, row groups out.

use super::super::plain_types::plain_batch;
use super::super::{Encoder, ShardExtras};
use super::dictionaries::{TRIAL_BYTES, columns_that_hardly_repeat};
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
    properties: WriterProperties,
    /// Whether the dictionaries of some columns are given up early.
    tries_dictionaries: bool,
    /// There once the first rows have come, which say how columns are encoded.
    writer: Option<ArrowWriter<Vec<u8>>>,
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
    pub(super) fn new(schema: SchemaRef, properties: WriterProperties, tries_dictionaries: bool) -> Self {
        Self { schema, properties, tries_dictionaries, writer: None, pending: Pending::default() }
    }

    /// The writer of a file that begins with `rows`.
    fn open(&self, rows: &RecordBatch) -> Result<ArrowWriter<Vec<u8>>> {
        let mut properties = self.properties.clone().into_builder();
        if self.tries_dictionaries {
            for column in columns_that_hardly_repeat(rows)? {
                properties = properties.set_column_dictionary_page_size_limit(column, TRIAL_BYTES);
            }
        }
        let (schema, properties) = (Arc::clone(&self.schema), properties.build());
        ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(could_not)
    }

    /// Rows of the next call: a whole one, or what the row group has room for.
    fn call_rows(&self) -> usize {
        let row_group_rows = self.properties.max_row_group_row_count().unwrap_or(usize::MAX);
        CALL_ROWS.min(row_group_rows - self.writer.as_ref().map_or(0, ArrowWriter::in_progress_rows))
    }

    fn write_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let rows = match pending.batches.as_slice() {
            [batch] => batch.clone(),
            batches => concat_batches(&self.schema, batches).map_err(could_not)?,
        };
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open(&rows)?,
        };
        writer.write(&rows).map_err(could_not)?;
        self.writer = Some(writer);
        Ok(())
    }
}

/// Moves finished row groups to `out`; the writer counts offsets itself and does not look at what it wrote.
fn drain(writer: &mut ArrowWriter<Vec<u8>>, out: &mut Vec<u8>) -> Result<()> {
    if writer.inner().is_empty() {
        return Ok(());
    }
    writer.sync().map_err(could_not)?;
    let ready = std::mem::take(writer.inner_mut());
    if out.is_empty() {
        *out = ready;
    } else {
        out.extend_from_slice(&ready);
    }
    Ok(())
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
        self.writer.as_mut().map_or(Ok(()), |writer| drain(writer, out))
    }

    fn buffered_bytes(&self) -> usize {
        let written =
            self.writer.as_ref().map_or(0, |writer| writer.in_progress_size() + writer.inner().len());
        self.pending.bytes + written
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        // Also when there are no rows: a file has a schema.
        self.write_pending()?;
        if let Some(mut writer) = self.writer.take() {
            writer.finish().map_err(could_not)?;
            drain(&mut writer, out)?;
        }
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
