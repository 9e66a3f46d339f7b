//! What a decoder that is written for the test reads is what was written.

use super::super::super::tests::features;
use super::super::MASK_DELTA;
use super::{batch, default_format};
use crate::formats::{FormatKind, encode_all};
use arrow::array::*;
use arrow::datatypes::{Float64Type, Int32Type};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A feature: what it consists of, as text.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    Bytes(Vec<Vec<u8>>),
    Floats(Vec<u32>),
    Integers(Vec<i64>),
}

fn varint(input: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = input[0];
        *input = &input[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// The fields of a message that has only fields with lengths.
fn fields(mut input: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !input.is_empty() {
        let tag = varint(&mut input);
        assert_eq!(tag & 7, 2, "not a field with a length");
        let length = varint(&mut input) as usize;
        let (value, rest) = input.split_at(length);
        fields.push((tag >> 3, value));
        input = rest;
    }
    fields
}

fn only(fields: Vec<(u64, &[u8])>) -> (u64, &[u8]) {
    assert_eq!(fields.len(), 1);
    fields[0]
}

fn feature(input: &[u8]) -> Read {
    let (kind, list) = only(fields(input));
    let values = fields(list);
    assert!(values.iter().all(|(number, _)| *number == 1));
    let packed = values.first().map_or(&[][..], |(_, packed)| packed);
    match kind {
        1 => Read::Bytes(values.into_iter().map(|(_, bytes)| bytes.to_vec()).collect()),
        2 => Read::Floats(packed.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()),
        3 => {
            let (mut packed, mut integers) = (packed, Vec::new());
            while !packed.is_empty() {
                integers.push(varint(&mut packed).cast_signed());
            }
            Read::Integers(integers)
        }
        _ => panic!("no kind {kind}"),
    }
}

fn example(message: &[u8]) -> BTreeMap<String, Read> {
    let (number, map) = only(fields(message));
    assert_eq!(number, 1);
    let entries: Vec<_> = fields(map)
        .into_iter()
        .map(|(_, entry)| {
            let parts = fields(entry);
            let [(1, name), (2, value)] = parts.as_slice() else { panic!("no entry") };
            (String::from_utf8(name.to_vec()).unwrap(), feature(value))
        })
        .collect();
    assert!(entries.is_sorted_by(|one, other| one.0 < other.0), "not in order");
    entries.into_iter().collect()
}

/// Castagnoli's CRC, bit by bit, as `record_writer.h` masks it.
fn masked_crc(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    });
    (!crc).rotate_right(15).wrapping_add(MASK_DELTA)
}

fn examples(mut input: &[u8]) -> Vec<BTreeMap<String, Read>> {
    let crc = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap());
    let mut examples = Vec::new();
    while !input.is_empty() {
        let length = u64::from_le_bytes(input[..8].try_into().unwrap()) as usize;
        assert_eq!(crc(&input[8..]), masked_crc(&input[..8]));
        let (message, rest) = input[12..].split_at(length);
        assert_eq!(crc(rest), masked_crc(message));
        examples.push(example(message));
        input = &rest[4..];
    }
    examples
}

type Row = (Option<i32>, Option<f64>, Option<String>, Option<Vec<f64>>, Option<Vec<i32>>);

fn row() -> impl Strategy<Value = Row> {
    let lists = (of(vec(any::<f64>(), 0..40)), of(vec(any::<i32>(), 0..40)));
    (of(any::<i32>()), of(any::<f64>()), of("\\PC{0,200}"), lists.0, lists.1)
}

fn columns(rows: &[Row]) -> Vec<(&'static str, ArrayRef)> {
    fn some<T: Copy>(list: Option<&Vec<T>>) -> Option<Vec<Option<T>>> {
        list.map(|list| list.iter().map(|value| Some(*value)).collect())
    }
    let floats = rows.iter().map(|row| some(row.3.as_ref()));
    let integers = rows.iter().map(|row| some(row.4.as_ref()));
    vec![
        ("integer", Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>())),
        ("float", Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>())),
        ("text", Arc::new(rows.iter().map(|row| row.2.as_deref()).collect::<StringViewArray>())),
        ("floats", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(floats))),
        ("integers", Arc::new(LargeListArray::from_iter_primitive::<Int32Type, _, _>(integers))),
    ]
}

fn expected(row: &Row) -> BTreeMap<String, Read> {
    let bits = |value: f64| (value as f32).to_bits();
    let features = [
        ("integer", row.0.map(|value| Read::Integers(vec![value.into()]))),
        ("float", row.1.map(|value| Read::Floats(vec![bits(value)]))),
        ("text", row.2.as_ref().map(|text| Read::Bytes(vec![text.clone().into_bytes()]))),
        ("floats", row.3.as_ref().map(|list| Read::Floats(list.iter().map(|value| bits(*value)).collect()))),
        (
            "integers",
            row.4.as_ref().map(|list| Read::Integers(list.iter().map(|value| i64::from(*value)).collect())),
        ),
    ];
    features.into_iter().filter_map(|(name, feature)| Some((name.to_owned(), feature?))).collect()
}

proptest! {
    #[test]
    fn every_value_comes_back(rows in vec(row(), 1..20), start in 0..20usize) {
        let start = start.min(rows.len() - 1);
        let batch = batch(columns(&rows)).slice(start, rows.len() - start);
        let format = default_format(FormatKind::TfRecord);
        let bytes = encode_all(format.as_ref(), &features(&batch.schema()), &[batch]).unwrap();
        let expected: Vec<_> = rows[start..].iter().map(expected).collect();
        prop_assert_eq!(examples(&bytes), expected);
    }
}
