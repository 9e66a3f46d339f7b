//! The functions that the splits of a statement are made of.

use super::{check, check_refused, run};

async fn check_fails(sql: &str, expected: &str) {
    let error = run(sql).await.unwrap_err();
    assert!(error.to_string().contains(expected), "{sql}: {error}");
}

const DAYS: &str = "(VALUES (DATE '2024-01-31'), (DATE '2024-02-01'), (DATE '2024-02-03'), (DATE '2024-02-04'), \
                    (DATE '2024-03-01')) AS t(day)";

#[tokio::test]
async fn a_time_is_in_the_split_of_the_last_cut_it_reached() {
    let cuts = "DATE '2024-02-01', DATE '2024-02-01', DATE '2024-03-01', DATE '2024-03-01'";
    check(&format!("SELECT gristmill_time_split('day', day, {cuts}) FROM {DAYS}"), "0 1 1 1 2").await;
    let open = "DATE '2024-02-01', DATE '2024-02-01', CAST(NULL AS DATE), CAST(NULL AS DATE)";
    check(&format!("SELECT gristmill_time_split('day', day, {open}) FROM {DAYS}"), "0 1 1 1 1").await;
    check(&format!("SELECT gristmill_time_split('day', day) FROM {DAYS}"), "0 0 0 0 0").await;
}

#[tokio::test]
async fn a_time_in_a_gap_is_in_no_split() {
    // From the cut, which is left out, to the end of the gap, which is not.
    let cuts = "DATE '2024-02-01', DATE '2024-02-04'";
    let split = format!("coalesce(gristmill_time_split('day', day, {cuts}), 9)");
    check(&format!("SELECT {split} FROM {DAYS}"), "0 9 9 1 1").await;
    // A split that is shorter than the gap before it is left out whole.
    let cuts = "1, 5, 3, 4";
    let split = format!("coalesce(gristmill_time_split('n', value, {cuts}), 9)");
    check(&format!("SELECT {split} FROM generate_series(0, 5)"), "0 9 9 9 2 2").await;
}

#[tokio::test]
async fn a_null_time_is_an_error_that_names_the_column() {
    let nulls = "(VALUES (1), (NULL)) AS t(n)";
    check_fails(
        &format!("SELECT gristmill_time_split('born', n) FROM {nulls}"),
        "column \"born\" has a null",
    )
    .await;
}

#[tokio::test]
async fn a_name_is_the_split_of_that_name() {
    let rows = "(VALUES ('test'), ('train')) AS t(part)";
    check(&format!("SELECT gristmill_named_split('train,test', 'part', part) FROM {rows}"), "1 0").await;
    for (value, expected) in [
        ("'Train'", "\"Train\" in column \"part\" names no split"),
        ("''", "\"\" in column \"part\" names no split"),
        ("CAST(NULL AS VARCHAR)", "column \"part\" has a null"),
    ] {
        let rows = format!("(VALUES ({value})) AS t(part)");
        check_fails(
            &format!("SELECT gristmill_named_split('train,test', 'part', part) FROM {rows}"),
            expected,
        )
        .await;
    }
}

#[tokio::test]
async fn a_rank_is_in_the_split_of_its_part_of_the_class() {
    // The number of the class is half of 2^64: 10 rows are cut at 5 + 0.5, rounded down, and 3 rows at 1.5 + 0.5.
    let split = |rank: &str, rows: i64| {
        format!(
            "gristmill_stratum_split('0.5,0.5', 1.0, arrow_cast(9223372036854775808, 'UInt64'), \
             arrow_cast({rank}, 'UInt64'), {rows})"
        )
    };
    check(
        &format!("SELECT {}, {}, {}, {}", split("1", 10), split("5", 10), split("6", 10), split("10", 10)),
        "0,0,1,1",
    )
    .await;
    check(&format!("SELECT {}, {}", split("2", 3), split("3", 3)), "0,1").await;
    for (rank, rows) in [("0", 3), ("4", 3), ("NULL", 3), ("1", 0)] {
        check_fails(&format!("SELECT {}", split(rank, rows)), "the query gave other rows").await;
    }
}

#[tokio::test]
async fn a_sample_is_of_its_fraction_and_independent_of_the_split() {
    let rows = "generate_series(1, 100000)";
    let sampled = "gristmill_sample(42, 0.1, value)";
    check(&format!("SELECT count(*) BETWEEN 9700 AND 10300 FROM {rows} WHERE {sampled}"), "true").await;
    let split = "gristmill_split(42, '0.1,0.9', value) = 0";
    check(&format!("SELECT count(*) BETWEEN 880 AND 1120 FROM {rows} WHERE {sampled} AND {split}"), "true")
        .await;
    check(&format!("SELECT count(*) FROM {rows} WHERE gristmill_sample(42, 1.0, value)"), "100000").await;
}

#[tokio::test]
async fn a_larger_sample_holds_the_smaller_one() {
    let both = "gristmill_sample(1, 0.2, value) AND NOT gristmill_sample(1, 0.3, value)";
    check(&format!("SELECT count(*) FROM generate_series(1, 10000) WHERE {both}"), "0").await;
}

#[tokio::test]
async fn copies_are_the_whole_part_and_one_more_for_a_part_of_the_rows() {
    let counts = "SELECT c, count(*) BETWEEN 4800 AND 5200 FROM (SELECT gristmill_copies(7, 2.5, value) AS c \
                  FROM generate_series(1, 10000)) GROUP BY c ORDER BY c";
    check(counts, "2,true 3,true").await;
    check(
        "SELECT gristmill_copies(7, 3.0, 'a'), gristmill_copies(7, 0.0, 'a'), gristmill_copies(7, 1.0, NULL)",
        "3,0,1",
    )
    .await;
    let factors = "(VALUES (2.0, 1), (0.0, 2), (1000.0, 3)) AS t(f, n)";
    check(&format!("SELECT gristmill_copies(7, f, n) FROM {factors}"), "2 0 1000").await;
    for factor in ["-0.5", "1000.5", "CAST('NaN' AS DOUBLE)", "CAST(NULL AS DOUBLE)"] {
        check_fails(
            &format!("SELECT gristmill_copies(7, f, 1) FROM (VALUES ({factor})) AS t(f)"),
            "factor must be",
        )
        .await;
    }
}

#[tokio::test]
async fn wrong_parameters_of_placement_are_refused() {
    check_refused(
        "SELECT gristmill_sample(1, 0.0, 1)",
        "fraction must be a float above 0 and at most 1, not 0",
    )
    .await;
    check_refused("SELECT gristmill_sample(1, 1.5, 1)", "above 0 and at most 1, not 1.5").await;
    check_refused("SELECT gristmill_sample(1, 0.5)", "at least one key is needed").await;
    check_refused("SELECT gristmill_copies(1, 'x', 1)", "factor must be a float, not Utf8").await;
    check_refused(
        "SELECT gristmill_time_split('t', 1, DATE '2024-01-01', 1)",
        "cut must be of the type of the time",
    )
    .await;
    check_refused("SELECT gristmill_time_split('t', 1, 1)", "cuts, each with an end").await;
}

#[tokio::test]
async fn ranks_are_dealt_out_to_shards_in_turn() {
    // Ten rows in four shards, in two ranges of six and four.
    let rows = "(VALUES (0, 1, 6), (0, 2, 6), (0, 3, 6), (0, 4, 6), (0, 5, 6), (0, 6, 6), (6, 1, 10), (6, 2, 10), \
                (6, 3, 10), (6, 4, 10)) AS t(before, rank, until)";
    let shard = "gristmill_balanced_shard(4, before, arrow_cast(rank, 'UInt64'), until)";
    check(&format!("SELECT {shard} FROM {rows}"), "0 1 2 3 0 1 2 3 0 1").await;
    // Fewer rows than shards.
    let shard = "gristmill_balanced_shard(5, 0, arrow_cast(value, 'UInt64'), 2)";
    check(&format!("SELECT {shard} FROM generate_series(1, 2)"), "0 1").await;
    let last = "gristmill_balanced_shard(4294967295, 9223372036854775806, arrow_cast(1, 'UInt64'), \
                9223372036854775807)";
    // 2^63 − 2, where 2^32 is 1.
    check(&format!("SELECT {last}"), "2147483646").await;
}

#[tokio::test]
async fn a_row_that_was_not_counted_has_no_shard() {
    for (before, rank, until) in [("0", "0", "3"), ("0", "4", "3"), ("2", "2", "3"), ("NULL", "1", "3")] {
        let call = format!("gristmill_balanced_shard(2, {before}, arrow_cast({rank}, 'UInt64'), {until})");
        check_fails(&format!("SELECT {call}"), "option 'balance': the query gave other rows").await;
    }
}
