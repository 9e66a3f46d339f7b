//! File formats: what a shard's bytes are. It owns names, content types, options, the check of column types and the
//! encoding; it does not know files, splits or stores.
//!
//! A format is one file (`csv`, `parquet`) behind [`Format`]; a further one adds a variant to [`FormatKind`] and to
//! [`FormatOptions`], and a line to [`format()`].

mod arrow_ipc;
mod augmented_manifest;
mod blazing_text;
mod columns;
mod compression;
mod csv;
mod extras;
mod features;
mod image_recordio;
mod json;
mod jsonl;
mod libsvm;
mod mds;
mod options;
mod parquet;
mod plain_types;
mod present_labels;
mod printing;
mod recordio;
mod sample_values;
mod tfrecord;
mod value_lists;
mod webdataset;

pub use arrow_ipc::{ArrowCompression, ArrowOptions};
pub use augmented_manifest::AugmentedManifestOptions;
pub use blazing_text::BlazingTextOptions;
pub use columns::{ColumnRoles, Columns, MissingLabels, Role};
pub use compression::Compression;
pub use csv::{CsvOptions, Delimiter};
pub use extras::{Companion, ShardExtras, SideFile};
pub use json::{JsonNan, JsonNulls, JsonTimestamps};
pub use jsonl::{JsonExtension, JsonlOptions};
pub use libsvm::LibsvmOptions;
pub use mds::MdsOptions;
pub use options::{FormatDefaults, FormatOptions};
pub use parquet::{ParquetCompression, ParquetOptions};
pub use recordio::{RecordioOptions, TensorType};
pub use tfrecord::TfRecordOptions;
pub use webdataset::WebDatasetOptions;

pub(crate) use plain_types::plain_type;

use crate::error::{Code, Error, Result};
use crate::suggest;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use gristmill_proto::manifest::ShardInfo;
use present_labels::PresentLabels;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A file format a shard can have; stateless, so one value serves every shard.
pub trait Format: Send + Sync + fmt::Debug {
    /// The name, as `STORED AS` spells it.
    fn name(&self) -> &'static str;

    /// The extension of its files, without a dot in front; compression may add one: `csv.gz`.
    fn extension(&self) -> String;

    /// SageMaker's `ContentType` of a channel in this format.
    fn content_type(&self, roles: ColumnRoles) -> String;

    /// The roles, beside labels, that it has a place for.
    fn roles(&self) -> &'static [Role] {
        &[]
    }

    /// The extensions of the small files that come with each shard, see [`Companion`].
    fn companions(&self) -> &'static [&'static str] {
        &[]
    }

    /// Refuses, while planning, a column that the format cannot hold.
    ///
    /// **Errors** [`Code::UnsupportedColumnType`] names the column, its type and the expression that would fix it.
    fn check(&self, columns: &Columns) -> Result<()>;

    /// A new encoder, for one shard of those columns.
    ///
    /// **Errors** those of [`Format::check`].
    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>>;

    /// Files that a reader wants in the folder of a split, beside `shards`, which are all of that split.
    ///
    /// **Errors** none that input can cause.
    fn split_files(&self, _columns: &Columns, _shards: &[&ShardInfo]) -> Result<Vec<SideFile>> {
        Ok(Vec::new())
    }
}

/// Turns the batches of one shard into its bytes.
///
/// The bytes are a function of the options and the rows in their order: not of how the rows were batched, and not of
/// how a batch represents them (dictionaries, views and plain arrays of the same values give the same bytes).
pub trait Encoder: Send + fmt::Debug {
    /// Appends the bytes that are ready to `out`.
    ///
    /// **Errors** [`Code::BadRow`] for a value that its column's type, or the format, cannot have; the shard is then
    /// to be thrown away.
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()>;

    /// Bytes that are buffered inside and not in `out` yet: what the shard would still grow by, estimated.
    fn buffered_bytes(&self) -> usize;

    /// Appends what is left: a header if no row came, the buffered rows, a footer. Nothing may be encoded after it.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras>;
}

/// The formats, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormatKind {
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// `label index:value …`, as XGBoost reads it.
    Libsvm,
    /// Protobuf records of tensors, as SageMaker's own algorithms read them.
    Recordio,
    /// TensorFlow's records of `tf.train.Example`.
    TfRecord,
    /// Arrow IPC files.
    Arrow,
    /// MXNet's records of images.
    ImageRecordIo,
    /// JSON Lines.
    Jsonl,
    /// SageMaker's augmented manifests.
    #[serde(rename = "augmented_manifest")]
    AugmentedManifest,
    /// Lines of labels and words.
    BlazingText,
    /// Tar files of samples.
    WebDataset,
    /// Shards of MosaicML Streaming.
    Mds,
}

impl FormatKind {
    /// Every format.
    pub const ALL: &'static [FormatKind] = &[
        FormatKind::Csv,
        FormatKind::Parquet,
        FormatKind::Libsvm,
        FormatKind::Recordio,
        FormatKind::TfRecord,
        FormatKind::Arrow,
        FormatKind::ImageRecordIo,
        FormatKind::Jsonl,
        FormatKind::AugmentedManifest,
        FormatKind::BlazingText,
        FormatKind::WebDataset,
        FormatKind::Mds,
    ];

    /// The format of that name or file extension, in any case.
    ///
    /// **Errors** [`Code::Unsupported`], with the known names as the hint.
    pub fn parse(text: &str) -> Result<FormatKind> {
        let found = Self::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            let error = Error::new(Code::Unsupported, format!("format \"{text}\" is not supported"));
            match suggest::hint(text, &known) {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })
    }

    /// The format whose files have that extension.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<FormatKind> {
        Self::ALL.iter().copied().find(|kind| {
            let extensions: &[&str] = match kind {
                Self::Csv => &["csv"],
                Self::Parquet => &["parquet"],
                Self::Libsvm => &["libsvm"],
                Self::Recordio => &["recordio"],
                Self::TfRecord => &["tfrecord"],
                Self::Arrow => &["arrow"],
                Self::ImageRecordIo => &["rec"],
                Self::Jsonl => &["jsonl", "json"],
                Self::AugmentedManifest => &["manifest"],
                Self::BlazingText => &["txt"],
                Self::WebDataset => &["tar"],
                Self::Mds => &["mds"],
            };
            extensions.iter().any(|known| known.eq_ignore_ascii_case(extension))
        })
    }

    /// The name, as `STORED AS` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "PARQUET",
            Self::Libsvm => "LIBSVM",
            Self::Recordio => "RECORDIO",
            Self::TfRecord => "TFRECORD",
            Self::Arrow => "ARROW",
            Self::ImageRecordIo => "IMAGE_RECORDIO",
            Self::Jsonl => "JSONL",
            Self::AugmentedManifest => "AUGMENTED_MANIFEST",
            Self::BlazingText => "BLAZINGTEXT",
            Self::WebDataset => "WEBDATASET",
            Self::Mds => "MDS",
        }
    }
}

impl fmt::Display for FormatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The format that those options describe.
#[must_use]
pub fn format(options: &FormatOptions) -> Arc<dyn Format> {
    match options {
        FormatOptions::Csv(options) => Arc::new(PresentLabels(csv::Csv::new(options.clone()))),
        FormatOptions::Parquet(options) => Arc::new(PresentLabels(parquet::Parquet::new(options.clone()))),
        FormatOptions::Libsvm(options) => Arc::new(libsvm::Libsvm::new(options.clone())),
        FormatOptions::Recordio(options) => Arc::new(recordio::Recordio::new(options.clone())),
        FormatOptions::TfRecord(options) => Arc::new(tfrecord::TfRecord::new(options.clone())),
        FormatOptions::Arrow(options) => Arc::new(arrow_ipc::ArrowIpc::new(options.clone())),
        FormatOptions::ImageRecordIo => Arc::new(image_recordio::ImageRecordIo),
        FormatOptions::Jsonl(options) => Arc::new(jsonl::Jsonl::new(options.clone())),
        FormatOptions::AugmentedManifest(_) => Arc::new(augmented_manifest::AugmentedManifest),
        FormatOptions::BlazingText(_) => Arc::new(blazing_text::BlazingText),
        FormatOptions::WebDataset(options) => Arc::new(webdataset::WebDataset::new(options.clone())),
        FormatOptions::Mds(options) => Arc::new(mds::Mds::new(options.clone())),
    }
}

/// The bytes of one shard that holds just `batches`: for tests and benchmarks, as it keeps all of them in memory.
///
/// **Errors** those of [`Format::check`] and [`Encoder::encode`].
pub fn encode_all(format: &dyn Format, columns: &Columns, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut encoder = format.encoder(columns)?;
    let mut out = Vec::new();
    for batch in batches {
        encoder.encode(batch, &mut out)?;
    }
    encoder.finish(&mut out)?;
    Ok(out)
}

/// A type as manifests and statistics name it: however its values are held in memory, which differs between processes.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8View => DataType::Utf8.to_string(),
        DataType::BinaryView => DataType::Binary.to_string(),
        DataType::Dictionary(_, values) => type_name(values),
        DataType::List(_) | DataType::FixedSizeList(_, _) | DataType::Struct(_) | DataType::Map(_, _) => {
            plain_types::plain_type(data_type).to_string()
        }
        other => other.to_string(),
    }
}

/// Refuses roles that a format has no place for.
///
/// # Errors
/// [`Code::BadOption`] names the option that gave the role.
pub(crate) fn check_roles(format: &dyn Format, roles: ColumnRoles) -> Result<()> {
    let has_no_place = |role: &&Role| roles.has(**role) && !format.roles().contains(*role);
    let Some(role) = Role::ALL.iter().find(has_no_place) else { return Ok(()) };
    let message = format!("option '{}': {} has no place for such a column", role.option(), format.name());
    Err(Error::new(Code::BadOption, message).with_hint("leave it out: the column is then a feature"))
}

/// Refuses a schema without columns.
fn check_has_columns(format: &str, schema: &Schema) -> Result<()> {
    if schema.fields().is_empty() {
        return Err(Error::new(Code::Unsupported, format!("{format} cannot hold rows without columns"))
            .with_hint("select at least one column"));
    }
    Ok(())
}

/// A column whose type the format cannot hold; `fix` is the expression that would.
fn refuse_column(format: &str, field: &Field, fix: &str) -> Error {
    let message =
        format!("column \"{}\" has type {}, which {format} cannot hold", field.name(), field.data_type());
    Error::new(Code::UnsupportedColumnType, message).with_hint(format!("select {fix} instead"))
}

/// A column's name as SQL spells it.
fn sql_name(field: &Field) -> String {
    let name = field.name();
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain && !name.starts_with(|first: char| first.is_ascii_digit()) && !name.is_empty() {
        name.clone()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests;
