//! Rows of the same length, many at once: frames are copied from a template, and each column puts its numbers into them.

use super::numbers::{Batch, FeatureNumbers, Numbers};
use super::record::{HEAD_BYTES, MARK, RecordWriter, dense_payload, marks};
use super::{Columns, Features, RecordioOptions, Role, TensorType};
use crate::error::Result;

/// Bytes of rows that are put together at once: columns are spread over them while they are in the first-level cache.
const BLOCK_BYTES: usize = 24 * 1024;

/// Writes dense rows of floats without a key.
#[derive(Debug)]
pub(super) struct DenseBlocks {
    /// One frame, with zeros for numbers.
    frame: Vec<u8>,
    /// As many of it as fit in a block.
    frames: Vec<u8>,
    /// Where the features are in a frame.
    features_at: usize,
    /// Where the labels are in a frame.
    labels_at: usize,
}

impl DenseBlocks {
    /// `None` when rows differ in length.
    pub(super) fn new(features: &Features, columns: &Columns, options: &RecordioOptions) -> Option<Self> {
        let width = usize::try_from(features.width?).ok()?;
        if features.is_sparse() || columns.roles().has(Role::Key) {
            return None;
        }
        let zeros = |count: usize, kind: TensorType| Some((vec![0; count * number_bytes(kind)?], kind));
        let labels = zeros(columns.labels().len(), options.labels)?;
        let (payload, features_at, labels_at) = dense_payload(zeros(width, options.features)?, labels);
        let mut frame = [MARK, u32::try_from(payload.len()).ok()?.to_le_bytes()].concat();
        frame.extend_from_slice(&payload);
        frame.resize(frame.len().next_multiple_of(4), 0);
        let count = (BLOCK_BYTES / frame.len()).max(1);
        Some(Self {
            frames: frame.repeat(count),
            frame,
            features_at: HEAD_BYTES + features_at,
            labels_at: HEAD_BYTES + labels_at,
        })
    }

    /// Appends all rows.
    ///
    /// **Errors** those of [`RecordWriter::push`].
    pub(super) fn push(&self, rows: &Batch, writer: &mut RecordWriter, out: &mut Vec<u8>) -> Result<()> {
        out.reserve(rows.count * self.frame.len());
        let per_block = self.frames.len() / self.frame.len();
        for first in (0..rows.count).step_by(per_block) {
            let count = per_block.min(rows.count - first);
            let start = out.len();
            out.extend_from_slice(&self.frames[..count * self.frame.len()]);
            self.fill(&mut out[start..], rows, first);
            // A mark beside those that start the frames: its row has to be written with care.
            if marks(&out[start..]) != count {
                out.truncate(start);
                (first..first + count).try_for_each(|row| writer.push(rows, row, out))?;
            }
        }
        Ok(())
    }

    /// Puts the numbers of the rows from `first` on into `block`.
    fn fill(&self, block: &mut [u8], rows: &Batch, first: usize) {
        let length = self.frame.len();
        let mut at = self.labels_at;
        for label in &rows.labels {
            at = scatter(block, Stripe { length, at, per_row: 1 }, label, first);
        }
        at = self.features_at;
        for feature in &rows.features {
            if let FeatureNumbers::Flat { per_row, numbers, .. } = feature {
                at = scatter(block, Stripe { length, at, per_row: *per_row }, numbers, first);
            }
        }
    }
}

fn number_bytes(kind: TensorType) -> Option<usize> {
    match kind {
        TensorType::Float32 => Some(4),
        TensorType::Float64 => Some(8),
        TensorType::Int32 => None,
    }
}

/// Where the numbers of a column are: from `at` on in each frame of `length` bytes.
#[derive(Clone, Copy)]
struct Stripe {
    length: usize,
    at: usize,
    per_row: usize,
}

/// Puts the numbers of a column into `block`, whose first row is the row `first`; returns where the next column's are.
fn scatter(block: &mut [u8], stripe: Stripe, numbers: &Numbers, first: usize) -> usize {
    match numbers {
        Numbers::Float32(values) => put(block, stripe, &values[first * stripe.per_row..], f32::to_le_bytes),
        Numbers::Float64(values) => put(block, stripe, &values[first * stripe.per_row..], f64::to_le_bytes),
        Numbers::Int32(values) => put(block, stripe, &values[first * stripe.per_row..], i32::to_le_bytes),
    }
}

#[inline]
fn put<T: Copy, const WIDTH: usize>(
    block: &mut [u8],
    stripe: Stripe,
    values: &[T],
    bytes: impl Fn(T) -> [u8; WIDTH],
) -> usize {
    let Stripe { length, at, per_row } = stripe;
    let end = at + per_row * WIDTH;
    if per_row == 1 {
        for (frame, value) in block.chunks_exact_mut(length).zip(values) {
            frame[at..at + WIDTH].copy_from_slice(&bytes(*value));
        }
    } else if per_row > 0 {
        for (frame, values) in block.chunks_exact_mut(length).zip(values.chunks_exact(per_row)) {
            for (room, value) in frame[at..end].as_chunks_mut::<WIDTH>().0.iter_mut().zip(values) {
                *room = bytes(*value);
            }
        }
    }
    end
}
