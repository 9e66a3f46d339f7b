//! Statements that fail while other tasks of theirs write.

use crate::program;
use gristmill_engine::Code;
use std::path::Path;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};

/// Files of an input, each read by a task of its own; only the first has a row that is no number.
const FILES: u64 = 12;
const ROWS: u64 = 60_000;
/// One after the other; the cluster was idle before the first.
const STATEMENTS: usize = 15;

async fn write_inputs(folder: &Path) {
    let engine = Engine::embedded(Default::default());
    for file in 0..FILES {
        let text = if file == 0 { "CASE WHEN value = 9 THEN 'nine' ELSE '1' END" } else { "'1'" };
        let to = folder.join(format!("{file:02}.parquet"));
        let copy = format!(
            "COPY (SELECT value AS id, value * 0.5 AS half, {text} AS text FROM generate_series(1, {ROWS})) TO '{}'
             STORED AS PARQUET",
            to.display()
        );
        engine.script(&copy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_has_left_its_location_when_its_error_is_told() {
    let options = ClusterOptions { vcores: 6, ..ClusterOptions::default() };
    let cluster = Cluster::start(&program(), &options);
    let client = cluster.client().await;
    let folder = tempfile::tempdir().unwrap();
    write_inputs(folder.path()).await;
    let out = tempfile::tempdir().unwrap();
    let at = out.path().join("set");
    let sql = format!(
        "CREATE TRAINING SET s LOCATION '{}' STORED AS CSV SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (id)
         OPTIONS ('target_shard_bytes' '1MiB')
         AS SELECT id, half, CAST(text AS INT) AS number FROM '{}/*.parquet'",
        at.display(),
        folder.path().display()
    );
    for statement in 0..STATEMENTS {
        let error = client.fail(&sql).await;
        assert_ne!(error.code(), Code::LocationNotEmpty, "statement {statement}: {}", error.report());
        assert!(error.message().contains("nine"), "{}", error.report());
        assert_eq!(files_below(&at), Vec::<String>::new(), "statement {statement}");
    }
}
