//! A format with its options, as plain data that travels in plans, and how `OPTIONS (…)` become it.

use super::arrow_ipc::ArrowOptions;
use super::csv::{CsvOptions, Delimiter};
use super::json::JsonTimestamps;
use super::jsonl::{JsonExtension, JsonlOptions};
use super::libsvm::LibsvmOptions;
use super::mds::MdsOptions;
use super::parquet::{ParquetCompression, ParquetOptions};
use super::recordio::{RecordioOptions, TensorType};
use super::tfrecord::TfRecordOptions;
use super::webdataset::WebDatasetOptions;
use super::{AugmentedManifestOptions, BlazingTextOptions, Compression, FormatKind, format};
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// What a statement's kind decides where its text is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatDefaults {
    /// Whether a CSV file starts with the column names.
    pub csv_header: bool,
    /// The extension of JSON Lines.
    pub json_extension: JsonExtension,
    /// How JSON Lines have timestamps.
    pub json_timestamps: JsonTimestamps,
}

impl FormatDefaults {
    /// For `CREATE TRAINING SET`: what a training job reads.
    pub const TRAINING_SET: FormatDefaults = FormatDefaults {
        csv_header: false,
        json_extension: JsonExtension::Jsonl,
        json_timestamps: JsonTimestamps::Iso,
    };
    /// For `COPY … TO`: what DataFusion and DuckDB write.
    pub const COPY: FormatDefaults = FormatDefaults { csv_header: true, ..Self::TRAINING_SET };
}

/// A format with its options.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormatOptions {
    /// `STORED AS CSV`.
    Csv(CsvOptions),
    /// `STORED AS PARQUET`.
    Parquet(ParquetOptions),
    /// `STORED AS LIBSVM`.
    Libsvm(LibsvmOptions),
    /// `STORED AS RECORDIO`.
    Recordio(RecordioOptions),
    /// `STORED AS TFRECORD`.
    TfRecord(TfRecordOptions),
    /// `STORED AS ARROW`.
    Arrow(ArrowOptions),
    /// `STORED AS IMAGE_RECORDIO`, which has no options.
    ImageRecordIo,
    /// `STORED AS JSONL`.
    Jsonl(JsonlOptions),
    /// `STORED AS AUGMENTED_MANIFEST`.
    #[serde(rename = "augmented_manifest")]
    AugmentedManifest(AugmentedManifestOptions),
    /// `STORED AS BLAZINGTEXT`.
    BlazingText(BlazingTextOptions),
    /// `STORED AS WEBDATASET`.
    WebDataset(WebDatasetOptions),
    /// `STORED AS MDS`.
    Mds(MdsOptions),
}

impl FormatOptions {
    /// Takes the options of `kind` out of a statement's, and leaves those that belong to others.
    ///
    /// Keys are read in any case; DataFusion's spellings (`format.has_header`) are accepted too.
    ///
    /// **Errors** [`Code::BadOption`] for a value that does not parse and for an option that is given twice.
    pub fn take(
        kind: FormatKind,
        options: &mut BTreeMap<String, String>,
        defaults: FormatDefaults,
    ) -> Result<FormatOptions> {
        match kind {
            FormatKind::Csv => take_csv(options, defaults).map(FormatOptions::Csv),
            FormatKind::Parquet => take_parquet(options).map(FormatOptions::Parquet),
            FormatKind::Libsvm => take_libsvm(options).map(FormatOptions::Libsvm),
            FormatKind::Recordio => take_recordio(options).map(FormatOptions::Recordio),
            FormatKind::TfRecord => TfRecordOptions::take(options).map(FormatOptions::TfRecord),
            FormatKind::Arrow => ArrowOptions::take(options).map(FormatOptions::Arrow),
            FormatKind::ImageRecordIo => Ok(FormatOptions::ImageRecordIo),
            FormatKind::Jsonl => JsonlOptions::take(options, defaults).map(FormatOptions::Jsonl),
            FormatKind::AugmentedManifest => {
                Ok(FormatOptions::AugmentedManifest(AugmentedManifestOptions {}))
            }
            FormatKind::BlazingText => Ok(FormatOptions::BlazingText(BlazingTextOptions {})),
            FormatKind::WebDataset => take_webdataset(options).map(FormatOptions::WebDataset),
            FormatKind::Mds => Ok(FormatOptions::Mds(MdsOptions { compression: take_compression(options)? })),
        }
    }

    /// The names of a format's options, for hints.
    #[must_use]
    pub fn names(kind: FormatKind) -> &'static [&'static str] {
        match kind {
            FormatKind::Csv => &["header", "delimiter", "compression", "categorical"],
            FormatKind::Parquet => &["compression", "row_group_rows", "dictionary"],
            FormatKind::Libsvm => &["one_based", "zeros", "sparse_size", "compression"],
            FormatKind::Recordio => &["dtype", "label_dtype", "sparse_size"],
            FormatKind::TfRecord => &["compression"],
            FormatKind::Arrow => &["batch_rows", "compression"],
            FormatKind::ImageRecordIo => &[],
            FormatKind::Jsonl => &["nulls", "nan", "timestamp_format", "extension", "compression"],
            FormatKind::AugmentedManifest | FormatKind::BlazingText => &[],
            FormatKind::WebDataset | FormatKind::Mds => &["compression"],
        }
    }

    /// Which format it is.
    #[must_use]
    pub fn kind(&self) -> FormatKind {
        match self {
            Self::Csv(_) => FormatKind::Csv,
            Self::Parquet(_) => FormatKind::Parquet,
            Self::Libsvm(_) => FormatKind::Libsvm,
            Self::Recordio(_) => FormatKind::Recordio,
            Self::TfRecord(_) => FormatKind::TfRecord,
            Self::Arrow(_) => FormatKind::Arrow,
            Self::ImageRecordIo => FormatKind::ImageRecordIo,
            Self::Jsonl(_) => FormatKind::Jsonl,
            Self::AugmentedManifest(_) => FormatKind::AugmentedManifest,
            Self::BlazingText(_) => FormatKind::BlazingText,
            Self::WebDataset(_) => FormatKind::WebDataset,
            Self::Mds(_) => FormatKind::Mds,
        }
    }

    /// The extension of its files, without a dot.
    #[must_use]
    pub fn extension(&self) -> String {
        format(self).extension()
    }
}

fn take_csv(options: &mut BTreeMap<String, String>, defaults: FormatDefaults) -> Result<CsvOptions> {
    let header = take(options, &["header", "has_header", "format.has_header", "format.header"])?;
    let delimiter = take(options, &["delimiter", "format.delimiter"])?;
    let categorical = take(options, &["categorical"])?;
    Ok(CsvOptions {
        header: header.map_or(Ok(defaults.csv_header), |given| given.boolean())?,
        delimiter: delimiter.map_or(Ok(Delimiter::COMMA), |given| Delimiter::parse(&given.value))?,
        compression: take_compression(options)?,
        categorical: categorical.map_or(Ok(Vec::new()), |given| given.names())?,
    })
}

fn take_parquet(options: &mut BTreeMap<String, String>) -> Result<ParquetOptions> {
    let compression = take(options, &["compression", "format.compression"])?;
    let rows = take(options, &["row_group_rows", "format.max_row_group_size"])?;
    let dictionary = take(options, &["dictionary", "format.dictionary_enabled"])?;
    let defaults = ParquetOptions::default();
    Ok(ParquetOptions {
        compression: compression
            .map_or(Ok(defaults.compression), |given| ParquetCompression::parse(&given.value))?,
        row_group_rows: rows.map_or(Ok(defaults.row_group_rows), |given| given.row_count())?,
        dictionary: dictionary.map(|given| given.boolean()).transpose()?,
    })
}

fn take_libsvm(options: &mut BTreeMap<String, String>) -> Result<LibsvmOptions> {
    let one_based = take(options, &["one_based"])?;
    let zeros = take(options, &["zeros"])?;
    Ok(LibsvmOptions {
        one_based: one_based.map_or(Ok(false), |given| given.boolean())?,
        zeros: zeros.map_or(Ok(true), |given| given.boolean())?,
        sparse_size: take_sparse_size(options)?,
        compression: take_compression(options)?,
    })
}

fn take_recordio(options: &mut BTreeMap<String, String>) -> Result<RecordioOptions> {
    let features = take(options, &["dtype"])?;
    let labels = take(options, &["label_dtype"])?;
    let features = features.map_or(Ok(TensorType::Float32), |given| given.tensor_type())?;
    Ok(RecordioOptions {
        features,
        labels: labels.map_or(Ok(features), |given| given.tensor_type())?,
        sparse_size: take_sparse_size(options)?,
    })
}

/// Of every vector in a sparse column.
fn take_sparse_size(options: &mut BTreeMap<String, String>) -> Result<Option<NonZeroU32>> {
    take(options, &["sparse_size"])?.map(|given| given.vector_size()).transpose()
}

/// Without Zstandard, which WebDataset's reader does not undo.
fn take_webdataset(options: &mut BTreeMap<String, String>) -> Result<WebDatasetOptions> {
    let compression = take_compression(options)?;
    if matches!(compression, Compression::Zstd(_)) {
        return Err(Error::new(
            Code::BadOption,
            "option 'compression': WEBDATASET cannot be compressed with zstd",
        )
        .with_hint("write 'none' or 'gzip'"));
    }
    Ok(WebDatasetOptions { compression })
}

/// Of whole shards; none where nothing is said.
pub(super) fn take_compression(options: &mut BTreeMap<String, String>) -> Result<Compression> {
    let given = take(options, &["compression", "format.compression"])?;
    given.map_or(Ok(Compression::None), |given| Compression::parse(&given.value))
}

/// One option as the user wrote it.
pub(super) struct Given {
    pub(super) key: String,
    pub(super) value: String,
}

impl Given {
    pub(super) fn refuse(&self, reason: &str, hint: &str) -> Error {
        let message = format!("option '{}' has the value '{}': {reason}", self.key, self.value);
        Error::new(Code::BadOption, message).with_hint(hint)
    }

    fn boolean(&self) -> Result<bool> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.refuse("not a boolean", "write 'true' or 'false'")),
        }
    }

    fn tensor_type(&self) -> Result<TensorType> {
        let parsed =
            TensorType::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(self.value.trim()));
        parsed.copied().ok_or_else(|| self.refuse("no type", "write 'float32', 'float64' or 'int32'"))
    }

    fn vector_size(&self) -> Result<NonZeroU32> {
        let parsed = self.value.trim().parse();
        parsed.map_err(|error| {
            self.refuse("not a size", "write a whole number from 1 to 4294967295").with_source(error)
        })
    }

    /// The value of `choices` that is meant, in any case.
    pub(super) fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T> {
        let meant = |(name, _): &&(&str, T)| self.value.trim().eq_ignore_ascii_case(name);
        choices.iter().find(meant).map(|(_, value)| *value).ok_or_else(|| {
            let names = choices.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>();
            self.refuse("not a choice", &format!("write {}", names.join(" or ")))
        })
    }

    /// Names with commas between.
    fn names(&self) -> Result<Vec<String>> {
        let names: Vec<String> = self.value.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err(self.refuse("not a list of columns", "write names with commas between: 'a, b'"));
        }
        Ok(names)
    }

    pub(super) fn row_count(&self) -> Result<NonZeroU32> {
        let parsed = self.value.trim().parse();
        parsed.map_err(|error| {
            self.refuse("not a row count", "write a whole number from 1 to 4294967295").with_source(error)
        })
    }
}

/// Removes the option that goes by one of `keys`.
pub(super) fn take(options: &mut BTreeMap<String, String>, keys: &[&str]) -> Result<Option<Given>> {
    let mut found: Option<Given> = None;
    let is_ours = |key: &String| keys.iter().any(|known| key.eq_ignore_ascii_case(known));
    let ours: Vec<String> = options.keys().filter(|key| is_ours(key)).cloned().collect();
    for key in ours {
        let Some(value) = options.remove(&key) else { continue };
        if let Some(first) = &found {
            let message = format!("options '{}' and '{key}' are the same option", first.key);
            return Err(Error::new(Code::BadOption, message).with_hint("give it once"));
        }
        found = Some(Given { key, value });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
