//! Inputs that change between planning and the end of a job.

use crate::engine;
use futures::TryStreamExt;
use gristmill_engine::{Code, Error};
use std::path::Path;
use tests::paths::files_below;

/// Plans a training set of `input`, lets `change` happen to it, and runs the job.
async fn check(change: impl FnOnce(&Path), says: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("orders.parquet"), folder.path().join("out"));
    std::fs::copy(tests::data::tpch_small().await.join("orders.parquet"), &input).unwrap();
    let engine = engine();
    engine.parquet("orders", &input).await;
    let sql =
        format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT * FROM orders", out.display());
    let (_, stream) = engine.start(&sql).await.unwrap();
    change(&input);
    let error = stream.try_collect::<Vec<_>>().await.map_err(Error::from_datafusion).unwrap_err();
    assert_eq!(error.code(), Code::InputChanged, "{}", error.report());
    assert!(
        error.message().contains("orders.parquet") && error.message().contains(says),
        "{}",
        error.report()
    );
    assert!(error.hint().is_some());
    assert_eq!(files_below(&out), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_replaced_by_another_fails_the_job() {
    let other = tests::data::tpch_small().await.join("nation.parquet");
    let replace = |input: &Path| {
        std::fs::copy(other, input).unwrap();
    };
    check(replace, "changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_replaced_by_the_same_bytes_fails_the_job_too() {
    let same = tests::data::tpch_small().await.join("orders.parquet");
    let replace = |input: &Path| {
        std::fs::remove_file(input).unwrap();
        std::fs::copy(same, input).unwrap();
    };
    check(replace, "changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_removed_fails_the_job() {
    check(|input| std::fs::remove_file(input).unwrap(), "removed").await;
}
