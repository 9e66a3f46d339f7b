use super::{ShardAccumulator, ShardStatistics};
use crate::statistics::{Distribution, NumberStatistics, TextStatistics, ValueStatistics};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int8Array, Int64Array, NullArray, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use std::sync::Arc;

fn batch(array: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("x", array, true)]).unwrap()
}

/// The statistics of a shard that was written in those batches, after a trip through bytes.
fn of(batches: &[RecordBatch]) -> ShardStatistics {
    let labels = usize::from(batches[0].schema().field(0).name() == "label");
    let mut accumulator = ShardAccumulator::new(&batches[0].schema(), labels);
    batches.iter().for_each(|batch| accumulator.push(batch).unwrap());
    ShardStatistics::from_bytes(&accumulator.finish().to_bytes()).unwrap()
}

fn numbers(array: impl Into<ArrayRef>) -> (u64, NumberStatistics) {
    let column = of(&[batch(array.into())]).columns.remove(0);
    match column.values {
        ValueStatistics::Numbers(numbers) => (column.missing, *numbers),
        other => panic!("{other:?}"),
    }
}

fn text(array: impl Into<ArrayRef>) -> (u64, TextStatistics) {
    let column = of(&[batch(array.into())]).columns.remove(0);
    match column.values {
        ValueStatistics::Text(text) => (column.missing, *text),
        other => panic!("{other:?}"),
    }
}

/// Count, sum, minimum and maximum.
fn check_numbers(array: impl IntoArray, expected: (u64, f64, f64, f64)) {
    let (_, NumberStatistics { moments, .. }) = numbers(array.array());
    assert_eq!((moments.count, moments.sum, moments.min, moments.max), expected);
}

trait IntoArray {
    fn array(self) -> ArrayRef;
}

impl<T: arrow::array::Array + 'static> IntoArray for T {
    fn array(self) -> ArrayRef {
        Arc::new(self)
    }
}

#[test]
fn numbers_of_every_type_are_taken_by_their_value() {
    check_numbers(Int8Array::from(vec![Some(-128), None, Some(127)]), (2, -1.0, -128.0, 127.0));
    check_numbers(UInt64Array::from(vec![0, u64::MAX]), (2, 2_f64.powi(64), 0.0, 2_f64.powi(64)));
    check_numbers(Float32Array::from(vec![0.5, -0.25]), (2, 0.25, -0.25, 0.5));
    let decimals = Decimal128Array::from(vec![1250, -75]).with_precision_and_scale(38, 2).unwrap();
    check_numbers(decimals, (2, 11.75, -0.75, 12.5));
    let wide = Decimal128Array::from(vec![1 << 100]).with_precision_and_scale(38, 0).unwrap();
    check_numbers(wide, (1, 2_f64.powi(100), 2_f64.powi(100), 2_f64.powi(100)));
    check_numbers(Date32Array::from(vec![9_568, -1]), (2, 9_567.0, -1.0, 9_568.0));
    check_numbers(TimestampNanosecondArray::from(vec![-1, 2_500]), (2, 1.0, -1.0, 2.0));
}

#[test]
fn a_large_integer_is_itself_among_different_ones() {
    let (_, statistics) =
        numbers(Arc::new(Int64Array::from(vec![i64::MAX, i64::MAX - 1, i64::MIN])) as ArrayRef);
    assert_eq!(statistics.distinct.estimate(), 3);
    assert_eq!(statistics.moments.max, 9_223_372_036_854_775_807.0);
}

#[test]
fn what_is_no_finite_number_is_counted_apart() {
    let values = [1.0, f64::NAN, f64::INFINITY, 3.0, f64::NEG_INFINITY, f64::NAN, -0.0, 0.0].map(Some);
    let array = Float64Array::from([&values[..], &[None]].concat());
    let (missing, statistics) = numbers(Arc::new(array) as ArrayRef);
    assert_eq!((missing, statistics.nan, statistics.infinite), (1, 2, 2));
    // Python: statistics.fmean([1, 3, 0, 0]) = 1, pstdev = 1.224744871391589
    assert_eq!((statistics.moments.count, statistics.moments.mean), (4, 1.0));
    assert!((statistics.moments.std_dev() - 1.224_744_871_391_589).abs() < 1e-15);
    assert_eq!(statistics.distinct.estimate(), 3, "both zeros are one value");
}

#[test]
fn no_value_and_one_value_have_statistics_too() {
    let (missing, statistics) = numbers(Arc::new(Int64Array::from(vec![None, None])) as ArrayRef);
    assert_eq!((missing, statistics.moments.count, statistics.distinct.estimate()), (2, 0, 0));
    assert_eq!(Distribution::of(&statistics.quantiles).quantile(0.5), None);
    let (_, statistics) = numbers(Arc::new(Int64Array::from(vec![7])) as ArrayRef);
    assert_eq!((statistics.moments.std_dev(), statistics.moments.mean), (0.0, 7.0));
    assert_eq!(Distribution::of(&statistics.quantiles).quantile(0.5), Some(7.0));
    let (missing, statistics) = text(Arc::new(StringArray::from(vec![None::<&str>])) as ArrayRef);
    assert_eq!((missing, statistics.lengths, statistics.distinct_count()), (1, None, 0));
}

#[test]
fn text_is_the_same_in_every_representation() {
    let values = [Some("b"), None, Some("aé"), Some("b"), Some("")];
    let arrays: [ArrayRef; 3] = [
        Arc::new(StringArray::from_iter(values)),
        Arc::new(StringViewArray::from_iter(values)),
        Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    for array in arrays {
        let (missing, statistics) = text(array);
        assert_eq!((missing, statistics.lengths, statistics.distinct_count()), (1, Some((0, 3)), 3));
        assert_eq!(statistics.values.values(), [("b", 2), ("", 1), ("aé", 1)]);
    }
}

#[test]
fn booleans_are_counted_and_other_types_only_as_missing_or_not() {
    let booleans = BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]);
    let column = &of(&[batch(Arc::new(booleans))]).columns[0];
    assert!(matches!(column.values, ValueStatistics::Booleans { falses: 1, trues: 2 }), "{column:?}");
    let opaque: [ArrayRef; 2] =
        [Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), None])), Arc::new(NullArray::new(1))];
    for array in opaque {
        let column = &of(&[batch(array)]).columns[0];
        assert_eq!(column.missing, 1);
        assert!(matches!(column.values, ValueStatistics::Opaque));
    }
}

/// 20,000 rows of integers, floats with nulls and NaN, text and a label.
fn table() -> RecordBatch {
    let rows = 0..20_000_i64;
    let float = |row: i64| match row % 50 {
        0 => None,
        1 => Some(f64::NAN),
        _ => Some((row * 7_919 % 1_009) as f64 * 0.1),
    };
    RecordBatch::try_from_iter_with_nullable([
        ("label", Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row % 3))) as ArrayRef, true),
        (
            "i",
            Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row * 31 % 977))) as ArrayRef,
            true,
        ),
        ("f", Arc::new(Float64Array::from_iter(rows.clone().map(float))), true),
        (
            "t",
            Arc::new(StringArray::from_iter_values(rows.clone().map(|row| format!("v{}", row % 301)))),
            true,
        ),
    ])
    .unwrap()
}

fn slices(table: &RecordBatch, rows: usize) -> Vec<RecordBatch> {
    (0..table.num_rows())
        .step_by(rows)
        .map(|start| table.slice(start, rows.min(table.num_rows() - start)))
        .collect()
}

#[test]
fn statistics_are_the_same_to_the_byte_however_rows_are_batched() {
    let table = table();
    let expected = of(std::slice::from_ref(&table)).to_bytes();
    for rows in [1, 255, 4_097] {
        assert_eq!(of(&slices(&table, rows)).to_bytes(), expected, "{rows}");
    }
}

#[test]
fn a_merge_of_shards_is_their_rows_in_one() {
    let table = table();
    let whole = of(std::slice::from_ref(&table));
    let mut parts = slices(&table, 3_001).into_iter().map(|part| of(&[part]));
    let mut merged = parts.next().unwrap();
    parts.for_each(|part| merged.merge(&part).unwrap());
    assert_eq!(merged.rows, 20_000);
    for (ours, theirs) in merged.columns.iter().zip(&whole.columns) {
        assert_eq!(ours.missing, theirs.missing);
        match (&ours.values, &theirs.values) {
            (ValueStatistics::Numbers(ours), ValueStatistics::Numbers(theirs)) => {
                let exact =
                    |of: &NumberStatistics| (of.nan, of.moments.count, of.moments.min, of.moments.max);
                assert_eq!(exact(ours), exact(theirs));
                assert!((ours.moments.sum - theirs.moments.sum).abs() < 1e-6);
                assert!((ours.moments.std_dev() - theirs.moments.std_dev()).abs() < 1e-9);
                assert_eq!(ours.distinct, theirs.distinct);
                let [ours, theirs] = [ours, theirs].map(|of| Distribution::of(&of.quantiles));
                assert!(ours.largest_distance(&theirs) < 0.03);
            }
            (ValueStatistics::Text(ours), ValueStatistics::Text(theirs)) => {
                assert_eq!((ours.lengths, &ours.distinct), (theirs.lengths, &theirs.distinct));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_label_has_the_count_of_each_of_its_values() {
    let mut columns = of(&[table()]).columns;
    let ValueStatistics::Numbers(label) = columns.remove(0).values else { panic!() };
    assert_eq!(label.values.unwrap().values(), [("0", 6_667), ("1", 6_667), ("2", 6_666)]);
    let ValueStatistics::Numbers(other) = columns.remove(0).values else { panic!() };
    assert!(other.values.is_none());
}

#[test]
fn statistics_of_other_columns_are_an_error() {
    let ints = of(&[batch(Arc::new(Int64Array::from(vec![1])))]);
    let texts = of(&[batch(Arc::new(StringArray::from(vec!["1"])))]);
    assert!(ints.clone().merge(&texts).is_err());
    assert!(ints.clone().merge(&of(&[table()])).is_err());
    assert!(ShardStatistics::from_bytes(&[1, 2, 3]).is_err());
}

#[test]
fn a_column_takes_at_most_ten_kilobytes() {
    let columns = table().num_columns();
    assert!(of(&[table()]).to_bytes().len() < columns * 10 * 1024);
}
