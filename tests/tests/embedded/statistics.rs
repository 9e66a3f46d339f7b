//! Statistics that are taken while a training set is written: their files, and what the commands make of them.

use crate::{engine, program};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tests::paths::files_below;
use tests::training_set::OnDisk;

const LIMIT: Duration = Duration::from_secs(60);

/// 20,000 rows of a label, integers, numbers with nulls and text.
const ROWS: &str = "SELECT value % 4 = 0 AS late, value AS i, \
    CASE WHEN value % 10 = 0 THEN NULL ELSE value / 4.0 END AS f, concat('v', value % 3) AS c \
    FROM generate_series(1, 20000)";

/// Writes the rows with those clauses; the folder holds the training set `out`.
async fn write(partitions: usize, clauses: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let script = format!(
        "SET datafusion.execution.target_partitions = {partitions}; SET datafusion.execution.batch_size = {};
         CREATE TRAINING SET t LOCATION '{}' STORED AS CSV LABEL late {clauses} AS {ROWS}",
        1000 / partitions,
        out.display()
    );
    engine().script(&script).await;
    drop(OnDisk::open(&out));
    folder
}

fn json_of(folder: &TempDir, file: &str) -> Value {
    let path = folder.path().join("out/_gristmill").join(file);
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

/// The files of statistics, with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let is_of_statistics = |path: &String| {
        ["statistics.json", "constraints.json", "drift.json"].iter().any(|end| path.ends_with(end))
    };
    let files = files_below(folder).into_iter().filter(is_of_statistics);
    files.map(|path| (path.clone(), std::fs::read(folder.join(&path)).unwrap())).collect()
}

fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() <= expected.abs() * 1e-12, "{found}, expected {expected}");
}

/// DuckDB 1.5.5 on the same rows: `count`, `sum`, `avg`, `stddev_pop`, `min`, `max`, `count(DISTINCT …)`.
#[tokio::test]
async fn statistics_of_all_rows_are_those_of_duckdb() {
    let folder = write(2, "").await;
    let statistics = json_of(&folder, "train.statistics.json");
    assert_eq!(statistics["dataset"]["item_count"], json!(20_000));
    let [late, i, f, c] = [0, 1, 2, 3].map(|column| &statistics["features"][column]);
    let numbers = &i["numerical_statistics"];
    assert_eq!(numbers["common"], json!({ "num_present": 20_000, "num_missing": 0 }));
    assert_eq!((&numbers["min"], &numbers["max"]), (&json!(1.0), &json!(20_000.0)));
    close(&numbers["sum"], 200_010_000.0);
    close(&numbers["mean"], 10_000.5);
    close(&numbers["std_dev"], 5_773.502_684_679_379);
    let numbers = &f["numerical_statistics"];
    assert_eq!(numbers["common"], json!({ "num_present": 18_000, "num_missing": 2_000 }));
    close(&numbers["sum"], 45_000_000.0);
    close(&numbers["mean"], 2_500.0);
    assert_eq!((&numbers["min"], &numbers["max"]), (&json!(0.25), &json!(4_999.75)));
    let text = &c["string_statistics"];
    assert_eq!(text["distinct_count"], json!(3));
    let expected = [("v1", 6_667), ("v2", 6_667), ("v0", 6_666)];
    let expected = expected.map(|(value, count)| json!({ "value": value, "count": count }));
    assert_eq!(text["distribution"]["categorical"]["buckets"], json!(expected));
    assert_eq!(late["gristmill"]["is_label"], json!(true));
    let labels =
        [("false", 15_000), ("true", 5_000)].map(|(value, count)| json!({ "value": value, "count": count }));
    assert_eq!(late["gristmill"]["values"], json!(labels));
    assert_eq!(json_of(&folder, "train.constraints.json")["features"][2]["completeness"], json!(0.9));
}

#[tokio::test]
async fn with_shuffle_and_shards_the_files_are_the_same_to_the_byte_whatever_the_partitions() {
    let clauses = "SPLIT (train 0.7, validation 0.2, test 0.1) SHUFFLE SEED 7 OPTIONS ('shards' '3')";
    let one = write(1, clauses).await;
    let expected = files(&one.path().join("out"));
    assert_eq!(expected.len(), 7, "{:?}", expected.keys());
    for partitions in [3, 8] {
        let other = files(&write(partitions, clauses).await.path().join("out"));
        assert!(other == expected, "{partitions} partitions differ from one");
    }
}

#[tokio::test]
async fn what_is_exact_does_not_depend_on_partitions() {
    let exact = |folder: &TempDir| {
        let statistics = json_of(folder, "train.statistics.json");
        let columns = statistics["features"].as_array().unwrap().iter();
        let of = |feature: &Value| {
            let numbers = &feature["numerical_statistics"];
            json!([
                numbers["common"],
                numbers["min"],
                numbers["max"],
                feature["string_statistics"],
                feature["gristmill"]["distinct"]
            ])
        };
        columns.map(of).collect::<Vec<_>>()
    };
    let clauses = "SPLIT (train 0.7, test 0.3)";
    assert_eq!(exact(&write(1, clauses).await), exact(&write(4, clauses).await));
}

#[tokio::test]
async fn splits_by_hash_have_not_drifted() {
    let folder = write(2, "SPLIT (train 0.7, test 0.3)").await;
    let drift = json_of(&folder, "drift.json");
    assert_eq!((&drift["reference"], &drift["splits"][0]["name"]), (&json!("train"), &json!("test")));
    for column in drift["splits"][0]["columns"].as_array().unwrap() {
        assert!(column["psi"].as_f64().unwrap() < 0.1, "{column}");
        assert!(column["ks"].is_null() || column["ks"].as_f64().unwrap() < 0.05, "{column}");
    }
}

#[tokio::test]
async fn switched_off_there_are_no_statistics() {
    let folder = write(2, "OPTIONS ('statistics' 'false')").await;
    assert_eq!(files(folder.path()), BTreeMap::new());
}

#[tokio::test]
async fn a_switch_that_is_neither_true_nor_false_is_a_bad_option() {
    let sql = "CREATE TRAINING SET t LOCATION '/nowhere' STORED AS CSV OPTIONS ('statistics' 'often') AS SELECT 1 AS x";
    let error = engine().fail(sql).await;
    assert_eq!(error.code(), gristmill_engine::Code::BadOption, "{error}");
    assert!(error.message().contains("'statistics'") && error.message().contains("often"), "{error}");
}

#[tokio::test]
async fn dropping_the_set_removes_the_files() {
    let folder = write(2, "").await;
    engine().script(&format!("DROP TRAINING SET '{}'", folder.path().join("out").display())).await;
    assert_eq!(files_below(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn show_prints_splits_and_columns() {
    let folder = write(2, "SPLIT (train 0.7, test 0.3)").await;
    let out = folder.path().join("out");
    let shown = program().run(&["training-set", "show", out.to_str().unwrap()], LIMIT);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let line = |start: &str| shown.stdout.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(line("split  ").ends_with("label"), "{}", shown.stdout);
    assert!(
        line("train  ").contains("late: false 7") && line("train  ").contains("true 2"),
        "{}",
        shown.stdout
    );
    let titles = "column  type     nulls      mean       std";
    assert_eq!(shown.stdout.lines().filter(|line| line.starts_with(titles)).count(), 2, "{}", shown.stdout);
    assert_eq!(
        shown.stdout.lines().filter(|line| line.ends_with("  PSI     KS")).count(),
        1,
        "{}",
        shown.stdout
    );
}

#[tokio::test]
async fn numbers_that_are_not_finite_are_shown_and_no_estimate_is_above_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV AS SELECT value / 7.0 AS x,
         CASE value % 10 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE ELSE value END AS y
         FROM generate_series(1, 3000)",
        out.display()
    );
    engine().script(&sql).await;
    let shown = program().run(&["training-set", "show", out.to_str().unwrap()], LIMIT).stdout;
    let cells = |start: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(start)).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(cells("column")[3], "not finite", "{shown}");
    assert_eq!((cells("x")[3].as_str(), cells("y")[3].as_str()), ("0", "600"), "{shown}");
    for column in json_of(&folder, "train.statistics.json")["features"].as_array().unwrap() {
        assert!(column["gristmill"]["distinct"].as_u64().unwrap() <= 3000, "{column:#}");
    }
}

#[tokio::test]
async fn a_page_has_a_histogram_of_each_column_and_split_and_loads_nothing() {
    let folder = write(2, "SPLIT (train 0.7, test 0.3)").await;
    let (out, page) = (folder.path().join("out"), folder.path().join("page.html"));
    let arguments = ["training-set", "show", out.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let written = program().run(&arguments, LIMIT);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{}", written.stderr);
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<svg ").count(), 2 * 4);
    for outside in ["http:", "https:", "<script", "<link", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}
