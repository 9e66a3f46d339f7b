//! Work that is larger than the memory it may take.

use crate::config;
use gristmill_engine::config::{ByteSize, MemoryLimit};
use std::time::Duration;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::training_set::OnDisk;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_shuffle_larger_than_its_memory_spills_and_leaves_no_scratch() {
    let folder = tempfile::tempdir().unwrap();
    let (out, scratch) = (folder.path().join("out"), folder.path().join("scratch"));
    let mut config = config();
    config.memory.limit = MemoryLimit::Bytes(ByteSize::from_mib(64));
    config.scratch.dir = scratch.clone();
    config.sql.target_partitions = 1;
    config.sql.batch_size = 1_024;
    let engine = Engine::embedded(config);
    engine.parquet("orders", &tests::data::tpch_large().await.join("orders.parquet")).await;
    let create = format!(
        "CREATE TRAINING SET s LOCATION '{}' STORED AS CSV SPLIT (train 0.8, test 0.2) BY KEY (o_custkey)
         SHUFFLE SEED 3 OPTIONS ('shards' '4') AS SELECT *, repeat(o_comment, 8) AS long FROM orders",
        out.display()
    );
    let spilled =
        wait::until("a file that was spilled", LIMIT, || (!files_below(&scratch).is_empty()).then_some(()));
    tokio::join!(engine.script(&create), spilled);
    assert_eq!(OnDisk::open(&out).row_count(), 150_000);
    drop(engine);
    assert_eq!(files_below(&scratch), Vec::<String>::new());
}
