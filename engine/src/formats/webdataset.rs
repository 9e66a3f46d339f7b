//! WebDataset shards: tar files of which each sample is a run of members `<key>.<extension>`, one per column, sorted. It
//! owns keys and members; `tar` knows the archive and `npy` NumPy's arrays.
//!
//! | column | member |
//! |---|---|
//! | null | none |
//! | binary, text | its bytes |
//! | boolean, number, decimal, date, time | its text, as in CSV: a boolean is `1` or `0` |
//! | list of numbers, where the extension is `npy` or ends in `.npy` | a NumPy array |
//! | struct, other list | JSON |

mod npy;
mod tar;

use super::csv::cells::scalar_texts;
use super::json::{check_nested, json_texts};
use super::plain_types::{plain_array, plain_schema};
use super::sample_values::{Number, Values, Vectors, bad_row, is_scalar};
use super::{
    ColumnRoles, Columns, Compression, Encoder, Format, Role, ShardExtras, check_has_columns, refuse_column,
    sql_name,
};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Options of WebDataset shards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WebDatasetOptions {
    /// `'compression'`: of the whole file, `gzip` or none; none unless said otherwise.
    pub compression: Compression,
}

/// `STORED AS WEBDATASET`.
#[derive(Debug)]
pub(super) struct WebDataset {
    options: WebDatasetOptions,
}

impl WebDataset {
    pub(super) fn new(options: WebDatasetOptions) -> Self {
        Self { options }
    }
}

impl Format for WebDataset {
    fn name(&self) -> &'static str {
        "WEBDATASET"
    }

    fn extension(&self) -> String {
        format!("tar{}", self.options.compression.suffix())
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/x-tar".to_owned()
    }

    fn roles(&self) -> &'static [Role] {
        &[Role::Key]
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        let key = columns.roles().position(Role::Key);
        let schema = plain_schema(columns.schema());
        for (index, field) in schema.fields().iter().enumerate() {
            if key == Some(index) { check_key_type(field)? } else { check_member(field)? }
        }
        if key.is_some() && columns.count() == 1 {
            return Err(Error::new(Code::Unsupported, "a WEBDATASET sample cannot consist of its key only")
                .with_hint("select at least one column beside the key"));
        }
        Ok(())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        let schema = plain_schema(columns.schema());
        let key = columns.roles().position(Role::Key);
        let mut members: Vec<(usize, FieldRef)> = schema.fields().iter().cloned().enumerate().collect();
        members.retain(|(index, _)| key != Some(*index));
        members.sort_by(|a, b| a.1.name().cmp(b.1.name()));
        self.options.compression.wrap(Box::new(WebDatasetEncoder {
            key: key.map(|index| (index, FieldRef::clone(&schema.fields()[index]))),
            members,
            rows: 0,
            last_key: String::new(),
        }))
    }
}

fn check_key_type(field: &Field) -> Result<()> {
    let data_type = field.data_type();
    if matches!(data_type, DataType::Utf8 | DataType::LargeUtf8) || data_type.is_integer() {
        return Ok(());
    }
    Err(refuse_column("WEBDATASET", field, &format!("CAST({} AS VARCHAR) as its key", sql_name(field))))
}

/// A member's extension is its column's name, which readers lower-case.
fn check_member(field: &Field) -> Result<()> {
    let name = field.name();
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-');
    let is_extension = !name.is_empty()
        && name.bytes().all(is_plain)
        && name.split('.').all(|part| !part.is_empty())
        && !name.starts_with("__");
    if !is_extension {
        let message = format!("column \"{name}\" cannot be the extension of a WEBDATASET member");
        return Err(Error::new(Code::Unsupported, message)
            .with_hint("rename it with AS: letters from a to z, digits, '_', '-' and '.' between them"));
    }
    let data_type = field.data_type();
    match data_type {
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => Ok(()),
        DataType::Utf8 | DataType::LargeUtf8 => Ok(()),
        scalar if is_scalar(scalar) => Ok(()),
        nested if nested.is_nested() => check_nested("WEBDATASET", field),
        _ => Err(refuse_column("WEBDATASET", field, &format!("CAST({} AS VARCHAR)", sql_name(field)))),
    }
}

/// Whether lists of numbers become NumPy's arrays.
fn is_npy(field: &Field) -> bool {
    field.name().rsplit('.').next() == Some("npy")
}

/// One WebDataset shard. It buffers nothing.
#[derive(Debug)]
struct WebDatasetEncoder {
    key: Option<(usize, FieldRef)>,
    members: Vec<(usize, FieldRef)>,
    rows: u64,
    last_key: String,
}

/// A column of a batch.
struct Member<'a> {
    array: &'a dyn Array,
    content: Content<'a>,
}

enum Content<'a> {
    Plain(Values<'a>),
    Npy(Number, Vectors<'a>),
}

impl<'a> Member<'a> {
    fn new(array: &'a ArrayRef, field: &Field) -> Result<Member<'a>> {
        let data_type = array.data_type();
        let content = match Number::of_elements(data_type).filter(|_| is_npy(field)) {
            Some(number) => match Values::new(array, field)? {
                Values::Vectors(vectors) => Content::Npy(number, vectors),
                other => Content::Plain(other),
            },
            None if data_type.is_nested() => Content::Plain(Values::Texts(json_texts(array, field)?)),
            None if is_scalar(data_type) => Content::Plain(Values::Texts(scalar_texts(array, field)?)),
            None => Content::Plain(Values::new(array, field)?),
        };
        Ok(Member { array, content })
    }

    fn push(&self, row: usize, field: &Field, out: &mut Vec<u8>) -> Result<()> {
        match &self.content {
            Content::Plain(values) => out.extend_from_slice(values.plain_bytes(row).unwrap_or_default()),
            Content::Npy(number, vectors) => {
                let bytes = vectors.get(row, field)?;
                npy::push(*number, vectors.spans.range(row).len(), bytes, out);
            }
        }
        Ok(())
    }
}

/// The key column of a batch.
struct Keys<'a> {
    field: &'a Field,
    array: &'a dyn Array,
    keys: Values<'a>,
}

impl Keys<'_> {
    /// The key of a row, checked.
    fn read(&self, row: usize, last: &str, key: &mut String) -> Result<()> {
        if self.array.is_null(row) {
            return Err(bad_row(self.field, "has a null, which is no key of a sample"));
        }
        key.push_str(&String::from_utf8_lossy(self.keys.plain_bytes(row).unwrap_or_default()));
        let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
        let basename = key.rsplit('/').next().unwrap_or_default();
        if basename.contains('.') || !key.split('/').all(is_part) || key.contains('\0') {
            let what = format!("has the value \"{}\", which is no key of a sample", key.escape_debug());
            return Err(
                bad_row(self.field, &what).with_hint("a key is a relative path whose last part has no dot")
            );
        }
        if key == last {
            let what = format!("has the value \"{}\" in two rows", key.escape_debug());
            return Err(bad_row(self.field, &what).with_hint("a key names one row"));
        }
        Ok(())
    }
}

/// Keys that are text as they are, integers as text.
fn key_values<'a>(array: &'a ArrayRef, field: &Field) -> Result<Values<'a>> {
    if array.data_type().is_integer() {
        return Ok(Values::Texts(scalar_texts(array, field)?));
    }
    Values::new(array, field)
}

/// The samples of a batch, and room for a name.
struct Samples<'a> {
    keys: Option<Keys<'a>>,
    members: Vec<Member<'a>>,
    name: String,
}

impl WebDatasetEncoder {
    fn push_sample(&mut self, row: usize, samples: &mut Samples<'_>, out: &mut Vec<u8>) -> Result<()> {
        let Samples { keys, members, name } = samples;
        name.clear();
        match keys {
            Some(keys) => keys.read(row, &self.last_key, name)?,
            // Writing to a string cannot fail.
            None => write!(name, "{:09}", self.rows).unwrap_or_default(),
        }
        self.rows += 1;
        self.last_key.clone_from(name);
        let (key_bytes, start) = (name.len(), out.len());
        for (member, (_, field)) in members.iter().zip(&self.members) {
            if member.array.is_null(row) {
                continue;
            }
            name.truncate(key_bytes);
            name.push('.');
            name.push_str(field.name());
            let header = tar::reserve_header(out);
            member.push(row, field, out)?;
            tar::close_member(name, header, out)?;
        }
        if out.len() == start {
            let message = format!("sample \"{}\" has nulls only: it would be missing", self.last_key);
            return Err(Error::new(Code::BadRow, message).with_hint("leave such rows out"));
        }
        Ok(())
    }
}

impl Encoder for WebDatasetEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let expected = self.members.len() + usize::from(self.key.is_some());
        if batch.num_columns() != expected {
            let message = format!("a batch of {} columns came for a file of {expected}", batch.num_columns());
            return Err(Error::new(Code::Internal, message));
        }
        let plain = |(index, field): &(usize, FieldRef)| plain_array(batch.column(*index), field);
        let arrays = self.members.iter().map(plain).collect::<Result<Vec<_>>>()?;
        let members = arrays.iter().zip(&self.members);
        let members =
            members.map(|(array, (_, field))| Member::new(array, field)).collect::<Result<Vec<_>>>()?;
        let key = self.key.clone();
        let key_array = key.as_ref().map(plain).transpose()?;
        let keys = match key.as_ref().zip(key_array.as_ref()) {
            Some(((_, field), array)) => Some(Keys { field, array, keys: key_values(array, field)? }),
            None => None,
        };
        let mut samples = Samples { keys, members, name: String::new() };
        (0..batch.num_rows()).try_for_each(|row| self.push_sample(row, &mut samples, out))
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        tar::push_end(out);
        Ok(ShardExtras::default())
    }
}

#[cfg(test)]
mod tests;
