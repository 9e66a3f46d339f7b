//! A cluster without executors.

use crate::program;
use gristmill_engine::Code;
use std::time::{Duration, Instant};
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_never_comes_is_an_error_in_time_and_leaves_nothing() {
    let wait = ("scheduler.executor_wait".to_owned(), "2s".to_owned());
    let options = ClusterOptions { executors: 0, ..ClusterOptions::default() }.with([wait]);
    let cluster = Cluster::start(&program(), &options);
    let client = cluster.client().await;
    client.parquet("nation", &tests::data::tpch_small().await.join("nation.parquet")).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let write =
        format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT * FROM nation", out.display());
    for sql in ["SELECT n_name FROM nation", &write] {
        let started = Instant::now();
        let error = client.fail(sql).await;
        assert_eq!(error.code(), Code::NoExecutor, "{}", error.report());
        assert!(error.hint().is_some(), "{}", error.report());
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
    assert_eq!(files_below(&out), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_reads_no_file_needs_no_executor() {
    let cluster = Cluster::start(&program(), &ClusterOptions { executors: 0, ..ClusterOptions::default() });
    assert_eq!(cluster.client().await.script("SELECT 1 + 1").await.value(), "2");
}

#[test]
fn a_scheduler_that_is_not_there_is_an_error_with_its_address() {
    let finished =
        program().run(&["sql", "--connect", "grpc://127.0.0.1:9", "SELECT 1"], Duration::from_secs(60));
    assert_eq!(finished.code, Some(1));
    for part in ["error[GM0020]", "127.0.0.1:9", "hint: "] {
        assert!(finished.stderr.contains(part), "does not say {part}\n{}", finished.stderr);
    }
}
