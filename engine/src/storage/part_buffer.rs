//! Pieces of any size into parts of one size.

use bytes::{Buf, Bytes, BytesMut};

/// The part that fills up.
///
/// Pieces are copied into it, so that a part holds its own bytes and not the larger buffers that pieces are cut from.
#[derive(Debug)]
pub(super) struct PartBuffer {
    part_bytes: usize,
    part: BytesMut,
    /// Whether a part was full before. Then the next one likely will be, and has its whole size from the start;
    /// the first one grows, because many files are smaller than a part.
    was_full: bool,
}

impl PartBuffer {
    pub(super) fn new(part_bytes: usize) -> Self {
        Self { part_bytes: part_bytes.max(1), part: BytesMut::new(), was_full: false }
    }

    /// Takes bytes off the front of `piece` until that is empty, or until the part is full: then it gives the part.
    pub(super) fn fill(&mut self, piece: &mut Bytes) -> Option<Bytes> {
        if piece.is_empty() {
            return None;
        }
        if self.was_full && self.part.capacity() == 0 {
            self.part = BytesMut::with_capacity(self.part_bytes);
        }
        let taken = piece.len().min(self.part_bytes - self.part.len());
        self.part.extend_from_slice(&piece[..taken]);
        piece.advance(taken);
        if self.part.len() < self.part_bytes {
            return None;
        }
        self.was_full = true;
        Some(self.take())
    }

    /// What there is of the part.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.part).freeze()
    }

    pub(super) fn len(&self) -> usize {
        self.part.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.part.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_size_become_parts_of_one() {
        let mut buffer = PartBuffer::new(4);
        let mut parts = Vec::new();
        for piece in ["", "abc", "d", "efghijklm", "n"] {
            let mut piece = Bytes::from(piece);
            parts.extend(std::iter::from_fn(|| buffer.fill(&mut piece)));
        }
        assert_eq!(parts, ["abcd", "efgh", "ijkl"]);
        assert_eq!((buffer.len(), buffer.take()), (2, Bytes::from("mn")));
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_part_after_the_first_has_its_whole_size_at_once() {
        let mut buffer = PartBuffer::new(1 << 20);
        buffer.fill(&mut Bytes::from(vec![0; 10]));
        assert!(buffer.part.capacity() < 1 << 20, "a small file takes little");
        buffer.fill(&mut Bytes::from(vec![0; 1 << 20]));
        buffer.fill(&mut Bytes::from(vec![0; 10]));
        assert!(buffer.part.capacity() >= 1 << 20);
    }
}
