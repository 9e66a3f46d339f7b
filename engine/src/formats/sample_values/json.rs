//! Nested values as JSON text.

use super::{Shown, Spans, is_scalar, is_temporal, list_parts};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

/// Whether values of a plain type have a JSON text.
pub(in crate::formats) fn is_json(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_json(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| is_json(field.data_type())),
        other => is_scalar(other),
    }
}

/// A column of a type that [`is_json`] accepts.
pub(in crate::formats) struct JsonValues<'a> {
    array: &'a dyn Array,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Number(Shown<'a>),
    Quoted(Shown<'a>),
    List(Spans<'a>, Box<JsonValues<'a>>),
    Struct(Vec<(String, JsonValues<'a>)>),
}

impl<'a> JsonValues<'a> {
    pub(in crate::formats) fn new(array: &'a dyn Array) -> Result<JsonValues<'a>> {
        let kind = if let Some((elements, spans)) = list_parts(array) {
            Kind::List(spans, Box::new(JsonValues::new(elements)?))
        } else if let DataType::Struct(fields) = array.data_type() {
            let columns = fields.iter().zip(array.as_struct().columns());
            let columns = columns.map(|(field, column)| {
                Ok((serde_json::Value::from(field.name().as_str()).to_string(), JsonValues::new(column)?))
            });
            Kind::Struct(columns.collect::<Result<_>>()?)
        } else if is_scalar(array.data_type()) && !is_temporal(array.data_type()) {
            Kind::Number(Shown::new(array)?)
        } else {
            Kind::Quoted(Shown::new(array)?)
        };
        Ok(JsonValues { array, kind })
    }

    /// Appends the text of a row's value.
    ///
    /// **Errors** [`Code::BadRow`] for a number that is not finite, as JSON has none.
    pub(in crate::formats) fn push(&self, row: usize, scratch: &mut String, out: &mut Vec<u8>) -> Result<()> {
        if self.array.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match &self.kind {
            Kind::Number(shown) => push_number(shown, row, scratch, out),
            Kind::Quoted(shown) => {
                scratch.clear();
                shown.push(row, scratch)?;
                serde_json::to_writer(out, scratch.as_str())
                    .map_err(|error| Error::new(Code::Internal, "a text cannot be quoted").with_source(error))
            }
            Kind::List(spans, elements) => {
                let range = spans.range(row);
                out.push(b'[');
                for at in range.clone() {
                    push_comma(at > range.start, out);
                    elements.push(at, scratch, out)?;
                }
                out.push(b']');
                Ok(())
            }
            Kind::Struct(fields) => {
                out.push(b'{');
                for (at, (name, values)) in fields.iter().enumerate() {
                    push_comma(at > 0, out);
                    out.extend_from_slice(name.as_bytes());
                    out.push(b':');
                    values.push(row, scratch, out)?;
                }
                out.push(b'}');
                Ok(())
            }
        }
    }
}

fn push_number(shown: &Shown<'_>, row: usize, scratch: &mut String, out: &mut Vec<u8>) -> Result<()> {
    scratch.clear();
    shown.push(row, scratch)?;
    if matches!(scratch.as_str(), "NaN" | "inf" | "-inf") {
        return Err(Error::new(Code::BadRow, format!("JSON cannot hold the number {scratch}"))
            .with_hint("replace it with NULL"));
    }
    out.extend_from_slice(scratch.as_bytes());
    Ok(())
}

fn push_comma(is_due: bool, out: &mut Vec<u8>) {
    if is_due {
        out.push(b',');
    }
}
