//! Canonical value encoding: equal values give equal bytes, whatever Arrow type or engine they came through.
//!
//! Owns the bytes of one value. It does not own how values become a row's hash: that is [`crate::hash`].
//!
//! # Specification (part of `xxh3-canonical-v1`, never changed)
//!
//! A value is one tag byte and a payload. Integers are little endian two's complement.
//!
//! | tag | values | payload |
//! |---|---|---|
//! | 0 | null of any type | nothing |
//! | 1 | boolean | `0x00` or `0x01` |
//! | 2 | integer of any width up to 2^63 − 1 | i64 |
//! | 3 | unsigned integer from 2^63 | u64 |
//! | 4 | float of any width | f64 bits; −0.0 is 0.0; every NaN is `0x7ff8000000000000`; in the order of rows the bits as they are |
//! | 5 | decimal of any width, unscaled value within i128 | scale i8, unscaled i128 |
//! | 6 | any other decimal | scale i8, unscaled i256 |
//! | 7 | text | UTF-8 bytes |
//! | 8 | binary, variable or fixed size | the bytes |
//! | 9 | date | days since 1970-01-01 as i64 |
//! | 10 | timestamp without time zone | seconds i64, nanoseconds within the second u32 |
//! | 11 | timestamp with time zone | the instant, as for 10; the zone's name is no part of it |
//! | 12 | time of day | nanoseconds i64 |
//! | 13 | duration | seconds i64, nanoseconds within the second u32 |
//! | 14 | interval of any unit | months i32, days i32, nanoseconds i64 |
//! | 15 | list of any layout | element count u32, the elements' encodings |
//! | 16 | struct | field count u32, the fields' encodings in order; names are no part of it |
//! | 17 | map | entry count u32, key and value encodings of each entry in stored order |
//!
//! * Decimals are reduced first: the unscaled value loses trailing zeros, each lowering the scale by one, until none
//!   is left or the scale is −128. Zero is unscaled 0 at scale 0. So 1.50 is 1.5, and 1500 is 15 at scale −2. Whether
//!   it is tag 5 or 6 is decided after that.
//! * Seconds are floored, so nanoseconds within the second are never negative. A `Date64` is floored to its day.
//! * A time of day outside 64-bit nanoseconds wraps (such a value is no valid time of day).
//! * A dictionary or run-end encoded value has the encoding of the value it stands for.
//! * Types of different tags are never equal: integer 1, float 1.0, decimal 1 and text `1` differ.
//! * Unions have no encoding.

mod bytes;
mod decimal;
mod fixed;
mod fixed_types;
mod lists;
mod wrappers;

#[cfg(test)]
mod tests;

use arrow::array::{Array, AsArray, new_empty_array};
use arrow::datatypes::DataType;
use thiserror::Error;

use crate::xxh3::hash_bytes;

/// First byte of an encoded value; the table is in the module's documentation.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const INTEGER: u8 = 2;
    pub(super) const LARGE_UNSIGNED: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const DECIMAL: u8 = 5;
    pub(super) const WIDE_DECIMAL: u8 = 6;
    pub(super) const TEXT: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const DATE: u8 = 9;
    pub(super) const TIMESTAMP: u8 = 10;
    pub(super) const INSTANT: u8 = 11;
    pub(super) const TIME: u8 = 12;
    pub(super) const DURATION: u8 = 13;
    pub(super) const INTERVAL: u8 = 14;
    pub(super) const LIST: u8 = 15;
    pub(super) const STRUCT: u8 = 16;
    pub(super) const MAP: u8 = 17;
}

/// The whole encoding of a null.
const NULL: [u8; 1] = [tag::NULL];

/// Why a column has no canonical encoding.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CanonicalError {
    /// The type, or one nested in it, has no encoding.
    #[error("type {data_type} has no canonical encoding")]
    UnsupportedType {
        /// The type without an encoding.
        data_type: DataType,
    },
    /// An element count must fit 32 bits.
    #[error("a list column of {elements} elements is too long to encode, the limit is 4294967295 per batch")]
    ListTooLong {
        /// Elements of all lists of the batch together.
        elements: usize,
    },
}

/// Whether values of this type can be hashed; what planning asks.
///
/// **Errors** [`CanonicalError::UnsupportedType`] naming the type, or the nested type, without an encoding.
pub fn check_supported(data_type: &DataType) -> Result<(), CanonicalError> {
    column(new_empty_array(data_type).as_ref(), Floats::AsValues).map(|_| ())
}

/// Which floats are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floats {
    /// Those that compare equal, and all NaNs: keys that are equal belong together.
    AsValues,
    /// Those of the same bits: rows whose bytes differ in a file must not tie for a place in it.
    AsBits,
}

/// One column, downcast once, whose values can be encoded.
pub(crate) trait Column {
    /// Appends the encoding of the value at `row`.
    fn encode(&self, row: usize, out: &mut Vec<u8>);

    /// Replaces each hash by the hash of that row's value seeded with it. `hashes` has a slot per row.
    fn hash_into(&self, hashes: &mut [u64], scratch: &mut Vec<u8>) {
        hash_in_blocks(self, hashes, scratch);
    }
}

/// Rows that are encoded before the first of them is hashed.
///
/// The hash reads words where the encoder wrote single bytes. Straight after the write such a read waits until the
/// bytes have left the store buffer; by the end of a block they have. Measured: 11 ns a short text without, 6.5 ns
/// with. Inlined, and with it `encode`: a call per value costs as much as it saves.
const BLOCK_ROWS: usize = 16;

/// [`Column::hash_into`] for values of any length.
#[inline]
fn hash_in_blocks(column: &(impl Column + ?Sized), hashes: &mut [u64], scratch: &mut Vec<u8>) {
    let mut ends = [0; BLOCK_ROWS];
    let mut row = 0;
    for block in hashes.chunks_mut(BLOCK_ROWS) {
        scratch.clear();
        for end in &mut ends[..block.len()] {
            column.encode(row, scratch);
            *end = scratch.len();
            row += 1;
        }
        let mut start = 0;
        for (hash, end) in block.iter_mut().zip(ends) {
            *hash = hash_bytes(*hash, &scratch[start..end]);
            start = end;
        }
    }
}

type BoxedColumn<'a> = Box<dyn Column + 'a>;

/// The column as values to encode, or the error that names what cannot be.
pub(crate) fn column(array: &dyn Array, floats: Floats) -> Result<BoxedColumn<'_>, CanonicalError> {
    use DataType as D;
    Ok(match array.data_type() {
        D::Null => Box::new(wrappers::AllNull),
        D::Boolean => Box::new(fixed::Booleans::new(array.as_boolean())),
        D::Utf8 => bytes::text(array.as_string::<i32>()),
        D::LargeUtf8 => bytes::text(array.as_string::<i64>()),
        D::Utf8View => bytes::text(array.as_string_view()),
        D::Binary => bytes::binary(array.as_binary::<i32>()),
        D::LargeBinary => bytes::binary(array.as_binary::<i64>()),
        D::BinaryView => bytes::binary(array.as_binary_view()),
        D::FixedSizeBinary(_) => bytes::binary(array.as_fixed_size_binary()),
        D::Timestamp(unit, zone) => fixed_types::timestamps(array, *unit, zone.is_some()),
        D::Duration(unit) => fixed_types::durations(array, *unit),
        D::Interval(unit) => fixed_types::intervals(array, *unit),
        D::List(_) => lists::list(array.as_list::<i32>(), floats)?,
        D::LargeList(_) => lists::list(array.as_list::<i64>(), floats)?,
        D::ListView(_) => lists::list_view(array.as_list_view::<i32>(), floats)?,
        D::LargeListView(_) => lists::list_view(array.as_list_view::<i64>(), floats)?,
        D::FixedSizeList(_, _) => lists::fixed_size_list(array.as_fixed_size_list(), floats)?,
        D::Map(_, _) => lists::map(array.as_map(), floats)?,
        D::Struct(_) => wrappers::structs(array.as_struct(), floats)?,
        D::Dictionary(_, _) => wrappers::dictionary(array.as_any_dictionary(), floats)?,
        D::RunEndEncoded(ends, _) => wrappers::runs(array, ends.data_type(), floats)?,
        data_type => match fixed_types::numbers(array, floats).or_else(|| fixed_types::times(array)) {
            Some(column) => column,
            None => return Err(CanonicalError::UnsupportedType { data_type: data_type.clone() }),
        },
    })
}
