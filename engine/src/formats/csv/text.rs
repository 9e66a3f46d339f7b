//! Text fields by RFC 4180, quoted only where they must be.

use super::super::printing::page::{Page, put_short};

/// How the text of one column is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextStyle {
    /// What separates fields.
    pub(super) delimiter: u8,
    /// Whether values have to be searched for what must be quoted; not, if it is known that none has it.
    pub(super) is_searched: bool,
}

impl TextStyle {
    /// For text of which nothing is known.
    pub(super) fn searched(delimiter: u8) -> Self {
        Self { delimiter, is_searched: true }
    }

    /// For values that are `bytes`, one after the other: a single pass is much faster than one a value.
    pub(super) fn of(bytes: &[u8], delimiter: u8) -> Self {
        Self { delimiter, is_searched: needs_quotes(bytes, delimiter) }
    }

    /// Appends a field and the byte that ends it; an empty text is `""`, as nothing at all is a null.
    #[inline]
    pub(super) fn push(self, page: &mut Page<'_>, text: &str, ending: u8) {
        let text = text.as_bytes();
        if text.is_empty() || self.is_searched && needs_quotes(text, self.delimiter) {
            push_quoted(page, text, ending);
        } else if text.len() <= 32 {
            page.push_cell(ending, |cell| put_short(cell, 0, text));
        } else {
            page.push_bytes(text);
            page.push_bytes(&[ending]);
        }
    }
}

/// Whether a reader would take `text` for something else than one field. Without early exit in a block, so that it is
/// compiled to vector instructions.
#[inline]
fn needs_quotes(text: &[u8], delimiter: u8) -> bool {
    const BLOCK: usize = 16;
    let special = |byte: u8| (byte == delimiter) | (byte == b'"') | (byte == b'\n') | (byte == b'\r');
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().any(|block| block.iter().fold(false, |found, &byte| found | special(byte)))
        || rest.iter().fold(false, |found, &byte| found | special(byte))
}

fn push_quoted(page: &mut Page<'_>, text: &[u8], ending: u8) {
    page.push_bytes(b"\"");
    for part in text.split_inclusive(|&byte| byte == b'"') {
        page.push_bytes(part);
        if part.ends_with(b"\"") {
            page.push_bytes(b"\"");
        }
    }
    page.push_bytes(&[b'"', ending]);
}
