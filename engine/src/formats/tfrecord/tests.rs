use super::super::tests::{batch, default_format, features, refusal};
use super::super::{FormatKind, encode_all};
use super::*;
use arrow::array::*;
use arrow::datatypes::{Float32Type, Int64Type, TimeUnit};
use std::sync::Arc;

mod decoded;

fn encoded(columns: Vec<(&str, ArrayRef)>) -> Result<Vec<u8>> {
    let batch = batch(columns);
    encode_all(default_format(FormatKind::TfRecord).as_ref(), &features(&batch.schema()), &[batch])
}

/// The message of the only row, in hexadecimal.
fn example(columns: Vec<(&str, ArrayRef)>) -> String {
    let bytes = encoded(columns).unwrap();
    hex::encode(&bytes[12..bytes.len() - 4])
}

#[test]
fn the_golden_record_comes_out_whatever_the_order_of_columns() {
    let x: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(1.5), Some(-2.0)])]));
    let y: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let golden =
        "2100000000000000017becf60a1f0a110a0178120c120a0a080000c03f000000c00a0a0a017912051a030a0101e5689b33";
    assert_eq!(hex::encode(encoded(vec![("y", y.clone()), ("x", x.clone())]).unwrap()), golden);
    assert_eq!(hex::encode(encoded(vec![("x", x), ("y", y)]).unwrap()), golden);
}

#[test]
fn a_null_is_no_feature_and_an_empty_list_is_an_empty_one() {
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    assert_eq!(example(vec![("x", null.clone()), ("y", Arc::new(NullArray::new(1)))]), "0a00");
    let empty: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(Vec::new())]));
    // map entry { key: "x", value: { int64_list: {} } }
    assert_eq!(example(vec![("x", empty)]), "0a090a070a017812021a00");
}

#[test]
fn integers_are_varints_of_64_bits() {
    let negative: ArrayRef = Arc::new(Int8Array::from(vec![-1]));
    assert_eq!(example(vec![("x", negative)]), "0a150a130a0178120e1a0c0a0affffffffffffffffff01");
    let days: ArrayRef = Arc::new(Date32Array::from(vec![300]));
    assert_eq!(example(vec![("x", days)]), "0a0d0a0b0a017812061a040a02ac02");
    let top: ArrayRef = Arc::new(UInt64Array::from(vec![i64::MAX as u64]));
    assert_eq!(example(vec![("x", top)]), "0a140a120a0178120d1a0b0a09ffffffffffffffff7f");
}

#[test]
fn text_and_binary_are_bytes() {
    let text: ArrayRef = Arc::new(StringViewArray::from(vec!["é"]));
    let expected = "0a0d0a0b0a017812060a040a02c3a9";
    assert_eq!(example(vec![("x", text)]), expected);
    let fixed = FixedSizeBinaryArray::try_from_iter([[0xc3u8, 0xa9]].into_iter()).unwrap();
    assert_eq!(example(vec![("x", Arc::new(fixed))]), expected);
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec!["é"]));
    assert_eq!(example(vec![("x", large)]), expected);
}

#[test]
fn an_integer_that_tensorflow_has_not_is_a_bad_row() {
    let error = encoded(vec![("x", Arc::new(UInt64Array::from(vec![1 << 63])))]).unwrap_err();
    assert_eq!(error.code(), Code::BadRow);
    assert!(error.message().contains("column \"x\" has the value 9223372036854775808"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_with_the_expression_that_does() {
    let check = |data_type, fix: &str| {
        let error = refusal(FormatKind::TfRecord, data_type);
        assert!(error.hint().unwrap().contains(fix), "{error:?}");
    };
    let item = |item| Arc::new(Field::new("item", item, true));
    check(DataType::Timestamp(TimeUnit::Microsecond, None), "CAST(\"Wide one\" AS BIGINT)");
    check(DataType::Time64(TimeUnit::Nanosecond), "CAST(\"Wide one\" AS BIGINT)");
    check(DataType::List(item(DataType::List(item(DataType::Int8)))), "flatten(\"Wide one\")");
    check(DataType::Struct(vec![item(DataType::Int8)].into()), "(\"Wide one\"['item'], …)");
}

#[test]
fn files_are_compressed_as_tensorflow_can_read() {
    let take = |value: &str| {
        let mut options = BTreeMap::from([("compression".to_owned(), value.to_owned())]);
        TfRecordOptions::take(&mut options).map(|options| TfRecord::new(options).extension())
    };
    assert_eq!(take("gzip").unwrap(), "tfrecord.gz");
    assert_eq!(take("none").unwrap(), "tfrecord");
    let error = take("zstd").unwrap_err();
    assert_eq!((error.code(), error.hint()), (Code::BadOption, Some("write 'gzip' or 'none'")));
}
