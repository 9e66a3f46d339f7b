use super::{Deal, ShardBalance, fact, fits_one_shard};
use crate::plan::create::Splits;
use crate::plan::create::options::ShardedRows;
use crate::plan::inputs::InputSize;
use crate::plan::placement::ShardBy;
use crate::statement::{SplitClause, SplitMethod};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};
use gristmill_proto::manifest::Balance;

const MIB: u64 = 1 << 20;

fn splits(fractions: &[f64]) -> Splits {
    let splits = fractions.iter().enumerate().map(|(number, part)| (format!("s{number}"), Some(*part)));
    Splits::of(Some(&SplitClause { splits: splits.collect(), method: SplitMethod::Row })).unwrap()
}

/// Shards of splits with such fractions of a query that gives the same rows each time; one task can write 32.
fn deal(shards: u32, fractions: &[f64]) -> Deal {
    deal_of(&rows(true), shards, &splits(fractions), (None, 1.0))
}

fn deal_of(plan: &LogicalPlan, shards: u32, splits: &Splits, (sample, copies): (Option<f64>, f64)) -> Deal {
    Deal::new(shards, &ShardedRows { plan, splits, copies, grouped: false }, sample, 32).unwrap()
}

/// A query, and whether it leaves no choice.
fn rows(repeatable: bool) -> LogicalPlan {
    let rows = LogicalPlanBuilder::values(vec![vec![lit(1)]]).unwrap();
    if repeatable { rows.build().unwrap() } else { rows.limit(0, Some(1)).unwrap().build().unwrap() }
}

/// Checks what decides the shards of an input of so many rows and bytes, without a word of it in the statement.
fn check((shards, fractions): (u32, &[f64]), (rows, bytes): (Option<u64>, u64), expected: ShardBy) {
    let deal = deal(shards, fractions);
    let input = InputSize { bytes, rows };
    assert_eq!(ShardBalance::Auto.resolve(deal, &input), expected, "{shards}, {fractions:?}, {input:?}");
}

#[test]
fn rows_are_ranked_where_a_shard_of_the_smallest_split_has_few() {
    check((4, &[1.0]), (Some(99_999), MIB), ShardBy::Rank);
    check((4, &[1.0]), (Some(100_000), MIB), ShardBy::Hash);
    check((4, &[0.75, 0.25]), (Some(399_999), MIB), ShardBy::Rank);
    check((4, &[0.75, 0.25]), (Some(400_000), MIB), ShardBy::Hash);
    check((1, &[1.0]), (Some(10), MIB), ShardBy::Hash);
    check((4, &[1.0]), (Some(0), 0), ShardBy::Rank);
}

#[test]
fn bytes_decide_where_files_do_not_say_how_many_rows_they_have() {
    check((4, &[1.0]), (None, 8 * MIB - 1), ShardBy::Rank);
    check((4, &[1.0]), (None, 8 * MIB), ShardBy::Hash);
}

#[test]
fn what_one_task_may_not_take_is_counted_first_where_it_can_be_read_again() {
    check((4, &[1.0]), (None, 0), ShardBy::CountedRank);
    check((33, &[1.0]), (Some(10), MIB), ShardBy::CountedRank);
    check((33, &[1.0]), (Some(10), 32 * MIB + 1), ShardBy::Hash);
    let splits = splits(&[1.0]);
    for (shards, expected) in [(32, ShardBy::Rank), (33, ShardBy::Hash)] {
        let deal = deal_of(&rows(false), shards, &splits, (None, 1.0));
        let input = InputSize { bytes: MIB, rows: Some(10) };
        assert_eq!(ShardBalance::Auto.resolve(deal, &input), expected, "{shards}");
    }
}

#[test]
fn rows_of_many_bytes_are_never_ranked_unasked() {
    check((4, &[1.0]), (Some(10), 32 * MIB), ShardBy::Rank);
    check((4, &[1.0]), (Some(10), 32 * MIB + 1), ShardBy::Hash);
    let copied = deal_of(&rows(true), 4, &splits(&[1.0]), (None, 10.0));
    let input = InputSize { bytes: 4 * MIB, rows: Some(10) };
    assert_eq!(ShardBalance::Auto.resolve(copied, &input), ShardBy::Hash);
}

#[test]
fn a_sample_makes_an_input_smaller() {
    let input = InputSize { bytes: MIB, rows: Some(1_000_000) };
    for (sample, expected) in [(None, ShardBy::Hash), (Some(0.05), ShardBy::Rank)] {
        let deal = deal_of(&rows(true), 4, &splits(&[1.0]), (sample, 1.0));
        assert_eq!(ShardBalance::Auto.resolve(deal, &input), expected, "{sample:?}");
    }
}

#[test]
fn what_the_statement_says_holds_for_any_input() {
    for rows in [0, 10, 1_000_000_000] {
        let (deal, input) = (deal(2, &[1.0]), InputSize { bytes: rows, rows: Some(rows) });
        assert_eq!(ShardBalance::Exact.resolve(deal, &input), ShardBy::CountedRank);
        assert_eq!(ShardBalance::Hash.resolve(deal, &input), ShardBy::Hash);
    }
}

#[test]
fn the_manifest_says_how_equal_shards_are() {
    assert_eq!(fact(2, ShardBy::Hash), Some(Balance::Hash));
    assert_eq!(fact(2, ShardBy::Rank), Some(Balance::Exact));
    assert_eq!(fact(2, ShardBy::CountedRank), Some(Balance::Exact));
    assert_eq!(fact(1, ShardBy::Hash), None);
}

#[test]
fn little_input_is_one_shard_of_each_split() {
    let check = |rows, bytes, copies, expected| {
        assert_eq!(
            fits_one_shard(&InputSize { bytes, rows }, copies),
            expected,
            "{rows:?}, {bytes}, {copies}"
        );
    };
    check(None, 8 * MIB, 1.0, true);
    check(None, 8 * MIB + 1, 1.0, false);
    check(None, MIB, 10.0, false);
    check(Some(1 << 20), MIB, 1.0, true);
    check(Some((1 << 20) + 1), MIB, 1.0, false);
    check(Some(0), 0, 1.0, true);
    // Nobody knows.
    check(None, 0, 1.0, false);
}
