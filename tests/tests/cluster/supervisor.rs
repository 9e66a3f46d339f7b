//! `gristmill cluster`: one command for a whole cluster.

use crate::program;
use nix::sys::signal::Signal;
use std::time::Duration;
use tests::engines::Engine;
use tests::paths::files_below;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(90);

/// What follows `before` in `log`, up to white space.
fn word_after(log: &str, before: &str) -> Option<String> {
    let (_, rest) = log.split_once(before)?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_starts_answers_and_stops_with_all_its_processes() {
    let arguments =
        ["cluster", "--executors", "2", "--flight-port", "0", "--http-port", "0"].map(str::to_owned);
    let program = program();
    let mut process = program.spawn("cluster", &arguments);
    let address =
        wait::until("the cluster", LIMIT, || word_after(&process.log(), "gristmill cluster ready: ")).await;
    assert_eq!(Engine::connect(&address).await.script("SELECT 1 + 1").await.value(), "2");
    let ids: Vec<String> =
        process.log().lines().filter_map(|line| word_after(line, " is process ")).collect();
    assert_eq!(ids.len(), 3, "{}", process.log());
    process.signal(Signal::SIGINT);
    tokio::task::spawn_blocking(move || process.wait(LIMIT)).await.unwrap();
    for id in ids {
        wait::until("the end of its processes", LIMIT, || has_ended(&id).then_some(())).await;
    }
    assert_eq!(files_below(&program.folder().join("scratch")), Vec::<String>::new());
}

fn has_ended(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
    // A zombie has ended too: whoever adopted it has not looked yet.
    stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}
