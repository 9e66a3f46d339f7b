//! Sparse vectors, as Spark ML has them: a struct of `size`, `indices` and `values`, in Parquet with a `type` too, which
//! is 0 for a sparse vector and 1 for a dense one, whose values are then all there.

use super::super::plain_types::{plain_array, plain_type};
use super::{Feature, is_number};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

/// `type` of a vector whose values are all there.
const DENSE: i64 = 1;

/// Whether a struct in plain types is a sparse vector.
pub(super) fn is_vector(fields: &Fields) -> bool {
    let is_known = |field: &Arc<Field>| match (field.name().as_str(), field.data_type()) {
        ("type" | "size", data_type) => data_type.is_integer(),
        ("indices", data_type) => list_item(data_type).is_some_and(|item| item.is_integer()),
        ("values", data_type) => list_item(data_type).is_some_and(|item| is_number(&item)),
        _ => false,
    };
    let has = |name: &str| fields.iter().filter(|field| field.name() == name).count() == 1;
    let count = 3 + usize::from(has("type"));
    fields.len() == count
        && ["size", "indices", "values"].iter().all(|name| has(name))
        && fields.iter().all(is_known)
}

/// The type of the values of a sparse vector.
pub(super) fn item_type(fields: &Fields) -> Option<DataType> {
    fields.iter().find(|field| field.name() == "values").and_then(|field| list_item(field.data_type()))
}

fn list_item(data_type: &DataType) -> Option<DataType> {
    match plain_type(data_type) {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type().clone())
        }
        _ => None,
    }
}

/// A column of sparse vectors in one batch.
#[derive(Debug)]
pub(in crate::formats) struct SparseColumn {
    name: String,
    size: Option<NonZeroU32>,
    nulls: Option<NullBuffer>,
    types: Option<Int64Array>,
    sizes: Int64Array,
    indices: ListArray,
    values: ListArray,
}

/// The entries of one row.
#[derive(Debug)]
pub(in crate::formats) struct SparseRow<'a> {
    /// The index of each entry in ascending order, or nothing when they are 0, 1, 2 and so on.
    pub(in crate::formats) indices: Option<&'a [i64]>,
    /// Where the values are in [`SparseColumn::values`].
    pub(in crate::formats) values: Range<usize>,
}

impl SparseRow<'_> {
    /// Index and place of the value of each entry.
    pub(in crate::formats) fn entries(&self) -> impl Iterator<Item = (u64, usize)> {
        self.values.clone().enumerate().map(|(entry, place)| {
            let index = self.indices.map(|indices| indices[entry].unsigned_abs());
            (index.unwrap_or(entry as u64), place)
        })
    }
}

impl SparseColumn {
    /// The column of `array` with values of the type `item`; every vector has that `size`, where it is known.
    ///
    /// **Errors** [`Code::BadRow`] names the column with a value that the type cannot have.
    pub(in crate::formats) fn new(
        array: &ArrayRef,
        feature: &Feature,
        item: &DataType,
        size: Option<NonZeroU32>,
    ) -> Result<SparseColumn> {
        let name = feature.field.name();
        let vectors = array.as_struct_opt().ok_or_else(|| {
            let came = array.data_type();
            Error::new(Code::Internal, format!("column \"{name}\" came as {came} and was planned as vectors"))
        })?;
        let part = |part: &str, data_type: DataType| child(vectors, name, part, data_type);
        let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, true)));
        let types = match vectors.column_by_name("type") {
            Some(_) => Some(part("type", DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            None => None,
        };
        Ok(SparseColumn {
            name: name.clone(),
            size,
            nulls: vectors.nulls().cloned(),
            types,
            sizes: part("size", DataType::Int64)?.as_primitive::<Int64Type>().clone(),
            indices: part("indices", list(DataType::Int64))?.as_list::<i32>().clone(),
            values: part("values", list(item.clone()))?.as_list::<i32>().clone(),
        })
    }

    /// The values of all rows, one after the other.
    pub(in crate::formats) fn values(&self) -> &ArrayRef {
        self.values.values()
    }

    /// The entries of `row`; none for a null.
    ///
    /// **Errors** [`Code::BadRow`] for what is no vector of the right size.
    pub(in crate::formats) fn row(&self, row: usize) -> Result<SparseRow<'_>> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(SparseRow { indices: Some(&[]), values: 0..0 });
        }
        let values = span(&self.values, row);
        if self.types.as_ref().is_some_and(|types| types.is_valid(row) && types.value(row) == DENSE) {
            self.check_size(values.len() as u64)?;
            return Ok(SparseRow { indices: None, values });
        }
        let size = match self.sizes.is_valid(row).then(|| u64::try_from(self.sizes.value(row))) {
            Some(Ok(size)) => size,
            _ => return Err(self.refuse("a vector without a size".to_owned())),
        };
        self.check_size(size)?;
        let places = span(&self.indices, row);
        let indices = self.indices.values().as_primitive::<Int64Type>();
        if places.len() != values.len() {
            let (indices, values) = (places.len(), values.len());
            return Err(self.refuse(format!("a vector of {indices} indices and {values} values")));
        }
        let has_null = indices.nulls().is_some_and(|nulls| places.clone().any(|place| nulls.is_null(place)));
        let indices = &indices.values()[places];
        let is_ascending = indices.windows(2).all(|pair| pair[0] < pair[1]);
        let is_inside = |index: &i64| u64::try_from(*index).is_ok_and(|index| index < size);
        if has_null
            || !is_ascending
            || !indices.first().is_none_or(is_inside)
            || !indices.last().is_none_or(is_inside)
        {
            return Err(self.refuse(format!("a vector whose indices do not ascend from 0 to {size} at most")));
        }
        Ok(SparseRow { indices: Some(indices), values })
    }

    fn check_size(&self, found: u64) -> Result<()> {
        match self.size {
            Some(size) if u64::from(size.get()) != found => {
                Err(self.refuse(format!("a vector of size {found}, and option 'sparse_size' says {size}")))
            }
            _ => Ok(()),
        }
    }

    #[cold]
    fn refuse(&self, what: String) -> Error {
        Error::new(Code::BadRow, format!("column \"{}\" has {what}", self.name))
            .with_hint("a sparse vector has a size, ascending indices below it, and as many values")
    }
}

fn child(vectors: &StructArray, name: &str, part: &str, data_type: DataType) -> Result<ArrayRef> {
    let array = vectors.column_by_name(part).ok_or_else(|| {
        Error::new(Code::Internal, format!("column \"{name}\" came without its part \"{part}\""))
    })?;
    plain_array(array, &Field::new(format!("{name}.{part}"), data_type, true))
}

/// Where the elements of a row are; nowhere for a null.
#[inline]
fn span(lists: &ListArray, row: usize) -> Range<usize> {
    if lists.is_null(row) {
        return 0..0;
    }
    let offsets = lists.value_offsets();
    let place = |offset: i32| usize::try_from(offset).unwrap_or(0);
    place(offsets[row])..place(offsets[row + 1])
}
