//! One record: the protobuf message and its frame.
//!
//! A reader that looks for the mark at every fourth byte of a payload would take it for the start of a frame. Where a
//! row's bytes have it there, a `uid` that nobody reads is put in front, of a length that moves them by one, two or three
//! bytes; the last `uid` of a message counts, so that the key of the row, at its end, stays what it is.
//!
//! **Source** `record.proto` of the SageMaker SDK, and dmlc's `recordio.h`.

use super::numbers::{Batch, FeatureNumbers, Numbers};
use super::{Features, RecordioOptions, TensorType};
use crate::error::{Code, Error, Result};

/// What a frame starts with.
pub(super) const MARK: [u8; 4] = 0xCED7_230A_u32.to_le_bytes();
/// The first length that a frame has no room for.
pub(super) const LARGEST_PAYLOAD: u64 = 1 << 29;
/// Mark and length.
pub(super) const HEAD_BYTES: usize = 8;

/// The tags of a protobuf field that is a text, bytes or a message.
mod tag {
    pub(super) const FEATURES: u8 = 1 << 3 | 2;
    pub(super) const LABEL: u8 = 2 << 3 | 2;
    pub(super) const UID: u8 = 3 << 3 | 2;
    pub(super) const MAP_KEY: u8 = 1 << 3 | 2;
    pub(super) const MAP_VALUE: u8 = 2 << 3 | 2;
    pub(super) const FLOAT32_TENSOR: u8 = 2 << 3 | 2;
    pub(super) const FLOAT64_TENSOR: u8 = 3 << 3 | 2;
    pub(super) const INT32_TENSOR: u8 = 7 << 3 | 2;
    pub(super) const VALUES: u8 = 1 << 3 | 2;
    pub(super) const KEYS: u8 = 2 << 3 | 2;
    pub(super) const SHAPE: u8 = 3 << 3 | 2;
}

/// The name of the tensor.
const KEY: &[u8] = b"values";

/// Fields in front of a payload that move it by 0, 2, 3 and 1 bytes from a multiple of four.
const SHIFTS: [&[u8]; 4] = [b"", &[tag::UID, 0], &[tag::UID, 1, b'-'], &[tag::UID, 3, b'-', b'-', b'-']];

/// A tensor whose parts are packed already; parts without bytes are not there.
#[derive(Debug, Default)]
pub(super) struct Tensor {
    pub(super) values: Vec<u8>,
    keys: Vec<u8>,
    shape: Vec<u8>,
}

impl Tensor {
    fn clear(&mut self) {
        self.values.clear();
        self.keys.clear();
    }

    /// Appends the map entry of `map` with this tensor.
    fn put(&self, out: &mut Vec<u8>, map: u8, kind: TensorType) {
        let parts = [(tag::KEYS, &self.keys), (tag::SHAPE, &self.shape), (tag::VALUES, &self.values)];
        let [keys, shape, values] = parts;
        let is_there = |part: &&(u8, &Vec<u8>)| !part.1.is_empty();
        let tensor_bytes: usize =
            parts.iter().filter(is_there).map(|(_, part)| field_bytes(part.len())).sum();
        let value_bytes = field_bytes(tensor_bytes);
        put_head(out, map, field_bytes(KEY.len()) + field_bytes(value_bytes));
        put_field(out, tag::MAP_KEY, KEY);
        put_head(out, tag::MAP_VALUE, value_bytes);
        let kind = match kind {
            TensorType::Float32 => tag::FLOAT32_TENSOR,
            TensorType::Float64 => tag::FLOAT64_TENSOR,
            TensorType::Int32 => tag::INT32_TENSOR,
        };
        put_head(out, kind, tensor_bytes);
        for (tag, part) in [values, keys, shape].iter().filter(is_there) {
            put_field(out, *tag, part);
        }
    }
}

/// Writes rows one by one; it keeps its buffers.
#[derive(Debug)]
pub(super) struct RecordWriter {
    is_sparse: bool,
    features_type: TensorType,
    labels_type: TensorType,
    features: Tensor,
    labels: Tensor,
    payload: Vec<u8>,
}

impl RecordWriter {
    pub(super) fn new(features: &Features, options: &RecordioOptions) -> Self {
        let mut tensor = Tensor::default();
        if features.is_sparse() {
            put_varint(&mut tensor.shape, features.width.unwrap_or(0));
        }
        Self {
            is_sparse: features.is_sparse(),
            features_type: options.features,
            labels_type: options.labels,
            features: tensor,
            labels: Tensor::default(),
            payload: Vec::new(),
        }
    }

    /// Appends the frame of `row`.
    ///
    /// **Errors** [`Code::BadRow`] for a row that is too long, and for one whose bytes no shift frees of the mark.
    pub(super) fn push(&mut self, rows: &Batch, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.features.clear();
        for column in &rows.features {
            match column {
                FeatureNumbers::Flat { first, per_row, numbers } => {
                    let places = row * per_row..(row + 1) * per_row;
                    self.put_flat(*first, places, numbers);
                }
                FeatureNumbers::Sparse { first, vectors, numbers, nulls } => {
                    for (index, place) in vectors.row(row)?.entries() {
                        if !nulls.as_ref().is_some_and(|nulls| nulls.is_null(place)) {
                            put_varint(&mut self.features.keys, first + index);
                            numbers.put(place, &mut self.features.values);
                        }
                    }
                }
            }
        }
        if self.is_sparse && self.features.keys.is_empty() {
            self.put_zero();
        }
        self.labels.clear();
        for label in &rows.labels {
            label.put(row, &mut self.labels.values);
        }
        self.payload.clear();
        self.put_tensors(rows.key.as_ref().map(|keys| keys.value(row)));
        put_frame(out, &self.payload)
    }

    fn put_flat(&mut self, first: u64, places: std::ops::Range<usize>, numbers: &Numbers) {
        for (index, place) in (first..).zip(places) {
            if self.is_sparse && numbers.is_zero(place) {
                continue;
            }
            if self.is_sparse {
                put_varint(&mut self.features.keys, index);
            }
            numbers.put(place, &mut self.features.values);
        }
    }

    /// One explicit zero: SageMaker's XGBoost stops at a sparse row without entries.
    fn put_zero(&mut self) {
        let zero: &[u8] = match self.features_type {
            TensorType::Float32 => &[0; 4],
            TensorType::Float64 => &[0; 8],
            TensorType::Int32 => &[0],
        };
        put_varint(&mut self.features.keys, 0);
        self.features.values.extend_from_slice(zero);
    }

    fn put_tensors(&mut self, key: Option<&str>) {
        self.features.put(&mut self.payload, tag::FEATURES, self.features_type);
        if !self.labels.values.is_empty() {
            self.labels.put(&mut self.payload, tag::LABEL, self.labels_type);
        }
        if let Some(key) = key {
            put_field(&mut self.payload, tag::UID, key.as_bytes());
        }
    }
}

/// The payload of a row whose tensors have those packed values, without keys and shape; where the values of the features
/// and those of the labels are in it.
pub(super) fn dense_payload(
    (features, features_type): (Vec<u8>, TensorType),
    (labels, labels_type): (Vec<u8>, TensorType),
) -> (Vec<u8>, usize, usize) {
    let (features_bytes, labels_bytes) = (features.len(), labels.len());
    let mut payload = Vec::new();
    Tensor { values: features, ..Tensor::default() }.put(&mut payload, tag::FEATURES, features_type);
    let features_at = payload.len() - features_bytes;
    if labels_bytes > 0 {
        Tensor { values: labels, ..Tensor::default() }.put(&mut payload, tag::LABEL, labels_type);
    }
    let labels_at = payload.len() - labels_bytes;
    (payload, features_at, labels_at)
}

/// Appends the frame of a payload, moved if it has the mark where a reader could take it for one.
pub(super) fn put_frame(out: &mut Vec<u8>, payload: &[u8]) -> Result<()> {
    let start = out.len();
    for shift in SHIFTS {
        let length = shift.len() + payload.len();
        let Some(frame_length) = u32::try_from(length).ok().filter(|it| u64::from(*it) < LARGEST_PAYLOAD)
        else {
            let message = format!("a row takes {length} bytes, and a RecordIO frame holds less than 2^29");
            return Err(Error::new(Code::BadRow, message).with_hint("write fewer features"));
        };
        out.extend_from_slice(&MARK);
        out.extend_from_slice(&frame_length.to_le_bytes());
        out.extend_from_slice(shift);
        out.extend_from_slice(payload);
        if !has_mark(&out[start + HEAD_BYTES..]) {
            out.resize(start + HEAD_BYTES + length.next_multiple_of(4), 0);
            return Ok(());
        }
        out.truncate(start);
    }
    let message = "a row has the bytes of a RecordIO mark, 0a 23 d7 ce, at every alignment";
    Err(Error::new(Code::BadRow, message).with_hint("change one of its values, -1804698880.0 in 32 bits"))
}

/// Whether the mark stands at a multiple of four.
fn has_mark(bytes: &[u8]) -> bool {
    marks(bytes) > 0
}

/// How often it does. Without early exit, so that it is compiled to vector instructions.
pub(super) fn marks(bytes: &[u8]) -> usize {
    bytes.as_chunks::<4>().0.iter().map(|word| usize::from(*word == MARK)).sum()
}

fn put_field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_head(out, tag, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_head(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    put_varint(out, length as u64);
}

/// A field of so many bytes, with its tag and length.
fn field_bytes(length: usize) -> usize {
    let bits = usize::BITS - (length | 1).leading_zeros();
    1 + bits.div_ceil(7) as usize + length
}

/// Appends a number, seven bits a byte, the lowest first.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
