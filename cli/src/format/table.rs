//! A table for people. It is shown when it is complete or when it is long enough; the rows after that are counted.

use super::{Encoded, Encoder};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_options;
use gristmill_engine::{Code, Error, Result};
use std::io::Write;

/// Nobody reads further, and the widths of the columns need all rows at once.
const MOST_ROWS: usize = 10_000;
/// What the collected rows may take, for rows that are large by themselves.
const MOST_BYTES: usize = 64 * 1024 * 1024;

pub(super) struct TableEncoder {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    is_shown: bool,
    cut_rows: u64,
}

impl TableEncoder {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), rows: 0, bytes: 0, is_shown: false, cut_rows: 0 }
    }

    fn show(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        self.is_shown = true;
        if self.batches.is_empty() {
            self.batches.push(RecordBatch::new_empty(self.schema.clone()));
        }
        let options = FormatOptions::default().with_null("NULL").with_display_error(true);
        let table = pretty_format_batches_with_options(&self.batches, &options).map_err(cannot_write)?;
        self.batches.clear();
        writeln!(buffer, "{table}").map_err(|error| Error::new(Code::Internal, error.to_string()))
    }
}

impl Encoder for TableEncoder {
    fn encode(&mut self, batch: &RecordBatch, buffer: &mut Vec<u8>) -> Result<()> {
        let room = if self.is_shown { 0 } else { MOST_ROWS - self.rows };
        let kept = room.min(batch.num_rows());
        self.cut_rows += (batch.num_rows() - kept) as u64;
        if kept > 0 {
            let batch = batch.slice(0, kept);
            self.rows += kept;
            self.bytes += batch.get_array_memory_size();
            self.batches.push(batch);
        }
        if !self.is_shown && (self.rows == MOST_ROWS || self.bytes > MOST_BYTES) {
            self.show(buffer)?;
        }
        Ok(())
    }

    fn finish(&mut self, buffer: &mut Vec<u8>) -> Result<Encoded> {
        if !self.is_shown {
            self.show(buffer)?;
        }
        Ok(Encoded { cut_rows: self.cut_rows })
    }
}

fn cannot_write(error: ArrowError) -> Error {
    Error::new(Code::UnsupportedColumnType, format!("cannot show rows as a table: {error}"))
        .with_hint("use --format json")
        .with_source(error)
}
