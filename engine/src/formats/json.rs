//! Rows as JSON objects, one a line: what JSON Lines and augmented manifests have in common. It owns the row loop;
//! `nodes` knows the types, `text` how strings are escaped.
//!
//! | value | JSON |
//! |---|---|
//! | null | `null`, or no member at all |
//! | boolean | `true`, `false` |
//! | integer | a number with all its digits |
//! | float | the shortest number that gives the same value in its own width |
//! | NaN, infinities | `null`, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | decimal | a number with all digits of its scale, no exponent: `12.50` |
//! | text | a string, escaped only where JSON leaves no choice |
//! | binary | a string in base64 (RFC 4648, padded) |
//! | date, time, timestamp | a string: ISO 8601, or as SQL writes timestamps |
//! | list | an array, a null in it `null` |
//! | struct, map | an object, its members in the order of the fields or entries |

mod nodes;
mod text;

use super::plain_types::plain_type;
use super::printing::page::{Page, Texts};
use super::{Columns, Encoder, ShardExtras, check_has_columns, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, SchemaRef};
use nodes::{Member, push_object};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a null member is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonNulls {
    /// `"name":null`.
    #[default]
    Null,
    /// Nothing.
    Omit,
}

/// What a float is that JSON has no number for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonNan {
    /// `null`.
    #[default]
    Null,
    /// `"NaN"`, `"Infinity"`, `"-Infinity"`.
    String,
}

/// How timestamps are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonTimestamps {
    /// `1996-03-13T12:00:00`, with `Z` where there is a time zone.
    #[default]
    Iso,
    /// `1996-03-13 12:00:00`, in UTC where there is a time zone.
    Sql,
}

/// How values are written that JSON has no one form for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct JsonStyle {
    pub(super) nulls: JsonNulls,
    pub(super) nan: JsonNan,
    pub(super) timestamps: JsonTimestamps,
}

/// Refuses columns without a form in JSON, for the format of that name.
pub(super) fn check_columns(format: &str, columns: &Columns) -> Result<()> {
    check_has_columns(format, columns.schema())?;
    for field in columns.schema().fields() {
        if let Some(fix) = fix_for(field, field.data_type()) {
            return Err(refuse_column(format, field, &fix));
        }
    }
    Ok(())
}

/// The expression that would make a column writable whose type, or a type inside it, JSON has no form for.
fn fix_for(field: &Field, data_type: &DataType) -> Option<String> {
    let name = sql_name(field);
    match plain_type(data_type) {
        DataType::Union(_, _) => Some(format!("union_extract({name}, '…')")),
        DataType::Duration(_) => Some(format!("CAST({name} AS BIGINT)")),
        DataType::Interval(_) => Some(format!("date_part('epoch', {name})")),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            fix_for(field, item.data_type())
        }
        DataType::Struct(fields) => fields.iter().find_map(|inner| fix_for(field, inner.data_type())),
        DataType::Map(entries, _) => match plain_type(entries.data_type()) {
            DataType::Struct(pair) if pair.first().is_some_and(|key| key.data_type().is_nested()) => {
                Some(format!("map_entries({name})"))
            }
            pair => fix_for(field, &pair),
        },
        _ => None,
    }
}

/// Refuses a nested column that has no form in JSON, for the format of that name.
pub(super) fn check_nested(format: &str, field: &Field) -> Result<()> {
    fix_for(field, field.data_type()).map_or(Ok(()), |fix| Err(refuse_column(format, field, &fix)))
}

/// The values of one column of a batch, each as JSON.
///
/// **Errors** [`Code::BadRow`] for a time that is not within a day.
pub(super) fn json_texts(array: &ArrayRef, field: &Field) -> Result<Texts> {
    let member = Member::new(array, field, JsonStyle::default())?;
    member.check_times(field, array.len())?;
    Ok(Texts::print(array.len(), member.typical_bytes(), 0, |row, page| member.push_value(row, page)))
}

/// One shard of JSON Lines. It buffers nothing.
#[derive(Debug)]
pub(super) struct JsonEncoder {
    schema: SchemaRef,
    style: JsonStyle,
}

impl JsonEncoder {
    /// For columns that passed [`check_columns`].
    pub(super) fn new(columns: &Columns, style: JsonStyle) -> Self {
        Self { schema: Arc::clone(columns.schema()), style }
    }
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        if batch.num_columns() != self.schema.fields().len() {
            let expected = self.schema.fields().len();
            let message = format!("a batch of {} columns came for a file of {expected}", batch.num_columns());
            return Err(Error::new(Code::Internal, message));
        }
        let columns = batch.columns().iter().zip(self.schema.fields());
        let members = columns
            .map(|(array, field)| Member::new(array, field, self.style))
            .collect::<Result<Vec<_>>>()?;
        for (member, field) in members.iter().zip(self.schema.fields()) {
            member.check_times(field, batch.num_rows())?;
        }
        out.reserve(batch.num_rows() * members.iter().map(Member::typical_bytes).sum::<usize>());
        let mut page = Page::new(out);
        for row in 0..batch.num_rows() {
            push_object(&members, row, self.style, &mut page);
            page.push_bytes(b"\n");
        }
        page.finish();
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<ShardExtras> {
        Ok(ShardExtras::default())
    }
}
