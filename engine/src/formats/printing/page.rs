//! Where fields are put together before they go to the shard.

/// Bytes a field may be put into without asking for room: more than any number, date or timestamp takes.
pub(in crate::formats) const CELL_BYTES: usize = 64;

/// A field under construction; what comes after it is overwritten by the next.
///
/// A number is written as whole machine words, and the bytes that are too many do not count: a copy of known length is
/// an instruction, one of unknown length is a call.
pub(in crate::formats) type Cell = [u8; CELL_BYTES];

/// Small enough for the first-level cache.
const PAGE_BYTES: usize = 8 * 1024;

/// Collects fields, and moves them to `out` a page at a time.
#[derive(Debug)]
pub(in crate::formats) struct Page<'a> {
    bytes: [u8; PAGE_BYTES],
    end: usize,
    out: &'a mut Vec<u8>,
}

impl<'a> Page<'a> {
    pub(in crate::formats) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { bytes: [0; PAGE_BYTES], end: 0, out }
    }

    /// Appends a short field and the byte that ends it; `write` returns the field's length, below [`CELL_BYTES`].
    #[inline(always)]
    pub(in crate::formats) fn push_cell(&mut self, ending: u8, write: impl FnOnce(&mut Cell) -> usize) {
        if self.end > PAGE_BYTES - CELL_BYTES {
            self.flush();
        }
        if let Some(cell) = self.bytes.get_mut(self.end..).and_then(|rest| rest.first_chunk_mut()) {
            let length = write(cell);
            cell[length] = ending;
            self.end += length + 1;
        }
    }

    /// Appends a short text; `write` returns its length, below [`CELL_BYTES`].
    #[inline(always)]
    pub(in crate::formats) fn push_part(&mut self, write: impl FnOnce(&mut Cell) -> usize) {
        if self.end > PAGE_BYTES - CELL_BYTES {
            self.flush();
        }
        if let Some(cell) = self.bytes.get_mut(self.end..).and_then(|rest| rest.first_chunk_mut()) {
            self.end += write(cell);
        }
    }

    /// Appends bytes of any length.
    #[inline]
    pub(in crate::formats) fn push_bytes(&mut self, bytes: &[u8]) {
        if bytes.len() > PAGE_BYTES - self.end {
            self.flush();
        }
        match self.bytes.get_mut(self.end..self.end + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.end += bytes.len();
            }
            None => self.out.extend_from_slice(bytes),
        }
    }

    /// Puts another byte in the place of the last one: what ends a row in the place of what ends a field.
    #[inline]
    pub(in crate::formats) fn replace_last(&mut self, byte: u8) {
        match self.bytes[..self.end].last_mut().or(self.out.last_mut()) {
            Some(last) => *last = byte,
            None => self.push_bytes(&[byte]),
        }
    }

    /// Moves what is left; without it, that is lost.
    pub(in crate::formats) fn finish(mut self) {
        self.flush();
    }

    #[cold]
    fn flush(&mut self) {
        self.out.extend_from_slice(&self.bytes[..self.end]);
        self.end = 0;
    }
}

/// Values of one column of a batch as texts, one after the other.
#[derive(Debug)]
pub(in crate::formats) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends, with the bytes that end it.
    ends: Vec<usize>,
    ending_bytes: usize,
}

impl Texts {
    /// What `print` appends for each row without the last `ending_bytes` of it; `typical_bytes` are reserved for one.
    pub(in crate::formats) fn print(
        rows: usize,
        typical_bytes: usize,
        ending_bytes: usize,
        print: impl Fn(usize, &mut Page<'_>),
    ) -> Self {
        let mut bytes = Vec::with_capacity(rows * typical_bytes);
        let mut ends = Vec::with_capacity(rows);
        let mut page = Page::new(&mut bytes);
        for row in 0..rows {
            print(row, &mut page);
            ends.push(page.out.len() + page.end);
        }
        page.finish();
        Self { bytes, ends, ending_bytes }
    }

    /// The text of a row.
    pub(in crate::formats) fn get(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[row] - self.ending_bytes]
    }
}

/// Puts eight bytes at `at`, the lowest first.
#[inline(always)]
pub(in crate::formats) fn put_word(cell: &mut Cell, at: usize, word: u64) {
    cell[at..at + 8].copy_from_slice(&word.to_le_bytes());
}

/// Puts a text of 1 to 32 bytes at `at`, by overlapping copies of known length, and returns where it ends.
#[inline(always)]
pub(in crate::formats) fn put_short(cell: &mut Cell, at: usize, text: &[u8]) -> usize {
    let end = at + text.len();
    if let (Some(head), Some(tail)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
        cell[at..at + 16].copy_from_slice(head);
        cell[end - 16..end].copy_from_slice(tail);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        cell[at..at + 8].copy_from_slice(head);
        cell[end - 8..end].copy_from_slice(tail);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        cell[at..at + 4].copy_from_slice(head);
        cell[end - 4..end].copy_from_slice(tail);
    } else {
        for (room, byte) in cell[at..].iter_mut().zip(text) {
            *room = *byte;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_of_every_length_are_put_whole() {
        let source: Vec<u8> = (b'!'..b'!' + 32).collect();
        for length in 0..=32 {
            let mut cell = [0; CELL_BYTES];
            assert_eq!(put_short(&mut cell, 3, &source[..length]), 3 + length);
            assert_eq!(cell[3..3 + length], source[..length]);
        }
    }

    #[test]
    fn a_page_keeps_the_order_of_long_and_short_fields() {
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        let mut page = Page::new(&mut out);
        for length in (0..3 * PAGE_BYTES).step_by(97) {
            let long = vec![b'a' + (length % 26) as u8; length];
            page.push_bytes(&long);
            page.push_cell(b'\n', |cell| put_short(cell, 0, b"cell"));
            expected.extend_from_slice(&long);
            expected.extend_from_slice(b"cell\n");
        }
        page.finish();
        assert_eq!(out, expected);
    }
}
