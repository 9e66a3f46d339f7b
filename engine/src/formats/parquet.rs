//! Parquet shards. It owns the options and the writer's settings; the encoding is the `parquet` crate's.
//!
//! A file's bytes depend on its rows alone: no clock, no library version in the footer, no metadata of the inputs, and
//! [`encoder`] cuts the rows at the same places however they were batched.

mod dictionaries;
mod encoder;

use super::plain_types::{plain_schema, plain_type};
use super::{ColumnRoles, Columns, Encoder, Format, check_has_columns, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use ::parquet::arrow::ArrowSchemaConverter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema};
use encoder::ParquetEncoder;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Names the writer in the footer; without a version, so that an upgrade does not change a file's hash by itself.
const CREATED_BY: &str = "gristmill";

/// A row group is closed when its encoded size reaches this: it bounds the memory of an open shard.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Options of Parquet files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ParquetOptions {
    /// `'compression'`: of pages; Snappy unless said otherwise.
    pub compression: ParquetCompression,
    /// `'row_group_rows'`: at most so many rows in a row group, 1,048,576 by default; 64 MiB bound it too.
    pub row_group_rows: NonZeroU32,
    /// `'dictionary'`: whether columns are dictionary-encoded, as long as a dictionary takes no more than 1 MiB. Unset, it may
    /// take less in a column whose first values do not repeat.
    pub dictionary: Option<bool>,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        let rows = NonZeroU32::MIN.saturating_add((1 << 20) - 1);
        Self { compression: ParquetCompression::Snappy, row_group_rows: rows, dictionary: None }
    }
}

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ParquetCompression {
    /// Not at all.
    None,
    /// Snappy.
    Snappy,
    /// LZ4 blocks, without the framing of the deprecated codec `LZ4`.
    Lz4Raw,
    /// Zstandard, at a level from 1 to 22.
    Zstd(ParquetZstdLevel),
}

/// A level of Zstandard, from 1 to 22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParquetZstdLevel(u8);

impl ParquetZstdLevel {
    /// What the `zstd` tool and DataFusion use.
    const DEFAULT: ParquetZstdLevel = ParquetZstdLevel(3);
}

impl ParquetCompression {
    /// `snappy`, `zstd`, `zstd(level)`, `lz4_raw`, `none` or `uncompressed`, in any case.
    ///
    /// **Errors** [`Code::BadOption`] lists them.
    pub fn parse(text: &str) -> Result<ParquetCompression> {
        let name = text.trim().to_ascii_lowercase();
        let level = || name.strip_prefix("zstd(")?.strip_suffix(')')?.trim().parse().ok();
        match name.as_str() {
            "none" | "uncompressed" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "lz4_raw" => Ok(Self::Lz4Raw),
            "zstd" => Ok(Self::Zstd(ParquetZstdLevel::DEFAULT)),
            _ => match level() {
                Some(level @ 1..=22) => Ok(Self::Zstd(ParquetZstdLevel(level))),
                _ => Err(Error::new(
                    Code::BadOption,
                    format!("option 'compression' has the value '{text}': not a compression of Parquet"),
                )
                .with_hint("write 'snappy', 'zstd', 'zstd(1)' to 'zstd(22)', 'lz4_raw' or 'none'")),
            },
        }
    }

    fn codec(self) -> Result<Compression> {
        Ok(match self {
            Self::None => Compression::UNCOMPRESSED,
            Self::Snappy => Compression::SNAPPY,
            Self::Lz4Raw => Compression::LZ4_RAW,
            Self::Zstd(ParquetZstdLevel(level)) => {
                let level = ZstdLevel::try_new(i32::from(level)).map_err(|error| {
                    Error::new(Code::Internal, format!("level {level} of zstd is refused")).with_source(error)
                })?;
                Compression::ZSTD(level)
            }
        })
    }
}

impl TryFrom<String> for ParquetCompression {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<ParquetCompression> for String {
    fn from(compression: ParquetCompression) -> String {
        match compression {
            ParquetCompression::None => "none".to_owned(),
            ParquetCompression::Snappy => "snappy".to_owned(),
            ParquetCompression::Lz4Raw => "lz4_raw".to_owned(),
            ParquetCompression::Zstd(ParquetZstdLevel(level)) => format!("zstd({level})"),
        }
    }
}

/// `STORED AS PARQUET`.
#[derive(Debug)]
pub(super) struct Parquet {
    options: ParquetOptions,
}

impl Parquet {
    pub(super) fn new(options: ParquetOptions) -> Self {
        Self { options }
    }

    fn properties(&self) -> Result<WriterProperties> {
        let rows = usize::try_from(self.options.row_group_rows.get()).unwrap_or(usize::MAX);
        Ok(WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(self.options.compression.codec()?)
            .set_dictionary_enabled(self.options.dictionary.unwrap_or(true))
            .set_max_row_group_row_count(Some(rows))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            // The specification's names inside lists and maps, whatever the plan called them.
            .set_coerce_types(true)
            .build())
    }
}

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "PARQUET"
    }

    fn extension(&self) -> String {
        "parquet".to_owned()
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/x-parquet".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        for field in columns.schema().fields() {
            if let Some(fix) = fix_for(field, field.data_type()) {
                return Err(refuse_column(self.name(), field, &fix));
            }
            // What remains is for the library to say (a decimal of negative scale, a struct without fields).
            let plain = plain_schema(&Schema::new(vec![field.as_ref().clone()]));
            if let Err(error) = ArrowSchemaConverter::new().with_coerce_types(true).convert(&plain) {
                let fix = format!("CAST({} AS VARCHAR)", sql_name(field));
                return Err(refuse_column(self.name(), field, &fix).with_source(error));
            }
        }
        Ok(())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        let (schema, is_open) = (plain_schema(columns.schema()), self.options.dictionary.is_none());
        Ok(Box::new(ParquetEncoder::new(schema, self.properties()?, is_open)))
    }
}

/// The expression that would make a column writable whose type, or a type inside it, Parquet lacks.
fn fix_for(field: &Field, data_type: &DataType) -> Option<String> {
    let name = sql_name(field);
    match data_type {
        DataType::Union(_, _) => Some(format!("union_extract({name}, '…')")),
        DataType::Interval(IntervalUnit::MonthDayNano) => Some(format!("date_part('epoch', {name})")),
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
