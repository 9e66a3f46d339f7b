use super::super::tests::{batch, default_format, features, refusal, with_options};
use super::super::{FormatKind, encode_all};
use arrow::array::*;
use arrow::datatypes::*;
use std::sync::Arc;

mod roles;
mod round_trip;

fn csv_with(options: &[(&str, &str)], columns: Vec<(&str, ArrayRef)>) -> String {
    let batch = batch(columns);
    let bytes =
        encode_all(with_options(FormatKind::Csv, options).as_ref(), &features(&batch.schema()), &[batch])
            .unwrap();
    String::from_utf8(bytes).unwrap()
}

fn csv(columns: Vec<(&str, ArrayRef)>) -> String {
    csv_with(&[], columns)
}

/// Checks the fields of a column, of which the last row is a null.
fn check(array: impl Array + 'static, expected: &[&str]) {
    let array: ArrayRef = Arc::new(array);
    let edge: ArrayRef = Arc::new(Int8Array::from(vec![7; array.len()]));
    let lines: String = expected.iter().chain(&[""]).map(|field| format!("{field},7\n")).collect();
    assert_eq!(csv(vec![("x", array.clone()), ("edge", edge.clone())]), lines);
    let sliced = csv(vec![("x", array.slice(1, array.len() - 1)), ("edge", edge.slice(1, array.len() - 1))]);
    assert_eq!(sliced, lines.split_once('\n').unwrap().1, "sliced");
}

#[test]
fn integers_and_booleans() {
    check(BooleanArray::from(vec![Some(true), Some(false), None]), &["1", "0"]);
    check(Int8Array::from(vec![Some(i8::MIN), Some(7), None]), &["-128", "7"]);
    check(Int16Array::from(vec![Some(i16::MIN), None]), &["-32768"]);
    check(Int32Array::from(vec![Some(i32::MIN), Some(0), None]), &["-2147483648", "0"]);
    check(Int64Array::from(vec![Some(i64::MIN), None]), &["-9223372036854775808"]);
    check(UInt8Array::from(vec![Some(u8::MAX), None]), &["255"]);
    check(UInt16Array::from(vec![Some(u16::MAX), None]), &["65535"]);
    check(UInt32Array::from(vec![Some(u32::MAX), None]), &["4294967295"]);
    check(UInt64Array::from(vec![Some(u64::MAX), None]), &["18446744073709551615"]);
    check(NullArray::new(3), &["", ""]);
}

#[test]
fn floats_and_decimals() {
    let half = |value| Some(<Float16Type as ArrowPrimitiveType>::Native::from_f32(value));
    check(Float16Array::from(vec![half(0.1), half(f32::NAN), None]), &["0.1", "nan"]);
    check(
        Float32Array::from(vec![Some(0.1), Some(-0.0), Some(f32::INFINITY), None]),
        &["0.1", "-0.0", "inf"],
    );
    check(Float64Array::from(vec![Some(0.1), Some(f64::NAN), Some(-1e-7), None]), &["0.1", "nan", "-1e-7"]);
    check(decimal::<Decimal32Type>(&[1250, -5], 9, 2), &["12.50", "-0.05"]);
    check(decimal::<Decimal64Type>(&[1250, -5], 18, 2), &["12.50", "-0.05"]);
    check(
        decimal::<Decimal128Type>(&[1250, 10i128.pow(30)], 38, 2),
        &["12.50", "10000000000000000000000000000.00"],
    );
    check(decimal::<Decimal128Type>(&[12], 38, -2), &["1200"]);
    let wide = i256::from_i128(-1).wrapping_mul(i256::from_i128(10).wrapping_pow(60));
    let expected = format!("-1{}.{}", "0".repeat(20), "0".repeat(40));
    check(
        decimal::<Decimal256Type>(&[i256::from_i128(1), wide], 76, 40),
        &[&format!("0.{:040}", 1), &expected],
    );
}

fn decimal<T: DecimalType>(values: &[T::Native], precision: u8, scale: i8) -> PrimitiveArray<T> {
    let values = values.iter().map(|value| Some(*value)).chain([None]);
    PrimitiveArray::<T>::from_iter(values).with_precision_and_scale(precision, scale).unwrap()
}

#[test]
fn dates_and_times() {
    check(Date32Array::from(vec![Some(9568), None]), &["1996-03-13"]);
    check(Date64Array::from(vec![Some(9568 * 86_400_000), Some(-1), None]), &["1996-03-13", "1969-12-31"]);
    check(Time32SecondArray::from(vec![Some(1), None]), &["00:00:01"]);
    check(Time32MillisecondArray::from(vec![Some(1), None]), &["00:00:00.001"]);
    check(Time64MicrosecondArray::from(vec![Some(1), None]), &["00:00:00.000001"]);
    check(Time64NanosecondArray::from(vec![Some(1), None]), &["00:00:00.000000001"]);
    check(TimestampSecondArray::from(vec![Some(826_718_400), None]), &["1996-03-13T12:00:00"]);
    check(TimestampMillisecondArray::from(vec![Some(1), None]), &["1970-01-01T00:00:00.001"]);
    check(TimestampMicrosecondArray::from(vec![Some(1), None]), &["1970-01-01T00:00:00.000001"]);
    let zoned =
        TimestampNanosecondArray::from(vec![Some(826_718_400_000_000_000), None]).with_timezone("+05:30");
    check(zoned, &["1996-03-13T12:00:00Z"]);
}

#[test]
fn text_is_quoted_only_where_it_must_be() {
    let texts = vec![
        Some("plain text's"),
        Some(""),
        Some("a,b"),
        Some("say \"hi\""),
        Some("two\nlines"),
        Some("\r"),
        None,
    ];
    let expected = ["plain text's", "\"\"", "\"a,b\"", "\"say \"\"hi\"\"\"", "\"two\nlines\"", "\"\r\""];
    check(StringViewArray::from(texts.clone()), &expected);
    let without_lines: Vec<_> = [&texts[..4], &texts[5..]].concat();
    let expected_without: Vec<_> = [&expected[..4], &expected[5..]].concat();
    check(StringArray::from(without_lines.clone()), &expected_without);
    check(LargeStringArray::from(without_lines.clone()), &expected_without);
    check(without_lines.into_iter().collect::<DictionaryArray<Int8Type>>(), &expected_without);
}

#[test]
fn dictionaries_and_runs_are_their_values() {
    let keys = Int32Array::from(vec![Some(1), Some(0), None]);
    check(DictionaryArray::new(keys, Arc::new(Float64Array::from(vec![0.5, 1.5]))), &["1.5", "0.5"]);
    let values = StringArray::from(vec![Some("a"), None]);
    check(RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &values).unwrap(), &["a", "a"]);
}

#[test]
fn the_delimiter_decides_what_is_quoted() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a,b", "a|b"]));
    let columns = vec![("x", texts.clone()), ("y|", texts)];
    let expected = "x|\"y|\"\na,b|a,b\n\"a|b\"|\"a|b\"\n";
    assert_eq!(csv_with(&[("delimiter", "|"), ("header", "true")], columns), expected);
}

#[test]
fn a_row_of_one_null_is_not_an_empty_line() {
    assert_eq!(csv(vec![("x", Arc::new(Int64Array::from(vec![Some(1), None, Some(2)])))]), "1\n\"\"\n2\n");
    assert_eq!(
        csv(vec![("x", Arc::new(StringArray::from(vec![Some("a"), None, Some("")])))]),
        "a\n\"\"\n\"\"\n"
    );
}

#[test]
fn a_header_is_written_once_even_without_rows() {
    let batch = batch(vec![("a", Arc::new(Int8Array::from(vec![1])) as ArrayRef)]);
    let format = with_options(FormatKind::Csv, &[("header", "true")]);
    assert_eq!(encode_all(format.as_ref(), &features(&batch.schema()), &[]).unwrap(), b"a\n");
    assert_eq!(
        encode_all(format.as_ref(), &features(&batch.schema()), &[batch.clone(), batch]).unwrap(),
        b"a\n1\n1\n"
    );
}

#[test]
fn a_time_outside_the_day_is_an_error_unless_it_is_null() {
    let times = Time32SecondArray::new(vec![86_400].into(), Some(vec![false].into()));
    assert_eq!(csv(vec![("x", Arc::new(times) as ArrayRef)]), "\"\"\n");
    let batch = batch(vec![("x", Arc::new(Time32SecondArray::from(vec![86_400])) as ArrayRef)]);
    let error = encode_all(default_format(FormatKind::Csv).as_ref(), &features(&batch.schema()), &[batch])
        .unwrap_err();
    assert_eq!(error.code(), crate::error::Code::BadRow);
}

#[test]
fn types_it_cannot_hold_are_refused_with_what_would_fix_them() {
    let item = || Arc::new(Field::new("a field", DataType::Int64, true));
    for (data_type, hint) in [
        (DataType::BinaryView, "encode(\"Wide one\", 'hex')"),
        (DataType::FixedSizeBinary(4), "encode(\"Wide one\", 'hex')"),
        (DataType::List(item()), "array_to_string(\"Wide one\", ' ')"),
        (DataType::FixedSizeList(Arc::new(Field::new("a", DataType::Utf8, true)), 2), "\"Wide one\"[1]"),
        (DataType::FixedSizeList(item(), 0), "\"Wide one\"[1]"),
        (DataType::Struct(vec![item()].into()), "\"Wide one\"['a field']"),
        (DataType::Union(UnionFields::empty(), UnionMode::Dense), "union_extract"),
        (DataType::Duration(TimeUnit::Second), "CAST(\"Wide one\" AS BIGINT)"),
        (DataType::Interval(IntervalUnit::MonthDayNano), "date_part('epoch', \"Wide one\")"),
        (DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Binary)), "encode("),
    ] {
        let error = refusal(FormatKind::Csv, data_type);
        assert!(error.hint().unwrap().contains(hint), "{}", error.report());
    }
}
