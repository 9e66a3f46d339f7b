//! Columns that stand for other columns: structs, dictionaries, run-end encoding, and the column of nulls.

use arrow::array::{AnyDictionaryArray, Array, AsArray, RunArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int16Type, Int32Type, Int64Type, RunEndIndexType};

use super::{BoxedColumn, CanonicalError, Column, Floats, NULL, column, hash_in_blocks, tag};
use crate::xxh3::hash_bytes;

/// A column without values.
pub(super) struct AllNull;

impl Column for AllNull {
    fn encode(&self, _row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&NULL);
    }
}

struct Structs<'a> {
    nulls: Option<&'a NullBuffer>,
    fields: Vec<BoxedColumn<'a>>,
    field_count: [u8; 4],
}

/// The column of a struct array.
pub(super) fn structs(array: &StructArray, floats: Floats) -> Result<BoxedColumn<'_>, CanonicalError> {
    let fields =
        array.columns().iter().map(|field| column(field.as_ref(), floats)).collect::<Result<Vec<_>, _>>()?;
    let [a, b, c, d, ..] = fields.len().to_le_bytes();
    Ok(Box::new(Structs { nulls: array.nulls(), fields, field_count: [a, b, c, d] }))
}

impl Column for Structs<'_> {
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(&NULL);
            return;
        }
        out.push(tag::STRUCT);
        out.extend_from_slice(&self.field_count);
        for field in &self.fields {
            field.encode(row, out);
        }
    }
}

struct Dictionary<'a> {
    nulls: Option<&'a NullBuffer>,
    /// For a null row, any key that exists.
    keys: Vec<usize>,
    values: BoxedColumn<'a>,
    value_count: usize,
}

/// The column of a dictionary array.
pub(super) fn dictionary(
    array: &dyn AnyDictionaryArray,
    floats: Floats,
) -> Result<BoxedColumn<'_>, CanonicalError> {
    let values = column(array.values().as_ref(), floats)?;
    let value_count = array.values().len();
    if value_count == 0 {
        return Ok(Box::new(AllNull));
    }
    Ok(Box::new(Dictionary {
        nulls: array.keys().nulls(),
        keys: array.normalized_keys(),
        values,
        value_count,
    }))
}

impl Column for Dictionary<'_> {
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(&NULL);
        } else {
            self.values.encode(self.keys[row], out);
        }
    }

    /// Encodes each value of the dictionary once, unless the dictionary is larger than the batch.
    fn hash_into(&self, hashes: &mut [u64], scratch: &mut Vec<u8>) {
        if self.value_count > hashes.len() {
            hash_in_blocks(self, hashes, scratch);
            return;
        }
        scratch.clear();
        let mut ends = Vec::with_capacity(self.value_count + 1);
        ends.push(0);
        for value in 0..self.value_count {
            self.values.encode(value, scratch);
            ends.push(scratch.len());
        }
        for (row, (hash, key)) in hashes.iter_mut().zip(&self.keys).enumerate() {
            let encoded = if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                &NULL[..]
            } else {
                &scratch[ends[*key]..ends[key + 1]]
            };
            *hash = hash_bytes(*hash, encoded);
        }
    }
}

struct Runs<'a, E: RunEndIndexType> {
    array: &'a RunArray<E>,
    values: BoxedColumn<'a>,
}

/// The column of a run-end encoded array.
pub(super) fn runs<'a>(
    array: &'a dyn Array,
    ends: &DataType,
    floats: Floats,
) -> Result<BoxedColumn<'a>, CanonicalError> {
    match ends {
        DataType::Int16 => typed_runs(array.as_run::<Int16Type>(), floats),
        DataType::Int32 => typed_runs(array.as_run::<Int32Type>(), floats),
        DataType::Int64 => typed_runs(array.as_run::<Int64Type>(), floats),
        _ => Err(CanonicalError::UnsupportedType { data_type: array.data_type().clone() }),
    }
}

fn typed_runs<E: RunEndIndexType>(
    array: &RunArray<E>,
    floats: Floats,
) -> Result<BoxedColumn<'_>, CanonicalError> {
    Ok(Box::new(Runs { array, values: column(array.values().as_ref(), floats)? }))
}

impl<E: RunEndIndexType> Column for Runs<'_, E> {
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        self.values.encode(self.array.get_physical_index(row), out);
    }
}
