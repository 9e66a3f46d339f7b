//! NumPy's array files, version 1.0, of one dimension.

use crate::formats::sample_values::Number;

/// The header is padded so that the values start at a multiple of it.
const ALIGNMENT: usize = 64;
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// Appends an array of `size` numbers, whose little-endian bytes are `values`.
pub(super) fn push(number: Number, size: usize, values: &[u8], out: &mut Vec<u8>) {
    let order = if number.bytes == 1 { '|' } else { '<' };
    let kind = number.name.as_bytes().first().map_or('f', |first| char::from(*first));
    let width = number.bytes;
    let header = format!("{{'descr': '{order}{kind}{width}', 'fortran_order': False, 'shape': ({size},), }}");
    // Magic, two bytes of length, the header and a line end.
    let total = (MAGIC.len() + 2 + header.len() + 1).next_multiple_of(ALIGNMENT);
    let start = out.len();
    out.extend_from_slice(MAGIC);
    // The header has less than 128 bytes, whatever the size.
    let length = u16::try_from(total - MAGIC.len() - 2).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.resize(start + total - 1, b' ');
    out.push(b'\n');
    out.extend_from_slice(values);
}
