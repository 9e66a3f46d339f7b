//! The frames of RecordIO: magic, length, payload, zeros to a multiple of four.
//!
//! A reader finds records by the magic at aligned places, so a payload that has it there is cut: the parts leave the
//! magic out, and a reader puts it back between them.
//!
//! **Source** `recordio.h` and `recordio.cc` of dmlc-core.

use crate::error::{Code, Error, Result};

/// What a frame starts with.
pub(super) const MAGIC: u32 = 0xced7_230a;

/// Bytes of magic and length.
const HEAD_BYTES: usize = 8;

/// A length has 29 bits; the other three say which part it is of.
const LENGTH_BITS: u32 = 29;

/// Which part of a record a frame has.
#[derive(Debug, Clone, Copy)]
enum Part {
    Whole = 0,
    First = 1,
    Middle = 2,
    Last = 3,
}

/// A frame whose payload is being appended.
#[derive(Debug)]
pub(super) struct Frame {
    start: usize,
}

impl Frame {
    /// Begins a frame at the end of `out`.
    pub(super) fn begin(out: &mut Vec<u8>) -> Frame {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD_BYTES]);
        Frame { start }
    }

    /// Ends it, where all that was appended since is the payload.
    ///
    /// **Errors** [`Code::BadRow`] for a payload of 512 MiB.
    pub(super) fn end(self, out: &mut Vec<u8>) -> Result<()> {
        let payload = self.start + HEAD_BYTES;
        let length = out.len() - payload;
        if length >> LENGTH_BITS != 0 {
            let message = format!("a record of {length} bytes is too long for RecordIO");
            return Err(Error::new(Code::BadRow, message).with_hint("records have less than 512 MiB"));
        }
        if has_aligned_magic(&out[payload..]) {
            let payload = out.split_off(payload);
            out.truncate(self.start);
            push_parts(&payload, out);
        } else {
            out[self.start..payload].copy_from_slice(&head(Part::Whole, length));
            push_padding(length, out);
        }
        Ok(())
    }
}

fn push_parts(payload: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    let (words, _) = payload.as_chunks::<4>();
    for (index, word) in words.iter().enumerate() {
        if u32::from_le_bytes(*word) == MAGIC {
            let part = if start == 0 { Part::First } else { Part::Middle };
            push_part(part, &payload[start..index * 4], out);
            start = index * 4 + 4;
        }
    }
    push_part(Part::Last, &payload[start..], out);
}

fn push_part(part: Part, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&head(part, payload.len()));
    out.extend_from_slice(payload);
    push_padding(payload.len(), out);
}

fn push_padding(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 3][..length.next_multiple_of(4) - length]);
}

fn head(part: Part, length: usize) -> [u8; HEAD_BYTES] {
    let record = (part as u64) << LENGTH_BITS | length as u64;
    (record << u32::BITS | u64::from(MAGIC)).to_le_bytes()
}

/// Without early exit in a block, so that it is compiled to vector instructions.
fn has_aligned_magic(payload: &[u8]) -> bool {
    const BLOCK: usize = 16;
    let (words, _) = payload.as_chunks::<4>();
    let is_magic = |word: &[u8; 4]| u32::from_le_bytes(*word) == MAGIC;
    let (blocks, rest) = words.as_chunks::<BLOCK>();
    blocks.iter().any(|block| block.iter().fold(false, |found, word| found | is_magic(word)))
        || rest.iter().any(is_magic)
}

#[cfg(test)]
mod tests {
    use super::Frame;

    fn framed(payload: &[u8]) -> String {
        let mut out = Vec::new();
        let frame = Frame::begin(&mut out);
        out.extend_from_slice(payload);
        frame.end(&mut out).unwrap();
        hex::encode(out)
    }

    #[test]
    fn a_payload_is_padded_to_four_bytes() {
        assert_eq!(framed(b"abcde"), "0a23d7ce050000006162636465000000");
        assert_eq!(framed(b""), "0a23d7ce00000000");
    }

    #[test]
    fn a_payload_is_cut_at_an_aligned_magic() {
        let golden = "0a23d7ce04000020616263640a23d7ce0300006078797a00";
        assert_eq!(framed(b"abcd\x0a\x23\xd7\xcexyz"), golden);
    }

    #[test]
    fn a_magic_at_an_odd_place_does_not_matter() {
        assert_eq!(framed(b"a\x0a\x23\xd7\xcebcd"), "0a23d7ce08000000610a23d7ce626364");
    }

    #[test]
    fn a_magic_at_the_start_and_twice_gives_empty_parts() {
        let golden = "0a23d7ce000000200a23d7ce000000400a23d7ce00000060";
        assert_eq!(framed(b"\x0a\x23\xd7\xce\x0a\x23\xd7\xce"), golden);
    }
}
