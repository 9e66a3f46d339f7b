use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

use super::all_functions;

mod placement;

/// Written by `tests/golden_hash.py` from its own reading of the specification.
const GOLDEN: &str = include_str!("../../tests/golden_hash.tsv");

#[expect(clippy::disallowed_methods, reason = "the functions must work in a session that is not Gristmill's")]
fn session() -> SessionContext {
    let session = SessionContext::new();
    for function in all_functions() {
        session.register_udf(function.as_ref().clone());
    }
    session
}

async fn run(sql: &str) -> Result<Vec<RecordBatch>> {
    session().sql(sql).await?.collect().await
}

/// Checks the values of all rows, with commas between columns and spaces between rows.
async fn check(sql: &str, expected: &str) {
    let mut rows = vec![];
    for batch in run(sql).await.unwrap() {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
            rows.push(cells.collect::<Vec<_>>().join(","));
        }
    }
    assert_eq!(rows.join(" "), expected, "{sql}");
}

/// Checks that planning refuses the statement, with this in the message.
async fn check_refused(sql: &str, expected: &str) {
    let session = session();
    let error = match session.sql(sql).await {
        Ok(plan) => plan.create_physical_plan().await.map(|_| ()).unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains(expected), "{sql}: {error}");
}

fn golden_hash(case: &str) -> u64 {
    let start = format!("hash\t{case}\tsplit\t42\t");
    let hash = GOLDEN.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    u64::from_str_radix(hash, 16).unwrap()
}

const KEYS: &str = "(VALUES (1, 'a'), (7, 'b'), (NULL, NULL)) AS t(n, s)";

#[tokio::test]
async fn split_hash_is_the_row_hash_of_its_keys() {
    let [one, row, nulls] = ["integer 1", "columns 1 a", "columns null null"].map(golden_hash);
    check("SELECT split_hash(42, 1)", &one.to_string()).await;
    check("SELECT split_hash(42, 1, 'a')", &row.to_string()).await;
    check(&format!("SELECT split_hash(42, n, s) FROM {KEYS} WHERE n = 1"), &row.to_string()).await;
    check(&format!("SELECT split_hash(42, n, s) FROM {KEYS} WHERE n IS NULL"), &nulls.to_string()).await;
}

#[tokio::test]
async fn a_literal_key_is_the_same_as_a_column_of_it() {
    let sql = format!(
        "SELECT count(*) FROM {KEYS} WHERE split_hash(1, n, 'x') = split_hash(1, n, concat('x', left(s, 0)))"
    );
    check(&sql, "3").await;
}

#[tokio::test]
async fn a_seed_is_64_bits_of_any_integer_type() {
    check("SELECT split_hash(-1, 5) = split_hash(18446744073709551615, 5)", "true").await;
    check("SELECT split_hash(CAST(42 AS INT), 1)", &golden_hash("integer 1").to_string()).await;
    check("SELECT split_hash(1, 5) = split_hash(2, 5)", "false").await;
}

#[tokio::test]
async fn gristmill_split_is_where_the_hash_falls() {
    let keys = "generate_series(1, 2000) AS t(key)";
    let cut = "CASE WHEN split_hash(42, key) < 14757395258967642112 THEN 0 \
               WHEN split_hash(42, key) < 16602069666338596864 THEN 1 ELSE 2 END";
    check(
        &format!("SELECT count(*) FROM {keys} WHERE gristmill_split(42, '0.8,0.1,0.1', key) = {cut}"),
        "2000",
    )
    .await;
    check("SELECT gristmill_split(42, '1', 'anything'), gristmill_split(42, '1', NULL)", "0,0").await;
}

#[tokio::test]
async fn splits_are_as_large_as_their_fractions() {
    let near = "count(*) BETWEEN 97500 * f AND 102500 * f";
    let split = "gristmill_split(7, '0.5,0.3,0.2', key)";
    let fraction = format!("CASE {split} WHEN 0 THEN 0.5 WHEN 1 THEN 0.3 ELSE 0.2 END AS f");
    let sql = format!(
        "SELECT {near} FROM (SELECT {fraction} FROM generate_series(1, 100000) AS t(key)) GROUP BY f"
    );
    check(&sql, "true true true").await;
}

#[tokio::test]
async fn the_parts_of_an_order_are_independent_of_each_other_and_of_the_split() {
    let high = "gristmill_order(42, 0, n)";
    check(&format!("SELECT count(*) FROM {KEYS} WHERE {high} = gristmill_order(42, 1, n)"), "0").await;
    check(&format!("SELECT count(*) FROM {KEYS} WHERE {high} = split_hash(42, n)"), "0").await;
}

#[tokio::test]
async fn gristmill_shard_is_the_golden_one() {
    let lines: Vec<_> = GOLDEN.lines().filter_map(|line| line.strip_prefix("shard\t")).collect();
    assert_eq!(lines.len(), 40);
    for line in lines {
        let [order, shards, shard] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        check(&format!("SELECT gristmill_shard(arrow_cast({order}, 'UInt64'), {shards})"), shard).await;
    }
}

#[tokio::test]
async fn the_shard_of_null_is_null() {
    check("SELECT gristmill_shard(CAST(NULL AS BIGINT UNSIGNED), 3) IS NULL", "true").await;
    let orders = "(VALUES (arrow_cast(0, 'UInt64')), (NULL)) AS t(o)";
    check(&format!("SELECT coalesce(gristmill_shard(o, 3), 9) FROM {orders}"), "0 9").await;
}

#[tokio::test]
async fn calls_without_keys_are_refused() {
    check_refused("SELECT split_hash(42)", "split_hash: at least one key is needed").await;
    check_refused("SELECT gristmill_split(42, '1')", "at least one key is needed").await;
    check_refused("SELECT gristmill_order(42, 0)", "at least one key is needed").await;
    check_refused("SELECT gristmill_shard(1)", "gristmill_shard: two arguments are needed").await;
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    check_refused("SELECT split_hash(NULL, 1)", "split_hash: seed must be an integer, not null").await;
    check_refused("SELECT split_hash('x', 1)", "split_hash: seed must be an integer, not Utf8").await;
    check_refused("SELECT split_hash(1.5, 1)", "seed must be an integer, not Float64").await;
    check_refused(
        "SELECT gristmill_split(1, 0.8, 1)",
        "gristmill_split: fractions must be text, not Float64",
    )
    .await;
    check_refused("SELECT gristmill_split(1, NULL, 1)", "fractions must be text, not null").await;
    check_refused(
        "SELECT gristmill_split(1, '0.8', 1)",
        "gristmill_split: fractions add up to 0.8, not to 1",
    )
    .await;
    check_refused("SELECT gristmill_order(1, 2, 1)", "part must be 0 (high) or 1 (low), not 2").await;
    check_refused("SELECT gristmill_shard(split_hash(1, 1), 0)", "shards must be an integer from 1").await;
    check_refused("SELECT gristmill_shard(1, 4)", "gristmill_shard: order must be UInt64, not Int64").await;
}

#[tokio::test]
async fn a_seed_from_a_column_is_refused() {
    let error = run(&format!("SELECT split_hash(n, s) FROM {KEYS}")).await.unwrap_err();
    assert!(error.to_string().contains("split_hash: seed must be a literal, not a column"), "{error}");
}
