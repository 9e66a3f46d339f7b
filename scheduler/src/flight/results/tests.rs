use super::*;
use arrow_flight::decode::FlightRecordBatchStream;
use datafusion::arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Int32Array, LargeListArray, ListArray, ListViewArray,
    StringViewArray, StructArray,
};
use datafusion::arrow::datatypes::{Int32Type, Int64Type};
use datafusion::arrow::util::pretty::pretty_format_batches;

fn every_type() -> RecordBatch {
    let list =
        || ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None, Some(vec![])]);
    let large =
        LargeListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), None, Some(vec![])]);
    let views: ArrayRef =
        Arc::new(StringViewArray::from(vec![Some("a"), None, Some("a long text, out of line")]));
    let binary_views = cast(&views, &DataType::BinaryView).unwrap();
    let dictionary: ArrayRef = Arc::new(["x", "y", "x"].into_iter().collect::<DictionaryArray<Int32Type>>());
    let item = Arc::new(Field::new("v", DataType::Utf8View, true));
    let nested = StructArray::new(vec![Arc::clone(&item)].into(), vec![Arc::clone(&views)], None);
    let list_view = ListViewArray::from(list());
    RecordBatch::try_from_iter([
        ("view", views),
        ("binary", binary_views),
        ("dictionary", dictionary),
        ("list", Arc::new(list()) as ArrayRef),
        ("large", Arc::new(large) as ArrayRef),
        ("list_view", Arc::new(list_view) as ArrayRef),
        ("nested", Arc::new(nested) as ArrayRef),
    ])
    .unwrap()
}

async fn over_the_wire(batches: Vec<RecordBatch>, schema: SchemaRef) -> (SchemaRef, Vec<RecordBatch>) {
    let data = encode(stream::iter(batches.into_iter().map(Ok)), schema).map_err(FlightError::from);
    let mut decoder = FlightRecordBatchStream::new_from_flight_data(data);
    let mut received = Vec::new();
    while let Some(batch) = decoder.next().await {
        received.push(batch.unwrap());
    }
    (Arc::clone(decoder.schema().unwrap()), received)
}

#[tokio::test]
async fn the_announced_schema_is_the_one_that_is_sent() {
    let batch = every_type();
    let announced = wire_schema(batch.schema_ref());
    let (sent, received) = over_the_wire(vec![batch.clone()], Arc::clone(&announced)).await;
    assert_eq!(sent, announced);
    assert_eq!(received[0].schema(), announced);
    let text = |batch: &RecordBatch| pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string();
    assert_eq!(text(&received[0]), text(&batch));
}

#[tokio::test]
async fn a_result_without_rows_has_its_schema() {
    let schema = wire_schema(every_type().schema_ref());
    let (sent, received) = over_the_wire(Vec::new(), Arc::clone(&schema)).await;
    assert_eq!((sent, received.len()), (schema, 0));
}

#[tokio::test]
async fn nullability_is_as_announced() {
    let batch =
        RecordBatch::try_from_iter([("a", Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef)]).unwrap();
    let announced = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true)]));
    let (_, received) = over_the_wire(vec![batch], Arc::clone(&announced)).await;
    assert_eq!(received[0].schema(), announced);
}

#[test]
fn other_columns_than_announced_are_an_error() {
    let batch = RecordBatch::try_from_iter([("a", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
    let announced = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    assert_eq!(to_wire(&batch, &announced).unwrap_err().code(), Code::StatementFailed);
}

#[test]
fn slices_are_measured_by_what_they_show() {
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>((0..1_000).map(|_| Some(vec![Some(1); 5_000])));
    let batch = RecordBatch::try_from_iter([("a", Arc::new(lists) as ArrayRef)]).unwrap();
    let pieces = split(batch.clone());
    assert_eq!(pieces.iter().map(RecordBatch::num_rows).sum::<usize>(), 1_000);
    // 20 MB in pieces of at most 2 MiB, none smaller than half of that.
    assert!((10..=20).contains(&pieces.len()), "{}", pieces.len());
    // One row of a huge batch is not cut by the size of the batch.
    assert_eq!(split(batch.slice(500, 100)).len(), 1);
    let items = pieces[0].column(0).as_list::<i32>().value(0);
    assert_eq!(items.len(), 5_000);
}
