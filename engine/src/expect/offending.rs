//! The first rows that break a rule: in the order of what they are known by, so that they are the same in every run.

use super::checked_rows::{CheckedColumn, CheckedRows};
use super::measures::{all_set, any_set};
use super::tables::{group_column, group_rows, groups};
use crate::error::{Error, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, lit};
use gristmill_udfs::functions::GristmillOrder;

/// How many rows are named.
const MOST_ROWS: usize = 10;
/// The longest shown value, in characters.
const LONGEST_VALUE: usize = 60;
/// The longest shown row, in characters.
const LONGEST_ROW: usize = 300;
/// The column that orders rows which nothing else does.
const ROW_HASH: &str = "__gristmill_order";

/// The first rows where `kept` is not true: keys that differ, or whole rows where there is no key.
pub(super) fn rows_without(rows: &CheckedRows<'_>, kept: Expr) -> Result<LogicalPlan> {
    let identity = rows.identity()?;
    let named: Vec<Expr> = identity.iter().map(|column| column.raw().alias(&column.name)).collect();
    let offending = LogicalPlanBuilder::from(rows.plan.clone()).filter(kept.is_not_true())?.project(named)?;
    let offending = if rows.key.is_empty() { offending } else { offending.distinct()? };
    first(offending, &identity)
}

/// The first values of `columns` that several rows have, with how many; of a primary key also those with a null.
pub(super) fn repeated(
    rows: &CheckedRows<'_>,
    columns: &[CheckedColumn],
    is_key: bool,
) -> Result<LogicalPlan> {
    let repeated = group_rows().gt(lit(1_i64));
    let breaks =
        if is_key { repeated.or(!all_set(columns.len())) } else { repeated.and(any_set(columns.len())) };
    let named = columns
        .iter()
        .enumerate()
        .map(|(index, column)| group_column(index).alias(&column.name))
        .chain([group_rows().alias(rows_name(columns))]);
    let offending = LogicalPlanBuilder::from(groups(&rows.plan, columns)?).filter(breaks)?.project(named)?;
    first(offending, columns)
}

/// A name for the number of rows that no column has.
fn rows_name(columns: &[CheckedColumn]) -> String {
    let mut name = "rows".to_owned();
    while columns.iter().any(|column| column.name == name) {
        name.insert(0, '_');
    }
    name
}

/// The first of `rows`, in the order of `columns`. Nested values have no order: rows that have some are ordered by the
/// row's hash behind the other columns.
fn first(rows: LogicalPlanBuilder, columns: &[CheckedColumn]) -> Result<LogicalPlan> {
    let shown: Vec<Expr> = rows.schema().columns().into_iter().map(Expr::Column).collect();
    let by_name = |name: &str| Expr::Column(Column::from_name(name));
    let mut order: Vec<_> = columns
        .iter()
        .filter(|column| !column.value_type().is_nested())
        .map(|column| by_name(&column.name).sort(true, false))
        .collect();
    let rows = if order.len() < columns.len() {
        let arguments =
            [lit(0_u64), lit(0_i64)].into_iter().chain(columns.iter().map(|column| by_name(&column.name)));
        let hash = ScalarUDF::from(GristmillOrder::default()).call(arguments.collect());
        order.push(by_name(ROW_HASH).sort(true, false));
        rows.project(shown.iter().cloned().chain([hash.alias(ROW_HASH)]))?
    } else {
        rows
    };
    Ok(rows.sort_with_limit(order, Some(MOST_ROWS))?.limit(0, Some(MOST_ROWS))?.project(shown)?.build()?)
}

/// Rows as people read them: `{id: 3, name: x}`.
///
/// # Errors
/// `Internal` when a value has no text.
pub(super) fn described(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let mut described = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::from_datafusion(error.into()))?;
        for row in 0..batch.num_rows() {
            let fields = schema.fields().iter().zip(&columns);
            let values = fields.map(|(field, column)| {
                let value = shortened(&column.value(row).to_string(), LONGEST_VALUE);
                format!("{}: {value}", field.name())
            });
            let row = values.collect::<Vec<_>>().join(", ");
            described.push(format!("{{{}}}", shortened(&row, LONGEST_ROW)));
        }
    }
    Ok(described)
}

/// The text on one line, cut where it is longer than `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
