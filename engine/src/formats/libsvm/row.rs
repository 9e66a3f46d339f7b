//! The columns of one batch, ready to be written as lines.

use super::super::csv::cells::{Column, Place};
use super::super::features::{Feature, FlatColumn, SparseColumn};
use super::super::printing::numbers::put_u64;
use super::super::printing::page::Page;
use super::{Columns, LibsvmEncoder, Role, Shape, item_type, refuse_value};
use crate::error::{Code, Error, Result};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field};

/// What stands before the features: label, weight and group.
#[derive(Debug)]
pub(super) struct Head {
    label: Column,
    weight: Option<Column>,
    group: Option<Column>,
}

impl Head {
    /// **Errors** [`Code::BadRow`] names the column with a null, a value that is not finite or a negative group.
    pub(super) fn new(batch: &RecordBatch, columns: &Columns) -> Result<Head> {
        let roles = columns.roles();
        let column =
            |index: usize, ending| required(batch.column(index), columns.schema().field(index), ending);
        let of = |role| roles.position(role).map(|index| column(index, b' ')).transpose();
        let head = Head {
            label: column(0, if roles.weight { b':' } else { b' ' })?,
            weight: of(Role::Weight)?,
            group: of(Role::Group)?,
        };
        match (&head.group, columns.of(Role::Group)) {
            (Some(group), Some(field)) if (0..batch.num_rows()).any(|row| group.is_negative(row)) => {
                Err(refuse_value(field, "a negative value", "a group is a whole number from 0"))
            }
            _ => Ok(head),
        }
    }

    #[inline]
    fn push(&self, row: usize, page: &mut Page<'_>) {
        self.label.push(row, page);
        if let Some(weight) = &self.weight {
            weight.push(row, page);
        }
        if let Some(group) = &self.group {
            page.push_bytes(b"qid:");
            group.push(row, page);
        }
    }
}

/// A column that has a finite number in every row.
fn required(array: &ArrayRef, field: &Field, ending: u8) -> Result<Column> {
    let column = Column::new(array, field, place(ending))?;
    for row in 0..array.len() {
        let what = match () {
            () if column.is_null(row) => "a null",
            () if column.is_nan(row) => "the value NaN",
            () if column.is_infinite(row) => "an infinite value",
            () => continue,
        };
        return Err(refuse_value(field, what, "leave such rows out, or give them a number"));
    }
    Ok(column)
}

fn place(ending: u8) -> Place {
    Place { delimiter: b' ', ending, null: b"" }
}

/// The features of a batch.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<Values>,
    zeros: bool,
}

/// The numbers of one feature column, and the index of the first.
#[derive(Debug)]
enum Values {
    Flat { first: u64, numbers: Column, flat: FlatColumn },
    Sparse { first: u64, numbers: Column, vectors: Box<SparseColumn> },
}

impl Rows {
    /// **Errors** [`Code::BadRow`] names the column with an infinite value.
    pub(super) fn new(batch: &RecordBatch, encoder: &LibsvmEncoder) -> Result<Rows> {
        let arrays = &batch.columns()[encoder.columns.feature_range()];
        let columns = arrays.iter().zip(&encoder.features.columns);
        let columns =
            columns.map(|(array, feature)| values(array, feature, encoder)).collect::<Result<_>>()?;
        Ok(Rows { columns, zeros: encoder.zeros })
    }

    pub(super) fn push(&self, head: &Head, rows: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut page = Page::new(out);
        for row in 0..rows {
            head.push(row, &mut page);
            for column in &self.columns {
                column.push(row, self.zeros, &mut page)?;
            }
            page.replace_last(b'\n');
        }
        page.finish();
        Ok(())
    }
}

fn values(array: &ArrayRef, feature: &Feature, encoder: &LibsvmEncoder) -> Result<Values> {
    let (item, first) = (item_type(&feature.field), feature.first + encoder.first_index);
    let field = Field::new(feature.field.name(), item.clone(), true);
    if feature.shape == Shape::Sparse {
        let vectors = SparseColumn::new(array, feature, &item, encoder.features.sparse_size)?;
        let numbers = finite(vectors.values(), &field)?;
        return Ok(Values::Sparse { first, numbers, vectors: Box::new(vectors) });
    }
    let flat = FlatColumn::new(array, feature, &item)?;
    let numbers = finite(&flat.values, &field)?;
    Ok(Values::Flat { first, numbers, flat })
}

fn finite(array: &ArrayRef, field: &Field) -> Result<Column> {
    let column = Column::new(array, field, place(b' '))?;
    let may_be_infinite =
        matches!(field.data_type(), DataType::Float16 | DataType::Float32 | DataType::Float64);
    if may_be_infinite && (0..array.len()).any(|row| column.is_infinite(row) && !column.is_null(row)) {
        let hint = "readers know no infinity: write a null for a missing value, or a large number";
        return Err(Error::new(Code::BadRow, format!("column \"{}\" has an infinite value", field.name()))
            .with_hint(hint));
    }
    Ok(column)
}

impl Values {
    #[inline]
    fn push(&self, row: usize, zeros: bool, page: &mut Page<'_>) -> Result<()> {
        match self {
            Values::Flat { first, numbers, flat } => {
                for index in 0..flat.per_row {
                    let place = row * flat.per_row + index;
                    let is_missing = flat.is_null(place) || numbers.is_nan(place);
                    if !is_missing && (zeros || !numbers.is_zero(place)) {
                        push_entry(first + index as u64, numbers, place, page);
                    }
                }
            }
            Values::Sparse { first, numbers, vectors } => {
                for (index, place) in vectors.row(row)?.entries() {
                    if !numbers.is_null(place) && !numbers.is_nan(place) {
                        push_entry(first + index, numbers, place, page);
                    }
                }
            }
        }
        Ok(())
    }
}

#[inline]
fn push_entry(index: u64, numbers: &Column, place: usize, page: &mut Page<'_>) {
    page.push_cell(b':', |cell| put_u64(cell, 0, index));
    numbers.push(place, page);
}
