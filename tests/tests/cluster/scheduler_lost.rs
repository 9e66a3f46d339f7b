//! `kill -9` of the scheduler while a training set is written: no training set, and nothing that looks like one.

use crate::program;
use gristmill_engine::Code;
use gristmill_engine::config::Config;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions, Process};
use tests::s3::{Operation, Server};
use tests::training_set::visible;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);

fn create(location: &str) -> String {
    format!(
        "CREATE TRAINING SET s LOCATION '{location}' STORED AS CSV
         SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (l_orderkey) AS SELECT * FROM lineitem"
    )
}

/// Starts a training set at `location` and kills the scheduler as soon as `reached` is; the client is told.
async fn write_and_kill(
    cluster: &mut Cluster,
    data: &Path,
    location: &str,
    reached: impl Future<Output = ()>,
) {
    let client = cluster.client().await;
    client.parquet("lineitem", &data.join("lineitem.parquet")).await;
    let sql = create(location);
    let kill = async {
        reached.await;
        cluster.scheduler().kill();
    };
    let (error, ()) = tokio::join!(wait::within("the client", LIMIT, client.fail(&sql)), kill);
    assert_eq!(error.code(), Code::ClusterUnavailable, "{}", error.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_scheduler_leaves_nothing_visible_on_a_disk() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let writing = wait::until("a shard", LIMIT, || {
        files_below(&out).iter().any(|it| it.starts_with("train/")).then_some(())
    });
    let data = tests::data::tpch_large().await;
    write_and_kill(&mut cluster, data, out.to_str().unwrap(), writing).await;
    // Nor when the executors have finished what they were at.
    cluster.wait_until_idle(LIMIT).await;
    assert_eq!(visible(&out), Vec::<String>::new());
}

/// A cluster, a server with the bucket `models`, and the folder of `s3://models/out`.
fn cluster_on_s3() -> (Cluster, Server, PathBuf) {
    let server = Server::start();
    let out = server.bucket("models").join("out");
    (Cluster::start(&program(), &ClusterOptions::default().with(server.settings())), server, out)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_lost_before_the_commit_leaves_its_claim_and_its_journal() {
    let (mut cluster, server, out) = cluster_on_s3();
    let gate = server.faults().hold(Operation::UploadPart);
    let data = tests::data::tpch_small().await;
    write_and_kill(&mut cluster, data, "s3://models/out", gate.wait_for(1, LIMIT)).await;
    gate.let_through(LIMIT).await;
    cluster.wait_until_idle(LIMIT).await;
    let left = files_below(&out);
    assert!(left.contains(&"_gristmill/claim.json".to_owned()), "{left:?}");
    let known = |path: &String| path == "_gristmill/claim.json" || path.starts_with("_gristmill/uploads/");
    assert!(left.iter().all(known), "{left:?}");
    check_is_no_training_set(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_lost_in_the_commit_leaves_shards_at_most() {
    let (mut cluster, server, out) = cluster_on_s3();
    let gate = server.faults().hold(Operation::CompleteUpload);
    // At least one shard of each split is to be published.
    let data = tests::data::tpch_small().await;
    write_and_kill(&mut cluster, data, "s3://models/out", gate.wait_for(3, LIMIT)).await;
    assert_eq!(visible(&out), Vec::<String>::new());
    gate.let_through(LIMIT).await;
    cluster.wait_until_idle(LIMIT).await;
    let shards = visible(&out);
    let is_shard = |path: &String| {
        ["train/part-", "validation/part-", "test/part-"].iter().any(|shard| path.starts_with(shard))
    };
    assert!(shards.len() >= 3 && shards.iter().all(is_shard), "{shards:?}");
    assert!(!files_below(&out).iter().any(|path| path.ends_with("manifest.json")), "{shards:?}");
    check_is_no_training_set(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_starts_again_removes_what_its_lost_job_left() {
    let server = Server::start();
    let program = program();
    let options = ClusterOptions { executors: 1, ..ClusterOptions::default() }.with(server.settings());
    let out = server.bucket("models").join("out");
    let mut cluster = Cluster::start(&program, &options);
    let gate = server.faults().hold(Operation::CompleteUpload);
    let data = tests::data::tpch_small().await;
    write_and_kill(&mut cluster, data, "s3://models/out", gate.wait_for(3, LIMIT)).await;
    drop(cluster);
    gate.let_through(LIMIT).await;
    server.faults().clear();
    assert!(visible(&out).len() >= 3, "shards without a manifest");
    // Another one has nothing to do with that job.
    let stranger = self::program();
    drop(Cluster::start(&stranger, &options));
    assert!(visible(&out).len() >= 3, "they are not the stranger's to remove");
    let _again = Cluster::start(&program, &options);
    let is_clean = || (server.keys("models").is_empty() && server.open_uploads().is_empty()).then_some(());
    wait::until("an empty bucket", LIMIT, is_clean).await;
}

/// To whoever comes later the place holds no training set, and is taken.
async fn check_is_no_training_set(server: &Server) {
    let mut config = Config { s3: server.config(), ..Config::default() };
    config.scratch.dir = tests::paths::target_tmp().join("scratch");
    let engine = Engine::embedded(config);
    let error = engine.fail("DESCRIBE TRAINING SET 's3://models/out'").await;
    assert_eq!(error.code(), Code::UnknownTrainingSet, "{}", error.report());
    engine.script("CREATE VIEW lineitem AS SELECT 1 AS l_orderkey").await;
    let error = engine.fail(&create("s3://models/out")).await;
    assert_eq!(error.code(), Code::LocationNotEmpty, "{}", error.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn executors_that_nobody_listens_to_end_without_their_scheduler() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    cluster.executors().iter().for_each(Process::ignore_log);
    cluster.scheduler().kill();
    for executor in cluster.executors() {
        executor.wait(LIMIT);
    }
}
