//! `kill -9` of executors in the middle of a job: of one of two, and the job ends as if nothing had happened; of all,
//! and it fails with nothing left.

use crate::program;
use gristmill_engine::{Code, Error};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;
use tests::engines::{Answer, Engine};
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions, Process};
use tests::s3::{Operation, Server};
use tests::training_set::OnDisk;
use tests::wait;

/// Until something is being written.
const LIMIT: Duration = Duration::from_secs(60);
/// Until a job is over of which an executor was killed.
const END_LIMIT: Duration = Duration::from_secs(150);
/// Rows of `lineitem` at scale factor 0.1.
const ROWS: u64 = 600_572;

fn create(location: &str, clauses: &str) -> String {
    format!(
        "CREATE TRAINING SET s LOCATION '{location}' STORED AS CSV
         SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (l_orderkey) {clauses} AS SELECT * FROM lineitem"
    )
}

async fn client(cluster: &Cluster) -> Engine {
    let client = cluster.client().await;
    client.parquet("lineitem", &tests::data::tpch_large().await.join("lineitem.parquet")).await;
    client
}

/// Runs `sql`, and `kill` while it runs.
async fn run_through(client: &Engine, sql: &str, kill: impl Future<Output = ()>) -> Result<Answer, Error> {
    let mut running = pin!(client.run(sql));
    tokio::select! {
        biased;
        outcome = &mut running => panic!("the job ended before anything was killed: {outcome:?}"),
        () = kill => {}
    }
    wait::within("the job's end", END_LIMIT, running).await
}

/// Waits until a shard is being written to `out`, with the training set still far from there.
async fn wait_for_a_shard(out: &Path) {
    let is_writing = || files_below(out).iter().any(|file| file.starts_with("train/")).then_some(());
    wait::until("a shard", LIMIT, is_writing).await;
    assert!(!out.join("_gristmill/manifest.json").exists(), "the job was over before anything was killed");
}

async fn check_recovery(clauses: &str) {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    let client = client(&cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let kill = async {
        wait_for_a_shard(&out).await;
        cluster.executors()[0].kill();
    };
    let outcome = run_through(&client, &create(out.to_str().unwrap(), clauses), kill).await;
    outcome.unwrap_or_else(|error| panic!("{}", error.report()));
    assert_eq!(OnDisk::open(&out).row_count(), ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streaming_write_survives_a_lost_executor() {
    check_recovery("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shuffled_write_survives_a_lost_executor() {
    check_recovery("SHUFFLE SEED 1 OPTIONS ('shards' '8')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_s3_survives_a_lost_executor_and_leaves_no_upload() {
    let server = Server::start();
    let bucket = server.bucket("models");
    let options = ClusterOptions::default().noticing_fast().with(server.settings());
    let mut cluster = Cluster::start(&program(), &options);
    let client = client(&cluster).await;
    let gate = server.faults().hold(Operation::UploadPart);
    let kill = async {
        gate.wait_for(1, LIMIT).await;
        cluster.executors()[0].kill();
        gate.open();
    };
    let outcome = run_through(&client, &create("s3://models/out", ""), kill).await;
    outcome.unwrap_or_else(|error| panic!("{}", error.report()));
    assert_eq!(OnDisk::open(&bucket.join("out")).row_count(), ROWS);
    wait::until("uploads that are aborted", LIMIT, || server.open_uploads().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_survives_a_lost_executor() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    let client = client(&cluster).await;
    let sql = "SELECT count(*), sum(a.l_quantity) FROM lineitem a JOIN lineitem b USING (l_partkey)";
    let expected = client.run(sql).await.unwrap().rows();
    let before = cluster.executor_ticks();
    let kill = async {
        wait::until("work", LIMIT, || (cluster.executor_ticks() > before + 20).then_some(())).await;
        cluster.executors()[1].kill();
    };
    let answer = run_through(&client, sql, kill).await.unwrap_or_else(|error| panic!("{}", error.report()));
    assert_eq!(answer.rows(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_executor_left_a_write_fails_in_time_and_leaves_nothing() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    let client = client(&cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let kill = async {
        wait_for_a_shard(&out).await;
        cluster.executors().iter_mut().for_each(Process::kill);
    };
    let error = run_through(&client, &create(out.to_str().unwrap(), ""), kill).await.unwrap_err();
    let expected = [Code::JobFailed, Code::NoExecutor];
    assert!(expected.contains(&error.code()), "{}", error.report());
    assert_eq!(files_below(&out), Vec::<String>::new());
}
