//! Columns of text and binary values, in every layout Arrow has for them.

use arrow::array::ArrayAccessor;

use super::{BoxedColumn, Column, NULL, tag};

/// A column of byte strings under one tag.
struct Bytes<A> {
    tag: u8,
    array: A,
}

/// The column of a text array.
pub(super) fn text<'a, A>(array: A) -> BoxedColumn<'a>
where
    A: ArrayAccessor<Item = &'a str> + Copy + 'a,
{
    Box::new(Bytes { tag: tag::TEXT, array })
}

/// The column of a binary array.
pub(super) fn binary<'a, A>(array: A) -> BoxedColumn<'a>
where
    A: ArrayAccessor<Item = &'a [u8]> + Copy + 'a,
{
    Box::new(Bytes { tag: tag::BINARY, array })
}

impl<A> Column for Bytes<A>
where
    A: ArrayAccessor<Item: AsRef<[u8]>> + Copy,
{
    #[inline]
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.array.is_null(row) {
            out.extend_from_slice(&NULL);
        } else {
            out.push(self.tag);
            out.extend_from_slice(self.array.value(row).as_ref());
        }
    }
}
