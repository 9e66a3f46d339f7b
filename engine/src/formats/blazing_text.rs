//! What BlazingText reads as text: a row a line, its labels first, each after `__label__`, then its words with spaces
//! between. Without labels, words alone: what its unsupervised modes read.

use super::plain_types::{plain_array, plain_type};
use super::{ColumnRoles, Columns, Encoder, Format, ShardExtras, check_has_columns, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, SchemaRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a word starts with that is a label.
const LABEL: &str = "__label__";

/// Options of BlazingText files: there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlazingTextOptions {}

/// `STORED AS BLAZINGTEXT`.
#[derive(Debug)]
pub(super) struct BlazingText;

impl Format for BlazingText {
    fn name(&self) -> &'static str {
        "BLAZINGTEXT"
    }

    fn extension(&self) -> String {
        "txt".to_owned()
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "text/plain".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        for field in columns.labels() {
            let data_type = plain_type(field.data_type());
            if !(is_text(&data_type) || data_type.is_integer()) {
                let fix = format!("CAST({} AS VARCHAR)", sql_name(field));
                return Err(refuse_column("a label of BLAZINGTEXT", field, &fix));
            }
        }
        match columns.features() {
            [field] if is_text(&plain_type(field.data_type())) => Ok(()),
            [field] => {
                let name = sql_name(field);
                let fix = format!("text, such as CAST({name} AS VARCHAR) or array_to_string({name}, ' '),");
                Err(refuse_column(self.name(), field, &fix))
            }
            others => {
                let message = format!(
                    "{} holds one column of text beside its labels, not {}",
                    self.name(),
                    others.len()
                );
                Err(Error::new(Code::Unsupported, message)
                    .with_hint("select LABEL and one column of words with spaces between"))
            }
        }
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        Ok(Box::new(BlazingTextEncoder {
            schema: Arc::clone(columns.schema()),
            labels: columns.labels().len(),
        }))
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8)
}

/// One file of lines. It buffers nothing.
#[derive(Debug)]
struct BlazingTextEncoder {
    schema: SchemaRef,
    labels: usize,
}

impl Encoder for BlazingTextEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns
            .map(|(array, field)| {
                let text = plain_array(array, &Field::new(field.name(), DataType::Utf8View, true))?;
                Ok(text.as_string_view().clone())
            })
            .collect::<Result<Vec<StringViewArray>>>()?;
        let Some((text, labels)) = columns.split_last().filter(|(_, labels)| labels.len() == self.labels)
        else {
            let expected = self.schema.fields().len();
            let message = format!("a batch of {} columns came for a file of {expected}", batch.num_columns());
            return Err(Error::new(Code::Internal, message));
        };
        out.reserve(text.total_bytes_len() + batch.num_rows() * (1 + 16 * labels.len()));
        for row in 0..batch.num_rows() {
            self.push_labels(labels, row, out)?;
            self.push_text(text, row, out)?;
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

impl BlazingTextEncoder {
    /// The labels of a row; one that is null is not written, but one there must be.
    fn push_labels(&self, labels: &[StringViewArray], row: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut is_labelled = labels.is_empty();
        for (labels, field) in labels.iter().zip(self.schema.fields()) {
            if labels.is_null(row) {
                continue;
            }
            let label = labels.value(row);
            if label.is_empty() || label.contains(|letter: char| letter.is_whitespace() || letter == '\0') {
                return Err(bad_value(field, label, "a label is one word"));
            }
            out.extend_from_slice(LABEL.as_bytes());
            out.extend_from_slice(label.as_bytes());
            out.push(b' ');
            is_labelled = true;
        }
        if is_labelled {
            return Ok(());
        }
        let message =
            format!("column \"{}\" is null in a row without another label", self.schema.field(0).name());
        Err(Error::new(Code::BadRow, message).with_hint("leave out such rows with WHERE … IS NOT NULL"))
    }

    fn push_text(&self, texts: &StringViewArray, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let field = self.schema.field(self.labels);
        if texts.is_null(row) {
            return Err(Error::new(Code::BadRow, format!("column \"{}\" is null", field.name()))
                .with_hint("leave out such rows with WHERE … IS NOT NULL"));
        }
        let text = texts.value(row);
        if text.bytes().fold(false, |found, byte| found | (byte == b'\n') | (byte == b'\r') | (byte == 0)) {
            return Err(bad_value(field, text, "a row is one line, without line ends or NUL"));
        }
        if self.labels > 0 && text.contains(LABEL) {
            return Err(bad_value(field, text, "a word that starts with __label__ would be a label"));
        }
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
        Ok(())
    }
}

fn bad_value(field: &Field, value: &str, rule: &str) -> Error {
    const SHOWN: usize = 80;
    let shown: String = value.chars().take(SHOWN).collect();
    let message = format!("column \"{}\" has the value '{}': {rule}", field.name(), shown.escape_debug());
    Error::new(Code::BadRow, message).with_hint("clean it in the query, for example with replace(…)")
}

#[cfg(test)]
mod tests;
