//! RecordIO shards, as SageMaker's own algorithms read them: a protobuf `Record` of tensors in each frame.
//!
//! A frame is the mark, the payload's length, the payload and zeros up to a multiple of four, all little-endian. Features
//! and labels are tensors by the name `values`. A row of scalars and lists is a dense tensor; as soon as one column is a
//! sparse vector, rows are sparse: values, their indices as `keys`, and the `shape`.
//!
//! Frames are never split. Readers that find frames by their mark must not find it inside of one, see [`record`].

mod block;
mod numbers;
mod record;

use super::features::{Features, check_number, check_width, is_whole};
use super::{
    ColumnRoles, Columns, Encoder, Format, Role, ShardExtras, check_has_columns, refuse_column, sql_name,
};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field};
use block::DenseBlocks;
use numbers::Batch;
use record::{LARGEST_PAYLOAD, RecordWriter};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Options of RecordIO files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordioOptions {
    /// `'dtype'`: the type of the features; 32-bit floats unless said otherwise, as most algorithms take no other.
    pub features: TensorType,
    /// `'label_dtype'`: the type of the labels; that of the features unless said otherwise.
    pub labels: TensorType,
    /// `'sparse_size'`: the size of sparse vectors.
    pub sparse_size: Option<NonZeroU32>,
}

/// The type of the numbers in a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TensorType {
    /// Floats of 32 bits.
    Float32,
    /// Floats of 64 bits.
    Float64,
    /// Integers of 32 bits.
    Int32,
}

impl TensorType {
    /// Every type.
    pub const ALL: [TensorType; 3] = [TensorType::Float32, TensorType::Float64, TensorType::Int32];

    /// The name, as the options spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Int32 => "int32",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Int32 => DataType::Int32,
        }
    }
}

/// `STORED AS RECORDIO`.
#[derive(Debug)]
pub(super) struct Recordio {
    options: RecordioOptions,
}

const NAME: &str = "RECORDIO";

impl Recordio {
    pub(super) fn new(options: RecordioOptions) -> Self {
        Self { options }
    }

    fn features(&self, columns: &Columns) -> Result<Features> {
        check_has_columns(NAME, columns.schema())?;
        for field in columns.labels() {
            check_number(NAME, field)?;
            check_whole(field, self.options.labels)?;
        }
        if let Some(key) = columns.of(Role::Key) {
            check_key(key)?;
        }
        let features = Features::new(NAME, columns.features(), self.options.sparse_size)?;
        for feature in &features.columns {
            check_whole(&feature.field, self.options.features)?;
        }
        match features.width {
            None => {
                let message = "RECORDIO needs to know the size of sparse vectors";
                Err(Error::new(Code::BadOption, message).with_hint(super::features::SIZE_HINT))
            }
            // Eight bytes at most for a number.
            Some(width) if !features.is_sparse() && width * 8 > LARGEST_PAYLOAD / 2 => {
                let message = format!("RECORDIO cannot hold rows of {width} features");
                Err(Error::new(Code::Unsupported, message).with_hint("write them as sparse vectors"))
            }
            _ => Ok(features),
        }
    }
}

impl Format for Recordio {
    fn name(&self) -> &'static str {
        NAME
    }

    fn extension(&self) -> String {
        "recordio".to_owned()
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/x-recordio-protobuf".to_owned()
    }

    fn roles(&self) -> &'static [Role] {
        &[Role::Key]
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        self.features(columns).map(|_| ())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        let features = self.features(columns)?;
        Ok(Box::new(RecordioEncoder {
            blocks: DenseBlocks::new(&features, columns, &self.options),
            writer: RecordWriter::new(&features, &self.options),
            options: self.options.clone(),
            columns: columns.clone(),
            features,
        }))
    }
}

/// Refuses fractions where whole numbers are to be written.
fn check_whole(field: &Field, tensor: TensorType) -> Result<()> {
    if tensor != TensorType::Int32 || is_whole(field.data_type()) {
        return Ok(());
    }
    Err(refuse_column("RECORDIO with integer tensors", field, &format!("CAST({} AS INT)", sql_name(field))))
}

/// Refuses a key that is no text and cannot be made one.
fn check_key(field: &Field) -> Result<()> {
    if super::plain_types::plain_type(field.data_type()).is_string() {
        return Ok(());
    }
    Err(refuse_column("the key of RECORDIO", field, &format!("CAST({} AS VARCHAR)", sql_name(field))))
}

/// One RecordIO shard. It buffers nothing.
#[derive(Debug)]
struct RecordioEncoder {
    options: RecordioOptions,
    columns: Columns,
    features: Features,
    /// For rows that all have the same length.
    blocks: Option<DenseBlocks>,
    writer: RecordWriter,
}

impl Encoder for RecordioEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        check_width(batch.num_columns(), self.columns.count())?;
        let rows = Batch::new(batch, &self.columns, &self.features, &self.options)?;
        match &mut self.blocks {
            Some(blocks) => blocks.push(&rows, &mut self.writer, out),
            None => (0..rows.count).try_for_each(|row| self.writer.push(&rows, row, out)),
        }
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<ShardExtras> {
        Ok(ShardExtras::default())
    }
}

#[cfg(test)]
mod tests;
