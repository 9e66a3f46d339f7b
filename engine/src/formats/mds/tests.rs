use crate::error::{Code, Result};
use crate::formats::tests::{batch, features, refusal, with_options};
use crate::formats::{FormatKind, encode_all};
use arrow::array::{ArrayRef, Float32Array, Int32Array, ListArray, StringArray};
use arrow::datatypes::{DataType, Int16Type, TimeUnit};
use gristmill_proto::manifest::ShardInfo;
use std::sync::Arc;

fn encode(columns: Vec<(&str, ArrayRef)>) -> Result<Vec<u8>> {
    let batch = batch(columns);
    encode_all(with_options(FormatKind::Mds, &[]).as_ref(), &features(&batch.schema()), &[batch])
}

fn two_samples() -> Vec<(&'static str, ArrayRef)> {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["ab", "c"]));
    vec![("y", text), ("x", Arc::new(Float32Array::from(vec![1.5, -2.0])))]
}

/// What `mosaicml-streaming` 0.13.0 writes.
#[test]
fn a_shard_is_byte_for_byte_what_streaming_writes() {
    let config = concat!(
        r#"{"column_encodings": ["float32", "str"], "column_names": ["x", "y"], "column_sizes": [4, null], "#,
        r#""compression": null, "format": "mds", "hashes": [], "size_limit": 67108864, "version": 2}"#
    );
    let head = hex::decode("02000000c9000000d3000000dc000000").unwrap();
    let tail = hex::decode("020000000000c03f616201000000000000c063").unwrap();
    assert_eq!(encode(two_samples()).unwrap(), [&head, config.as_bytes(), &tail].concat());
}

fn index(options: &[(&str, &str)], path: &str) -> serde_json::Value {
    let shard = ShardInfo {
        path: path.into(),
        split: "train".into(),
        rows: 2,
        bytes: 150,
        raw_bytes: 220,
        sha256: String::new(),
    };
    let schema = batch(two_samples()).schema();
    let files = with_options(FormatKind::Mds, options).split_files(&features(&schema), &[&shard]).unwrap();
    assert_eq!(files[0].path, "index.json");
    serde_json::from_slice(&files[0].bytes).unwrap()
}

#[test]
fn the_index_has_the_keys_of_streaming() {
    let expected = serde_json::json!({"shards": [{"column_encodings": ["float32", "str"],
        "column_names": ["x", "y"], "column_sizes": [4, null], "compression": null, "format": "mds",
        "hashes": [], "raw_data": {"basename": "part-0.mds", "bytes": 220, "hashes": {}}, "samples": 2,
        "size_limit": 67_108_864, "version": 2, "zip_data": null}], "version": 2});
    assert_eq!(index(&[], "train/part-0.mds"), expected);
}

#[test]
fn a_compressed_shard_is_listed_with_both_sizes() {
    let index = index(&[("compression", "zstd(7)")], "train/part-0.mds.zstd");
    let shard = &index["shards"][0];
    assert_eq!(shard["compression"], "zstd:7");
    assert_eq!(shard["raw_data"]["basename"], "part-0.mds");
    assert_eq!(shard["raw_data"]["bytes"], 220);
    assert_eq!(shard["zip_data"]["basename"], "part-0.mds.zstd");
    assert_eq!(shard["zip_data"]["bytes"], 150);
}

#[test]
fn a_list_carries_its_shape() {
    let lists = ListArray::from_iter_primitive::<Int16Type, _, _>([Some(vec![Some(7), Some(-1)])]);
    let bytes = encode(vec![("v", Arc::new(lists))]).unwrap();
    // One dimension, a size of one byte: 2; then the values.
    assert!(bytes.ends_with(&[6, 0, 0, 0, 4, 2, 7, 0, 0xFF, 0xFF]));
}

#[test]
fn nulls_and_empty_lists_are_refused_with_the_column() {
    let error = encode(vec![("n", Arc::new(Int32Array::from(vec![None])))]).unwrap_err();
    assert_eq!(error.code(), Code::BadRow);
    assert!(error.message().contains("\"n\"") && error.hint().unwrap().contains("COALESCE(n"));
    let empty = ListArray::from_iter_primitive::<Int16Type, _, _>([Some(Vec::<Option<i16>>::new())]);
    assert_eq!(encode(vec![("v", Arc::new(empty))]).unwrap_err().code(), Code::BadRow);
}

#[test]
fn times_are_refused_with_the_cast() {
    let hint = refusal(FormatKind::Mds, DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(hint.hint(), Some("select CAST(\"Wide one\" AS VARCHAR) instead"));
}
