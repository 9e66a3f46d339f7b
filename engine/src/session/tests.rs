mod shards;
mod splits;

use super::{Effect, Engine, Session};
use crate::config::Config;
use crate::error::Code;
use crate::storage::Location;
use crate::training_set::TrainingSet;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use std::path::Path;
use std::sync::Arc;

fn session() -> Session {
    Engine::embedded(Arc::new(Config::default())).unwrap().session()
}

async fn run(session: &Session, sql: &str) -> crate::Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for statement in session.parse(sql)? {
        let result = session.execute(&statement).await?;
        batches = result.stream.try_collect().await?;
    }
    Ok(batches)
}

async fn text(session: &Session, sql: &str) -> String {
    pretty_format_batches(&run(session, sql).await.unwrap()).unwrap().to_string()
}

async fn code(session: &Session, sql: &str) -> Code {
    run(session, sql).await.unwrap_err().code()
}

const ROWS: &str =
    "SELECT value AS id, value % 7 AS label, CAST(value AS DOUBLE) / 3 AS x FROM generate_series(1, 1000)";

fn create(location: &Path, clauses: &str) -> String {
    format!("CREATE TRAINING SET t LOCATION '{}' {clauses} AS {ROWS}", location.display())
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.extend(files(&path).into_iter().map(|file| format!("{name}/{file}")));
        } else {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn three_splits_hold_every_row_once_and_verify() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    let splits = "STORED AS CSV LABEL label SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (id)";
    run(&session, &create(&at, splits)).await.unwrap();
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    let rows: Vec<u64> = set.manifest().splits.iter().map(|split| split.rows).collect();
    assert_eq!(rows.iter().sum::<u64>(), 1000);
    assert!(rows[0] > 700 && rows[1] > 50 && rows[2] > 50, "{rows:?}");
    assert_eq!(set.verify(2).await.unwrap().shards, set.manifest().shards.len() as u64);
    assert!(
        files(&at).iter().all(|file| !file.contains("claim") && !file.contains(".tmp")),
        "{:?}",
        files(&at)
    );
}

#[tokio::test]
async fn the_label_comes_first_and_a_key_that_is_not_selected_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV LABEL b SPLIT (train 0.5, test 0.5) BY KEY (value)
         AS SELECT value * 2 AS a, 7 AS b FROM generate_series(1, 10)",
        at.display()
    );
    run(&session(), &sql).await.unwrap();
    let shards = files(&at).into_iter().filter(|file| file.ends_with(".csv"));
    let lines: Vec<String> = shards
        .flat_map(|file| {
            std::fs::read_to_string(at.join(file)).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(lines.len(), 10);
    assert!(lines.iter().all(|line| line.starts_with("7,") && line.split(',').count() == 2), "{lines:?}");
}

#[tokio::test]
async fn shuffled_sets_are_the_same_bytes_whatever_the_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let mut hashes = Vec::new();
    for partitions in [1, 3] {
        let at = folder.path().join(partitions.to_string());
        let session = session();
        run(&session, &format!("SET datafusion.execution.target_partitions = {partitions}")).await.unwrap();
        let clauses =
            "STORED AS CSV SPLIT (train 0.7, test 0.3) BY KEY (id) SHUFFLE SEED 9 OPTIONS ('shards' '4')";
        run(&session, &create(&at, clauses)).await.unwrap();
        let location = Location::parse(at.to_str().unwrap()).unwrap();
        let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
        hashes.push(set.manifest().shards.clone());
    }
    assert_eq!(hashes[0].len(), 8);
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn bad_statements_name_what_is_wrong_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    let table: [(&str, Code); 12] = [
        ("STORED AS CSV LABEL lable", Code::UnknownTargetColumn),
        ("STORED AS CSV SPLIT (a 0.5, b 0.5) BY KEY (nope)", Code::UnknownTargetColumn),
        ("STORED AS CSV SPLIT (a 0.5, b 0.4)", Code::SplitFractions),
        ("STORED AS CSV SPLIT (a 0.5, a 0.5)", Code::SplitFractions),
        ("STORED AS CSV SPLIT (a 1.5, b -0.5)", Code::SplitFractions),
        ("STORED AS CSV SPLIT (a 1, b 2)", Code::SplitFractions),
        ("STORED AS CSV SPLIT (a, b 1)", Code::SplitFractions),
        ("STORED AS CSV SPLIT (a 0.5, b 0.5) BY TIME (x)", Code::UnsupportedColumnType),
        ("STORED AS CSV LABEL label OPTIONS ('oversample' '1')", Code::BadOption),
        ("STORED AS EXCEL", Code::Unsupported),
        ("STORED AS CSV OPTIONS ('shard' '3')", Code::BadOption),
        ("STORED AS CSV OPTIONS ('shards' '0')", Code::BadOption),
    ];
    for (clauses, expected) in table {
        assert_eq!(code(&session, &create(&at, clauses)).await, expected, "{clauses}");
        assert!(!at.exists(), "{clauses}");
    }
}

#[tokio::test]
async fn a_location_that_holds_something_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "keep").unwrap();
    assert_eq!(code(&session(), &create(folder.path(), "STORED AS CSV")).await, Code::LocationNotEmpty);
    assert_eq!(files(folder.path()), ["mine.txt"]);
}

#[tokio::test]
async fn a_failing_query_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV AS SELECT 1 / (value - 50000) AS x FROM generate_series(1, 100000)",
        at.display()
    );
    assert_eq!(code(&session(), &sql).await, Code::BadRow);
    assert!(!at.exists(), "{:?}", files(&at));
}

#[tokio::test]
async fn a_dropped_stream_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV AS SELECT value FROM generate_series(1, 1000000000)",
        at.display()
    );
    let statement = session.parse(&sql).unwrap().remove(0);
    let mut result = session.execute(&statement).await.unwrap();
    let long = std::time::Duration::from_millis(300);
    assert!(
        tokio::time::timeout(long, result.stream.try_next()).await.is_err(),
        "it should still be running"
    );
    assert!(!files(&at).is_empty());
    drop(result);
    session.settle().await;
    assert!(!at.exists(), "{:?}", files(&at));
}

#[tokio::test]
async fn sets_are_shown_described_and_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    run(&session, &create(&at, "STORED AS PARQUET LABEL label")).await.unwrap();
    assert!(text(&session, "SHOW TRAINING SETS").await.contains("| t "));
    assert!(text(&session, "DESCRIBE TRAINING SET t").await.contains("PARQUET"));
    run(&session, "DROP TRAINING SET t").await.unwrap();
    assert!(!at.exists(), "{:?}", files(&at));
    assert_eq!(code(&session, "DESCRIBE TRAINING SET t").await, Code::UnknownTrainingSet);
}

#[tokio::test]
async fn copy_writes_a_folder_or_one_ordered_file() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let one = folder.path().join("one.csv");
    let many = folder.path().join("many");
    let source = "(SELECT value FROM generate_series(1, 20000) ORDER BY value DESC)";
    run(&session, &format!("COPY {source} TO '{}' STORED AS CSV", one.display())).await.unwrap();
    run(&session, &format!("COPY {source} TO '{}' STORED AS PARQUET", many.display())).await.unwrap();
    let written = std::fs::read_to_string(&one).unwrap();
    assert!(written.starts_with("value\n20000\n19999\n"));
    assert_eq!(written.lines().count(), 20001);
    assert!(files(&many).contains(&"_gristmill/manifest.json".to_owned()));
    assert_eq!(
        code(&session, &format!("COPY {source} TO '{}' STORED AS CSV", one.display())).await,
        Code::LocationNotEmpty
    );
}

#[tokio::test]
async fn unknown_names_are_suggested() {
    let session = session();
    run(&session, "CREATE VIEW orders AS SELECT 1 AS price").await.unwrap();
    let error = run(&session, "SELECT * FROM order").await.map(|_| ()).unwrap_err();
    assert!(matches!(error.code(), Code::Syntax | Code::UnknownName));
    let error = run(&session, "SELECT * FROM ordres").await.map(|_| ()).unwrap_err();
    assert_eq!(
        (error.code(), error.hint()),
        (Code::UnknownName, Some("did you mean \"orders\"? there are \"orders\""))
    );
    let error = run(&session, "SELECT prize FROM orders").await.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::UnknownName);
}

#[tokio::test]
async fn a_session_can_prefer_sparks_functions() {
    let session = session();
    let before = text(&session, "SELECT concat('a', NULL) AS c").await;
    run(&session, "SET gristmill.sql.spark_functions = true").await.unwrap();
    let after = text(&session, "SELECT concat('a', NULL) AS c").await;
    assert_ne!(before, after, "Spark's concat gives null for a null");
    run(&session, "SET gristmill.sql.spark_functions = false").await.unwrap();
    assert_eq!(text(&session, "SELECT concat('a', NULL) AS c").await, before);
}

#[tokio::test]
async fn describing_a_statement_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    let statement = session.parse(&create(&at, "STORED AS CSV")).unwrap().remove(0);
    assert_eq!(session.describe(&statement).await.unwrap().effect, Effect::Change);
    assert!(!at.exists());
}

#[tokio::test]
async fn a_file_is_a_table_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a b.csv");
    std::fs::write(&file, "x,y\n1,2\n3,4\n").unwrap();
    let found = text(&session(), &format!("SELECT sum(y) AS s FROM '{}'", file.display())).await;
    assert!(found.contains("| 6 |"), "{found}");
}

#[tokio::test]
async fn a_table_of_nothing_and_a_corrupt_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let missing = folder.path().join("nope.parquet");
    let create =
        |place: &Path| format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{}'", place.display());
    let error = run(&session, &create(&missing)).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::PathNotFound);
    let broken = folder.path().join("broken.parquet");
    std::fs::write(&broken, "this is no parquet file at all").unwrap();
    let error = run(&session, &create(&broken)).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::CorruptInput);
    assert!(error.message().contains("broken.parquet"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_read_fails_the_write() {
    let folder = tempfile::tempdir().unwrap();
    let (file, at) = (folder.path().join("in.csv"), folder.path().join("set"));
    std::fs::write(&file, "x\n1\n2\n").unwrap();
    let session = session();
    let table = format!(
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{}' OPTIONS ('format.has_header' 'true')",
        file.display()
    );
    run(&session, &table).await.unwrap();
    let sql = format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT x FROM t", at.display());
    let result = session.execute(&session.parse(&sql).unwrap()[0]).await.unwrap();
    std::fs::write(&file, "x\n1\n2\n3\n").unwrap();
    let error = crate::Error::from_datafusion(result.stream.try_collect::<Vec<_>>().await.unwrap_err());
    assert_eq!(error.code(), Code::InputChanged, "{error}");
    assert!(!at.exists());
}

#[tokio::test]
async fn the_manifest_has_the_types_of_the_rows_and_the_bytes_of_a_text_input() {
    let folder = tempfile::tempdir().unwrap();
    let (input, at) = (folder.path().join("x.csv"), folder.path().join("set"));
    std::fs::write(&input, "x\n1\n2\n").unwrap();
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV AS SELECT x FROM '{}' UNION ALL SELECT 2.5",
        at.display(),
        input.display()
    );
    let session = session();
    run(&session, &sql).await.unwrap();
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    assert_eq!(set.manifest().schema[0].r#type, "Float64");
    assert_eq!(set.manifest().inputs.scanned_bytes, 6);
}
