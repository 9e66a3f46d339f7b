//! Whether an algorithm can read what a statement would write: its splits, its options, its columns.

use super::algorithm::{Algorithm, Job, Labels};
use super::column_rule::ColumnRule;
use super::target::TargetOptions;
use crate::error::{Code, Error, Result};
use crate::formats::{
    Columns, Compression, Delimiter, FormatOptions, JsonExtension, JsonlOptions, ParquetCompression,
    TensorType,
};

impl TargetOptions {
    /// Refuses what the algorithm, if one is named, cannot read.
    ///
    /// # Errors
    /// `Unsupported` for rows without features, `BadOption` for an option, for splits without a channel and for columns that are missing or too many,
    /// `UnsupportedColumnType` for a column.
    pub(crate) fn check_readable(
        &self,
        options: &FormatOptions,
        columns: &Columns,
        splits: &[String],
    ) -> Result<()> {
        let Some(algorithm) = self.algorithm() else { return Ok(()) };
        if algorithm.channel(crate::plan::DEFAULT_SPLIT).is_some()
            && !splits.iter().any(|split| split == crate::plan::DEFAULT_SPLIT)
        {
            let message = format!("algorithm {} has no split to train on", algorithm.name);
            return Err(Error::new(Code::BadOption, message)
                .with_hint("name one of the splits train, or leave 'algorithm' out"));
        }
        if matches!(algorithm.labels, Labels::One | Labels::OneOrMore) && columns.features().is_empty() {
            let message = format!("algorithm {} cannot learn from rows without features", algorithm.name);
            return Err(Error::new(Code::Unsupported, message)
                .with_hint("select at least one column that is no label"));
        }
        check_options(algorithm, options)?;
        algorithm.columns.check(algorithm.name, options, columns)
    }
}

fn check_options(algorithm: &Algorithm, options: &FormatOptions) -> Result<()> {
    let wrong = match options {
        FormatOptions::Csv(csv) if csv.header != (algorithm.job == Job::AutoMl) => Some("header"),
        FormatOptions::Csv(csv) if csv.delimiter != Delimiter::COMMA => Some("delimiter"),
        FormatOptions::Csv(csv) if !reads_whole_files_in(algorithm, csv.compression) => Some("compression"),
        FormatOptions::Csv(csv) if !csv.categorical.is_empty() && !algorithm.categorical_index => {
            Some("categorical")
        }
        FormatOptions::Libsvm(libsvm) if libsvm.one_based => Some("one_based"),
        FormatOptions::Libsvm(libsvm) if !reads_whole_files_in(algorithm, libsvm.compression) => {
            Some("compression")
        }
        FormatOptions::Recordio(recordio) if recordio.features != TensorType::Float32 => Some("dtype"),
        FormatOptions::Recordio(recordio) if recordio.labels != TensorType::Float32 => Some("label_dtype"),
        FormatOptions::Jsonl(jsonl) => wrong_jsonl(algorithm, jsonl),
        // DeepAR's page names gzip and Snappy.
        FormatOptions::Parquet(parquet)
            if algorithm.columns == ColumnRule::TimeSeries
                && !matches!(parquet.compression, ParquetCompression::None | ParquetCompression::Snappy) =>
        {
            Some("compression")
        }
        _ => None,
    };
    let Some(option) = wrong else { return Ok(()) };
    let message = format!("option '{option}' makes files that algorithm {} cannot read", algorithm.name);
    Err(Error::new(Code::BadOption, message).with_hint("leave it out"))
}

/// Files of a training job arrive as they are, and no algorithm that reads CSV or LIBSVM says that it decompresses them;
/// Autopilot's request has a word for gzip.
fn reads_whole_files_in(algorithm: &Algorithm, compression: Compression) -> bool {
    match compression {
        Compression::None => true,
        Compression::Gzip(_) => algorithm.job == Job::AutoMl,
        Compression::Zstd(_) => false,
    }
}

/// DeepAR knows the format by its extension, and gzip with it; the page of no other algorithm speaks of compression.
fn wrong_jsonl(algorithm: &Algorithm, jsonl: &JsonlOptions) -> Option<&'static str> {
    let is_deepar = algorithm.columns == ColumnRule::TimeSeries;
    match jsonl.compression {
        _ if is_deepar && jsonl.extension != JsonExtension::Json => Some("extension"),
        Compression::Zstd(_) => Some("compression"),
        Compression::Gzip(_) if !is_deepar => Some("compression"),
        _ => None,
    }
}
