use super::*;
use arrow::array::{ArrayRef, DictionaryArray, Int64Array, StringArray, StringViewArray};
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

/// Texts that a column of that format can have: MDS has no nulls, and WebDataset no rows without a value.
fn texts(kind: FormatKind) -> Vec<Option<&'static str>> {
    let null = if matches!(kind, FormatKind::Mds | FormatKind::WebDataset) { Some("null") } else { None };
    vec![Some("a"), null, Some(""), Some("a,b \"quoted\""), Some("a"), Some("longer than twelve bytes")]
}

#[test]
fn formats_are_found_by_name() {
    assert_eq!(FormatKind::parse("csv").unwrap(), FormatKind::Csv);
    assert_eq!(FormatKind::parse("Parquet").unwrap(), FormatKind::Parquet);
    let error = FormatKind::parse("xml").unwrap_err();
    assert_eq!(error.code(), Code::Unsupported);
    assert_eq!(error.hint(), Some("known formats: CSV, PARQUET, WEBDATASET, MDS"));
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
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
    for kind in FormatKind::ALL {
        let plain: ArrayRef = Arc::new(StringArray::from(texts(*kind)));
        let view: ArrayRef = Arc::new(StringViewArray::from(texts(*kind)));
        let dictionary: ArrayRef = Arc::new(texts(*kind).into_iter().collect::<DictionaryArray<Int32Type>>());
        let bytes = [&plain, &view, &dictionary].map(|text| {
            let batch = batch(vec![("n", numbers.clone()), ("t", Arc::clone(text))]);
            encode_all(default_format(*kind).as_ref(), &features(&batch.schema()), &[batch]).unwrap()
        });
        assert_eq!(bytes[0], bytes[1], "{kind}: views");
        assert_eq!(bytes[0], bytes[2], "{kind}: dictionary");
    }
}

#[test]
fn an_encoder_takes_another_representation_than_planned() {
    for kind in FormatKind::ALL {
        let planned = batch(vec![("t", Arc::new(StringViewArray::from(texts(*kind))) as ArrayRef)]);
        let came = batch(vec![("t", Arc::new(StringArray::from(texts(*kind))) as ArrayRef)]);
        let format = default_format(*kind);
        let expected =
            encode_all(format.as_ref(), &features(&planned.schema()), std::slice::from_ref(&planned))
                .unwrap();
        assert_eq!(
            encode_all(format.as_ref(), &features(&planned.schema()), std::slice::from_ref(&came)).unwrap(),
            expected
        );
    }
}

#[test]
fn batching_does_not_change_the_bytes() {
    let rows = 5_000;
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row * 7919 % 1_000)));
    let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("row {row}"))));
    let whole = batch(vec![("n", numbers), ("t", text)]);
    for (kind, options) in [
        (FormatKind::Csv, vec![]),
        (FormatKind::Csv, vec![("compression", "gzip")]),
        (FormatKind::Csv, vec![("compression", "zstd(1)")]),
        (FormatKind::Parquet, vec![]),
        (FormatKind::Parquet, vec![("row_group_rows", "1500")]),
        (FormatKind::WebDataset, vec![]),
        (FormatKind::WebDataset, vec![("compression", "gzip")]),
        (FormatKind::Mds, vec![]),
        (FormatKind::Mds, vec![("compression", "zstd(1)")]),
    ] {
        let format = with_options(kind, &options);
        let expected =
            encode_all(format.as_ref(), &features(&whole.schema()), std::slice::from_ref(&whole)).unwrap();
        for size in [1, 7, 1000, 1024, 4999] {
            let slices: Vec<_> =
                (0..5_000).step_by(size).map(|start| whole.slice(start, size.min(5_000 - start))).collect();
            let bytes = encode_all(format.as_ref(), &features(&whole.schema()), &slices).unwrap();
            assert!(bytes == expected, "{kind} {options:?} in batches of {size}");
        }
    }
}
