//! Whether an algorithm can read what a statement would write: its splits, its options, its columns.

use super::algorithm::Algorithm;
use super::target::TargetOptions;
use crate::error::{Code, Error, Result};
use crate::formats::{Columns, Compression, Delimiter, FormatOptions, JsonExtension, TensorType, type_name};
use arrow::datatypes::DataType;

impl TargetOptions {
    /// Refuses what the algorithm, if one is named, cannot read.
    ///
    /// # Errors
    /// `BadOption` for an option and for splits without a channel, `UnsupportedColumnType` for a column.
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
        check_options(algorithm, options)?;
        check_columns(algorithm, options, columns)
    }
}

fn check_options(algorithm: &Algorithm, options: &FormatOptions) -> Result<()> {
    let wrong = match options {
        FormatOptions::Csv(csv) if csv.header => Some("header"),
        FormatOptions::Csv(csv) if csv.delimiter != Delimiter::COMMA => Some("delimiter"),
        FormatOptions::Csv(csv) if matches!(csv.compression, Compression::Zstd(_)) => Some("compression"),
        FormatOptions::Csv(csv) if !csv.categorical.is_empty() && !algorithm.categorical_index => {
            Some("categorical")
        }
        FormatOptions::Libsvm(libsvm) if libsvm.one_based => Some("one_based"),
        FormatOptions::Recordio(recordio) if recordio.features != TensorType::Float32 => Some("dtype"),
        FormatOptions::Recordio(recordio) if recordio.labels != TensorType::Float32 => Some("label_dtype"),
        _ => None,
    };
    if let Some(option) = wrong {
        let message = format!("option '{option}' makes files that algorithm {} cannot read", algorithm.name);
        return Err(Error::new(Code::BadOption, message).with_hint("leave it out"));
    }
    match options {
        FormatOptions::Jsonl(jsonl)
            if algorithm.name == "forecasting-deepar" && jsonl.extension != JsonExtension::Json =>
        {
            let message = "algorithm forecasting-deepar knows JSON Lines by the extension json";
            Err(Error::new(Code::BadOption, message)
                .with_hint("add OPTIONS ('extension' 'json', 'timestamp_format' 'sql')"))
        }
        _ => Ok(()),
    }
}

fn check_columns(algorithm: &Algorithm, options: &FormatOptions, columns: &Columns) -> Result<()> {
    let fields = columns.schema().fields();
    if algorithm.name == "forecasting-deepar"
        && let Some(missing) =
            ["start", "target"].iter().find(|name| !fields.iter().any(|field| field.name() == *name))
    {
        let message = format!("algorithm forecasting-deepar reads a column \"{missing}\", and there is none");
        return Err(Error::new(Code::BadOption, message).with_hint("name it with AS"));
    }
    let takes_lists = match options {
        FormatOptions::Csv(_) => true,
        FormatOptions::Parquet(_) => false,
        // Others hold numbers only, or are no tables.
        _ => return Ok(()),
    };
    if !algorithm.numbers_only {
        return Ok(());
    }
    match fields.iter().find(|field| !is_readable(field.data_type(), takes_lists)) {
        None => Ok(()),
        Some(field) => {
            let (name, found) = (field.name(), type_name(field.data_type()));
            let message =
                format!("column \"{name}\" is {found}, and algorithm {} reads numbers only", algorithm.name);
            Err(Error::new(Code::UnsupportedColumnType, message)
                .with_hint("encode it as a number in the query, or leave it out"))
        }
    }
}

fn is_readable(data_type: &DataType, takes_lists: bool) -> bool {
    match data_type {
        DataType::Boolean => true,
        DataType::Dictionary(_, values) => is_readable(values, false),
        DataType::FixedSizeList(item, _) => takes_lists && is_readable(item.data_type(), false),
        number => number.is_numeric(),
    }
}
