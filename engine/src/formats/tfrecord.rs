//! TFRecord shards of `tf.train.Example`, as TensorFlow's `TFRecordDataset` and `parse_example` read them. It owns the
//! options, the check of types and the framing; `example` owns the messages.
//!
//! | column | feature |
//! |---|---|
//! | integer, boolean, date (days since 1970-01-01) | `int64_list` |
//! | float, decimal | `float_list`, rounded to 32 bits |
//! | text, binary | `bytes_list` |
//! | list of those | the same, with as many values |
//! | null | no such feature in the row |
//!
//! **Source** the record format of TensorFlow's `record_writer.h` (lengths and data each with a masked CRC-32C) and
//! `example.proto`. Features stand in the order of their names, as protobuf's deterministic serialization has them.

mod example;

use super::options::take_compression;
use super::plain_types::plain_type;
use super::value_lists::kind_of;
use super::{
    ColumnRoles, Columns, Compression, Encoder, Format, ShardExtras, check_has_columns, refuse_column,
    sql_name,
};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field};
use example::Examples;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What TensorFlow adds to a rotated CRC, so that a CRC over data that holds CRCs stays a good one.
const MASK_DELTA: u32 = 0xa282_ead8;

/// Options of TFRecord files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TfRecordOptions {
    /// `'compression'`: of the whole file, gzip or none; none unless said otherwise.
    pub compression: Compression,
}

impl TfRecordOptions {
    /// Takes them out of a statement's.
    pub(super) fn take(options: &mut BTreeMap<String, String>) -> Result<TfRecordOptions> {
        let compression = take_compression(options)?;
        if matches!(compression, Compression::Zstd(_)) {
            let message = "option 'compression' has a value that TensorFlow cannot read: zstd";
            return Err(Error::new(Code::BadOption, message).with_hint("write 'gzip' or 'none'"));
        }
        Ok(TfRecordOptions { compression })
    }
}

/// `STORED AS TFRECORD`.
#[derive(Debug)]
pub(super) struct TfRecord {
    options: TfRecordOptions,
}

impl TfRecord {
    pub(super) fn new(options: TfRecordOptions) -> Self {
        Self { options }
    }
}

impl Format for TfRecord {
    fn name(&self) -> &'static str {
        "TFRECORD"
    }

    fn extension(&self) -> String {
        format!("tfrecord{}", self.options.compression.suffix())
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/x-tfrecord".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        columns.schema().fields().iter().try_for_each(|field| check_field(field))
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        self.options.compression.wrap(Box::new(TfRecordEncoder { examples: Examples::new(columns.schema()) }))
    }
}

fn check_field(field: &Field) -> Result<()> {
    if *field.data_type() == DataType::Null || kind_of(field.data_type()).is_some() {
        return Ok(());
    }
    Err(refuse_column("TFRECORD", field, &fix_for(field)))
}

/// The expression that would make a column writable.
fn fix_for(field: &Field) -> String {
    let name = sql_name(field);
    match plain_type(field.data_type()) {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
            format!("flatten({name}) or array_to_string({name}, ' ')")
        }
        DataType::Struct(fields) => {
            let inner = fields.first().map_or("field", |inner| inner.name().as_str());
            format!("fields ({name}['{}'], …)", inner.replace('\'', "''"))
        }
        DataType::Map(_, _) => format!("values ({name}['key'], …)"),
        DataType::Union(_, _) => format!("union_extract({name}, '…')"),
        DataType::Interval(_) => format!("date_part('epoch', {name})"),
        _ => format!("CAST({name} AS BIGINT)"),
    }
}

/// One TFRecord shard. It buffers nothing.
#[derive(Debug)]
struct TfRecordEncoder {
    examples: Examples,
}

impl Encoder for TfRecordEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let columns = self.examples.columns(batch)?;
        for row in 0..batch.num_rows() {
            let length = self.examples.measure(&columns, row)?;
            let header = (length as u64).to_le_bytes();
            out.reserve(length + 16);
            out.extend_from_slice(&header);
            out.extend_from_slice(&masked_crc(&header).to_le_bytes());
            let start = out.len();
            self.examples.push(&columns, out);
            let crc = masked_crc(&out[start..]);
            out.extend_from_slice(&crc.to_le_bytes());
        }
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<ShardExtras> {
        Ok(ShardExtras::default())
    }
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK_DELTA)
}

#[cfg(test)]
mod tests;
