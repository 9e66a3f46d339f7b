//! Work that is larger than the memory it may take.

use crate::config;
use gristmill_engine::config::{ByteSize, MemoryLimit};
use std::time::Duration;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::training_set::OnDisk;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);

/// Makes a training set of `query` with `clauses` in one partition with `memory_mib`, which must be too little to hold it.
async fn check_spills(memory_mib: u64, clauses: &str, query: &str, rows: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (out, scratch) = (folder.path().join("out"), folder.path().join("scratch"));
    let mut config = config();
    config.memory.limit = MemoryLimit::Bytes(ByteSize::from_mib(memory_mib));
    config.scratch.dir = scratch.clone();
    config.sql.target_partitions = 1;
    config.sql.batch_size = 1_024;
    let engine = Engine::embedded(config);
    engine.parquet("orders", &tests::data::tpch_large().await.join("orders.parquet")).await;
    let create =
        format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV {clauses} AS {query}", out.display());
    let spilled =
        wait::until("a file that was spilled", LIMIT, || (!files_below(&scratch).is_empty()).then_some(()));
    tokio::join!(engine.script(&create), spilled);
    assert_eq!(OnDisk::open(&out).row_count(), rows);
    drop(engine);
    assert_eq!(files_below(&scratch), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shuffle_larger_than_its_memory_spills_and_leaves_no_scratch() {
    let clauses = "SPLIT (train 0.8, test 0.2) BY KEY (o_custkey) SHUFFLE SEED 3 OPTIONS ('shards' '4')";
    let query = "SELECT *, repeat(o_comment, 8) AS long FROM orders";
    check_spills(64, clauses, query, 150_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_larger_than_their_memory_spill() {
    let clauses = "SPLIT (train 0.8, test 0.2) STRATIFIED ON (o_orderstatus)";
    let query = "SELECT *, repeat(o_comment, 8) AS long FROM orders";
    check_spills(64, clauses, query, 150_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_times_than_memory_holds_spill() {
    let query = "SELECT value AS t FROM generate_series(1, 1500000)";
    check_spills(24, "SPLIT (train 0.8, test 0.2) BY TIME (t)", query, 1_500_000).await;
}
