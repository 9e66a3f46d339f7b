use super::super::tests::{batch, default_format, features, refusal, with_options};
use super::super::{FormatKind, encode_all};
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema};
use arrow::ipc::reader::FileReader;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::io::Cursor;
use std::sync::Arc;

fn encoded(options: &[(&str, &str)], batches: &[RecordBatch]) -> Vec<u8> {
    let format = with_options(FormatKind::Arrow, options);
    encode_all(format.as_ref(), &features(&batches[0].schema()), batches).unwrap()
}

fn read(bytes: Vec<u8>) -> Vec<RecordBatch> {
    FileReader::try_new(Cursor::new(bytes), None).unwrap().collect::<Result<_, _>>().unwrap()
}

fn numbers(rows: i32) -> RecordBatch {
    batch(vec![("n", Arc::new(Int32Array::from_iter_values(0..rows)) as ArrayRef)])
}

#[test]
fn batches_are_cut_at_fixed_rows() {
    let rows = |options, rows| {
        read(encoded(options, &[numbers(rows)])).iter().map(RecordBatch::num_rows).collect::<Vec<_>>()
    };
    assert_eq!(rows(&[], 65_537), [65_536, 1]);
    assert_eq!(rows(&[("batch_rows", "3")], 7), [3, 3, 1]);
    assert_eq!(rows(&[("batch_rows", "3")], 6), [3, 3]);
}

#[test]
fn a_file_without_rows_has_its_schema() {
    let reader = FileReader::try_new(Cursor::new(encoded(&[], &[numbers(0)])), None).unwrap();
    assert_eq!(reader.num_batches(), 0);
    assert_eq!(reader.schema().field(0), &Field::new("n", DataType::Int32, true));
}

#[test]
fn buffers_lie_at_multiples_of_64_bytes() {
    let bytes = encoded(&[], &[numbers(1_000)]);
    let values: Vec<u8> = (0..1_000i32).flat_map(i32::to_le_bytes).collect();
    let place = bytes.windows(values.len()).position(|window| window == values).unwrap();
    assert_eq!(place % 64, 0);
}

#[test]
fn a_slice_writes_its_rows_only() {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..10_000).map(|row| format!("w{row}"))));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..10_000).map(|row| Some([Some(row)])));
    let whole = batch(vec![("w", words), ("l", Arc::new(lists))]);
    let copy = batch(vec![
        ("w", Arc::new(StringArray::from(vec!["w77", "w78"])) as ArrayRef),
        (
            "l",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
                [77, 78].map(|row| Some([Some(row)])),
            )),
        ),
    ]);
    assert_eq!(encoded(&[], &[whole.slice(77, 2)]), encoded(&[], &[copy]));
}

#[test]
fn what_lies_under_a_null_is_not_written() {
    let nulls = || Some(NullBuffer::from(vec![true, false, true]));
    let with = |hidden: i32, word: &str| {
        let integers = Int32Array::new(vec![1, hidden, 3].into(), nulls());
        let words = StringArray::new(
            OffsetBuffer::from_lengths([1, word.len(), 1]),
            format!("a{word}b").into_bytes().into(),
            nulls(),
        );
        let item = Arc::new(Field::new("item", DataType::Int32, true));
        let lists = ListArray::new(
            item.clone(),
            OffsetBuffer::from_lengths([1, word.len(), 1]),
            Arc::new(Int32Array::from([vec![1], vec![hidden; word.len()], vec![3]].concat())) as ArrayRef,
            nulls(),
        );
        let fields = Fields::from(vec![Field::new("i", DataType::Int32, true)]);
        let inner: ArrayRef = Arc::new(Int32Array::new(vec![1, hidden, 3].into(), None));
        let structs = StructArray::new(fields, vec![inner.clone()], nulls());
        let fixed = FixedSizeListArray::new(item, 1, inner, nulls());
        encoded(
            &[],
            &[batch(vec![
                ("i", Arc::new(integers) as ArrayRef),
                ("w", Arc::new(words)),
                ("l", Arc::new(lists)),
                ("s", Arc::new(structs)),
                ("f", Arc::new(fixed)),
            ])],
        )
    };
    assert_eq!(with(7, "x"), with(0, "longer"));
}

#[test]
fn metadata_of_inputs_is_not_written() {
    let plain = numbers(3);
    let described = Schema::new(plain.schema().fields().clone())
        .with_metadata([("a".to_owned(), "b".to_owned()), ("c".to_owned(), "d".to_owned())].into());
    let described = RecordBatch::try_new(Arc::new(described), plain.columns().to_vec()).unwrap();
    assert_eq!(encoded(&[], &[described]), encoded(&[], &[plain]));
}

#[test]
fn options_are_read_and_bad_ones_refused() {
    let large = batch(vec![("n", Arc::new(Int32Array::from(vec![5; 10_000])) as ArrayRef)]);
    for codec in ["lz4", "ZSTD"] {
        let bytes = encoded(&[("compression", codec)], std::slice::from_ref(&large));
        assert!(bytes.len() < 5_000, "{codec}");
        assert_eq!(read(bytes), std::slice::from_ref(&large));
    }
    let take = |key: &str, value: &str| {
        super::ArrowOptions::take(&mut [(key.to_owned(), value.to_owned())].into()).unwrap_err()
    };
    assert!(take("compression", "snappy").message().contains("'snappy'"));
    assert!(take("batch_rows", "0").message().contains("'0'"));
}

#[test]
fn unions_are_refused_and_nested_types_are_not() {
    let unions = DataType::Union(arrow::datatypes::UnionFields::empty(), arrow::datatypes::UnionMode::Sparse);
    let hint = refusal(FormatKind::Arrow, unions).hint().unwrap().to_owned();
    assert!(hint.contains("union_extract(\"Wide one\""), "{hint}");
    let list = DataType::List(Arc::new(Field::new("item", DataType::Binary, true)));
    let schema = Arc::new(Schema::new(vec![Field::new("x", list, true)]));
    default_format(FormatKind::Arrow).check(&features(&schema)).unwrap();
}

type Row = (Option<bool>, Option<i64>, Option<String>, Option<Vec<Option<i32>>>, Option<(i32, i32)>);

fn row() -> impl Strategy<Value = Row> {
    let nested = (of(vec(of(any::<i32>()), 0..5)), of(any::<(i32, i32)>()));
    (of(any::<bool>()), of(any::<i64>()), of("\\PC{0,20}"), nested.0, nested.1)
}

fn rows_batch(rows: &[Row]) -> RecordBatch {
    let lists = rows.iter().map(|row| row.3.clone());
    let pairs = || rows.iter().map(|row| row.4.map(|(one, other)| [Some(one), Some(other)]));
    let pairs_nulls = NullBuffer::from_iter(rows.iter().map(|row| row.4.is_some()));
    let inner: ArrayRef = Arc::new(rows.iter().map(|row| row.4.map(|pair| pair.0)).collect::<Int32Array>());
    let fields = Fields::from(vec![Field::new("one", DataType::Int32, true)]);
    batch(vec![
        ("boolean", Arc::new(rows.iter().map(|row| row.0).collect::<BooleanArray>()) as ArrayRef),
        ("integer", Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())),
        ("text", Arc::new(rows.iter().map(|row| row.2.as_deref()).collect::<StringArray>())),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("pair", Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(pairs(), 2))),
        ("struct", Arc::new(StructArray::new(fields, vec![inner], Some(pairs_nulls)))),
    ])
}

proptest! {
    #[test]
    fn arrow_reads_the_same_rows_however_they_were_batched(
        rows in vec(row(), 1..40), size in 1..40usize, batch_rows in 1..40usize,
    ) {
        let whole = rows_batch(&rows);
        let slices: Vec<_> = (0..rows.len())
            .step_by(size)
            .map(|start| whole.slice(start, size.min(rows.len() - start)))
            .collect();
        let batch_rows = batch_rows.to_string();
        let options = [("batch_rows", batch_rows.as_str())];
        let bytes = encoded(&options, &slices);
        prop_assert_eq!(&bytes, &encoded(&options, std::slice::from_ref(&whole)));
        let joined = arrow::compute::concat_batches(&whole.schema(), &read(bytes)).unwrap();
        prop_assert_eq!(joined, whole);
    }
}
