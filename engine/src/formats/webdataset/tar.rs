//! USTAR archives (POSIX.1-1988): a header of 512 bytes per member, its bytes padded to 512, two empty blocks at the end.
//! Time, owner and mode are the same for all members, so equal rows give equal bytes.

use crate::error::{Code, Error, Result};
use std::ops::Range;

const BLOCK: usize = 512;
/// The longest name, and the longest prefix that is put before it with a `/`.
const NAME: usize = 100;
const PREFIX: usize = 155;
/// The largest size in 11 octal digits.
const MAX_MEMBER_BYTES: u64 = (1 << 33) - 1;

/// Makes room for a member's header; gives where it starts. The member's bytes are to follow.
pub(super) fn reserve_header(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.resize(start + BLOCK, 0);
    start
}

/// Fills the header at `start`, for the bytes after it, and pads them.
///
/// **Errors** [`Code::BadRow`] for a name that does not fit a header, and for a member of 8 GiB.
pub(super) fn close_member(name: &str, start: usize, out: &mut Vec<u8>) -> Result<()> {
    let size = (out.len() - start - BLOCK) as u64;
    if size > MAX_MEMBER_BYTES {
        return Err(Error::new(
            Code::BadRow,
            format!("member \"{name}\" has {size} bytes, too many for a tar file"),
        )
        .with_hint("a member has less than 8 GiB"));
    }
    let (prefix, rest) = split_name(name)?;
    let header = &mut out[start..start + BLOCK];
    put(header, 0, rest.as_bytes());
    put(header, 100, b"0000444\0");
    put(header, 108, b"0000000\0");
    put(header, 116, b"0000000\0");
    put_octal(header, 124..135, size);
    put(header, 136, b"00000000000\0");
    // The sum is over a header whose own field is blank.
    put(header, 148, b"        ");
    put(header, 156, b"0");
    put(header, 257, b"ustar\x0000");
    put(header, 265, b"bigdata");
    put(header, 297, b"bigdata");
    put(header, 329, b"0000000\0");
    put(header, 337, b"0000000\0");
    put(header, 345, prefix.as_bytes());
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    put_octal(header, 148..154, sum);
    put(header, 154, b"\0 ");
    out.resize(start + (out.len() - start).next_multiple_of(BLOCK), 0);
    Ok(())
}

/// Appends the end of an archive.
pub(super) fn push_end(out: &mut Vec<u8>) {
    out.resize(out.len() + 2 * BLOCK, 0);
}

/// The name in two parts that fit, cut at a `/`.
fn split_name(name: &str) -> Result<(&str, &str)> {
    if name.len() <= NAME {
        return Ok(("", name));
    }
    let fits = |(at, _): &(usize, &str)| *at <= PREFIX && name.len() - at - 1 <= NAME;
    let cut = name.match_indices('/').find(fits);
    cut.map(|(at, _)| (&name[..at], &name[at + 1..])).ok_or_else(|| {
        let message = format!("member \"{name}\" has a name too long for a tar file");
        Error::new(Code::BadRow, message)
            .with_hint("a key's last part and its extension have at most 100 bytes, what is before it 155")
    })
}

fn put(header: &mut [u8], at: usize, bytes: &[u8]) {
    header[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_octal(header: &mut [u8], field: Range<usize>, mut value: u64) {
    for digit in header[field].iter_mut().rev() {
        *digit = b"01234567"[(value & 7) as usize];
        value >>= 3;
    }
}
