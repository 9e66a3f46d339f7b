//! A disk that is full. Needs the right to mount one; where there is none, the test says so and passes.

use crate::engine;
use gristmill_engine::Code;
use tests::disk::SmallDisk;
use tests::paths::files_below;

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_that_does_not_fit_leaves_nothing() {
    let Some(disk) = SmallDisk::mount("a_training_set_that_does_not_fit_leaves_nothing") else { return };
    let engine = engine();
    engine.parquet("lineitem", &tests::data::tpch_small().await.join("lineitem.parquet")).await;
    let out = disk.path().join("out");
    let sql =
        format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT * FROM lineitem", out.display());
    let error = engine.fail(&sql).await;
    assert_eq!(error.code(), Code::ResourcesExhausted, "{}", error.report());
    assert!(
        error.message().contains(disk.path().to_str().unwrap()) && error.hint().is_some(),
        "{}",
        error.report()
    );
    assert_eq!(files_below(&out), Vec::<String>::new());
}
