//! Statements that nobody waits for any more: the processors of the executors are free again, and nothing is left.

use crate::flight::Raw;
use crate::program;
use futures::StreamExt;
use gristmill_engine::Code;
use std::time::Duration;
use tests::paths::files_below;
use tests::process::{Cluster, ClusterOptions};
use tests::wait;

/// Until a statement runs.
const LIMIT: Duration = Duration::from_secs(60);
/// Until its work has stopped.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Hours of work with more rows than anyone reads.
const ENDLESS_ROWS: &str = "SELECT a.l_comment, b.l_partkey FROM lineitem a CROSS JOIN lineitem b";
/// Some 100 MB of rows: more than anything between an executor and a client holds.
const MANY_ROWS: &str =
    "SELECT a.l_comment, b.l_partkey FROM lineitem a CROSS JOIN (SELECT l_partkey FROM lineitem LIMIT 4) b";
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
    cluster.wait_until_idle(STOP_LIMIT).await;
    wait::until("the clean-up", STOP_LIMIT, || files_below(&out).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_cancels_its_query() {
    let cluster = cluster();
    let client = cluster.client().await;
    client.script(&create_lineitem(tests::data::tpch_large().await)).await;
    tokio::select! {
        result = client.run(ENDLESS_COUNT) => panic!("an endless statement ended: {result:?}"),
        () = cluster.wait_until_busy(LIMIT) => {}
    }
    drop(client);
    cluster.wait_until_idle(STOP_LIMIT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_half_way_frees_what_it_did_not_read() {
    let program = program();
    let cluster = Cluster::start(&program, &ClusterOptions::default());
    let client = cluster.client().await;
    client.script(&create_lineitem(tests::data::tpch_large().await)).await;
    let (_, mut rows) = client.start(MANY_ROWS).await.unwrap();
    assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    let unread = || {
        let files = files_below(&program.folder().join("scratch"));
        files.into_iter().filter(|file| file.contains("/exchange/")).collect::<Vec<_>>()
    };
    assert_ne!(unread(), Vec::<String>::new(), "the executors keep what is still to be read");
    drop(rows);
    wait::until("results that are removed", STOP_LIMIT, || unread().is_empty().then_some(())).await;
    cluster.wait_until_idle(STOP_LIMIT).await;
    assert_eq!(client.script("SELECT 1 + 1").await.value(), "2", "the session goes on");
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
    cluster.wait_until_busy(LIMIT).await;
    client.cancel(&info).await.unwrap();
    let error = wait::within("the end of the stream", STOP_LIMIT, fetching).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Cancelled, "{}", error.report());
    cluster.wait_until_idle(STOP_LIMIT).await;
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
    cluster.wait_until_idle(STOP_LIMIT).await;
    wait::until("the clean-up", STOP_LIMIT, || files_below(&out).is_empty().then_some(())).await;
}
