use super::*;
use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, StringViewArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::reader::StreamReader;
use std::sync::Arc;

fn batch() -> RecordBatch {
    let price = Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(15, 2).unwrap();
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef, false),
        ("name", Arc::new(StringViewArray::from(vec![Some("a \"b\", c"), None])), true),
        ("price", Arc::new(price), true),
        ("share", Arc::new(Float64Array::from(vec![0.1, 1e300])), false),
        ("day", Arc::new(Date32Array::from(vec![0, 9_000])), false),
    ])
    .unwrap()
}

fn encode(format: Format, batches: &[RecordBatch], schema: SchemaRef) -> (Vec<u8>, Encoded) {
    let mut encoder = format.encoder(schema).unwrap();
    let mut buffer = Vec::new();
    for batch in batches {
        encoder.encode(batch, &mut buffer).unwrap();
    }
    let encoded = encoder.finish(&mut buffer).unwrap();
    (buffer, encoded)
}

fn text(format: Format, batches: &[RecordBatch]) -> String {
    String::from_utf8(encode(format, batches, batch().schema()).0).unwrap()
}

#[test]
fn csv_has_one_header_quotes_what_must_be_and_leaves_null_empty() {
    let expected = "id,name,price,share,day\n\
        1,\"a \"\"b\"\", c\",12.50,0.1,1970-01-01\n\
        2,,,1e300,1994-08-23\n\
        1,\"a \"\"b\"\", c\",12.50,0.1,1970-01-01\n\
        2,,,1e300,1994-08-23\n";
    assert_eq!(text(Format::Csv, &[batch(), batch()]), expected);
}

#[test]
fn csv_without_rows_is_the_header() {
    assert_eq!(text(Format::Csv, &[]), "id,name,price,share,day\n");
}

#[test]
fn csv_refuses_a_nested_column_by_name() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]);
    let nested = RecordBatch::try_from_iter([("tags", Arc::new(list) as ArrayRef)]).unwrap();
    let error = Format::Csv.encoder(nested.schema()).err().unwrap();
    assert!(error.message().contains("column \"tags\""), "{error}");
    assert_eq!(error.hint(), Some("use --format json"));
}

#[test]
fn json_is_one_object_per_line_with_every_column() {
    let lines = text(Format::Json, &[batch()]);
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["name"], "a \"b\", c");
    assert_eq!(rows[1]["price"], serde_json::Value::Null);
    assert_eq!(rows[1].as_object().unwrap().len(), 5);
}

#[test]
fn json_without_rows_is_empty() {
    assert_eq!(text(Format::Json, &[]), "");
}

#[test]
fn arrow_is_a_stream_that_reads_back_as_the_same_batches() {
    let (bytes, _) = encode(Format::Arrow, &[batch(), batch()], batch().schema());
    let read: Vec<RecordBatch> =
        StreamReader::try_new(bytes.as_slice(), None).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, [batch(), batch()]);
}

#[test]
fn arrow_without_rows_is_a_stream_with_the_schema() {
    let (bytes, _) = encode(Format::Arrow, &[], batch().schema());
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    assert_eq!(reader.schema(), batch().schema());
}

#[test]
fn a_table_shows_null_and_the_column_names() {
    let expected = "\
+----+----------+-------+-------+------------+
| id | name     | price | share | day        |
+----+----------+-------+-------+------------+
| 1  | a \"b\", c | 12.50 | 0.1   | 1970-01-01 |
| 2  | NULL     | NULL  | 1e300 | 1994-08-23 |
+----+----------+-------+-------+------------+
";
    assert_eq!(text(Format::Table, &[batch()]), expected);
}

#[test]
fn a_table_without_rows_still_names_the_columns() {
    assert!(text(Format::Table, &[]).contains("| id | name | price | share | day |"));
}

#[test]
fn a_long_table_is_cut_and_says_by_how_many_rows() {
    let column = Int64Array::from_iter_values(0..6_000);
    let long = RecordBatch::try_from_iter([("n", Arc::new(column) as ArrayRef)]).unwrap();
    let (bytes, encoded) = encode(Format::Table, &[long.clone(), long.clone(), long.clone()], long.schema());
    let lines = String::from_utf8(bytes).unwrap().lines().count();
    assert_eq!((lines, encoded.cut_rows), (10_000 + 4, 8_000));
}
