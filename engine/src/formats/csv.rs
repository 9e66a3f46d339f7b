//! CSV shards, as SageMaker's XGBoost reads them and pandas, Spark and DuckDB too. It owns the options, the header and
//! the row loop; `cells` knows the types.
//!
//! No reader of a training job unquotes: XGBoost's (dmlc) splits at every delimiter and gives each field to `strtof`.
//! So numbers are never quoted, and text is only where RFC 4180 leaves no choice.
//!
//! | value | text |
//! |---|---|
//! | null | nothing; `""` in a file of one column |
//! | boolean | `1`, `0` |
//! | integer | decimal |
//! | float | the shortest text that gives the same value in its own width; `nan`, `inf`, `-inf`, `-0.0` |
//! | decimal | all digits of its scale, no exponent: `12.50` |
//! | date | `1996-03-13`; years outside 0–9999 as ISO 8601 has them: `+12345-01-01`, `-0044-03-15` |
//! | time | `12:00:00`, with 3, 6 or 9 digits of a fraction that is not zero |
//! | timestamp | `1996-03-13T12:00:00`, fraction likewise; with a time zone: in UTC, and `Z` at the end |
//! | list of fixed size of numbers | a field for each element; all are null where the list is |
//! | text | itself; in quotes, quotes doubled, if it holds the delimiter, `"`, `\n` or `\r`; empty: `""` |
//!
//! A null in a file of one column would be an empty line, which pandas and dmlc skip, so that the file had fewer rows
//! than its manifest says. `""` is a row, and a missing value to pandas, DuckDB and pyarrow (tried with 3.1, 2.0, 26.0);
//! the `csv` modules of Python and Rust write the same. In such a file, and in no other, a null and an empty text look
//! alike.

pub(super) mod cells;
mod fields;
mod text;

use super::plain_types::plain_type;
use super::printing::page::Page;
use super::{
    ColumnRoles, Columns, Compression, Encoder, Format, Role, ShardExtras, SideFile, check_has_columns,
    refuse_column, sql_name,
};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use cells::{Column, Place};
use fields::vector_size;
use gristmill_proto::manifest::ShardInfo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use text::TextStyle;

/// Options of CSV files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CsvOptions {
    /// `'header'`: whether each file starts with the column names.
    pub header: bool,
    /// `'delimiter'`: what separates fields; a comma unless said otherwise.
    pub delimiter: Delimiter,
    /// `'compression'`: of the whole file; none unless said otherwise.
    pub compression: Compression,
    /// `'categorical'`: features that `categorical_index.json` lists beside the shards; none unless said otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<String>,
}

/// An ASCII character that occurs in no unquoted number, date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(u8);

impl Delimiter {
    /// The comma.
    pub const COMMA: Delimiter = Delimiter(b',');

    /// One character; a tab may be written `\t`.
    ///
    /// **Errors** [`Code::BadOption`] for a letter, digit, quote, line end, NUL, or one of `+ - . :`, as those are parts
    /// of values that are never quoted.
    pub fn parse(text: &str) -> Result<Delimiter> {
        let text = if text == "\\t" { "\t" } else { text };
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\n\r\0+-.:".contains(byte) => {
                Ok(Self(*byte))
            }
            _ => Err(Error::new(
                Code::BadOption,
                format!("option 'delimiter' has the value '{}': not a delimiter", text.escape_debug()),
            )
            .with_hint("write one ASCII character such as ',', ';', '|' or '\\t'")),
        }
    }

    fn byte(self) -> u8 {
        self.0
    }
}

impl TryFrom<String> for Delimiter {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> String {
        char::from(delimiter.0).to_string()
    }
}

/// `STORED AS CSV`.
#[derive(Debug)]
pub(super) struct Csv {
    options: CsvOptions,
}

impl Csv {
    pub(super) fn new(options: CsvOptions) -> Self {
        Self { options }
    }
}

impl Format for Csv {
    fn name(&self) -> &'static str {
        "CSV"
    }

    fn extension(&self) -> String {
        format!("csv{}", self.options.compression.suffix())
    }

    /// With a header: what Autopilot declares, the only reader of SageMaker that accepts one.
    fn content_type(&self, roles: ColumnRoles) -> String {
        if self.options.header {
            return "text/csv;header=present".to_owned();
        }
        format!("text/csv;label_size={}", roles.labels)
    }

    /// The weight is the second column, where XGBoost looks for it with `csv_weights`.
    fn roles(&self) -> &'static [Role] {
        &[Role::Weight]
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        check_has_columns(self.name(), columns.schema())?;
        columns.schema().fields().iter().try_for_each(|field| check_field(field))?;
        fields::check_roles(columns)?;
        fields::categorical_index(columns, &self.options.categorical).map(|_| ())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        self.check(columns)?;
        self.options.compression.wrap(Box::new(CsvEncoder {
            schema: Arc::clone(columns.schema()),
            delimiter: self.options.delimiter.byte(),
            header_is_due: self.options.header,
        }))
    }

    /// What LightGBM, CatBoost and TabTransformer read beside the data.
    fn split_files(&self, columns: &Columns, _shards: &[&ShardInfo]) -> Result<Vec<SideFile>> {
        Ok(fields::categorical_index(columns, &self.options.categorical)?.into_iter().collect())
    }
}

fn check_field(field: &Field) -> Result<()> {
    let name = sql_name(field);
    let fix = match plain_type(field.data_type()) {
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            format!("encode({name}, 'hex')")
        }
        vector if vector_size(&vector).is_some() => return Ok(()),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
            format!("elements ({name}[1], {name}[2], …) or array_to_string({name}, ' ')")
        }
        DataType::Struct(fields) => {
            let inner = fields.first().map_or("field", |inner| inner.name().as_str());
            format!("fields ({name}['{}'], …)", inner.replace('\'', "''"))
        }
        DataType::Map(_, _) => format!("values ({name}['key'], …)"),
        DataType::Union(_, _) => format!("union_extract({name}, '…')"),
        DataType::Duration(_) => format!("CAST({name} AS BIGINT)"),
        DataType::Interval(_) => format!("date_part('epoch', {name})"),
        _ => return Ok(()),
    };
    Err(refuse_column("CSV", field, &fix))
}

/// One CSV shard. It buffers nothing.
#[derive(Debug)]
struct CsvEncoder {
    schema: SchemaRef,
    delimiter: u8,
    header_is_due: bool,
}

impl CsvEncoder {
    /// How the fields of the column number `index` stand in a row.
    fn place(&self, index: usize) -> Place {
        let is_last = index + 1 == self.schema.fields().len();
        let ending = if is_last { b'\n' } else { self.delimiter };
        // A null alone in its row must not be an empty line.
        let null: &[u8] = if fields::count(&self.schema) == 1 { b"\"\"" } else { b"" };
        Place { delimiter: self.delimiter, ending, null }
    }

    fn push_header(&mut self, page: &mut Page<'_>) {
        if std::mem::take(&mut self.header_is_due) {
            let style = TextStyle::searched(self.delimiter);
            let names = self.schema.fields().iter().flat_map(|field| fields::names(field));
            let names: Vec<String> = names.collect();
            for (index, name) in names.iter().enumerate() {
                let ending = if index + 1 == names.len() { b'\n' } else { self.delimiter };
                style.push(page, name, ending);
            }
        }
    }
}

impl Encoder for CsvEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        if batch.num_columns() != self.schema.fields().len() {
            let expected = self.schema.fields().len();
            let message = format!("a batch of {} columns came for a file of {expected}", batch.num_columns());
            return Err(Error::new(Code::Internal, message));
        }
        let columns = batch.columns().iter().zip(self.schema.fields()).enumerate();
        let columns = columns
            .map(|(index, (array, field))| Column::new(array, field, self.place(index)))
            .collect::<Result<Vec<_>>>()?;
        out.reserve(batch.num_rows() * columns.iter().map(Column::typical_bytes).sum::<usize>());
        let mut page = Page::new(out);
        self.push_header(&mut page);
        for row in 0..batch.num_rows() {
            for column in &columns {
                column.push(row, &mut page);
            }
        }
        page.finish();
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        let mut page = Page::new(out);
        self.push_header(&mut page);
        page.finish();
        Ok(ShardExtras::default())
    }
}

#[cfg(test)]
mod tests;
