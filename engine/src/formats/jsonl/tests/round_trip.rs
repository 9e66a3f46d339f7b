//! What serde_json parses is what arrow's JSON reader made the batch of, whatever is nested in what.

use super::super::super::tests::{batch, features, with_options};
use super::super::super::{FormatKind, encode_all};
use crate::error::Code;
use arrow::array::*;
use arrow::datatypes::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn data_type() -> impl Strategy<Value = DataType> {
    let leaf = prop::sample::select(vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::Int64,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
    ]);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = |inner| Arc::new(Field::new_list_field(inner, true));
        prop_oneof![
            inner.clone().prop_map(move |inner| DataType::List(list(inner))),
            inner.clone().prop_map(move |inner| DataType::LargeList(list(inner))),
            vec(inner.clone(), 1..4).prop_map(|inner| DataType::Struct(fields(inner))),
            inner.prop_map(|inner| {
                let pair = vec![Field::new("keys", DataType::Utf8, false), Field::new("values", inner, true)];
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair.into()), false)), false)
            }),
        ]
    })
}

fn fields(types: Vec<DataType>) -> Fields {
    types.into_iter().enumerate().map(|(index, inner)| Field::new(format!("f{index}"), inner, true)).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![vec(any::<char>(), 0..12).prop_map(String::from_iter), "[ -~\\n\\t\\x00-\\x1f\"\\\\]{0,70}"]
}

/// Numbers are such that every parser reads them exactly.
fn value(data_type: &DataType) -> BoxedStrategy<Value> {
    let some = match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        DataType::Int8 => any::<i8>().prop_map(Value::from).boxed(),
        DataType::Int64 => any::<i64>().prop_map(Value::from).boxed(),
        DataType::UInt64 => any::<u64>().prop_map(Value::from).boxed(),
        DataType::Float32 | DataType::Float64 => {
            any::<i16>().prop_map(|number| json!(f64::from(number) / 8.0)).boxed()
        }
        DataType::List(item) | DataType::LargeList(item) => {
            vec(value(item.data_type()), 0..4).prop_map(Value::from).boxed()
        }
        DataType::Struct(fields) => object(fields).boxed(),
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { unreachable!() };
            let entries = btree_map(text(), value(pair[1].data_type()), 0..4);
            entries.prop_map(|entries| Value::Object(entries.into_iter().collect())).boxed()
        }
        _ => text().prop_map(Value::from).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 5 => some].boxed()
}

fn object(fields: &Fields) -> impl Strategy<Value = Value> + use<> {
    let values: Vec<_> = fields.iter().map(|field| value(field.data_type())).collect();
    let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    values.prop_map(move |values| Value::Object(names.iter().cloned().zip(values).collect::<Map<_, _>>()))
}

fn rows() -> impl Strategy<Value = (SchemaRef, Vec<Value>)> {
    vec(data_type(), 1..4).prop_flat_map(|types| {
        let fields = fields(types);
        (Just(Arc::new(Schema::new(fields.clone()))), vec(object(&fields), 1..8))
    })
}

fn lines(batch: &RecordBatch) -> Vec<Value> {
    let format = with_options(FormatKind::Jsonl, &[]);
    let bytes = encode_all(format.as_ref(), &features(&batch.schema()), std::slice::from_ref(batch)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

proptest! {
    #[test]
    fn every_value_comes_back((schema, rows) in rows(), start in 0..8_usize) {
        let mut reader = arrow::json::ReaderBuilder::new(schema).build_decoder().unwrap();
        reader.serialize(&rows).unwrap();
        let batch = reader.flush().unwrap().unwrap();
        prop_assert_eq!(&lines(&batch), &rows);
        let start = start.min(rows.len());
        prop_assert_eq!(&lines(&batch.slice(start, rows.len() - start)), &rows[start..]);
    }

    #[test]
    fn any_ticks_are_an_error_or_strings(ticks in vec(any::<i64>(), 1..20), wide in any::<i128>(), days: i32) {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("time", Arc::new(Time64NanosecondArray::from(ticks.clone()))),
            ("second", Arc::new(TimestampSecondArray::from(ticks.clone()))),
            ("nano", Arc::new(TimestampNanosecondArray::from(ticks.clone()).with_timezone("UTC"))),
            ("day", Arc::new(Date32Array::from(vec![days; ticks.len()]))),
            ("ms", Arc::new(Date64Array::from(ticks.clone()))),
            ("decimal", Arc::new(Decimal128Array::from(vec![wide; ticks.len()]))),
            ("float", Arc::new(Float64Array::from_iter_values(ticks.iter().map(|bits| f64::from_bits(*bits as u64))))),
        ];
        let all = batch(columns.clone());
        let format = with_options(FormatKind::Jsonl, &[("nan", "string")]);
        if let Err(error) = encode_all(format.as_ref(), &features(&all.schema()), &[all]) {
            prop_assert_eq!(error.code(), Code::BadRow);
        }
        prop_assert_eq!(lines(&batch(columns[1..].to_vec())).len(), ticks.len());
    }
}
