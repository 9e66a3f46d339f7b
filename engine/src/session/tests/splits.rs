//! What splits read, how they are planned, and that partitions make no difference.

use super::{run, session, text};
use crate::session::Session;
use crate::storage::Location;
use crate::training_set::TrainingSet;
use gristmill_proto::manifest::SplitBy;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::path::Path;

/// A Parquet file with a column of times, two classes, and wide texts.
async fn wide_table(session: &Session, folder: &Path) {
    let file = folder.join("wide.parquet");
    let query = "SELECT value % 999 AS t, value % 2 AS class, repeat(CAST(value * 7919 AS VARCHAR), 9) AS text \
                 FROM generate_series(1, 20000)";
    run(session, &format!("COPY ({query}) TO '{}'", file.display())).await.unwrap();
    let table = format!("CREATE EXTERNAL TABLE wide STORED AS PARQUET LOCATION '{}'", file.display());
    run(session, &table).await.unwrap();
}

/// A training set of `columns`, of the table unless they say of what.
fn of_wide(at: &Path, clauses: &str, columns: &str) -> String {
    let table = if columns.contains(" FROM ") { "" } else { "FROM wide" };
    format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV {clauses} AS SELECT {columns} {table}",
        at.display()
    )
}

#[tokio::test]
async fn a_split_by_time_or_class_reads_the_deciding_columns_twice_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    wide_table(&session, folder.path()).await;
    let scanned = async |name: &str, clauses: &str, columns: &str| {
        let at = folder.path().join(name);
        run(&session, &of_wide(&at, clauses, columns)).await.unwrap();
        let location = Location::parse(at.to_str().unwrap()).unwrap();
        let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
        set.manifest().inputs.scanned_bytes
    };
    let all = scanned("all", "", "*").await;
    let (time, class) = (scanned("time", "", "t").await, scanned("class", "", "class").await);
    assert!(time > 0 && class > 0 && all > 10 * (time + class), "{all}, {time}, {class}");
    let by_time = "SPLIT (train 0.8, test 0.2) BY TIME (t)";
    let by_class = "SPLIT (train 0.8, test 0.2) STRATIFIED ON (class)";
    for (query, rows) in [("plain", "*"), ("ordered", "* FROM (SELECT * FROM wide ORDER BY text) AS sorted")]
    {
        assert_eq!(scanned(&format!("{query} by time"), by_time, rows).await, all + time, "{query}");
        assert_eq!(scanned(&format!("{query} by class"), by_class, rows).await, all + class, "{query}");
    }
    let by_key = "SPLIT (train 0.8, test 0.2) BY KEY (t) SAMPLE 0.5";
    assert_eq!(scanned("by key", by_key, "*").await, all);
}

#[tokio::test]
async fn three_splits_with_all_side_files_read_the_bytes_of_their_columns_once() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    wide_table(&session, folder.path()).await;
    let at = folder.path().join("set");
    let clauses = "LABEL class SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (t) \
                   OPTIONS ('categorical' 't', 'algorithm' 'lightgbm')";
    run(&session, &of_wide(&at, clauses, "class, t")).await.unwrap();
    for side_file in [
        "train/categorical_index.json",
        "_gristmill/train.statistics.json",
        "_gristmill/test.constraints.json",
        "_gristmill/drift.json",
        "_gristmill/channels.json",
    ] {
        assert!(at.join(side_file).exists(), "{side_file}");
    }
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    let file = std::fs::File::open(folder.path().join("wide.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let columns = reader.metadata().row_groups().iter().flat_map(|group| &group.columns()[..2]);
    let bytes: i64 = columns.map(|column| column.compressed_size()).sum();
    assert_eq!(set.manifest().inputs.scanned_bytes, u64::try_from(bytes).unwrap());
}

#[tokio::test]
async fn the_manifest_says_what_decided_and_which_fractions_there_were() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    run(&session, "CREATE VIEW wide AS SELECT 1 AS n, DATE '2024-01-01' AS day, 'train' AS part")
        .await
        .unwrap();
    let (time, part) = ("day".to_owned(), "part".to_owned());
    let classes = vec!["part".to_owned(), "day".to_owned()];
    for (clauses, expected, fractions) in [
        ("", SplitBy::Row, vec![Some(1.0)]),
        ("SPLIT (a 0.25, b 0.75)", SplitBy::Row, vec![Some(0.25), Some(0.75)]),
        (
            "SPLIT (fold 2) BY KEY (day)",
            SplitBy::Key { columns: vec![time.clone()] },
            vec![Some(0.5), Some(0.5)],
        ),
        (
            "SPLIT (a 1) BY TIME (day) GAP INTERVAL '1 week'",
            SplitBy::Time { column: time, gap: Some("1 week".to_owned()) },
            vec![Some(1.0)],
        ),
        ("SPLIT (train, b) BY COLUMN (part)", SplitBy::Column { column: part }, vec![None, None]),
        ("SPLIT (a 1) STRATIFIED ON (part, day)", SplitBy::Stratum { columns: classes }, vec![Some(1.0)]),
    ] {
        let at = folder.path().join("set");
        run(&session, &of_wide(&at, &format!("{clauses} SAMPLE 1"), "n")).await.unwrap();
        let location = Location::parse(at.to_str().unwrap()).unwrap();
        let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
        let manifest = set.manifest();
        assert_eq!(
            (&manifest.placement.split, manifest.placement.sample),
            (&expected, Some(1.0)),
            "{clauses}"
        );
        let found: Vec<_> = manifest.splits.iter().map(|split| split.fraction).collect();
        assert_eq!(found, fractions, "{clauses}");
        set.drop_files().await.unwrap();
    }
}

#[tokio::test]
async fn plans_of_splits_hold_no_operator_that_keeps_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    run(&session, "SET datafusion.execution.target_partitions = 3").await.unwrap();
    wide_table(&session, folder.path()).await;
    for (clauses, windows, join) in [
        ("SPLIT (a 0.5, b 0.3, c 0.2) BY TIME (t)", 2, "CrossJoinExec"),
        ("SPLIT (a 0.5, b 0.5) STRATIFIED ON (class)", 1, "join_type=Right"),
    ] {
        let sql = of_wide(&folder.path().join("set"), clauses, "*");
        let plan = text(&session, &format!("EXPLAIN {sql}")).await;
        let streamed = plan.matches("BoundedWindowAggExec").count();
        assert_eq!(
            (streamed, plan.matches("WindowAggExec").count()),
            (windows, windows),
            "{clauses}:\n{plan}"
        );
        assert!(plan.contains(join), "{clauses}:\n{plan}");
    }
}

#[tokio::test]
async fn splits_of_many_partitions_are_those_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    wide_table(&session, folder.path()).await;
    let shuffle = "SHUFFLE SEED 9 OPTIONS ('shards' '2')";
    for (number, split) in [
        "SPLIT (a 0.5, b 0.3, c 0.2) BY TIME (t)",
        "SPLIT (a 0.5, b 0.5) STRATIFIED ON (class)",
        "SPLIT (fold 3) BY KEY (t) SAMPLE 0.3",
        "LABEL class",
    ]
    .into_iter()
    .enumerate()
    {
        let shuffle = if split.starts_with("LABEL") {
            "SHUFFLE SEED 9 OPTIONS ('shards' '2', 'oversample' '1=1.5', 'undersample' '0=0.2')"
        } else {
            shuffle
        };
        let mut shards = Vec::new();
        for (partitions, rows) in
            [(1, "*"), (7, "* FROM (SELECT * FROM wide ORDER BY text DESC) AS reversed")]
        {
            let at = folder.path().join(format!("{number}-{partitions}"));
            run(&session, &format!("SET datafusion.execution.target_partitions = {partitions}"))
                .await
                .unwrap();
            let sql = of_wide(&at, &format!("{split} {shuffle}"), rows);
            run(&session, &sql).await.unwrap();
            let location = Location::parse(at.to_str().unwrap()).unwrap();
            let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
            shards.push(set.manifest().shards.clone());
        }
        assert_eq!(shards[0], shards[1], "{split}");
    }
}
