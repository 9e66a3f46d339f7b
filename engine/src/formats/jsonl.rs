//! JSON Lines: one object a row, the columns as its members, in their order. What DeepAR, Object2Vec and BlazingText's
//! manifest form read.

use super::json::{JsonEncoder, JsonNan, JsonNulls, JsonStyle, JsonTimestamps, check_columns};
use super::options::{take, take_compression};
use super::{ColumnRoles, Columns, Compression, Encoder, Format, FormatDefaults};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Options of JSON Lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JsonlOptions {
    /// `'nulls'`: what a null member is; `null` unless said otherwise.
    pub nulls: JsonNulls,
    /// `'nan'`: what a float is that JSON has no number for; `null` unless said otherwise.
    pub nan: JsonNan,
    /// `'timestamp_format'`: ISO 8601 unless said otherwise.
    pub timestamp_format: JsonTimestamps,
    /// `'extension'`: of the files; `jsonl` unless said otherwise.
    pub extension: JsonExtension,
    /// `'compression'`: of the whole file; none unless said otherwise.
    pub compression: Compression,
}

/// The extension of JSON Lines files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonExtension {
    /// The common one.
    #[default]
    Jsonl,
    /// What DeepAR knows the format by.
    Json,
}

impl JsonlOptions {
    pub(super) fn take(
        options: &mut BTreeMap<String, String>,
        defaults: FormatDefaults,
    ) -> Result<JsonlOptions> {
        let nulls = take(options, &["nulls"])?;
        let nan = take(options, &["nan"])?;
        let timestamps = take(options, &["timestamp_format", "format.timestamp_format"])?;
        let extension = take(options, &["extension"])?;
        Ok(JsonlOptions {
            nulls: nulls.map_or(Ok(JsonNulls::default()), |given| {
                given.one_of(&[("null", JsonNulls::Null), ("omit", JsonNulls::Omit)])
            })?,
            nan: nan.map_or(Ok(JsonNan::default()), |given| {
                given.one_of(&[("null", JsonNan::Null), ("string", JsonNan::String)])
            })?,
            timestamp_format: timestamps.map_or(Ok(defaults.json_timestamps), |given| {
                given.one_of(&[("iso", JsonTimestamps::Iso), ("sql", JsonTimestamps::Sql)])
            })?,
            extension: extension.map_or(Ok(defaults.json_extension), |given| {
                given.one_of(&[("jsonl", JsonExtension::Jsonl), ("json", JsonExtension::Json)])
            })?,
            compression: take_compression(options)?,
        })
    }
}

/// `STORED AS JSONL`.
#[derive(Debug)]
pub(super) struct Jsonl {
    options: JsonlOptions,
}

impl Jsonl {
    pub(super) fn new(options: JsonlOptions) -> Self {
        Self { options }
    }
}

impl Format for Jsonl {
    fn name(&self) -> &'static str {
        "JSONL"
    }

    fn extension(&self) -> String {
        let extension = match self.options.extension {
            JsonExtension::Jsonl => "jsonl",
            JsonExtension::Json => "json",
        };
        format!("{extension}{}", self.options.compression.suffix())
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/jsonlines".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_columns(self.name(), columns)
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        let JsonlOptions { nulls, nan, timestamp_format: timestamps, compression, .. } = self.options;
        compression.wrap(Box::new(JsonEncoder::new(columns, JsonStyle { nulls, nan, timestamps })))
    }
}

#[cfg(test)]
mod tests;
