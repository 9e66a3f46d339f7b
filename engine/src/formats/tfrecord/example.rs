//! The messages of one shard: `Example{Features features=1}`, `Features{map<string, Feature> feature=1}`,
//! `Feature{oneof{BytesList=1, FloatList=2, Int64List=3}}`, each list `{repeated value=1}`, numbers packed.
//!
//! A length stands before what it measures, so each row is measured first and then written once.

use super::super::value_lists::{Kind, ValueLists, Values, kind_of};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, SchemaRef};
use std::ops::Range;

/// Field 1 of any message, as something that has a length; in `Feature` a list of bytes.
const FIELD_1: u8 = 0x0a;
/// Field 2: the value in an entry of a map; in `Feature` a list of floats.
const FIELD_2: u8 = 0x12;
/// Field 3: in `Feature` a list of integers.
const FIELD_3: u8 = 0x1a;

/// protobuf's limit for a message.
const MOST_BYTES: usize = i32::MAX as usize;

/// The features of a shard, in the order of their names.
#[derive(Debug)]
pub(super) struct Examples {
    features: Vec<Feature>,
    columns: usize,
    features_bytes: usize,
}

/// One feature, and what was measured of it in the row at hand.
#[derive(Debug)]
struct Feature {
    field: FieldRef,
    column: usize,
    /// None for a column of nulls.
    kind: Option<Kind>,
    /// What an entry of the map starts with: the name, and the tag of the feature.
    prefix: Vec<u8>,
    measured: Option<Measured>,
}

#[derive(Debug, Clone)]
struct Measured {
    values: Range<usize>,
    /// Bytes of the values: of packed numbers those behind their length, of bytes all.
    values_bytes: usize,
    list_bytes: usize,
}

impl Measured {
    fn feature_bytes(&self) -> usize {
        1 + varint_bytes(self.list_bytes as u64) + self.list_bytes
    }
}

impl Feature {
    fn new(column: usize, field: &FieldRef) -> Self {
        let name = field.name().as_bytes();
        let mut prefix = vec![FIELD_1];
        push_varint(&mut prefix, name.len() as u64);
        prefix.extend_from_slice(name);
        prefix.push(FIELD_2);
        Self { field: field.clone(), column, kind: kind_of(field.data_type()), prefix, measured: None }
    }

    /// The bytes of the entry, without its own tag and length.
    fn entry_bytes(&self, measured: &Measured) -> usize {
        let feature_bytes = measured.feature_bytes();
        self.prefix.len() + varint_bytes(feature_bytes as u64) + feature_bytes
    }

    fn measure(&mut self, lists: Option<&ValueLists>, row: usize) -> Result<usize> {
        self.measured = None;
        let Some(lists) = lists else { return Ok(0) };
        let Some(values) = lists.range(row, &self.field)? else { return Ok(0) };
        let values_bytes = self.values_bytes(&lists.values, values.clone())?;
        let list_bytes = match &lists.values {
            Values::Bytes(_) | Values::LargeBytes(_) => values_bytes,
            _ if values.is_empty() => 0,
            _ => 1 + varint_bytes(values_bytes as u64) + values_bytes,
        };
        let measured = Measured { values, values_bytes, list_bytes };
        let entry_bytes = self.entry_bytes(&measured);
        self.measured = Some(measured);
        Ok(1 + varint_bytes(entry_bytes as u64) + entry_bytes)
    }

    fn values_bytes(&self, values: &Values, range: Range<usize>) -> Result<usize> {
        let with_length = |bytes: usize| 1 + varint_bytes(bytes as u64) + bytes;
        Ok(match values {
            Values::Integers(values) => {
                values[range].iter().map(|value| varint_bytes(value.cast_unsigned())).sum()
            }
            Values::Unsigned(values) => {
                let values = &values[range];
                if let Some(value) = values.iter().find(|value| i64::try_from(**value).is_err()) {
                    return Err(too_large(&self.field, *value));
                }
                values.iter().map(|value| varint_bytes(*value)).sum()
            }
            Values::Floats(_) => range.len() * size_of::<f32>(),
            Values::Bytes(values) => range.map(|item| with_length(values.value(item).len())).sum(),
            Values::LargeBytes(values) => range.map(|item| with_length(values.value(item).len())).sum(),
        })
    }

    fn push(&self, values: &Values, measured: &Measured, out: &mut Vec<u8>) {
        out.push(FIELD_1);
        push_varint(out, self.entry_bytes(measured) as u64);
        out.extend_from_slice(&self.prefix);
        push_varint(out, measured.feature_bytes() as u64);
        out.push(match values {
            Values::Bytes(_) | Values::LargeBytes(_) => FIELD_1,
            Values::Floats(_) => FIELD_2,
            Values::Integers(_) | Values::Unsigned(_) => FIELD_3,
        });
        push_varint(out, measured.list_bytes as u64);
        push_list(values, measured, out);
    }
}

impl Examples {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let features = schema.fields().iter().enumerate();
        let mut features: Vec<_> = features.map(|(column, field)| Feature::new(column, field)).collect();
        features.sort_by(|one, other| one.field.name().cmp(other.field.name()));
        Self { features, columns: schema.fields().len(), features_bytes: 0 }
    }

    /// The columns of `batch`, in the order of the features.
    ///
    /// **Errors** those of [`ValueLists::new`].
    pub(super) fn columns(&self, batch: &RecordBatch) -> Result<Vec<Option<ValueLists>>> {
        if batch.num_columns() != self.columns {
            let message =
                format!("a batch of {} columns came for a file of {}", batch.num_columns(), self.columns);
            return Err(Error::new(Code::Internal, message));
        }
        let lists = self.features.iter().map(|feature| {
            let lists = |kind| ValueLists::new(batch.column(feature.column), &feature.field, kind);
            feature.kind.map(lists).transpose()
        });
        lists.collect()
    }

    /// How many bytes the message of `row` has; it can be pushed then.
    ///
    /// **Errors** [`Code::BadRow`] for a null in a list, an integer above those of 64 bits with a sign, and a message
    /// of 2 GiB.
    pub(super) fn measure(&mut self, columns: &[Option<ValueLists>], row: usize) -> Result<usize> {
        let mut bytes = 0;
        for (feature, lists) in self.features.iter_mut().zip(columns) {
            bytes += feature.measure(lists.as_ref(), row)?;
        }
        self.features_bytes = bytes;
        let message_bytes = 1 + varint_bytes(bytes as u64) + bytes;
        if message_bytes > MOST_BYTES {
            let message = format!("a row of {message_bytes} bytes is too long for a tf.train.Example");
            return Err(Error::new(Code::BadRow, message)
                .with_hint("protobuf has messages of less than 2 GiB; split the row"));
        }
        Ok(message_bytes)
    }

    /// Appends the message of the row that was measured last.
    pub(super) fn push(&self, columns: &[Option<ValueLists>], out: &mut Vec<u8>) {
        out.push(FIELD_1);
        push_varint(out, self.features_bytes as u64);
        for (feature, lists) in self.features.iter().zip(columns) {
            if let (Some(lists), Some(measured)) = (lists, &feature.measured) {
                feature.push(&lists.values, measured, out);
            }
        }
    }
}

fn push_list(values: &Values, measured: &Measured, out: &mut Vec<u8>) {
    let range = measured.values.clone();
    match values {
        Values::Bytes(values) => range.for_each(|item| push_bytes(out, values.value(item))),
        Values::LargeBytes(values) => range.for_each(|item| push_bytes(out, values.value(item))),
        _ if range.is_empty() => {}
        Values::Integers(values) => {
            push_packed_start(out, measured);
            values[range].iter().for_each(|value| push_varint(out, value.cast_unsigned()));
        }
        Values::Unsigned(values) => {
            push_packed_start(out, measured);
            values[range].iter().for_each(|value| push_varint(out, *value));
        }
        Values::Floats(values) => {
            push_packed_start(out, measured);
            values[range].iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
    }
}

fn push_packed_start(out: &mut Vec<u8>, measured: &Measured) {
    out.push(FIELD_1);
    push_varint(out, measured.values_bytes as u64);
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(FIELD_1);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[inline]
fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Seven bits a byte; at least one.
#[inline]
fn varint_bytes(value: u64) -> usize {
    ((value | 1).ilog2() / 7 + 1) as usize
}

fn too_large(field: &FieldRef, value: u64) -> Error {
    let message = format!(
        "column \"{}\" has the value {value}: TensorFlow's integers end at {}",
        field.name(),
        i64::MAX
    );
    Error::new(Code::BadRow, message).with_hint("cast the column to DOUBLE or to text")
}
