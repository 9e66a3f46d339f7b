//! Augmented manifests: JSON Lines that SageMaker itself reads, in Pipe mode. A column whose name ends in `-ref` names
//! an object on S3, which the training job gets in place of the name.

use super::json::{JsonEncoder, JsonStyle, check_columns};
use super::plain_types::{plain_array, plain_type};
use super::{ColumnRoles, Columns, Encoder, Format, ShardExtras, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, SchemaRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most attributes a channel can have (`AttributeNames` of SageMaker's `S3DataSource`).
const MOST_ATTRIBUTES: usize = 16;

/// Options of augmented manifests: there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AugmentedManifestOptions {}

/// `STORED AS AUGMENTED_MANIFEST`.
#[derive(Debug)]
pub(super) struct AugmentedManifest;

impl Format for AugmentedManifest {
    fn name(&self) -> &'static str {
        "AUGMENTED_MANIFEST"
    }

    fn extension(&self) -> String {
        "manifest".to_owned()
    }

    /// Of what comes out of the pipe: each attribute in a record of its own.
    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/x-recordio".to_owned()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_columns(self.name(), columns)?;
        if columns.count() > MOST_ATTRIBUTES {
            let message = format!("{} cannot hold {} columns", self.name(), columns.count());
            return Err(Error::new(Code::Unsupported, message)
                .with_hint(format!("select at most {MOST_ATTRIBUTES}: a channel has no more attributes")));
        }
        for field in columns.schema().fields().iter().filter(|field| is_reference(field)) {
            if !matches!(plain_type(field.data_type()), DataType::Utf8 | DataType::LargeUtf8) {
                let fix = format!("an S3 URI as text, such as CAST({} AS VARCHAR),", sql_name(field));
                return Err(refuse_column(self.name(), field, &fix));
            }
        }
        Ok(())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        let rows = JsonEncoder::new(columns, JsonStyle::default());
        Ok(Box::new(ManifestEncoder { schema: Arc::clone(columns.schema()), rows }))
    }
}

fn is_reference(field: &Field) -> bool {
    field.name().ends_with("-ref")
}

/// One augmented manifest. It buffers nothing.
#[derive(Debug)]
struct ManifestEncoder {
    schema: SchemaRef,
    rows: JsonEncoder,
}

impl Encoder for ManifestEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        for (array, field) in batch.columns().iter().zip(self.schema.fields()) {
            if is_reference(field) {
                check_references(array, field)?;
            }
        }
        self.rows.encode(batch, out)
    }

    fn buffered_bytes(&self) -> usize {
        self.rows.buffered_bytes()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        self.rows.finish(out)
    }
}

/// Refuses a value that names no object on S3.
fn check_references(array: &ArrayRef, field: &Field) -> Result<()> {
    let text = plain_array(array, &Field::new(field.name(), DataType::Utf8View, true))?;
    let wrong = text.as_string_view().iter().find(|value| !value.is_some_and(is_object_uri));
    let Some(value) = wrong else { return Ok(()) };
    let shown = value.map_or("a null".to_owned(), |value| format!("the value '{}'", value.escape_debug()));
    let message = format!("column \"{}\" has {shown}, which is no S3 URI of an object", field.name());
    Err(Error::new(Code::BadRow, message).with_hint("write s3://bucket/key"))
}

fn is_object_uri(text: &str) -> bool {
    let parts = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
}

#[cfg(test)]
mod tests;
