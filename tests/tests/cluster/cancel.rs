//! Statements that nobody waits for any more: the processors of the executors are free again, and nothing is left.

use crate::flight::Raw;
use crate::program;
use gristmill_engine::Code;
use std::time::{Duration, Instant};
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};
use tests::wait;

/// Until a statement runs.
const LIMIT: Duration = Duration::from_secs(60);
/// Until its work has stopped.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long executors have to be quiet to count as idle.
const QUIET: Duration = Duration::from_millis(1_500);
/// More than an idle executor ever takes in that time, and a tenth of what one busy core does, in ticks.
const IDLE_TICKS: u64 = 15;
/// Hours of work with more rows than anyone reads.
const ENDLESS_ROWS: &str = "SELECT a.l_comment, b.l_partkey FROM lineitem a CROSS JOIN lineitem b";
/// Hours of work for one row: nothing is written and nothing is exchanged meanwhile.
const ENDLESS_COUNT: &str = "SELECT max(a.l_orderkey + b.l_partkey) FROM lineitem a CROSS JOIN lineitem b";

/// A cluster that is idle, so that the next thing its processors do is the statement of the test.
fn cluster() -> Cluster {
    Cluster::start(&program(), &ClusterOptions::default())
}

fn create_lineitem(folder: &std::path::Path) -> String {
    format!(
        "CREATE EXTERNAL TABLE lineitem STORED AS PARQUET LOCATION '{}/lineitem.parquet'",
        folder.display()
    )
}

async fn wait_until_busy(cluster: &Cluster) {
    let idle = cluster.executor_ticks();
    wait::until("work on the executors", LIMIT, || (cluster.executor_ticks() > idle + 100).then_some(()))
        .await;
}

async fn wait_until_idle(cluster: &Cluster) {
    let (mut since, mut ticks) = (Instant::now(), cluster.executor_ticks());
    wait::until("idle executors", STOP_LIMIT, || {
        let now = cluster.executor_ticks();
        if now > ticks + IDLE_TICKS {
            (since, ticks) = (Instant::now(), now);
        }
        (since.elapsed() >= QUIET).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_cancels_its_training_set() {
    let cluster = cluster();
    let client = cluster.client().await;
    client.script(&create_lineitem(tests::data::tpch_large().await)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let sql = format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS {ENDLESS_ROWS}", out.display());
    let writing = wait::until("a shard", LIMIT, || {
        files_below(&out).iter().any(|file| file.starts_with("train/")).then_some(())
    });
    tokio::select! {
        result = client.run(&sql) => panic!("an endless statement ended: {result:?}"),
        () = writing => {}
    }
    drop(client);
    wait_until_idle(&cluster).await;
    wait::until("the clean-up", STOP_LIMIT, || files_below(&out).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_cancels_its_query() {
    let cluster = cluster();
    let client = cluster.client().await;
    client.script(&create_lineitem(tests::data::tpch_large().await)).await;
    tokio::select! {
        result = client.run(ENDLESS_COUNT) => panic!("an endless statement ended: {result:?}"),
        () = wait_until_busy(&cluster) => {}
    }
    drop(client);
    wait_until_idle(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_cancelled_through_flight_ends_and_stops_its_work() {
    let cluster = cluster();
    let client = Raw::connect(&cluster.address()).await;
    client.run(&create_lineitem(tests::data::tpch_large().await)).await.unwrap();
    let info = client.announce(ENDLESS_COUNT).await.unwrap();
    let fetching = tokio::spawn({
        let (client, info) = (client.clone(), info.clone());
        async move { client.fetch(&info).await }
    });
    wait_until_busy(&cluster).await;
    client.cancel(&info).await.unwrap();
    let error = wait::within("the end of the stream", STOP_LIMIT, fetching).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Cancelled, "{}", error.report());
    wait_until_idle(&cluster).await;
    assert_eq!(client.run("SELECT 1").await.unwrap(), 1, "the session goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_cancels_its_training_set() {
    let cluster = cluster();
    let (program, folder) = (program(), tempfile::tempdir().unwrap());
    let out = folder.path().join("out");
    let create = create_lineitem(tests::data::tpch_large().await);
    let sql = format!(
        "{create}; CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS {ENDLESS_ROWS}",
        out.display()
    );
    let arguments = ["run", "--connect", &cluster.address(), "-c", &sql].map(str::to_owned);
    let mut process = program.spawn("run", &arguments);
    wait::until("a shard", LIMIT, || {
        files_below(&out).iter().any(|it| it.starts_with("train/")).then_some(())
    })
    .await;
    process.signal(nix::sys::signal::Signal::SIGINT);
    assert_eq!(process.wait(STOP_LIMIT).code(), Some(130), "{}", process.log());
    wait_until_idle(&cluster).await;
    wait::until("the clean-up", STOP_LIMIT, || files_below(&out).is_empty().then_some(())).await;
}
