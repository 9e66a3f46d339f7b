//! What each measure is, as aggregates.
//!
//! **Source** the DQDL reference, and the analyzers of Deequ where it is silent: a row that is null in all columns of a
//! uniqueness is not counted; the standard deviation is that of a population; the entropy is in nats.

use super::Measured;
use super::checked_rows::{CheckedColumn, CheckedRows};
use super::tables::{Tables, group_column, group_rows};
use crate::error::{Code, Error, Result};
use crate::statement::expect::Measure;
use datafusion::arrow::datatypes::DataType;
use datafusion::functions_aggregate::count::count_all;
use datafusion::functions_aggregate::expr_fn::{corr, count, stddev_pop, sum};
use datafusion::logical_expr::{Expr, cast, lit, when};

/// The digits of the widest decimal of 128 bits, which holds the sum of any integers there can be.
const MOST_DIGITS: u8 = 38;

/// How `measure` of `columns` is measured.
///
/// # Errors
/// `StatementFailed` when the type of a column has no such measure.
pub(super) fn measured(
    tables: &mut Tables,
    rows: &CheckedRows<'_>,
    measure: Measure,
    columns: &[CheckedColumn],
) -> Result<Measured> {
    match (measure, columns) {
        (Measure::RowCount, _) => Ok(Measured::Value(tables.over_rows(rows, count_all()))),
        (Measure::Completeness, [column]) => Ok(Measured::Share {
            kept: tables.over_rows(rows, count(column.raw())),
            all: tables.over_rows(rows, count_all()),
        }),
        (Measure::Mean, [column]) => {
            let total = tables.over_rows(rows, exact_sum(column, "mean")?);
            Ok(Measured::Quotient(total, tables.over_rows(rows, count(column.raw()))))
        }
        (Measure::Sum, [column]) => Ok(Measured::Value(tables.over_rows(rows, exact_sum(column, "sum")?))),
        (Measure::StandardDeviation, [column]) => {
            Ok(Measured::Value(tables.over_rows(rows, stddev_pop(column.numbers("standard deviation")?))))
        }
        (Measure::ColumnCorrelation, [left, right]) => {
            let (left, right) = (left.numbers("correlation")?, right.numbers("correlation")?);
            Ok(Measured::Value(tables.over_rows(rows, corr(left, right))))
        }
        _ => of_groups(tables, rows, measure, columns),
    }
}

fn of_groups(
    tables: &mut Tables,
    rows: &CheckedRows<'_>,
    measure: Measure,
    columns: &[CheckedColumn],
) -> Result<Measured> {
    let is_set = any_set(columns.len());
    let groups = || counted(is_set.clone());
    let filled = || summed(is_set.clone(), group_rows());
    let unique = || counted(is_set.clone().and(group_rows().eq(lit(1_i64))));
    match measure {
        Measure::DistinctValuesCount => Ok(Measured::Value(tables.over_groups(rows, columns, groups()?)?)),
        Measure::Uniqueness => Ok(Measured::Share {
            kept: tables.over_groups(rows, columns, unique()?)?,
            all: tables.over_groups(rows, columns, filled()?)?,
        }),
        Measure::UniqueValueRatio => {
            let unique = tables.over_groups(rows, columns, unique()?)?;
            Ok(Measured::Quotient(unique, tables.over_groups(rows, columns, groups()?)?))
        }
        Measure::PrimaryKey => {
            let keys = counted(all_set(columns.len()).and(group_rows().eq(lit(1_i64))))?;
            Ok(Measured::Share {
                kept: tables.over_groups(rows, columns, keys)?,
                all: tables.over_groups(rows, columns, sum(group_rows()))?,
            })
        }
        Measure::Entropy => {
            let size = cast(group_rows(), DataType::Float64);
            let weight = size.clone() * datafusion::functions::math::expr_fn::ln(size);
            let weights = tables.over_groups(rows, columns, summed(is_set.clone(), weight)?)?;
            Ok(Measured::Entropy(weights, tables.over_groups(rows, columns, filled()?)?))
        }
        _ => Err(Error::new(Code::Internal, format!("{measure:?} of {} columns", columns.len()))),
    }
}

/// Whether a group has a value in one of its columns.
pub(super) fn any_set(columns: usize) -> Expr {
    let set = (0..columns).map(|index| group_column(index).is_not_null());
    set.reduce(Expr::or).unwrap_or_else(|| lit(false))
}

/// Whether a group has a value in all of its columns.
pub(super) fn all_set(columns: usize) -> Expr {
    let set = (0..columns).map(|index| group_column(index).is_not_null());
    set.reduce(Expr::and).unwrap_or_else(|| lit(true))
}

/// How often `condition` is true.
pub(super) fn counted(condition: Expr) -> Result<Expr> {
    Ok(count(when(condition, lit(1_i64)).end()?))
}

fn summed(condition: Expr, value: Expr) -> Result<Expr> {
    Ok(sum(when(condition, value).end()?))
}

/// The sum: exact where the values are, and so the same in whatever order they come.
fn exact_sum(column: &CheckedColumn, purpose: &str) -> Result<Expr> {
    let numbers = column.numbers(purpose)?;
    Ok(sum(match column.value_type() {
        data_type if data_type.is_integer() => cast(column.values(), DataType::Decimal128(MOST_DIGITS, 0)),
        data_type if data_type.is_decimal() => column.values(),
        _ => numbers,
    }))
}
