//! Columns whose values are ranges of other columns' rows: lists in every layout, and maps.

use std::ops::Range;

use arrow::array::{
    Array, FixedSizeListArray, GenericListArray, GenericListViewArray, MapArray, OffsetSizeTrait,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::ArrowNativeType;

use super::{BoxedColumn, CanonicalError, Column, Floats, NULL, column, tag};

/// Values made of the rows `range(row)` of each child; a list has one child, a map its keys and its values.
struct Ranges<'a, R, const CHILDREN: usize> {
    tag: u8,
    nulls: Option<&'a NullBuffer>,
    children: [BoxedColumn<'a>; CHILDREN],
    range: R,
}

impl<R, const CHILDREN: usize> Column for Ranges<'_, R, CHILDREN>
where
    R: Fn(usize) -> Range<usize>,
{
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(&NULL);
            return;
        }
        let range = (self.range)(row);
        out.push(self.tag);
        // `child` refused a column where the count could need more than the four low bytes.
        out.extend_from_slice(&range.len().to_le_bytes()[..4]);
        for element in range {
            for child in &self.children {
                child.encode(element, out);
            }
        }
    }
}

/// The column of a child array, if every range of its rows has a length that 32 bits hold.
fn child(array: &dyn Array, floats: Floats) -> Result<BoxedColumn<'_>, CanonicalError> {
    match u32::try_from(array.len()) {
        Ok(_) => column(array, floats),
        Err(_) => Err(CanonicalError::ListTooLong { elements: array.len() }),
    }
}

fn lists<'a>(
    nulls: Option<&'a NullBuffer>,
    values: BoxedColumn<'a>,
    range: impl Fn(usize) -> Range<usize> + 'a,
) -> BoxedColumn<'a> {
    Box::new(Ranges { tag: tag::LIST, nulls, children: [values], range })
}

/// The column of a list array.
pub(super) fn list<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    floats: Floats,
) -> Result<BoxedColumn<'_>, CanonicalError> {
    let offsets = array.value_offsets();
    let range = |row: usize| offsets[row].as_usize()..offsets[row + 1].as_usize();
    Ok(lists(array.nulls(), child(array.values().as_ref(), floats)?, range))
}

/// The column of a list view array.
pub(super) fn list_view<O: OffsetSizeTrait>(
    array: &GenericListViewArray<O>,
    floats: Floats,
) -> Result<BoxedColumn<'_>, CanonicalError> {
    let (offsets, sizes) = (array.value_offsets(), array.value_sizes());
    let range = |row: usize| {
        let start = offsets[row].as_usize();
        start..start + sizes[row].as_usize()
    };
    Ok(lists(array.nulls(), child(array.values().as_ref(), floats)?, range))
}

/// The column of a fixed-size list array.
pub(super) fn fixed_size_list(
    array: &FixedSizeListArray,
    floats: Floats,
) -> Result<BoxedColumn<'_>, CanonicalError> {
    // Arrow keeps the length in an i32 that is never negative.
    let length = usize::try_from(array.value_length()).unwrap_or_default();
    let range = move |row: usize| row * length..(row + 1) * length;
    Ok(lists(array.nulls(), child(array.values().as_ref(), floats)?, range))
}

/// The column of a map array.
pub(super) fn map(array: &MapArray, floats: Floats) -> Result<BoxedColumn<'_>, CanonicalError> {
    let offsets = array.value_offsets();
    Ok(Box::new(Ranges {
        tag: tag::MAP,
        nulls: array.nulls(),
        children: [child(array.keys().as_ref(), floats)?, child(array.values().as_ref(), floats)?],
        range: |row: usize| offsets[row].as_usize()..offsets[row + 1].as_usize(),
    }))
}
