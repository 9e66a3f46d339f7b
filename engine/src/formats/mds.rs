//! MDS shards, as MosaicML Streaming reads them: `u32 samples | u32 offset[samples + 1] | configuration | samples`, all
//! little-endian. It owns the shard; `index` knows the configuration and `index.json`.
//!
//! | column | encoding |
//! |---|---|
//! | integer, float | its own width: `int64`, `float32` |
//! | boolean | `uint8` |
//! | text, binary | `str`, `bytes` |
//! | decimal | `str_decimal` |
//! | fixed-size list of numbers | `ndarray:<type>:<size>` |
//! | list of numbers | `ndarray:<type>` |
//! | struct, other list | `json` |

mod index;

use super::json::check_nested;
use super::plain_types::{plain_array, plain_schema};
use super::sample_values::{Number, Values, bad_row, is_temporal};
use super::{
    ColumnRoles, Columns, Compression, Encoder, Format, ShardExtras, SideFile, check_has_columns,
    refuse_column, sql_name,
};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef};
use gristmill_proto::manifest::ShardInfo;
use serde::{Deserialize, Serialize};

/// Options of MDS shards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MdsOptions {
    /// `'compression'`: of the whole file; none unless said otherwise.
    pub compression: Compression,
}

/// `STORED AS MDS`.
#[derive(Debug)]
pub(super) struct Mds {
    options: MdsOptions,
}

impl Mds {
    pub(super) fn new(options: MdsOptions) -> Self {
        Self { options }
    }

    /// Streaming's own suffix, which for Zstandard is not that of the `zstd` tool.
    fn suffix(&self) -> &'static str {
        match self.options.compression {
            Compression::Zstd(_) => ".zstd",
            other => other.suffix(),
        }
    }
}

impl Format for Mds {
    fn name(&self) -> &'static str {
        "MDS"
    }

    fn extension(&self) -> String {
        format!("mds{}", self.suffix())
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/octet-stream".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        sorted_columns(columns).map(|_| ())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        let columns = sorted_columns(columns)?;
        let config = index::config(&columns, self.options.compression)?;
        self.options.compression.wrap(Box::new(MdsEncoder {
            columns,
            config,
            samples: Vec::new(),
            ends: Vec::new(),
        }))
    }

    fn split_files(&self, columns: &Columns, shards: &[&ShardInfo]) -> Result<Vec<SideFile>> {
        let columns = sorted_columns(columns)?;
        let bytes = index::index(&columns, self.options.compression, shards, self.suffix())?;
        Ok(vec![SideFile { path: "index.json".to_owned(), bytes: bytes.into() }])
    }
}

/// A column, at its place in a sample.
#[derive(Debug)]
struct MdsColumn {
    /// Its position in a batch.
    position: usize,
    field: FieldRef,
    encoding: String,
    /// How many bytes each value has; none where they differ.
    size: Option<usize>,
}

/// The columns in the order of their names, which is that of Streaming.
fn sorted_columns(columns: &Columns) -> Result<Vec<MdsColumn>> {
    let schema = plain_schema(columns.schema());
    let column = |(position, field): (usize, &FieldRef)| {
        let (encoding, size) = encoding(field)?;
        Ok(MdsColumn { position, field: FieldRef::clone(field), encoding, size })
    };
    let mut columns = schema.fields().iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;
    columns.sort_by(|a, b| a.field.name().cmp(b.field.name()));
    Ok(columns)
}

/// Streaming's name for how values of a plain type are written, and their size.
fn encoding(field: &Field) -> Result<(String, Option<usize>)> {
    let data_type = field.data_type();
    if let Some(number) = Number::of(data_type) {
        return Ok((number.name.to_owned(), Some(number.bytes)));
    }
    if let Some(number) = Number::of_elements(data_type) {
        let DataType::FixedSizeList(_, size) = data_type else {
            return Ok((format!("ndarray:{}", number.name), None));
        };
        return match usize::try_from(*size) {
            Ok(size) if size > 0 => {
                Ok((format!("ndarray:{}:{size}", number.name), Some(size * number.bytes)))
            }
            _ => Err(refuse_column("MDS", field, "lists that have elements")),
        };
    }
    let encoding = match data_type {
        DataType::Boolean => return Ok(("uint8".to_owned(), Some(1))),
        DataType::Utf8 | DataType::LargeUtf8 => "str",
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => "bytes",
        other if other.is_decimal() => "str_decimal",
        other if other.is_nested() => {
            check_nested("MDS", field)?;
            "json"
        }
        other => {
            let name = sql_name(field);
            let fix = match other {
                DataType::Interval(_) => format!("date_part('epoch', {name})"),
                other if is_temporal(other) => format!("CAST({name} AS VARCHAR)"),
                _ => format!("CAST({name} AS BIGINT)"),
            };
            return Err(refuse_column("MDS", field, &fix));
        }
    };
    Ok((encoding.to_owned(), None))
}

/// One MDS shard.
///
/// **Limits** holds all samples, as the table of offsets comes first: 4 GiB at most, what an offset can say.
#[derive(Debug)]
struct MdsEncoder {
    columns: Vec<MdsColumn>,
    config: Vec<u8>,
    samples: Vec<u8>,
    /// Where each sample ends in `samples`.
    ends: Vec<u32>,
}

impl MdsEncoder {
    /// How many bytes stand before the samples when there are `samples` of them.
    fn head_bytes(&self, samples: usize) -> usize {
        4 + 4 * (samples + 1) + self.config.len()
    }

    fn push_sample(&mut self, row: usize, batch: &[Cells<'_>]) -> Result<()> {
        let mut size_at = self.samples.len();
        let variable = self.columns.iter().filter(|column| column.size.is_none()).count();
        self.samples.resize(size_at + 4 * variable, 0);
        for (column, cells) in self.columns.iter().zip(batch) {
            let start = self.samples.len();
            cells.push(row, &column.field, &mut self.samples)?;
            if column.size.is_none() {
                let size = offset(self.samples.len() - start)?;
                self.samples[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
                size_at += 4;
            }
        }
        let total = self.head_bytes(self.ends.len() + 1) + self.samples.len();
        offset(total)?;
        self.ends.push(offset(self.samples.len())?);
        Ok(())
    }
}

/// A size or place in a shard, which has 32 bits.
fn offset(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|error| {
        Error::new(Code::BadRow, "an MDS shard cannot have 4 GiB or more")
            .with_hint("lower 'target_shard_bytes'")
            .with_source(error)
    })
}

/// A column of a batch.
struct Cells<'a> {
    array: &'a dyn Array,
    values: Values<'a>,
}

impl Cells<'_> {
    fn push(&self, row: usize, field: &Field, out: &mut Vec<u8>) -> Result<()> {
        if self.array.is_null(row) {
            let name = sql_name(field);
            return Err(bad_row(field, "has a null, which MDS cannot hold")
                .with_hint(format!("select COALESCE({name}, …) instead")));
        }
        match &self.values {
            Values::Numbers(numbers) => out.extend_from_slice(numbers.get(row..row + 1)),
            Values::Booleans(values) => out.push(values.value(row).into()),
            Values::Vectors(vectors) => {
                let bytes = vectors.get(row, field)?;
                if !matches!(field.data_type(), DataType::FixedSizeList(_, _)) {
                    push_shape(vectors.spans.range(row).len(), field, out)?;
                }
                out.extend_from_slice(bytes);
            }
            plain => out.extend_from_slice(plain.plain_bytes(row).unwrap_or_default()),
        }
        Ok(())
    }
}

/// The shape of an array of one dimension: a byte with the dimensions and the code of the size's type, then the size in
/// the smallest type that holds it.
fn push_shape(size: usize, field: &Field, out: &mut Vec<u8>) -> Result<()> {
    const ONE_DIMENSION: u8 = 1 << 2;
    let size = offset(size)?;
    let (code, width) = match size {
        0 => {
            return Err(
                bad_row(field, "has an empty list, which MDS cannot hold").with_hint("leave such rows out")
            );
        }
        1..=0xFF => (0, 1),
        0x100..=0xFFFF => (1, 2),
        _ => (2, 4),
    };
    out.push(ONE_DIMENSION | code);
    out.extend_from_slice(&size.to_le_bytes()[..width]);
    Ok(())
}

impl Encoder for MdsEncoder {
    fn encode(&mut self, batch: &RecordBatch, _out: &mut Vec<u8>) -> Result<()> {
        if batch.num_columns() != self.columns.len() {
            let expected = self.columns.len();
            let message = format!("a batch of {} columns came for a file of {expected}", batch.num_columns());
            return Err(Error::new(Code::Internal, message));
        }
        let arrays =
            self.columns.iter().map(|column| plain_array(batch.column(column.position), &column.field));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let cells = arrays.iter().zip(&self.columns);
        let cells = cells
            .map(|(array, MdsColumn { field, .. })| Ok(Cells { array, values: Values::new(array, field)? }));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        (0..batch.num_rows()).try_for_each(|row| self.push_sample(row, &cells))
    }

    fn buffered_bytes(&self) -> usize {
        self.head_bytes(self.ends.len()) + self.samples.len()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        let head = offset(self.head_bytes(self.ends.len()))?;
        let samples = offset(self.ends.len())?;
        out.reserve(self.buffered_bytes());
        out.extend_from_slice(&samples.to_le_bytes());
        out.extend_from_slice(&head.to_le_bytes());
        for end in &self.ends {
            // Each sum was checked when its sample came.
            out.extend_from_slice(&(head + end).to_le_bytes());
        }
        out.extend_from_slice(&self.config);
        out.append(&mut self.samples);
        Ok(ShardExtras::default())
    }
}

#[cfg(test)]
mod tests;
