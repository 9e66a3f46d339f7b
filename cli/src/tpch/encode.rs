//! One chunk into what its file is made of; runs on rayon's threads.

use super::cancelled;
use super::layout::Chunk;
use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use gristmill_engine::{Code, Error, Result};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// How the chunks of one table are encoded.
#[derive(Debug, Clone)]
pub(super) enum ChunkEncoder {
    /// Shared by all row groups of a table: they have the same columns and properties.
    Parquet(Arc<ArrowRowGroupWriterFactory>),
    Csv,
}

/// An encoded chunk.
pub(super) struct EncodedChunk {
    pub(super) chunk: Chunk,
    pub(super) rows: u64,
    pub(super) content: Content,
}

/// What a chunk adds to its file.
pub(super) enum Content {
    /// The columns of one row group; none for a chunk without rows.
    RowGroup(Vec<ArrowColumnChunk>),
    /// Lines.
    Text(Vec<u8>),
}

impl ChunkEncoder {
    /// Generates and encodes `chunk` on another thread. Dropping the future stops that with the next batch.
    ///
    /// # Errors
    /// `Internal` when rows cannot be encoded.
    pub(super) async fn encode(self, scale: f64, chunk: Chunk) -> Result<EncodedChunk> {
        let (sender, receiver) = oneshot::channel();
        rayon::spawn(move || {
            let encoded = self.encode_here(scale, chunk, || sender.is_closed());
            // Nobody waits any more: that is how a chunk is cancelled.
            sender.send(encoded).ok();
        });
        receiver.await.map_err(|error| {
            Error::new(Code::Internal, format!("could not generate {}", chunk.table.name()))
                .with_source(error)
        })?
    }

    fn encode_here(&self, scale: f64, chunk: Chunk, is_cancelled: impl Fn() -> bool) -> Result<EncodedChunk> {
        let mut buffer = Buffer::new(self, chunk.is_first)?;
        let mut rows = 0;
        for batch in chunk.table.read(scale, chunk.part, chunk.parts) {
            if is_cancelled() {
                return Err(cancelled());
            }
            let batch = batch.map_err(|error| cannot_encode(error, chunk))?;
            rows += batch.num_rows() as u64;
            buffer.write(&batch).map_err(|error| cannot_encode(error, chunk))?;
        }
        Ok(EncodedChunk { chunk, rows, content: buffer.finish()? })
    }
}

/// A chunk that is being encoded.
enum Buffer {
    RowGroup(Vec<ArrowColumnWriter>),
    Text { bytes: Vec<u8>, has_header: bool },
}

impl Buffer {
    fn new(encoder: &ChunkEncoder, is_first: bool) -> Result<Self> {
        Ok(match encoder {
            // The index of a row group matters to encryption only.
            ChunkEncoder::Parquet(columns) => {
                Self::RowGroup(columns.create_column_writers(0).map_err(parquet_error)?)
            }
            ChunkEncoder::Csv => Self::Text { bytes: Vec::new(), has_header: is_first },
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), arrow::error::ArrowError> {
        match self {
            Self::RowGroup(writers) => {
                let mut writers = writers.iter_mut();
                for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                    for (leaf, writer) in compute_leaves(field, column)?.iter().zip(&mut writers) {
                        writer.write(leaf)?;
                    }
                }
            }
            Self::Text { bytes, has_header } => {
                WriterBuilder::new().with_header(*has_header).build(bytes).write(batch)?;
                *has_header = false;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Content> {
        Ok(match self {
            Self::RowGroup(writers) => {
                let columns = writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>();
                Content::RowGroup(columns.map_err(parquet_error)?)
            }
            Self::Text { bytes, .. } => Content::Text(bytes),
        })
    }
}

fn cannot_encode(error: arrow::error::ArrowError, chunk: Chunk) -> Error {
    Error::new(Code::Internal, format!("could not encode {}: {error}", chunk.table.name())).with_source(error)
}

/// The engine's error for one of the Parquet writer, which writes to memory here.
pub(super) fn parquet_error(error: parquet::errors::ParquetError) -> Error {
    Error::new(Code::Internal, format!("could not encode Parquet: {error}")).with_source(error)
}
