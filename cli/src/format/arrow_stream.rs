//! The Arrow IPC streaming format: schema, batches, end of stream; any Arrow library reads it from a pipe.

use super::{Encoded, Encoder};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use gristmill_engine::{Code, Error, Result};

pub(super) struct ArrowEncoder {
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowEncoder {
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        Ok(Self { writer: StreamWriter::try_new(Vec::new(), schema).map_err(cannot_write)? })
    }
}

impl Encoder for ArrowEncoder {
    fn encode(&mut self, batch: &RecordBatch, buffer: &mut Vec<u8>) -> Result<()> {
        self.writer.write(batch).map_err(cannot_write)?;
        buffer.append(self.writer.get_mut());
        Ok(())
    }

    fn finish(&mut self, buffer: &mut Vec<u8>) -> Result<Encoded> {
        self.writer.finish().map_err(cannot_write)?;
        buffer.append(self.writer.get_mut());
        Ok(Encoded::default())
    }
}

fn cannot_write(error: ArrowError) -> Error {
    Error::new(Code::UnsupportedColumnType, format!("cannot write rows as an Arrow stream: {error}"))
        .with_source(error)
}
