//! `kill -9` of the scheduler before the commit: nothing that a trainer could mistake for a training set.

use crate::program;
use gristmill_engine::Code;
use std::time::Duration;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};
use tests::s3::{Operation, Server};
use tests::training_set::visible;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_scheduler_leaves_nothing_visible_on_a_disk() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default());
    let client = cluster.client().await;
    client.parquet("lineitem", &tests::data::tpch_large().await.join("lineitem.parquet")).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let sql =
        format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT * FROM lineitem", out.display());
    let kill = async {
        wait::until("a shard", LIMIT, || {
            files_below(&out).iter().any(|it| it.starts_with("train/")).then_some(())
        })
        .await;
        cluster.scheduler().kill();
    };
    let (error, ()) = tokio::join!(wait::within("the client", LIMIT, client.fail(&sql)), kill);
    assert_eq!(error.code(), Code::ClusterUnavailable, "{}", error.report());
    assert_eq!(visible(&out), Vec::<String>::new());
    // Nor when the executors have had their last word.
    drop(cluster);
    assert_eq!(visible(&out), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_lost_at_the_first_commit_leaves_nothing_visible_on_s3() {
    let server = Server::start();
    let bucket = server.bucket("models");
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().with(server.settings()));
    let client = cluster.client().await;
    client.parquet("lineitem", &tests::data::tpch_small().await.join("lineitem.parquet")).await;
    let gate = server.faults().hold(Operation::CompleteUpload);
    let sql = "CREATE TRAINING SET s LOCATION 's3://models/out' STORED AS CSV AS SELECT * FROM lineitem";
    let kill = async {
        gate.wait_for(1, LIMIT).await;
        cluster.scheduler().kill();
    };
    let (error, ()) = tokio::join!(wait::within("the client", LIMIT, client.fail(sql)), kill);
    assert_eq!(error.code(), Code::ClusterUnavailable, "{}", error.report());
    assert_eq!(visible(&bucket.join("out")), Vec::<String>::new());
    drop(cluster);
    assert_eq!(visible(&bucket.join("out")), Vec::<String>::new());
}
