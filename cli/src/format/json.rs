//! One JSON object per row and line; NULL is `null`, so every line has every column.

use super::{Encoded, Encoder};
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use gristmill_engine::{Code, Error, Result};

pub(super) struct JsonEncoder;

impl Encoder for JsonEncoder {
    fn encode(&mut self, batch: &RecordBatch, buffer: &mut Vec<u8>) -> Result<()> {
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(buffer);
        writer.write(batch).and_then(|()| writer.finish()).map_err(cannot_write)
    }

    fn finish(&mut self, _buffer: &mut Vec<u8>) -> Result<Encoded> {
        Ok(Encoded::default())
    }
}

fn cannot_write(error: ArrowError) -> Error {
    Error::new(Code::UnsupportedColumnType, format!("cannot write rows as JSON: {error}"))
        .with_hint("use --format arrow")
        .with_source(error)
}
