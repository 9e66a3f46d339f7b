//! Values as text, as `slt/README.md` prescribes.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The text of null.
pub const NULL: &str = "NULL";
/// The text of an empty text, which would else not be seen.
pub const EMPTY: &str = "(empty)";

/// The rows of `batches`, a text per value.
///
/// # Panics
/// A value has no text.
#[must_use]
pub fn rows(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    batches.iter().flat_map(batch_rows).collect()
}

fn batch_rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null(NULL);
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("every type has a text"))
        .collect();
    let value = |formatter: &ArrayFormatter<'_>, row| {
        let text = formatter.value(row).try_to_string().expect("every value has a text");
        if text.is_empty() { EMPTY.to_owned() } else { text }
    };
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| value(column, row)).collect()).collect()
}

/// The column letter of a type: `I`, `R`, `B`, `D` or `T`.
#[must_use]
pub fn letter(data_type: &DataType) -> char {
    match data_type {
        DataType::Dictionary(_, values) => letter(values),
        DataType::RunEndEncoded(_, values) => letter(values.data_type()),
        DataType::Boolean => 'B',
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => 'D',
        integer if integer.is_integer() => 'I',
        number if number.is_floating() || number.is_decimal() => 'R',
        _ => 'T',
    }
}
