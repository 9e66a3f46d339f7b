//! Strings of JSON (RFC 8259), escaped only where they must be, and base64.

use super::super::printing::page::{Page, put_short};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends `text` as a string.
#[inline]
pub(super) fn push_string(page: &mut Page<'_>, text: &[u8]) {
    page.push_bytes(b"\"");
    push_letters(page, text, needs_escape(text));
    page.push_bytes(b"\"");
}

/// Appends `text` as a string that is known to need no escapes, or not known to.
#[inline]
pub(super) fn push_searched_string(page: &mut Page<'_>, text: &[u8], is_plain: bool) {
    if is_plain && !text.is_empty() && text.len() <= 32 {
        page.push_part(|cell| {
            cell[0] = b'"';
            let end = put_short(cell, 1, text);
            cell[end] = b'"';
            end + 1
        });
    } else if is_plain {
        page.push_bytes(b"\"");
        page.push_bytes(text);
        page.push_bytes(b"\"");
    } else {
        push_string(page, text);
    }
}

/// Whether `text` has a character that JSON does not allow in a string. Without early exit in a block, so that it is
/// compiled to vector instructions.
#[inline]
pub(super) fn needs_escape(text: &[u8]) -> bool {
    const BLOCK: usize = 16;
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().any(|block| block.iter().fold(false, |found, &byte| found | is_special(byte)))
        || rest.iter().fold(false, |found, &byte| found | is_special(byte))
}

#[inline(always)]
fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn push_letters(page: &mut Page<'_>, text: &[u8], has_special: bool) {
    if !has_special {
        return page.push_bytes(text);
    }
    for part in text.split_inclusive(|&byte| is_special(byte)) {
        match part.split_last() {
            Some((&last, plain)) if is_special(last) => {
                page.push_bytes(plain);
                push_escape(page, last);
            }
            _ => page.push_bytes(part),
        }
    }
}

fn push_escape(page: &mut Page<'_>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            return page.push_bytes(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    page.push_bytes(&[b'\\', short]);
}

/// Appends `bytes` as a string in base64.
pub(super) fn push_base64(page: &mut Page<'_>, bytes: &[u8]) {
    const PIECE: usize = 768;
    let mut letters = [0; PIECE / 3 * 4];
    page.push_bytes(b"\"");
    for piece in bytes.chunks(PIECE) {
        // There is room: three bytes are four letters.
        if let Ok(length) = STANDARD.encode_slice(piece, &mut letters) {
            page.push_bytes(&letters[..length]);
        }
    }
    page.push_bytes(b"\"");
}
