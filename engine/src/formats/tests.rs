use super::*;
use arrow::array::{ArrayRef, BinaryArray, DictionaryArray, Int64Array, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use std::collections::BTreeMap;

pub(super) fn default_format(kind: FormatKind) -> Arc<dyn Format> {
    with_options(kind, &[])
}

pub(super) fn with_options(kind: FormatKind, given: &[(&str, &str)]) -> Arc<dyn Format> {
    let mut options: BTreeMap<_, _> =
        given.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    format(&FormatOptions::take(kind, &mut options, FormatDefaults::TRAINING_SET).unwrap())
}

/// Columns of that schema that are features all.
pub(super) fn features(schema: &SchemaRef) -> Columns {
    Columns::features_only(Arc::clone(schema))
}

pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

/// The error for a column "Wide one" of that type.
pub(super) fn refusal(kind: FormatKind, data_type: DataType) -> Error {
    let schema =
        Schema::new(vec![Field::new("x", DataType::Int64, true), Field::new("Wide one", data_type, true)]);
    let error = default_format(kind).check(&features(&Arc::new(schema))).unwrap_err();
    assert_eq!(error.code(), Code::UnsupportedColumnType);
    assert!(error.message().contains("\"Wide one\""), "{error}");
    error
}

/// Rows of a number and a text, with the roles and the further columns that a format insists on.
fn sample(kind: FormatKind, numbers: &ArrayRef, texts: &ArrayRef) -> (Columns, RecordBatch) {
    let mut columns = vec![("n", numbers.clone()), ("t", texts.clone())];
    let mut roles = ColumnRoles::default();
    if kind == FormatKind::ImageRecordIo {
        let images = BinaryArray::from_iter_values((0..numbers.len()).map(|row| vec![7u8; row % 9]));
        columns.push(("image", Arc::new(images)));
        roles.labels = 1;
    }
    let batch = batch(columns);
    (Columns::new(batch.schema(), roles).unwrap(), batch)
}

fn texts() -> Vec<Option<&'static str>> {
    vec![Some("a"), None, Some(""), Some("a,b \"quoted\""), Some("a"), Some("longer than twelve bytes")]
}

#[test]
fn formats_are_found_by_name() {
    assert_eq!(FormatKind::parse("csv").unwrap(), FormatKind::Csv);
    assert_eq!(FormatKind::parse("Parquet").unwrap(), FormatKind::Parquet);
    let error = FormatKind::parse("xml").unwrap_err();
    assert_eq!(error.code(), Code::Unsupported);
    let hint = error.hint().unwrap();
    assert!(FormatKind::ALL.iter().all(|kind| hint.contains(kind.as_str())), "{hint}");
    for kind in FormatKind::ALL {
        assert_eq!(default_format(*kind).name(), kind.as_str());
    }
}

#[test]
fn content_types_are_what_sagemaker_documents() {
    let csv = default_format(FormatKind::Csv);
    let labels = |labels| ColumnRoles { labels, ..ColumnRoles::default() };
    assert_eq!(csv.content_type(labels(0)), "text/csv;label_size=0");
    assert_eq!(csv.content_type(labels(1)), "text/csv;label_size=1");
    assert_eq!(csv.content_type(labels(3)), "text/csv;label_size=3");
    let autopilot = with_options(FormatKind::Csv, &[("header", "true")]);
    assert_eq!(autopilot.content_type(labels(1)), "text/csv;header=present");
    assert_eq!(default_format(FormatKind::Parquet).content_type(labels(1)), "application/x-parquet");
    assert_eq!(default_format(FormatKind::TfRecord).content_type(labels(1)), "application/x-tfrecord");
    assert_eq!(default_format(FormatKind::ImageRecordIo).content_type(labels(1)), "application/x-recordio");
    let arrow = default_format(FormatKind::Arrow).content_type(labels(1));
    assert_eq!(arrow, "application/vnd.apache.arrow.file");
}

#[test]
fn rows_without_columns_are_refused() {
    for kind in FormatKind::ALL {
        let error = default_format(*kind).encoder(&features(&Arc::new(Schema::empty()))).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported);
    }
}

#[test]
fn the_representation_of_text_does_not_change_the_bytes() {
    let plain: ArrayRef = Arc::new(StringArray::from(texts()));
    let view: ArrayRef = Arc::new(StringViewArray::from(texts()));
    let dictionary: ArrayRef = Arc::new(texts().into_iter().collect::<DictionaryArray<Int32Type>>());
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
    for kind in FormatKind::ALL {
        let bytes = [&plain, &view, &dictionary].map(|text| {
            let (columns, batch) = sample(*kind, &numbers, text);
            encode_all(default_format(*kind).as_ref(), &columns, &[batch]).unwrap()
        });
        assert_eq!(bytes[0], bytes[1], "{kind}: views");
        assert_eq!(bytes[0], bytes[2], "{kind}: dictionary");
    }
}

#[test]
fn an_encoder_takes_another_representation_than_planned() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
    let views: ArrayRef = Arc::new(StringViewArray::from(texts()));
    let plain: ArrayRef = Arc::new(StringArray::from(texts()));
    for kind in FormatKind::ALL {
        let (columns, planned) = sample(*kind, &numbers, &views);
        let (_, came) = sample(*kind, &numbers, &plain);
        let format = default_format(*kind);
        let expected = encode_all(format.as_ref(), &columns, &[planned]).unwrap();
        assert_eq!(encode_all(format.as_ref(), &columns, &[came]).unwrap(), expected, "{kind}");
    }
}

#[test]
fn batching_does_not_change_the_bytes() {
    let rows = 5_000;
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row * 7919 % 1_000)));
    let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("row {row}"))));
    for (kind, options) in [
        (FormatKind::Csv, vec![]),
        (FormatKind::Csv, vec![("compression", "gzip")]),
        (FormatKind::Csv, vec![("compression", "zstd(1)")]),
        (FormatKind::Parquet, vec![]),
        (FormatKind::Parquet, vec![("row_group_rows", "1500")]),
        (FormatKind::TfRecord, vec![]),
        (FormatKind::TfRecord, vec![("compression", "gzip")]),
        (FormatKind::Arrow, vec![]),
        (FormatKind::Arrow, vec![("batch_rows", "1501"), ("compression", "lz4")]),
        (FormatKind::Arrow, vec![("batch_rows", "7"), ("compression", "zstd")]),
        (FormatKind::ImageRecordIo, vec![]),
    ] {
        let format = with_options(kind, &options);
        let (columns, whole) = sample(kind, &numbers, &text);
        let expected = encode_all(format.as_ref(), &columns, std::slice::from_ref(&whole)).unwrap();
        for size in [1, 7, 1000, 1024, 4999] {
            let slices: Vec<_> =
                (0..5_000).step_by(size).map(|start| whole.slice(start, size.min(5_000 - start))).collect();
            let bytes = encode_all(format.as_ref(), &columns, &slices).unwrap();
            assert!(bytes == expected, "{kind} {options:?} in batches of {size}");
        }
    }
}
