//! Rows as text or bytes for stdout: one encoder per format.
//!
//! Encoders append to a buffer and never write by themselves, so an error of stdout keeps its kind.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use gristmill_engine::Result;

mod arrow_stream;
mod csv;
mod json;
mod table;
#[cfg(test)]
mod tests;

/// How rows are written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people; shows the first 10,000 rows
    Table,
    /// Comma-separated values with a header line
    Csv,
    /// One JSON object per row and line
    Json,
    /// An Arrow IPC stream
    Arrow,
}

/// What an encoder has to say when the rows have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// Rows that were counted but not shown.
    pub(crate) cut_rows: u64,
}

/// Turns the batches of one result into bytes.
pub(crate) trait Encoder {
    /// Appends what can be written after `batch`; that may be nothing yet.
    ///
    /// # Errors
    /// `UnsupportedColumnType` for a column the format cannot hold.
    fn encode(&mut self, batch: &RecordBatch, buffer: &mut Vec<u8>) -> Result<()>;

    /// Appends what is left; called once, after the last batch.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn finish(&mut self, buffer: &mut Vec<u8>) -> Result<Encoded>;
}

impl Format {
    /// An encoder for one result.
    ///
    /// # Errors
    /// `UnsupportedColumnType` for a column the format cannot hold.
    pub(crate) fn encoder(self, schema: SchemaRef) -> Result<Box<dyn Encoder>> {
        Ok(match self {
            Self::Table => Box::new(table::TableEncoder::new(schema)),
            Self::Csv => Box::new(csv::CsvEncoder::new(schema)?),
            Self::Json => Box::new(json::JsonEncoder),
            Self::Arrow => Box::new(arrow_stream::ArrowEncoder::new(&schema)?),
        })
    }
}
