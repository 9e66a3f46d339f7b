//! How far the columns of two splits have drifted apart.

use super::column::{ColumnStatistics, ValueStatistics};
use super::quantiles::Distribution;
use super::shard::ShardStatistics;
use super::top_values::TopValues;
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Into how many parts, equal in the first split, numbers are parted.
const PARTS: usize = 10;
/// A part that has no rows counts as this share: the index has no value for none.
const LEAST_SHARE: f64 = 1e-4;

/// `drift.json`: every other split against the first one that trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Of this layout: 1.
    pub version: u32,
    /// The split that the others are compared with.
    pub reference: String,
    /// The others.
    pub splits: Vec<SplitDrift>,
}

/// How far one split has drifted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitDrift {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of the shards.
    pub columns: Vec<ColumnDrift>,
}

/// How far one column has drifted. Both are null where one of the splits has no rows, and for types that are only counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// Its name.
    pub name: String,
    /// The population stability index. Rules of thumb: below 0.1 there is no drift, above 0.25 there is much.
    pub psi: Option<f64>,
    /// The statistic of Kolmogorov and Smirnov, of numbers, dates and times: the largest distance between the shares of
    /// rows up to a value, from 0 to 1.
    pub ks: Option<f64>,
}

impl Drift {
    /// Of named splits, of which `reference` is one.
    #[must_use]
    pub fn of(splits: &[(String, ShardStatistics)], reference: &str, schema: &Schema) -> Option<Self> {
        let (_, first) = splits.iter().find(|(name, _)| name == reference)?;
        let others = splits.iter().filter(|(name, _)| name != reference);
        let splits = others
            .map(|(name, other)| SplitDrift { name: name.clone(), columns: columns(first, other, schema) });
        Some(Self { version: 1, reference: reference.to_owned(), splits: splits.collect() })
    }
}

fn columns(first: &ShardStatistics, other: &ShardStatistics, schema: &Schema) -> Vec<ColumnDrift> {
    let columns = schema.fields().iter().zip(first.columns.iter().zip(&other.columns));
    let column = |(field, (ours, theirs)): (&arrow::datatypes::FieldRef, _)| {
        let (psi, ks) =
            drift(Part { column: ours, rows: first.rows }, Part { column: theirs, rows: other.rows });
        ColumnDrift { name: field.name().clone(), psi, ks }
    };
    columns.map(column).collect()
}

/// A column of a split.
#[derive(Clone, Copy)]
struct Part<'a> {
    column: &'a ColumnStatistics,
    rows: u64,
}

fn drift(first: Part<'_>, other: Part<'_>) -> (Option<f64>, Option<f64>) {
    if first.rows == 0 || other.rows == 0 {
        return (None, None);
    }
    match (&first.column.values, &other.column.values) {
        (ValueStatistics::Numbers(ours), ValueStatistics::Numbers(theirs)) => {
            let [our_numbers, their_numbers] = [ours, theirs].map(|of| Distribution::of(&of.quantiles));
            let (first_shares, other_shares) = match (&ours.values, &theirs.values) {
                (Some(ours), Some(theirs)) => {
                    (shares_of_values(first, ours, ours), shares_of_values(other, ours, theirs))
                }
                _ => (
                    shares_of_parts(first, &our_numbers, &our_numbers),
                    shares_of_parts(other, &our_numbers, &their_numbers),
                ),
            };
            let both = ours.moments.count > 0 && theirs.moments.count > 0;
            let distance = both.then(|| our_numbers.largest_distance(&their_numbers));
            (Some(stability_index(&first_shares, &other_shares)), distance)
        }
        (ValueStatistics::Text(ours), ValueStatistics::Text(theirs)) => {
            let first_shares = shares_of_values(first, &ours.values, &ours.values);
            let other_shares = shares_of_values(other, &ours.values, &theirs.values);
            (Some(stability_index(&first_shares, &other_shares)), None)
        }
        (
            ValueStatistics::Booleans { falses, trues },
            ValueStatistics::Booleans { falses: other_falses, trues: other_trues },
        ) => {
            let shares = |part: Part<'_>, counts: [u64; 2]| {
                [counts[0], counts[1], part.column.missing].map(|count| count as f64 / part.rows as f64)
            };
            let first_shares = shares(first, [*falses, *trues]);
            let other_shares = shares(other, [*other_falses, *other_trues]);
            let falses_of = |shares: [f64; 3]| {
                let present = shares[0] + shares[1];
                (present > 0.0).then(|| shares[0] / present)
            };
            let distance = falses_of(first_shares).zip(falses_of(other_shares)).map(|(a, b)| (a - b).abs());
            (Some(stability_index(&first_shares, &other_shares)), distance)
        }
        _ => (None, None),
    }
}

/// The shares of a column's rows in the parts whose bounds are the deciles of `reference`, and at the end of those with
/// no number.
fn shares_of_parts(part: Part<'_>, reference: &Distribution, numbers: &Distribution) -> Vec<f64> {
    let mut bounds: Vec<f64> =
        (1..PARTS).filter_map(|index| reference.quantile(index as f64 / PARTS as f64)).collect();
    bounds.dedup();
    let ValueStatistics::Numbers(statistics) = &part.column.values else { return Vec::new() };
    let finite = statistics.moments.count as f64 / part.rows as f64;
    let mut shares = Vec::with_capacity(bounds.len() + 2);
    let mut before = 0.0;
    for up_to in bounds.iter().map(|bound| numbers.share_up_to(*bound)).chain([1.0]) {
        shares.push((up_to - before) * finite);
        before = up_to;
    }
    shares.push(1.0 - finite);
    shares
}

/// The shares of a column's rows with each of the values of `reference`, and at the end of those with others and none.
fn shares_of_values(part: Part<'_>, reference: &TopValues, values: &TopValues) -> Vec<f64> {
    let counts: BTreeMap<&str, u64> = values.values().into_iter().collect();
    let share = |count: u64| count as f64 / part.rows as f64;
    let mut shares: Vec<f64> = reference
        .values()
        .into_iter()
        .map(|(value, _)| share(counts.get(value).copied().unwrap_or(0)))
        .collect();
    let missing = share(part.column.missing);
    let others = (1.0 - missing - shares.iter().sum::<f64>()).max(0.0);
    shares.extend([others, missing]);
    shares
}

/// The population stability index of two lists of shares.
///
/// **Source** Siddiqi, *Credit Risk Scorecards* (2006): the sum of (q − p) · ln(q / p).
fn stability_index(first: &[f64], other: &[f64]) -> f64 {
    let term = |(first, other): (&f64, &f64)| {
        if first.max(*other) < LEAST_SHARE {
            return 0.0;
        }
        let (first, other) = (first.max(LEAST_SHARE), other.max(LEAST_SHARE));
        (other - first) * (other / first).ln()
    };
    first.iter().zip(other).map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::{Drift, stability_index};
    use crate::statistics::{ShardAccumulator, ShardStatistics};
    use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;

    fn of(array: ArrayRef) -> (ShardStatistics, RecordBatch) {
        let batch = RecordBatch::try_from_iter_with_nullable([("x", array, true)]).unwrap();
        let mut accumulator = ShardAccumulator::new(&batch.schema(), 0);
        accumulator.push(&batch).unwrap();
        (accumulator.finish(), batch)
    }

    fn drift(
        train: impl arrow::array::Array + 'static,
        test: impl arrow::array::Array + 'static,
    ) -> (Option<f64>, Option<f64>) {
        let (train, batch) = of(Arc::new(train));
        let splits = [("test".to_owned(), of(Arc::new(test)).0), ("train".to_owned(), train)];
        let drift = Drift::of(&splits, "train", &batch.schema()).unwrap();
        assert_eq!((drift.splits.len(), drift.splits[0].name.as_str()), (1, "test"));
        (drift.splits[0].columns[0].psi, drift.splits[0].columns[0].ks)
    }

    fn check(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
    }

    #[test]
    fn the_stability_index_is_that_of_the_formula() {
        // By hand: (0.4 − 0.5) ln 0.8 + (0.6 − 0.5) ln 1.2
        check(Some(stability_index(&[0.5, 0.5], &[0.4, 0.6])), 0.040_546_510_810_816_44);
        check(Some(stability_index(&[0.5, 0.5], &[0.5, 0.5])), 0.0);
        // No share is none: (1 − 0.0001) ln 10000, twice.
        check(Some(stability_index(&[1.0, 0.0], &[0.0, 1.0])), 2.0 * 0.9999 * 10_000_f64.ln());
    }

    #[test]
    fn a_column_that_is_the_same_has_not_drifted() {
        let ints = || Int64Array::from_iter((0..1000).map(|row| (row % 9 > 0).then_some(row)));
        assert_eq!(drift(ints(), ints()), (Some(0.0), Some(0.0)));
        let texts = || StringArray::from_iter_values((0..1000).map(|row| (row % 70).to_string()));
        assert_eq!(drift(texts(), texts()), (Some(0.0), None));
    }

    #[test]
    fn numbers_are_compared_by_deciles_and_by_their_largest_distance() {
        // Of 0–99, the deciles part 100 rows into tens; 50–149 leaves the first five empty and has 60 in the last.
        let (psi, ks) = drift(Int64Array::from_iter_values(0..100), Int64Array::from_iter_values(50..150));
        let empty = 5.0 * (1e-4 - 0.1) * (1e-4_f64 / 0.1).ln();
        check(psi, empty + (0.6 - 0.1) * 6_f64.ln());
        check(ks, 0.5);
    }

    #[test]
    fn missing_values_are_a_part_of_their_own() {
        let half = Int64Array::from_iter((0..100).map(|row| (row % 2 == 0).then_some(1)));
        let (psi, ks) = drift(Int64Array::from(vec![1; 100]), half);
        check(psi, (0.5 - 1.0) * 0.5_f64.ln() + (0.5 - 1e-4) * (0.5_f64 / 1e-4).ln());
        check(ks, 0.0);
    }

    #[test]
    fn text_is_compared_by_value_and_a_new_value_is_another_one() {
        let train = StringArray::from(vec!["a", "a", "b", "b"]);
        let (psi, ks) = drift(train, StringArray::from(vec!["a", "a", "c", "c"]));
        check(psi, (1e-4 - 0.5) * (1e-4_f64 / 0.5).ln() + (0.5 - 1e-4) * (0.5_f64 / 1e-4).ln());
        assert_eq!(ks, None);
    }

    #[test]
    fn booleans_drift_as_two_values() {
        let (psi, ks) =
            drift(BooleanArray::from(vec![true, false]), BooleanArray::from(vec![true, true, true, false]));
        check(psi, (0.75 - 0.5) * 1.5_f64.ln() + (0.25 - 0.5) * 0.5_f64.ln());
        check(ks, 0.25);
    }

    #[test]
    fn there_is_no_drift_of_no_rows_and_of_bytes() {
        assert_eq!(drift(Int64Array::from(vec![1]), Int64Array::from(Vec::<i64>::new())), (None, None));
        let bytes = || BinaryArray::from(vec![&b"x"[..]]);
        assert_eq!(drift(bytes(), bytes()), (None, None));
    }
}
