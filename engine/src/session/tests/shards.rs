//! How equal shards are, what that reads, and how it is planned.

use super::{code, run, session, text};
use crate::error::Code;
use crate::session::Session;
use crate::storage::Location;
use crate::training_set::TrainingSet;
use gristmill_proto::manifest::{Balance, Manifest};
use std::path::Path;

/// A Parquet file of 5,000 rows: a time, a class, the name of a split, and a text.
async fn table(session: &Session, folder: &Path) {
    let file = folder.join("rows.parquet");
    let query = "SELECT value % 999 AS t, value % 3 AS class, CASE value % 4 WHEN 0 THEN 'test' ELSE 'train' END AS part, \
                 repeat(CAST(value * 7919 AS VARCHAR), 3) AS text FROM generate_series(1, 5000)";
    run(session, &format!("COPY ({query}) TO '{}'", file.display())).await.unwrap();
    let table = format!("CREATE EXTERNAL TABLE rows STORED AS PARQUET LOCATION '{}'", file.display());
    run(session, &table).await.unwrap();
}

/// Creates a training set and removes it again; gives what its manifest said.
async fn created(session: &Session, folder: &Path, clauses: &str, query: &str) -> Manifest {
    let at = folder.join("set");
    let sql = format!("CREATE TRAINING SET t LOCATION '{}' STORED AS CSV {clauses} AS {query}", at.display());
    run(session, &sql).await.unwrap();
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    let manifest = set.manifest().clone();
    set.drop_files().await.unwrap();
    manifest
}

/// The rows of each shard of a split.
fn sizes(manifest: &Manifest, split: &str) -> Vec<u64> {
    manifest.shards.iter().filter(|shard| shard.split == split).map(|shard| shard.rows).collect()
}

#[tokio::test]
async fn exact_shards_of_any_split_differ_by_at_most_one_row_and_are_those_of_few_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    table(&session, folder.path()).await;
    for (clauses, options) in [
        ("", ""),
        ("SAMPLE 0.3", ""),
        ("SPLIT (train 0.8, test 0.2) BY KEY (class)", ""),
        ("SPLIT (fold 3) BY KEY (text)", ""),
        ("SPLIT (train 0.7, test 0.3) BY TIME (t) GAP INTERVAL '2 days'", ""),
        ("SPLIT (train, test) BY COLUMN (part)", ""),
        ("SPLIT (train 0.8, test 0.2) STRATIFIED ON (class) SAMPLE 0.7", ""),
        ("LABEL class", ", 'oversample' '1=2.5', 'undersample' '0=0.2'"),
    ] {
        let query = if clauses.contains("GAP") {
            "SELECT DATE '2024-01-01' + CAST(t AS INT) AS t, text FROM rows"
        } else {
            "SELECT t, class, text FROM rows"
        };
        let set = async |balance: &str| {
            let clauses = format!("{clauses} SHUFFLE SEED 5 OPTIONS ('shards' '7'{options}{balance})");
            created(&session, folder.path(), &clauses, query).await
        };
        let (exact, auto) = (set(", 'balance' 'exact'").await, set("").await);
        for split in &exact.splits {
            let sizes = sizes(&exact, &split.name);
            let (smallest, largest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(sizes.len() == 7 && largest - smallest <= 1, "{clauses}, {}: {sizes:?}", split.name);
        }
        assert_eq!(exact.shards, auto.shards, "{clauses}");
        let hash = set(", 'balance' 'hash'").await;
        let rows =
            |manifest: &Manifest| -> Vec<_> { manifest.splits.iter().map(|split| split.rows).collect() };
        assert_eq!(rows(&exact), rows(&hash), "{clauses}");
        assert_eq!(
            [&exact, &auto, &hash].map(|set| set.placement.balance),
            [Balance::Exact, Balance::Exact, Balance::Hash].map(Some),
            "{clauses}"
        );
    }
}

#[tokio::test]
async fn only_exact_reads_the_input_twice() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    table(&session, folder.path()).await;
    let scanned = async |clauses: &str| {
        created(&session, folder.path(), clauses, "SELECT * FROM rows").await.inputs.scanned_bytes
    };
    let once = scanned("").await;
    for split in ["", "SPLIT (train 0.8, test 0.2) BY KEY (t)"] {
        let scanned = async |balance: &str| {
            scanned(&format!("{split} SHUFFLE OPTIONS ('shards' '3', 'balance' '{balance}')")).await
        };
        assert_eq!(
            (scanned("hash").await, scanned("auto").await, scanned("exact").await),
            (once, once, 2 * once),
            "{split}"
        );
    }
}

#[tokio::test]
async fn plans_of_ranks_hold_no_operator_that_keeps_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    run(&session, "SET datafusion.execution.target_partitions = 3").await.unwrap();
    table(&session, folder.path()).await;
    for (balance, windows, join, sorts) in [("auto", 0, 0, 1), ("exact", 2, 1, 3), ("hash", 0, 0, 1)] {
        let sql = format!(
            "EXPLAIN CREATE TRAINING SET t LOCATION '{}' STORED AS CSV SPLIT (a 0.5, b 0.5) SHUFFLE
             OPTIONS ('shards' '3', 'balance' '{balance}') AS SELECT * FROM rows",
            folder.path().join("set").display()
        );
        let plan = text(&session, &sql).await;
        let count = |name: &str| plan.matches(name).count();
        let found = ["BoundedWindowAggExec", "WindowAggExec", "join_type=Right", "SortExec:"].map(count);
        assert_eq!(found, [windows, windows, join, sorts], "{balance}:\n{plan}");
    }
}

#[tokio::test]
async fn rows_that_are_few_or_equal_or_none_are_dealt_out_evenly_too() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    for (query, expected) in [
        ("SELECT value AS n FROM generate_series(1, 3)", vec![1, 1, 1]),
        ("SELECT 1 AS n FROM generate_series(1, 1002)", vec![201, 201, 200, 200, 200]),
        ("SELECT value AS n FROM generate_series(1, 10) WHERE value > 10", vec![]),
    ] {
        for shuffle in ["", "SHUFFLE"] {
            let clauses = format!("{shuffle} OPTIONS ('shards' '5', 'balance' 'exact')");
            let manifest = created(&session, folder.path(), &clauses, query).await;
            assert_eq!(sizes(&manifest, "train"), expected, "{shuffle} {query}");
        }
    }
}

#[tokio::test]
async fn exact_shards_without_a_number_are_as_many_as_the_input_has_bytes_for() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    table(&session, folder.path()).await;
    let bytes = std::fs::metadata(folder.path().join("rows.parquet")).unwrap().len();
    let target = bytes.div_ceil(3);
    let clauses = format!("OPTIONS ('balance' 'exact', 'target_shard_bytes' '{target}')");
    let manifest = created(&session, folder.path(), &clauses, "SELECT * FROM rows").await;
    assert_eq!((manifest.placement.shards, sizes(&manifest, "train")), (Some(3), vec![1667, 1667, 1666]));
}

#[tokio::test]
async fn a_query_that_differs_each_time_is_refused_only_where_it_is_read_twice() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    table(&session, folder.path()).await;
    let query = "SELECT random() AS r FROM rows";
    let manifest = created(&session, folder.path(), "SHUFFLE OPTIONS ('shards' '4')", query).await;
    assert_eq!(sizes(&manifest, "train"), [1250; 4]);
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV OPTIONS ('shards' '4', 'balance' 'exact') AS {query}",
        folder.path().join("set").display()
    );
    let error = run(&session, &sql).await.unwrap_err();
    assert_eq!(error.code(), Code::Unsupported);
    assert!(
        error.to_string().contains("option 'balance' 'exact' reads the query twice, and random()"),
        "{error}"
    );
}

#[tokio::test]
async fn a_balance_that_is_none_or_has_no_number_of_shards_is_refused() {
    let session = session();
    for options in ["'shards' '2', 'balance' 'even'", "'balance' 'hash'"] {
        let sql = format!(
            "CREATE TRAINING SET t LOCATION '/nowhere' STORED AS CSV OPTIONS ({options}) AS SELECT 1 AS n"
        );
        assert_eq!(code(&session, &sql).await, Code::BadOption, "{options}");
    }
}

/// The group of every row of a LIBSVM training set, shard by shard, each once where it stands several times in a row.
fn group_runs(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let of_shard = |path: &String| {
        let lines = std::fs::read_to_string(folder.join(path)).unwrap();
        let mut groups: Vec<_> =
            lines.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
        groups.dedup();
        groups
    };
    manifest.shards.iter().flat_map(|shard| of_shard(&shard.path)).collect()
}

#[tokio::test]
async fn rows_of_a_group_stand_together_in_one_shard() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    run(&session, "SET datafusion.execution.target_partitions = 3").await.unwrap();
    table(&session, folder.path()).await;
    let statement = |at: &Path, clauses: &str| {
        format!(
            "CREATE TRAINING SET t LOCATION '{}' STORED AS LIBSVM LABEL class {clauses} AS SELECT class, t, \
             length(text) AS x FROM rows",
            at.display()
        )
    };
    for (index, clauses) in [
        "OPTIONS ('group' 't')",
        "SPLIT (train 0.8, test 0.2) BY KEY (t) OPTIONS ('group' 't', 'shards' '4')",
        "SPLIT (train 0.8, test 0.2) BY KEY (t) SHUFFLE SEED 3 OPTIONS ('group' 't', 'shards' '4', 'oversample' '1=2')",
    ]
    .into_iter()
    .enumerate()
    {
        let at = folder.path().join(index.to_string());
        run(&session, &statement(&at, clauses)).await.unwrap();
        let location = Location::parse(at.to_str().unwrap()).unwrap();
        let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
        let mut groups = group_runs(&at, set.manifest());
        assert_eq!(groups.len(), 999, "{clauses}");
        groups.sort_unstable();
        groups.dedup();
        assert_eq!(groups.len(), 999, "{clauses}");
    }
    let torn =
        statement(&folder.path().join("torn"), "OPTIONS ('group' 't', 'shards' '4', 'balance' 'exact')");
    assert_eq!(code(&session, &torn).await, Code::BadOption);
}
