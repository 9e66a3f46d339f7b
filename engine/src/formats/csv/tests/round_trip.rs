//! What a reader gets back is what was written: by a parser of RFC 4180 written for the test, and by arrow's.

use super::super::super::tests::{features, with_options};
use super::super::super::{FormatKind, encode_all};
use super::batch;
use arrow::array::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::io::Cursor;
use std::sync::Arc;

/// Records of fields; a field that is empty and unquoted is `None`.
fn parse(text: &str, delimiter: char) -> Vec<Vec<Option<String>>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let quoted = rest.next_if_eq(&'"').is_some();
        let mut field = String::new();
        while let Some(next) = rest.next_if(|next| quoted || (*next != delimiter && *next != '\n')) {
            if !quoted || next != '"' || rest.next_if_eq(&'"').is_some() {
                field.push(next);
            } else {
                break;
            }
        }
        record.push((quoted || !field.is_empty()).then_some(field));
        if rest.next() == Some('\n') {
            records.push(std::mem::take(&mut record));
        }
    }
    records
}

type Row = (Option<String>, Option<i64>, Option<f64>, Option<String>);

fn row() -> impl Strategy<Value = Row> {
    let text = || prop_oneof!["[ -~]{0,40}", "[a,;\"\n\r|]{0,6}", "\\PC{0,90}"];
    (of(text()), of(any::<i64>()), of(any::<f64>()), of(text()))
}

fn columns(rows: &[Row]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("plain", Arc::new(rows.iter().map(|row| row.0.as_deref()).collect::<StringArray>())),
        ("integer", Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())),
        ("float", Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>())),
        ("view", Arc::new(rows.iter().map(|row| row.3.as_deref()).collect::<StringViewArray>())),
    ]
}

proptest! {
    #[test]
    fn every_value_comes_back(rows in vec(row(), 1..40), delimiter in prop::sample::select(vec![",", ";", "|", "\t"])) {
        let batch = batch(columns(&rows));
        let format = with_options(FormatKind::Csv, &[("delimiter", delimiter)]);
        let text = String::from_utf8(encode_all(format.as_ref(), &features(&batch.schema()), &[batch]).unwrap()).unwrap();
        let records = parse(&text, delimiter.chars().next().unwrap());
        let read: Vec<Row> = records.into_iter().map(|record| {
            let [plain, integer, float, view] = record.try_into().unwrap();
            (plain, integer.map(|text| text.parse().unwrap()), float.map(|text| text.parse().unwrap()), view)
        }).collect();
        prop_assert_eq!(format!("{read:?}"), format!("{rows:?}"));
    }

    #[test]
    fn arrow_reads_the_same_batch(rows in vec(row(), 1..40), start in 0..40usize) {
        // arrow reads an empty text as a null, quoted or not.
        let full = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let rows: Vec<Row> = rows.iter().map(|row| (full(&row.0), row.1, row.2, full(&row.3))).collect();
        let start = start.min(rows.len() - 1);
        let batch = batch(columns(&rows)).slice(start, rows.len() - start);
        let format = with_options(FormatKind::Csv, &[("header", "true")]);
        let bytes = encode_all(format.as_ref(), &features(&batch.schema()), std::slice::from_ref(&batch)).unwrap();
        let reader = arrow::csv::ReaderBuilder::new(batch.schema()).with_header(true).build(Cursor::new(bytes));
        let read = reader.unwrap().next().unwrap().unwrap();
        for (read, written) in read.columns().iter().zip(batch.columns()) {
            prop_assert_eq!(read.to_data(), written.to_data());
        }
    }
}
