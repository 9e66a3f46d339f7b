//! Which fields of a row belong to a column: one, or as many as a vector has elements.

use super::super::plain_types::plain_type;
use super::super::{Columns, Role, SideFile, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use crate::suggest;
use arrow::datatypes::{DataType, Field, Schema};
use std::ops::Range;

/// How many elements a vector has: a list of fixed size of numbers.
pub(super) fn vector_size(data_type: &DataType) -> Option<usize> {
    let DataType::FixedSizeList(item, size) = plain_type(data_type) else { return None };
    let size = usize::try_from(size).ok().filter(|size| *size > 0)?;
    item.data_type().is_numeric().then_some(size)
}

/// How many fields the columns have together.
pub(super) fn count(schema: &Schema) -> usize {
    schema.fields().iter().map(|field| width(field)).sum()
}

fn width(field: &Field) -> usize {
    vector_size(field.data_type()).unwrap_or(1)
}

/// The names of the fields of a column: its own, or with the number of the element behind it.
pub(super) fn names(field: &Field) -> impl Iterator<Item = String> {
    let size = vector_size(field.data_type());
    (0..size.unwrap_or(1)).map(move |element| match size {
        None => field.name().clone(),
        Some(_) => format!("{}_{element}", field.name()),
    })
}

/// Refuses roles that CSV readers would not understand, and vectors in them.
pub(super) fn check_roles(columns: &Columns) -> Result<()> {
    let roles = columns.roles();
    if roles.weight && roles.labels != 1 {
        let message = format!("option 'weight': CSV has it behind one label, not {}", roles.labels);
        return Err(Error::new(Code::BadOption, message).with_hint("give one LABEL"));
    }
    let named = columns.labels().iter().map(AsRef::as_ref).chain(columns.of(Role::Weight));
    for field in named {
        if vector_size(field.data_type()).is_some() {
            let fix = format!("elements ({}[1], …)", sql_name(field));
            return Err(refuse_column("a label or weight of CSV", field, &fix));
        }
    }
    Ok(())
}

/// `categorical_index.json`: the fields of the columns that `names` lists.
///
/// **Errors** [`Code::UnknownTargetColumn`] and [`Code::BadOption`] name a column that is no feature.
pub(super) fn categorical_index(columns: &Columns, names: &[String]) -> Result<Option<SideFile>> {
    if names.is_empty() {
        return Ok(None);
    }
    if columns.roles().labels != 1 {
        let message = format!(
            "option 'categorical': column \"{}\" needs one label before it, not {}",
            names[0],
            columns.roles().labels
        );
        return Err(Error::new(Code::BadOption, message).with_hint("give one LABEL"));
    }
    let mut fields = Vec::new();
    for name in names {
        fields.extend(categorical_fields(columns, name)?);
    }
    fields.sort_unstable();
    fields.dedup();
    let bytes = serde_json::json!({ "cat_index_list": fields }).to_string();
    Ok(Some(SideFile { path: "categorical_index.json".to_owned(), bytes: bytes.into() }))
}

fn categorical_fields(columns: &Columns, name: &str) -> Result<Range<usize>> {
    let mut start = 0;
    for (index, field) in columns.schema().fields().iter().enumerate() {
        let end = start + width(field);
        if field.name() == name {
            if columns.feature_range().contains(&index) {
                return Ok(start..end);
            }
            let message = format!("option 'categorical': column \"{name}\" is no feature");
            return Err(Error::new(Code::BadOption, message).with_hint("leave out labels and weights"));
        }
        start = end;
    }
    let known: Vec<&str> = columns.features().iter().map(|field| field.name().as_str()).collect();
    let message = format!("unknown column \"{name}\" in option 'categorical'");
    let error = Error::new(Code::UnknownTargetColumn, message);
    Err(match suggest::hint(name, &known) {
        Some(hint) => error.with_hint(format!("{hint} in the query's output")),
        None => error,
    })
}
