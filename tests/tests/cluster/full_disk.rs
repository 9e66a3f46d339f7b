//! A place with too little room for a cluster: as in one process, a limit of its processes stands for a full disk.

use crate::program;
use gristmill_engine::Code;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};

/// A fraction of what is to be written.
const ROOM_BYTES: u64 = 256 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_that_does_not_fit_leaves_nothing() {
    let cluster = Cluster::start(&program().with_largest_file(ROOM_BYTES), &ClusterOptions::default());
    let client = cluster.client().await;
    client.parquet("lineitem", &tests::data::tpch_small().await.join("lineitem.parquet")).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // With one shard of each split rows are exchanged first, and there is no room for that either.
    let what = [("'target_shard_bytes' '128MiB'", out.to_str().unwrap()), ("'shards' '1'", "exchange files")];
    for (option, named) in what {
        let error = client
            .fail(&format!(
                "CREATE TRAINING SET s LOCATION '{}' STORED AS CSV OPTIONS ({option}) AS SELECT * FROM lineitem",
                out.display()
            ))
            .await;
        assert_eq!(error.code(), Code::ResourcesExhausted, "{}", error.report());
        assert!(error.message().contains(named) && error.hint().is_some(), "{}", error.report());
        assert_eq!(files_below(&out), Vec::<String>::new());
    }
}
