//! A place with too little room for a cluster: as in one process, a limit of its processes stands for a full disk.

use crate::program;
use gristmill_engine::Code;
use std::time::Duration;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};
use tests::wait;

const LIMIT: Duration = Duration::from_secs(30);
/// A fraction of what is to be written.
const ROOM_BYTES: u64 = 256 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_that_does_not_fit_leaves_nothing() {
    let cluster = Cluster::start(&program().with_largest_file(ROOM_BYTES), &ClusterOptions::default());
    let client = cluster.client().await;
    client.parquet("lineitem", &tests::data::tpch_small().await.join("lineitem.parquet")).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let sql =
        format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT * FROM lineitem", out.display());
    let error = client.fail(&sql).await;
    assert_eq!(error.code(), Code::ResourcesExhausted, "{}", error.report());
    assert!(error.message().contains(out.to_str().unwrap()) && error.hint().is_some(), "{}", error.report());
    // Tasks that were cancelled remove what they wrote when they have stopped.
    wait::until("the clean-up", LIMIT, || files_below(&out).is_empty().then_some(())).await;
}
