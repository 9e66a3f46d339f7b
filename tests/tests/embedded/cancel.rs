//! Statements that nobody waits for any more.

use crate::engine;
use std::time::Duration;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_stream_is_dropped_removes_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let engine = engine();
    let endless =
        "SELECT a.value AS x, b.value AS y FROM generate_series(1, 100000) a, generate_series(1, 100000) b";
    let sql = format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS {endless}", out.display());
    let running = engine.run(&sql);
    let writing = wait::until("a shard", LIMIT, || {
        files_below(&out).iter().any(|file| file.starts_with("train/")).then_some(())
    });
    tokio::select! {
        result = running => panic!("an endless statement ended: {result:?}"),
        () = writing => {}
    }
    let Engine::Embedded(session) = &engine else { panic!("not embedded") };
    wait::within("the clean-up", LIMIT, session.settle()).await;
    assert!(!out.exists(), "{:?}", files_below(&out));
}
