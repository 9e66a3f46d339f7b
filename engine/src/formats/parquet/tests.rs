use super::super::tests::{batch, default_format, features, refusal, with_options};
use super::super::{FormatKind, encode_all};
use super::ROW_GROUP_BYTES;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::Compression;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::*;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::Arc;

fn encode(options: &[(&str, &str)], batch: &RecordBatch) -> Bytes {
    let format = with_options(FormatKind::Parquet, options);
    encode_all(format.as_ref(), &features(&batch.schema()), std::slice::from_ref(batch)).unwrap().into()
}

fn read(bytes: Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// A list of views, as text in plain types is.
fn list_of_views() -> ListArray {
    let mut list = ListBuilder::new(StringViewBuilder::new());
    list.append_value([Some("a"), None]);
    list.append_null();
    list.append_value([Some("longer than twelve bytes")]);
    list.finish()
}

#[test]
fn nested_views_are_written_as_plain_text() {
    let read = read(encode(&[], &batch(vec![("l", Arc::new(list_of_views()) as ArrayRef)])));
    let list = read.column(0).as_list::<i32>();
    assert_eq!(list.value_type(), DataType::Utf8);
    assert!(list.is_null(1));
    assert_eq!(
        list.values().as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some("a"), None, Some("longer than twelve bytes")]
    );
}

#[test]
fn times_that_parquet_lacks_are_written_as_the_next_it_has() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("date", Arc::new(Date64Array::from(vec![9568 * 86_400_000]))),
        ("time", Arc::new(Time32SecondArray::from(vec![1]))),
        ("timestamp", Arc::new(TimestampSecondArray::from(vec![1]).with_timezone("UTC"))),
    ];
    let read = read(encode(&[], &batch(columns)));
    assert_eq!(read.column(0).as_primitive::<Date32Type>().value(0), 9568);
    assert_eq!(read.column(1).as_primitive::<Time32MillisecondType>().value(0), 1000);
    assert_eq!(read.column(2).as_primitive::<TimestampMillisecondType>().value(0), 1000);
}

#[test]
fn a_timestamp_that_does_not_fit_is_an_error_and_not_a_null() {
    let batch = batch(vec![("t", Arc::new(TimestampSecondArray::from(vec![i64::MAX])) as ArrayRef)]);
    let error =
        encode_all(default_format(FormatKind::Parquet).as_ref(), &features(&batch.schema()), &[batch])
            .unwrap_err();
    assert_eq!(error.code(), crate::error::Code::BadRow);
    assert!(error.message().contains("\"t\""), "{error}");
}

#[test]
fn the_metadata_of_inputs_stays_out_of_the_file() {
    let field = Field::new("x", DataType::Int32, true);
    let tagged = field.clone().with_metadata([("PARQUET:field_id".to_owned(), "7".to_owned())].into());
    let schema = Schema::new(vec![tagged]).with_metadata([("spark".to_owned(), "schema".to_owned())].into());
    let values: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let tagged = RecordBatch::try_new(Arc::new(schema), vec![values.clone()]).unwrap();
    let plain = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![values]).unwrap();
    assert_eq!(encode(&[], &tagged), encode(&[], &plain));
}

#[test]
fn options_reach_the_file() {
    let batch = batch(vec![("x", Arc::new(Int64Array::from_iter_values(0..2500)) as ArrayRef)]);
    let options = [("compression", "zstd(1)"), ("row_group_rows", "1000"), ("dictionary", "false")];
    let reader = SerializedFileReader::new(encode(&options, &batch)).unwrap();
    let metadata = reader.metadata();
    assert_eq!(metadata.file_metadata().created_by(), Some("gristmill"));
    let rows: Vec<_> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [1000, 1000, 500]);
    let column = metadata.row_group(0).column(0);
    assert!(matches!(column.compression(), Compression::ZSTD(_)));
    assert_eq!(column.dictionary_page_offset(), None);
    let by_default = SerializedFileReader::new(encode(&[], &batch)).unwrap();
    assert_eq!(by_default.metadata().row_group(0).column(0).compression(), Compression::SNAPPY);
}

/// The bytes of a file of one column of so many rows, of which that many differ, with those options.
fn bytes_of(rows: i64, distinct: i64, options: &[(&str, &str)]) -> usize {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % distinct)));
    encode(options, &batch(vec![("x", column)])).len()
}

#[test]
fn a_column_has_a_dictionary_where_that_makes_the_file_shorter() {
    let (never, always) = ([("dictionary", "false")], [("dictionary", "true")]);
    // The first 1,024 rows do not tell that these repeat.
    assert!(bytes_of(200_000, 2_000, &[]) * 2 < bytes_of(200_000, 2_000, &never));
    assert_eq!(bytes_of(200_000, 7, &[]), bytes_of(200_000, 7, &always));
    let (tried, without) = (bytes_of(200_000, 200_000, &[]), bytes_of(200_000, 200_000, &never));
    assert!(tried < bytes_of(200_000, 200_000, &always) && tried * 20 < without * 21, "{tried} {without}");
}

#[test]
fn a_shard_without_rows_is_a_file_with_a_schema() {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Utf8View, true)]));
    let bytes = encode_all(default_format(FormatKind::Parquet).as_ref(), &features(&schema), &[]).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    assert_eq!(reader.schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn what_is_buffered_is_bounded_and_leaves_as_row_groups() {
    // 1 KiB of incompressible text a row, 160 MiB in all: three row groups.
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Utf8, false)]));
    let format = with_options(FormatKind::Parquet, &[("dictionary", "false")]);
    let mut encoder = format.encoder(&features(&schema)).unwrap();
    let (mut out, mut state, mut drained) = (Vec::new(), 1u64, 0);
    for _ in 0..160 {
        let texts: Vec<String> = (0..1024).map(|_| incompressible(&mut state)).collect();
        let column: ArrayRef = Arc::new(StringArray::from(texts));
        let before = out.len();
        encoder.encode(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap(), &mut out).unwrap();
        drained += usize::from(out.len() > before);
        assert!(encoder.buffered_bytes() < ROW_GROUP_BYTES + 4 * 1024 * 1024);
    }
    encoder.finish(&mut out).unwrap();
    assert_eq!(encoder.buffered_bytes(), 0);
    assert!((2..=4).contains(&drained), "{drained}");
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(out)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 160 * 1024);
}

fn incompressible(state: &mut u64) -> String {
    let mut text = String::with_capacity(1024);
    while text.len() < 1024 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.extend((0..8).map(|byte| char::from(b' ' + (*state >> (16 + byte * 6)) as u8 % 64)));
    }
    text
}

#[test]
fn types_it_cannot_hold_are_refused_with_what_would_fix_them() {
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    for (data_type, hint) in [
        (DataType::Union(UnionFields::empty(), UnionMode::Sparse), "union_extract(\"Wide one\""),
        (interval.clone(), "date_part('epoch', \"Wide one\")"),
        (DataType::List(item(interval.clone())), "date_part"),
        (DataType::Struct(vec![item(interval)].into()), "date_part"),
        (DataType::Struct(Fields::empty()), "CAST(\"Wide one\" AS VARCHAR)"),
        (DataType::Decimal128(10, -2), "CAST("),
    ] {
        let error = refusal(FormatKind::Parquet, data_type);
        assert!(error.hint().unwrap().contains(hint), "{}", error.report());
    }
}

/// Every type that is not refused can be written, a null at least.
#[test]
fn types_that_pass_the_check_can_be_written() {
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut types = vec![
        DataType::Null,
        DataType::Boolean,
        DataType::Float16,
        DataType::BinaryView,
        DataType::LargeUtf8,
        DataType::FixedSizeBinary(3),
        DataType::Decimal32(9, 2),
        DataType::Decimal256(76, 2),
        DataType::Interval(IntervalUnit::YearMonth),
        DataType::Interval(IntervalUnit::DayTime),
        DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Decimal128(9, 2))),
        DataType::ListView(Arc::new(Field::new("item", DataType::Utf8View, true))),
        DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, true)), 4),
    ];
    types.extend(units.map(DataType::Duration));
    types.extend(units.map(|unit| DataType::Timestamp(unit, None)));
    for data_type in types {
        let batch = batch(vec![("x", new_null_array(&data_type, 2))]);
        let bytes = encode(&[], &batch);
        assert_eq!(read(bytes).column(0).logical_null_count(), 2, "{data_type}");
    }
}

proptest! {
    #[test]
    fn every_value_comes_back(
        rows in vec((of(any::<i64>()), of(any::<f32>()), of("\\PC{0,20}")), 1..300),
        start in 0..300usize,
    ) {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("integer", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>())),
            ("float", Arc::new(rows.iter().map(|row| row.1).collect::<Float32Array>())),
            ("text", Arc::new(rows.iter().map(|row| row.2.as_deref()).collect::<StringArray>())),
        ];
        let start = start.min(rows.len() - 1);
        let batch = batch(columns).slice(start, rows.len() - start);
        let read = read(encode(&[("row_group_rows", "64")], &batch));
        prop_assert_eq!(read, batch);
    }
}
