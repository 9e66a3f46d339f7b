//! One column per Arrow layout from the same nullable integers, for laws that hold in all of them.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;

/// Equal inputs are equal values in every column, and different ones differ in at least the wide types.
pub(super) fn columns_of_every_layout(values: &[Option<i64>]) -> Vec<ArrayRef> {
    let integers: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let text: ArrayRef = Arc::new(values.iter().map(|v| v.map(|v| v.to_string())).collect::<StringArray>());
    let mut columns: Vec<ArrayRef> = [
        DataType::Int8,
        DataType::Float32,
        DataType::Decimal128(20, 3),
        DataType::Decimal256(40, 3),
        DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Duration(TimeUnit::Microsecond),
    ]
    .iter()
    .map(|data_type| cast(&integers, data_type).unwrap())
    .collect();
    let texts = [
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::BinaryView,
        DataType::Dictionary(DataType::Int16.into(), DataType::Utf8.into()),
        DataType::RunEndEncoded(
            Field::new("run_ends", DataType::Int32, false).into(),
            Field::new("values", DataType::Utf8, true).into(),
        ),
    ];
    columns.extend(texts.iter().map(|data_type| cast(&text, data_type).unwrap()));
    columns.push(Arc::new(values.iter().map(|v| v.map(|v| v % 2 == 0)).collect::<BooleanArray>()));
    columns.push(Arc::new(NullArray::new(values.len())));
    columns.extend(nested(values));
    columns.extend([integers, text]);
    columns
}

/// What a row's list holds: as many elements as the value says, some of them null.
fn elements(value: i64) -> Vec<Option<i64>> {
    (0..value.rem_euclid(4)).map(|index| (index != 1).then_some(value + index)).collect()
}

fn nested(values: &[Option<i64>]) -> Vec<ArrayRef> {
    let lists = || values.iter().map(|value| value.map(elements));
    let pairs = |value: &Option<i64>| value.map(|v| vec![Some(v), None]);
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(lists());
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    let list_view = cast(&list, &DataType::ListView(item)).unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let fields =
        vec![Field::new("number", DataType::Int64, true), Field::new("list", list.data_type().clone(), true)];
    let nulls = numbers.nulls().cloned();
    let structs = StructArray::new(fields.into(), vec![numbers, Arc::new(list.clone())], nulls);
    vec![
        list_view,
        Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>(lists())),
        Arc::new(FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(values.iter().map(pairs), 2)),
        Arc::new(map(values)),
        Arc::new(structs),
        Arc::new(list),
    ]
}

fn map(values: &[Option<i64>]) -> MapArray {
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for value in values {
        for (index, element) in value.map(elements).unwrap_or_default().into_iter().enumerate() {
            map.keys().append_value(format!("key {index}"));
            map.values().append_option(element);
        }
        map.append(value.is_some()).unwrap();
    }
    map.finish()
}
