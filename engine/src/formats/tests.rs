mod any_batch;

use super::*;
use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, Float64Array, Int64Array, StringArray, StringViewArray,
};
use arrow::compute::cast;
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

/// The columns of that schema, in roles that a format insists on.
fn accepted(kind: FormatKind, schema: &SchemaRef) -> Columns {
    let labels = match kind {
        FormatKind::Libsvm | FormatKind::ImageRecordIo => 1,
        FormatKind::BlazingText => schema.fields().len() - 1,
        _ => 0,
    };
    Columns::new(Arc::clone(schema), ColumnRoles { labels, ..ColumnRoles::default() }).unwrap()
}

/// The columns with those further ones that a format insists on.
fn completed(kind: FormatKind, mut columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    if kind == FormatKind::ImageRecordIo {
        let rows = columns[0].1.len();
        let images = BinaryArray::from_iter_values((0..rows).map(|row| vec![7_u8; row % 9]));
        columns.push(("image", Arc::new(images)));
    }
    batch(columns)
}

/// Formats that hold no nulls.
const NO_NULLS: &[FormatKind] = &[FormatKind::BlazingText, FormatKind::Mds];

/// Whether a column of the format may hold text.
fn holds_text(kind: FormatKind) -> bool {
    !matches!(kind, FormatKind::Libsvm | FormatKind::Recordio)
}

/// A number and the same other values in all representations: of text, and where a format has none, of numbers.
fn representations(kind: FormatKind) -> Vec<RecordBatch> {
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
    let others: Vec<ArrayRef> = if holds_text(kind) {
        let dictionary = texts(kind).into_iter().collect::<DictionaryArray<Int32Type>>();
        vec![
            Arc::new(StringArray::from(texts(kind))),
            Arc::new(StringViewArray::from(texts(kind))),
            Arc::new(dictionary),
        ]
    } else {
        let numbers = Float64Array::from(vec![Some(0.5), None, Some(-0.0), Some(1e10), Some(0.5), Some(3.0)]);
        let plain: ArrayRef = Arc::new(numbers);
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Float64));
        vec![Arc::clone(&plain), cast(&plain, &dictionary).unwrap()]
    };
    others.into_iter().map(|other| completed(kind, vec![("n", Arc::clone(&label)), ("t", other)])).collect()
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

/// Texts that the format can hold.
fn texts(kind: FormatKind) -> Vec<Option<&'static str>> {
    let null = if NO_NULLS.contains(&kind) { Some("no null") } else { None };
    vec![Some("a"), null, Some(""), Some("a,b \"quoted\""), Some("a"), Some("longer than twelve bytes")]
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
    assert_eq!(default_format(FormatKind::Libsvm).content_type(labels(1)), "text/libsvm");
    let recordio = default_format(FormatKind::Recordio);
    assert_eq!(recordio.content_type(labels(1)), "application/x-recordio-protobuf");
    for (kind, content_type) in [
        (FormatKind::TfRecord, "application/x-tfrecord"),
        (FormatKind::Arrow, "application/vnd.apache.arrow.file"),
        (FormatKind::ImageRecordIo, "application/x-recordio"),
        (FormatKind::Jsonl, "application/jsonlines"),
        (FormatKind::AugmentedManifest, "application/x-recordio"),
        (FormatKind::BlazingText, "text/plain"),
    ] {
        assert_eq!(default_format(kind).content_type(labels(1)), content_type);
    }
}

#[test]
fn rows_without_columns_are_refused() {
    for kind in FormatKind::ALL {
        let error = default_format(*kind).encoder(&features(&Arc::new(Schema::empty()))).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported);
    }
}

#[test]
fn the_representation_of_values_does_not_change_the_bytes() {
    for kind in FormatKind::ALL {
        let format = default_format(*kind);
        let bytes = representations(*kind)
            .into_iter()
            .map(|batch| encode_all(format.as_ref(), &accepted(*kind, &batch.schema()), &[batch]).unwrap());
        let bytes: Vec<_> = bytes.collect();
        assert!(bytes.iter().all(|other| *other == bytes[0]), "{kind}");
    }
}

#[test]
fn an_encoder_takes_another_representation_than_planned() {
    for kind in FormatKind::ALL {
        let format = default_format(*kind);
        let batches = representations(*kind);
        let columns = accepted(*kind, &batches[1].schema());
        let [came, planned] =
            [0, 1].map(|index| encode_all(format.as_ref(), &columns, &batches[index..=index]).unwrap());
        assert_eq!(came, planned, "{kind}");
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
        (FormatKind::Libsvm, vec![]),
        (FormatKind::Libsvm, vec![("compression", "gzip")]),
        (FormatKind::Recordio, vec![]),
        (FormatKind::Recordio, vec![("dtype", "int32")]),
        (FormatKind::TfRecord, vec![]),
        (FormatKind::TfRecord, vec![("compression", "gzip")]),
        (FormatKind::Arrow, vec![]),
        (FormatKind::Arrow, vec![("batch_rows", "1501"), ("compression", "lz4")]),
        (FormatKind::Arrow, vec![("batch_rows", "7"), ("compression", "zstd")]),
        (FormatKind::ImageRecordIo, vec![]),
        (FormatKind::Jsonl, vec![]),
        (FormatKind::Jsonl, vec![("compression", "gzip")]),
        (FormatKind::AugmentedManifest, vec![]),
        (FormatKind::BlazingText, vec![]),
        (FormatKind::WebDataset, vec![]),
        (FormatKind::WebDataset, vec![("compression", "gzip")]),
        (FormatKind::Mds, vec![]),
        (FormatKind::Mds, vec![("compression", "zstd(1)")]),
    ] {
        let other = if holds_text(kind) { &text } else { &numbers };
        let whole = &completed(kind, vec![("n", numbers.clone()), ("t", Arc::clone(other))]);
        let (format, columns) = (with_options(kind, &options), accepted(kind, &whole.schema()));
        let expected = encode_all(format.as_ref(), &columns, std::slice::from_ref(whole)).unwrap();
        for size in [1, 7, 1000, 1024, 4999] {
            let slices: Vec<_> =
                (0..5_000).step_by(size).map(|start| whole.slice(start, size.min(5_000 - start))).collect();
            let bytes = encode_all(format.as_ref(), &columns, &slices).unwrap();
            assert!(bytes == expected, "{kind} {options:?} in batches of {size}");
        }
    }
}
