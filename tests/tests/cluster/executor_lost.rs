//! `kill -9` of an executor in the middle of a training-set write: one whole set, or a clear failure and nothing.

use crate::program;
use gristmill_engine::{Code, Error};
use std::path::Path;
use std::time::Duration;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};
use tests::s3::{Operation, Server};
use tests::training_set::{OnDisk, visible};
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

/// Either outcome is fine; nothing in between is.
fn check_outcome(outcome: Result<(), Error>, folder: &Path) {
    match outcome {
        Ok(()) => assert_eq!(OnDisk::open(folder).row_count(), ROWS),
        Err(error) => {
            eprintln!("the job failed, as it may: {}", error.report());
            let expected =
                [Code::JobFailed, Code::StorageUnavailable, Code::NoExecutor, Code::ClusterUnavailable];
            assert!(expected.contains(&error.code()), "{}", error.report());
            assert_eq!(visible(folder), Vec::<String>::new());
            assert_eq!(files_below(folder), Vec::<String>::new());
        }
    }
}

async fn check_local(clauses: &str) {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    let client = client(&cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let sql = create(out.to_str().unwrap(), clauses);
    let kill = async {
        wait::until("a shard", LIMIT, || {
            files_below(&out).iter().any(|it| it.starts_with("train/")).then_some(())
        })
        .await;
        cluster.executors()[0].kill();
    };
    let (outcome, ()) = tokio::join!(wait::within("the job's end", END_LIMIT, client.run(&sql)), kill);
    check_outcome(outcome.map(drop), &out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_executor_ends_a_streaming_write_in_a_whole_set_or_nothing() {
    check_local("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_executor_ends_a_shuffled_write_in_a_whole_set_or_nothing() {
    check_local("SHUFFLE SEED 1 OPTIONS ('shards' '8')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_executor_leaves_no_upload_behind() {
    let server = Server::start();
    let bucket = server.bucket("models");
    let options = ClusterOptions::default().noticing_fast().with(server.settings());
    let mut cluster = Cluster::start(&program(), &options);
    let client = client(&cluster).await;
    let gate = server.faults().hold(Operation::UploadPart);
    let sql = create("s3://models/out", "");
    let kill = async {
        gate.wait_for(1, LIMIT).await;
        cluster.executors()[0].kill();
        gate.open();
    };
    let (outcome, ()) = tokio::join!(wait::within("the job's end", END_LIMIT, client.run(&sql)), kill);
    check_outcome(outcome.map(drop), &bucket.join("out"));
    wait::until("uploads that are aborted", LIMIT, || server.open_uploads().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_survives_a_lost_executor_or_says_so() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    let client = client(&cluster).await;
    let sql = "SELECT count(*), sum(a.l_quantity) FROM lineitem a JOIN lineitem b USING (l_partkey)";
    let expected = client.run(sql).await.unwrap().rows();
    let idle = cluster.executor_ticks();
    let kill = async {
        wait::until("work", LIMIT, || (cluster.executor_ticks() > idle + 20).then_some(())).await;
        cluster.executors()[1].kill();
    };
    let (outcome, ()) = tokio::join!(wait::within("the query's end", END_LIMIT, client.run(sql)), kill);
    match outcome {
        Ok(answer) => assert_eq!(answer.rows(), expected),
        Err(error) => assert!(error.is_retryable(), "{}", error.report()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_executor_left_a_write_fails_in_time_with_nothing_visible() {
    let mut cluster = Cluster::start(&program(), &ClusterOptions::default().noticing_fast());
    let client = client(&cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let kill = async {
        wait::until("a shard", LIMIT, || {
            files_below(&out).iter().any(|it| it.starts_with("train/")).then_some(())
        })
        .await;
        cluster.executors().iter_mut().for_each(tests::process::Process::kill);
    };
    let sql = create(out.to_str().unwrap(), "");
    let (outcome, ()) = tokio::join!(wait::within("the job's end", END_LIMIT, client.run(&sql)), kill);
    check_outcome(outcome.map(drop), &out);
}
