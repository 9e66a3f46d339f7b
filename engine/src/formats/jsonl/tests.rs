use super::super::tests::{batch, default_format, features, refusal, with_options};
use super::super::{FormatKind, encode_all};
use crate::error::Code;
use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use std::io::Read as _;
use std::sync::Arc;

mod round_trip;

fn jsonl(options: &[(&str, &str)], columns: Vec<(&str, ArrayRef)>) -> String {
    let batch = batch(columns);
    let format = with_options(FormatKind::Jsonl, options);
    let bytes = encode_all(format.as_ref(), &features(&batch.schema()), &[batch]).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Checks the values of a column, of which the last row is a null.
fn check(array: impl Array + 'static, expected: &[&str]) {
    let array: ArrayRef = Arc::new(array);
    let lines: String =
        expected.iter().chain(&["null"]).map(|value| format!("{{\"x\":{value}}}\n")).collect();
    assert_eq!(jsonl(&[], vec![("x", array.clone())]), lines);
    let sliced = jsonl(&[], vec![("x", array.slice(1, array.len() - 1))]);
    assert_eq!(sliced, lines.split_once('\n').unwrap().1, "sliced");
}

fn floats(rows: Vec<Vec<f64>>) -> ListArray {
    let rows = rows.into_iter().map(|row| Some(row.into_iter().map(Some)));
    ListArray::from_iter_primitive::<Float64Type, _, _>(rows)
}

fn integers(rows: Vec<Vec<i64>>) -> ListArray {
    let rows = rows.into_iter().map(|row| Some(row.into_iter().map(Some)));
    ListArray::from_iter_primitive::<Int64Type, _, _>(rows)
}

#[test]
fn a_deepar_line_is_what_the_documentation_shows() {
    let features = floats(vec![vec![1.1, 1.2, 0.5]]);
    let item = Arc::new(Field::new_list_field(features.data_type().clone(), true));
    let features = ListArray::new(item, OffsetBuffer::from_lengths([1]), Arc::new(features), None);
    let line = jsonl(
        &[("nan", "string"), ("timestamp_format", "sql"), ("extension", "json")],
        vec![
            ("start", Arc::new(TimestampMicrosecondArray::from(vec![1_257_033_600_000_000]))),
            ("target", Arc::new(floats(vec![vec![4.3, f64::NAN, 5.1]]))),
            ("cat", Arc::new(integers(vec![vec![0, 1]]))),
            ("dynamic_feat", Arc::new(features)),
        ],
    );
    assert_eq!(
        line,
        concat!(
            r#"{"start":"2009-11-01 00:00:00","target":[4.3,"NaN",5.1],"cat":[0,1],"#,
            r#""dynamic_feat":[[1.1,1.2,0.5]]}"#,
            "\n"
        )
    );
}

#[test]
fn lines_of_object2vec_and_blazingtext_are_what_the_documentation_shows() {
    let pair = vec![
        ("label", Arc::new(Int64Array::from(vec![0])) as ArrayRef),
        ("in0", Arc::new(integers(vec![vec![6, 17]]))),
        ("in1", Arc::new(integers(vec![vec![16, 21]]))),
    ];
    assert_eq!(jsonl(&[], pair), "{\"label\":0,\"in0\":[6,17],\"in1\":[16,21]}\n");
    let text = vec![
        ("source", Arc::new(StringArray::from(vec!["linux ready for"])) as ArrayRef),
        ("label", Arc::new(integers(vec![vec![1, 3]]))),
    ];
    assert_eq!(jsonl(&[], text), "{\"source\":\"linux ready for\",\"label\":[1,3]}\n");
}

#[test]
fn numbers_and_booleans() {
    check(BooleanArray::from(vec![Some(true), Some(false), None]), &["true", "false"]);
    check(Int8Array::from(vec![Some(i8::MIN), None]), &["-128"]);
    check(Int64Array::from(vec![Some(i64::MIN), None]), &["-9223372036854775808"]);
    check(UInt64Array::from(vec![Some(u64::MAX), None]), &["18446744073709551615"]);
    check(Float32Array::from(vec![Some(0.1), Some(f32::NAN), None]), &["0.1", "null"]);
    check(Float64Array::from(vec![Some(-0.0), Some(1e300), None]), &["-0.0", "1e+300"]);
    let decimals = Decimal128Array::from(vec![Some(1250), Some(-5), None]);
    check(decimals.with_precision_and_scale(38, 2).unwrap(), &["12.50", "-0.05"]);
    check(NullArray::new(2), &["null"]);
}

#[test]
fn dates_times_and_bytes_are_strings() {
    check(Date32Array::from(vec![Some(9568), None]), &["\"1996-03-13\""]);
    check(Time32SecondArray::from(vec![Some(1), None]), &["\"00:00:01\""]);
    let zoned = TimestampSecondArray::from(vec![Some(826_718_400), None]).with_timezone("+05:30");
    check(zoned.clone(), &["\"1996-03-13T12:00:00Z\""]);
    let sql = jsonl(&[("timestamp_format", "sql")], vec![("x", Arc::new(zoned.slice(0, 1)))]);
    assert_eq!(sql, "{\"x\":\"1996-03-13 12:00:00\"}\n");
    // The test vectors of RFC 4648.
    let bytes = vec![Some(&b"foobar"[..]), Some(b"fooba"), Some(b"f"), Some(b""), None];
    check(BinaryArray::from(bytes), &["\"Zm9vYmFy\"", "\"Zm9vYmE=\"", "\"Zg==\"", "\"\""]);
}

#[test]
fn text_is_escaped_only_where_it_must_be() {
    let texts = vec![Some("plain é"), Some("\"\\/"), Some("\n\r\t\u{8}\u{c}\0\u{1f}\u{7f}"), Some(""), None];
    let expected = ["\"plain é\"", r#""\"\\/""#, "\"\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}\"", "\"\""];
    check(StringArray::from(texts.clone()), &expected);
    check(LargeStringArray::from(texts.clone()), &expected);
    check(StringViewArray::from(texts.clone()), &expected);
    check(texts.into_iter().collect::<DictionaryArray<Int8Type>>(), &expected);
}

#[test]
fn base64_goes_on_over_the_pieces_it_is_made_in() {
    let line = jsonl(&[], vec![("x", Arc::new(BinaryArray::from(vec![&[0_u8; 3000][..]])))]);
    assert_eq!(line, format!("{{\"x\":\"{}\"}}\n", "A".repeat(4000)));
}

#[test]
fn nested_columns_are_arrays_and_objects() {
    let rows = vec![Some(vec![Some(1.5), None]), None];
    check(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2), &["[1.5,null]"]);
    let mut map = MapBuilder::new(None, Int64Builder::new(), StringBuilder::new());
    map.keys().append_value(7);
    map.values().append_value("a");
    map.keys().append_value(8);
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    check(map.finish(), &[r#"{"7":"a","8":null}"#]);
}

#[test]
fn members_that_are_null_can_be_left_out() {
    let inner =
        Fields::from(vec![Field::new("b\"", DataType::Int64, true), Field::new("c", DataType::Null, true)]);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![Some(1), None])), Arc::new(NullArray::new(2))];
    let structs: ArrayRef = Arc::new(StructArray::new(inner, columns, None));
    let first: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(2)]));
    let columns = vec![("a", first), ("s", structs)];
    let omitted = "{\"s\":{\"b\\\"\":1}}\n{\"a\":2,\"s\":{}}\n";
    assert_eq!(jsonl(&[("nulls", "omit")], columns.clone()), omitted);
    let kept = "{\"a\":null,\"s\":{\"b\\\"\":1,\"c\":null}}\n{\"a\":2,\"s\":{\"b\\\"\":null,\"c\":null}}\n";
    assert_eq!(jsonl(&[], columns), kept);
}

#[test]
fn a_time_that_is_none_is_an_error_unless_it_is_in_a_null() {
    let times = Arc::new(Time32SecondArray::from(vec![86_400, 1]));
    let item = Arc::new(Field::new_list_field(times.data_type().clone(), true));
    let list = |valid| ListArray::new(item.clone(), OffsetBuffer::from_lengths([1, 1]), times.clone(), valid);
    let hidden = list(Some(vec![false, true].into()));
    assert_eq!(jsonl(&[], vec![("x", Arc::new(hidden))]), "{\"x\":null}\n{\"x\":[\"00:00:01\"]}\n");
    let batch = batch(vec![("x", Arc::new(list(None)) as ArrayRef)]);
    let format = default_format(FormatKind::Jsonl);
    let error = encode_all(format.as_ref(), &features(&batch.schema()), &[batch]).unwrap_err();
    assert_eq!(error.code(), Code::BadRow);
    assert!(error.message().contains("\"x\""), "{error}");
}

#[test]
fn types_without_a_form_are_refused_with_what_would_fix_them() {
    let list = |inner| DataType::List(Arc::new(Field::new_list_field(inner, true)));
    for (data_type, hint) in [
        (DataType::Union(UnionFields::empty(), UnionMode::Dense), "union_extract"),
        (list(DataType::Duration(TimeUnit::Second)), "CAST(\"Wide one\" AS BIGINT)"),
        (list(DataType::Interval(IntervalUnit::DayTime)), "date_part('epoch', \"Wide one\")"),
    ] {
        let error = refusal(FormatKind::Jsonl, data_type);
        assert!(error.hint().unwrap().contains(hint), "{}", error.report());
    }
}

#[test]
fn the_extension_tells_deepar_the_format_and_the_compression() {
    let extension = |options: &[(&str, &str)]| with_options(FormatKind::Jsonl, options).extension();
    assert_eq!(extension(&[]), "jsonl");
    assert_eq!(extension(&[("extension", "json"), ("compression", "gzip")]), "json.gz");
}

#[test]
fn gzip_gives_the_lines_back() {
    let column = || vec![("x", Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef)];
    let batch = batch(column());
    let format = with_options(FormatKind::Jsonl, &[("compression", "gzip")]);
    let bytes = encode_all(format.as_ref(), &features(&batch.schema()), &[batch]).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, jsonl(&[], column()));
}
