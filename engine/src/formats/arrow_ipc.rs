//! Arrow IPC files, which a loader maps into memory and reads without decoding. It owns the options and the check of
//! types; `encoder` cuts the batches, and the encoding is the `arrow` crate's.
//!
//! A file's bytes depend on its rows alone: representations are made plain, what lies under a null is zeroed, batches
//! are cut at fixed rows, and there is no metadata but that of extension types.

mod canonical;
mod encoder;

use super::options::take;
use super::plain_types::{plain_schema, plain_type};
use super::{ColumnRoles, Columns, Encoder, Format, check_has_columns, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use arrow::datatypes::{DataType, Field};
use arrow::ipc::writer::IpcWriteOptions;
use arrow::ipc::{CompressionType, MetadataVersion};
use encoder::ArrowEncoder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// Every buffer starts at a multiple of this, as the specification recommends for vector instructions.
const ALIGNMENT_BYTES: usize = 64;

/// Options of Arrow files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArrowOptions {
    /// `'batch_rows'`: the rows of every record batch but the last, 65,536 by default.
    pub batch_rows: NonZeroU32,
    /// `'compression'`: of buffers; none unless said otherwise.
    pub compression: ArrowCompression,
}

impl Default for ArrowOptions {
    fn default() -> Self {
        let batch_rows = NonZeroU32::MIN.saturating_add((1 << 16) - 1);
        Self { batch_rows, compression: ArrowCompression::None }
    }
}

/// How the buffers of an Arrow file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArrowCompression {
    /// Not at all: a file that is mapped can be used as it lies.
    None,
    /// LZ4 frames.
    Lz4,
    /// Zstandard, at the level of the `zstd` tool.
    Zstd,
}

impl ArrowOptions {
    /// Takes them out of a statement's.
    pub(super) fn take(options: &mut BTreeMap<String, String>) -> Result<ArrowOptions> {
        let compression = take(options, &["compression", "format.compression"])?;
        let batch_rows = take(options, &["batch_rows"])?;
        let defaults = ArrowOptions::default();
        Ok(ArrowOptions {
            batch_rows: batch_rows.map_or(Ok(defaults.batch_rows), |given| given.row_count())?,
            compression: compression.map_or(Ok(defaults.compression), |given| {
                match given.value.trim().to_ascii_lowercase().as_str() {
                    "none" | "uncompressed" => Ok(ArrowCompression::None),
                    "lz4" | "lz4_frame" => Ok(ArrowCompression::Lz4),
                    "zstd" => Ok(ArrowCompression::Zstd),
                    _ => Err(given.refuse("not a compression of Arrow", "write 'none', 'lz4' or 'zstd'")),
                }
            })?,
        })
    }
}

/// `STORED AS ARROW`.
#[derive(Debug)]
pub(super) struct ArrowIpc {
    options: ArrowOptions,
}

impl ArrowIpc {
    pub(super) fn new(options: ArrowOptions) -> Self {
        Self { options }
    }

    fn write_options(&self) -> Result<IpcWriteOptions> {
        let compression = match self.options.compression {
            ArrowCompression::None => None,
            ArrowCompression::Lz4 => Some(CompressionType::LZ4_FRAME),
            ArrowCompression::Zstd => Some(CompressionType::ZSTD),
        };
        IpcWriteOptions::try_new(ALIGNMENT_BYTES, false, MetadataVersion::V5)
            .and_then(|options| options.try_with_compression(compression))
            .map_err(|error| {
                Error::new(Code::Internal, "the options of Arrow are refused").with_source(error)
            })
    }
}

impl Format for ArrowIpc {
    fn name(&self) -> &'static str {
        "ARROW"
    }

    fn extension(&self) -> String {
        "arrow".to_owned()
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/vnd.apache.arrow.file".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        columns.schema().fields().iter().try_for_each(|field| match fix_for(field, field.data_type()) {
            Some(fix) => Err(refuse_column(self.name(), field, &fix)),
            None => Ok(()),
        })
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        let rows = usize::try_from(self.options.batch_rows.get()).unwrap_or(usize::MAX);
        Ok(Box::new(ArrowEncoder::new(plain_schema(columns.schema()), rows, self.write_options()?)?))
    }
}

/// The expression that would make a column writable that is, or holds, a union or a struct without fields: those have
/// no one plain representation.
fn fix_for(field: &Field, data_type: &DataType) -> Option<String> {
    let name = sql_name(field);
    match data_type {
        DataType::Union(_, _) => Some(format!("union_extract({name}, '…')")),
        DataType::Struct(fields) if fields.is_empty() => Some(format!("{name} IS NULL")),
        DataType::List(item)
        | DataType::ListView(item)
        | DataType::LargeList(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => fix_for(field, item.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|inner| fix_for(field, inner.data_type())),
        DataType::Dictionary(_, _) | DataType::RunEndEncoded(_, _) => fix_for(field, &plain_type(data_type)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
