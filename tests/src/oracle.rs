//! Compares a result with the answer of another engine, stored as CSV.

use crate::engines::Answer;
use crate::{csv, text};
use std::cmp::Ordering;

/// How far two numbers may be apart, relative to the expected one and at least this much; `tpch/README.md` says why.
const TOLERANCE: f64 = 1e-6;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Text(String),
    Number(f64),
}

/// Compares the rows of `answer`, in any order, with those of the CSV text `expected`, which has a header.
///
/// # Errors
/// What differs first, for people.
pub fn compare(answer: &Answer, expected: &str) -> Result<(), String> {
    let is_number: Vec<bool> = answer
        .schema
        .fields()
        .iter()
        .map(|field| matches!(text::letter(field.data_type()), 'I' | 'R'))
        .collect();
    let found =
        text::rows(&answer.batches).into_iter().map(|row| found_row(row, &is_number)).collect::<Vec<_>>();
    let expected = csv::parse(expected).into_iter().skip(1).map(|row| expected_row(row, &is_number));
    let expected = expected.collect::<Result<Vec<_>, _>>()?;
    if found.len() != expected.len() {
        return Err(format!("{} rows, expected {}", found.len(), expected.len()));
    }
    for (found, expected) in sorted(found).iter().zip(sorted(expected)) {
        let same = found.len() == expected.len()
            && found.iter().zip(&expected).all(|(left, right)| agree(left, right));
        if !same {
            return Err(format!("row differs\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    Ok(())
}

fn found_row(row: Vec<String>, is_number: &[bool]) -> Vec<Value> {
    let value = |(value, is_number): (String, &bool)| match value.as_str() {
        text::NULL => Value::Null,
        number if *is_number => Value::Number(number.parse().expect("a number")),
        text::EMPTY => Value::Text(String::new()),
        _ => Value::Text(value),
    };
    row.into_iter().zip(is_number).map(value).collect()
}

fn expected_row(row: Vec<Option<String>>, is_number: &[bool]) -> Result<Vec<Value>, String> {
    if row.len() != is_number.len() {
        return Err(format!("{} columns, expected {}", is_number.len(), row.len()));
    }
    let value = |(value, is_number): (Option<String>, &bool)| match value {
        None => Ok(Value::Null),
        Some(text) if *is_number => text
            .parse()
            .map(Value::Number)
            .map_err(|error| format!("a number where {text:?} is expected: {error}")),
        Some(text) => Ok(Value::Text(text)),
    };
    row.into_iter().zip(is_number).map(value).collect()
}

/// By text columns, then by numbers: two engines may differ in the last digits of a number, and not in a text.
fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by(|left, right| texts(left).cmp(&texts(right)).then_with(|| compare_numbers(left, right)));
    rows
}

fn texts(row: &[Value]) -> Vec<&str> {
    row.iter()
        .filter_map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None })
        .collect()
}

fn compare_numbers(left: &[Value], right: &[Value]) -> Ordering {
    let number = |value: &Value| if let Value::Number(number) = value { *number } else { f64::NEG_INFINITY };
    let pairs = left.iter().map(number).zip(right.iter().map(number));
    pairs.map(|(left, right)| left.total_cmp(&right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn agree(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
        }
        _ => found == expected,
    }
}
