//! What a rule asks of every row, as an expression that is true where a row keeps it.
//!
//! A null keeps no requirement but `!=`, `not in`, and those that name it; its length is 0. NaN is in no range.

use super::checked_rows::{CheckedColumn, is_nan};
use super::operand::Operand;
use crate::error::{Code, Error, Result};
use crate::statement::expect::{Comparison, Condition, Literal, Requirement};
use datafusion::arrow::compute::can_cast_types;
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit, try_cast};
use std::sync::Arc;

/// The expression.
///
/// # Errors
/// `StatementFailed` when the column's type cannot be asked that.
pub(super) fn kept(state: &SessionState, column: &CheckedColumn, requirement: &Requirement) -> Result<Expr> {
    match requirement {
        Requirement::Values(condition) => values(column, condition),
        Requirement::Pattern { pattern, matches } => {
            check_pattern(state, pattern)?;
            let found = regex(text_of(column, "be matched with a pattern")?, &whole(pattern));
            Ok(if *matches { found } else { !found })
        }
        Requirement::Length(condition) => {
            let text = text_of(column, "have a length")?;
            let length = datafusion::functions::unicode::expr_fn::character_length(text);
            let length = datafusion::functions::core::expr_fn::coalesce(vec![
                cast(length, DataType::Float64),
                lit(0.0_f64),
            ]);
            Ok(numbers(&length, condition))
        }
        Requirement::DataType { name, castable } => {
            let target = data_type(name)?;
            if !can_cast_types(&column.data_type, &target) {
                let message =
                    format!("column \"{}\" is {}, which cannot be {name}", column.name, column.data_type);
                return Err(Error::new(Code::StatementFailed, message).with_hint("leave the rule out"));
            }
            let value = try_cast(column.raw(), target);
            Ok(if *castable { value.is_not_null() } else { value.is_null() })
        }
    }
}

fn text_of(column: &CheckedColumn, purpose: &str) -> Result<Expr> {
    if column.is_text() {
        return Ok(column.values());
    }
    let message = format!("column \"{}\" is {}, which cannot {purpose}", column.name, column.data_type);
    Err(Error::new(Code::StatementFailed, message)
        .with_hint(format!("cast it in the query, such as CAST({0} AS VARCHAR) AS {0}", column.name)))
}

fn regex(text: Expr, pattern: &str) -> Expr {
    binary_expr(text, Operator::RegexMatch, lit(pattern))
}

/// A pattern that matches whole values only.
fn whole(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

/// Finds out now whether the pattern can be used: otherwise the first row would.
fn check_pattern(state: &SessionState, pattern: &str) -> Result<()> {
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
    let text = Arc::new(datafusion::arrow::array::StringArray::from(vec![""]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![text])
        .map_err(|error| Error::new(Code::Internal, "cannot build a row of text").with_source(error))?;
    let found = regex(datafusion::prelude::col("text"), &whole(pattern));
    let schema = DFSchema::try_from(schema.as_ref().clone())?;
    let tried = state.create_physical_expr(found, &schema).and_then(|expr| expr.evaluate(&batch));
    tried.map(|_| ()).map_err(|error| {
        Error::new(Code::StatementFailed, format!("\"{pattern}\" is not a regular expression"))
            .with_hint("the syntax is that of Rust's crate regex: no look-around and no back-references")
            .with_source(error)
    })
}

fn values(column: &CheckedColumn, condition: &Condition<Literal>) -> Result<Expr> {
    Ok(match condition {
        Condition::Compare(Comparison::Eq, literal) => any_of(column, std::slice::from_ref(literal))?,
        Condition::Compare(Comparison::NotEq, literal) => none_of(column, std::slice::from_ref(literal))?,
        Condition::In(literals) => any_of(column, literals)?,
        Condition::NotIn(literals) => none_of(column, literals)?,
        Condition::Compare(comparison, literal) => {
            let Operand { column: left, value } = ordered(column, literal)?;
            in_order(column, compare(left, *comparison, value))
        }
        Condition::Between(low, high) => {
            let (low, high) = (ordered(column, low)?, ordered(column, high)?);
            in_order(column, low.column.gt(low.value).and(high.column.lt(high.value)))
        }
        Condition::NotBetween(low, high) => {
            let (low, high) = (ordered(column, low)?, ordered(column, high)?);
            in_order(column, low.column.lt_eq(low.value).or(high.column.gt_eq(high.value)))
        }
    })
}

/// The order of floats in Arrow has NaN above or below all numbers; here it has no place in it.
fn in_order(column: &CheckedColumn, compared: Expr) -> Expr {
    if column.has_nan() { compared.and(!is_nan(column.raw())) } else { compared }
}

fn ordered(column: &CheckedColumn, literal: &Literal) -> Result<Operand> {
    match literal {
        Literal::Null | Literal::Empty | Literal::WhitespacesOnly => {
            let message = format!("column \"{}\" is compared with a keyword by order", column.name);
            Err(Error::new(Code::StatementFailed, message)
                .with_hint("NULL, EMPTY and WHITESPACES_ONLY go with =, !=, in and not in"))
        }
        _ => Operand::new(column, literal),
    }
}

fn any_of(column: &CheckedColumn, literals: &[Literal]) -> Result<Expr> {
    let found = equals_any(column, literals)?;
    let with_null = literals.contains(&Literal::Null).then(|| column.raw().is_null());
    Ok(found.into_iter().chain(with_null).reduce(Expr::or).unwrap_or_else(|| lit(false)))
}

fn none_of(column: &CheckedColumn, literals: &[Literal]) -> Result<Expr> {
    let found = equals_any(column, literals)?.map_or_else(|| lit(true), |found| !found);
    Ok(if literals.contains(&Literal::Null) {
        column.raw().is_not_null().and(found)
    } else {
        column.raw().is_null().or(found)
    })
}

/// Whether the column is one of the literals but NULL, of which there may be none.
fn equals_any(column: &CheckedColumn, literals: &[Literal]) -> Result<Option<Expr>> {
    let mut sets: Vec<(Expr, Vec<Expr>)> = Vec::new();
    let mut others = Vec::new();
    for literal in literals {
        match literal {
            Literal::Null => {}
            Literal::WhitespacesOnly => {
                others.push(regex(text_of(column, "be white space")?, &whole(r"\s+")));
            }
            _ => {
                let operand = Operand::new(column, literal)?;
                match sets.iter_mut().find(|(left, _)| *left == operand.column) {
                    Some((_, values)) => values.push(operand.value),
                    None => sets.push((operand.column, vec![operand.value])),
                }
            }
        }
    }
    let sets = sets.into_iter().map(|(left, values)| left.in_list(values, false));
    Ok(sets.chain(others).reduce(Expr::or))
}

fn compare(left: Expr, comparison: Comparison, right: Expr) -> Expr {
    match comparison {
        Comparison::Eq => left.eq(right),
        Comparison::NotEq => left.not_eq(right),
        Comparison::Lt => left.lt(right),
        Comparison::LtEq => left.lt_eq(right),
        Comparison::Gt => left.gt(right),
        Comparison::GtEq => left.gt_eq(right),
    }
}

/// A condition on a number that is never null nor NaN.
fn numbers(number: &Expr, condition: &Condition<f64>) -> Expr {
    let number = || number.clone();
    let list = |values: &[f64]| values.iter().map(|value| lit(*value)).collect();
    match condition {
        Condition::Compare(comparison, value) => compare(number(), *comparison, lit(*value)),
        Condition::Between(low, high) => number().gt(lit(*low)).and(number().lt(lit(*high))),
        Condition::NotBetween(low, high) => number().lt_eq(lit(*low)).or(number().gt_eq(lit(*high))),
        Condition::In(values) => number().in_list(list(values), false),
        Condition::NotIn(values) => number().in_list(list(values), true),
    }
}

/// The types that DQDL's `ColumnDataType` knows.
fn data_type(name: &str) -> Result<DataType> {
    let unknown = || {
        Error::new(Code::StatementFailed, format!("there is no type \"{name}\""))
            .with_hint("Boolean, Date, Timestamp, Integer, Long, Float, Double or Decimal(precision, scale)")
    };
    let lower = name.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "integer" => DataType::Int32,
        "long" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        _ => {
            let numbers = lower.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
            let (precision, scale) =
                numbers.and_then(|numbers| numbers.split_once(',')).ok_or_else(unknown)?;
            let precision: u8 = precision.trim().parse().map_err(|error| unknown().with_source(error))?;
            let scale: i8 = scale.trim().parse().map_err(|error| unknown().with_source(error))?;
            if !(1..=38).contains(&precision) || scale < 0 || scale.unsigned_abs() > precision {
                return Err(unknown());
            }
            DataType::Decimal128(precision, scale)
        }
    })
}
