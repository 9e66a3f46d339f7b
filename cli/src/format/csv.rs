//! Comma-separated values: a header line, then a line per row; text is quoted where it has to be, NULL is empty.

use super::{Encoded, Encoder};
use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use gristmill_engine::{Code, Error, Result};

pub(super) struct CsvEncoder {
    schema: SchemaRef,
    has_header: bool,
}

impl CsvEncoder {
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        for field in schema.fields() {
            if field.data_type().is_nested() {
                let message = format!(
                    "column \"{}\" of type {} does not fit into CSV",
                    field.name(),
                    field.data_type()
                );
                return Err(Error::new(Code::UnsupportedColumnType, message).with_hint("use --format json"));
            }
        }
        Ok(Self { schema, has_header: false })
    }

    fn write(&mut self, batch: &RecordBatch, buffer: &mut Vec<u8>) -> Result<()> {
        let mut writer = WriterBuilder::new().with_header(!self.has_header).build(buffer);
        self.has_header = true;
        writer.write(batch).map_err(cannot_write)
    }
}

impl Encoder for CsvEncoder {
    fn encode(&mut self, batch: &RecordBatch, buffer: &mut Vec<u8>) -> Result<()> {
        self.write(batch, buffer)
    }

    fn finish(&mut self, buffer: &mut Vec<u8>) -> Result<Encoded> {
        if !self.has_header {
            self.write(&RecordBatch::new_empty(self.schema.clone()), buffer)?;
        }
        Ok(Encoded::default())
    }
}

fn cannot_write(error: ArrowError) -> Error {
    Error::new(Code::UnsupportedColumnType, format!("cannot write rows as CSV: {error}"))
        .with_hint("use --format json or --format arrow")
        .with_source(error)
}
