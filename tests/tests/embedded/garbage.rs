//! `training-set gc`: what a killed process left is found and removed, and its place can be used again.

use crate::program;
use std::path::Path;
use std::time::Duration;
use tests::paths::files_below;
use tests::process::{Finished, Program};
use tests::s3::{Operation, Server};
use tests::training_set::{OnDisk, visible};
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);
/// More rows than anyone will ever wait for.
const ENDLESS: &str =
    "SELECT a.value AS x, b.value AS y FROM generate_series(1, 100000) a, generate_series(1, 100000) b";
const ROWS: u64 = 100;

fn create(location: &str, query: &str) -> String {
    format!(
        "CREATE TRAINING SET s LOCATION '{location}' STORED AS CSV SPLIT (train 0.5, test 0.5) AS {query}"
    )
}

fn few_rows() -> String {
    format!("SELECT value AS x FROM generate_series(1, {ROWS})")
}

/// `gristmill training-set gc`, which must not fail; what it says.
fn collect(program: &Program, arguments: &[&str]) -> String {
    let Finished { code, stdout, stderr } =
        program.run(&[&["training-set", "gc"], arguments].concat(), LIMIT);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

#[test]
fn what_a_killed_process_left_on_a_disk_is_removed_once_it_is_old_enough() {
    let program = program();
    let out = program.folder().join("out");
    let location = out.to_str().unwrap();
    let arguments = ["run".to_owned(), "-c".to_owned(), create(location, ENDLESS)];
    let mut process = program.spawn("endless", &arguments);
    let is_writing = |out: &Path| files_below(out).iter().any(|file| file.starts_with("train/"));
    wait::until_blocking("a shard that is being written", LIMIT, || is_writing(&out).then_some(()));
    process.kill();
    let left = files_below(&out);

    let kept = collect(&program, &[location]);
    assert!(kept.starts_with("nothing to remove\nkept: job "), "{kept}");
    let dry = collect(&program, &[location, "--older-than", "0s", "--dry-run"]);
    assert!(dry.contains("would remove temporary files: "), "{dry}");
    assert_eq!(files_below(&out), left);

    let removed = collect(&program, &[location, "--older-than", "0s"]);
    assert_eq!(removed.replace("removed", "would remove"), dry);
    assert!(!out.exists(), "{:?}", files_below(&out));
    assert_eq!(program.run(&["run", "-c", &create(location, &few_rows())], LIMIT).code, Some(0));
    assert_eq!(collect(&program, &[location, "--older-than", "0s"]), "nothing to remove\n");
    assert_eq!(OnDisk::open(&out).row_count(), ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_killed_in_its_commit_left_on_s3_is_removed() {
    let (program, server) = (program(), Server::start());
    let out = server.bucket("models").join("out");
    let settings =
        server.settings().into_iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    let settings: Vec<String> = settings.collect();
    let run = |query: &str| {
        let statement = ["run".to_owned(), "-c".to_owned(), create("s3://models/out", query)];
        [statement.to_vec(), settings.clone()].concat()
    };
    // One shard of each split is to be published.
    let gate = server.faults().hold(Operation::CompleteUpload);
    let mut process = program.spawn("run", &run(&few_rows()));
    gate.wait_for(2, LIMIT).await;
    process.kill();
    gate.let_through(LIMIT).await;
    server.faults().clear();
    assert_eq!(visible(&out).len(), 2, "shards without a manifest");

    let arguments =
        [&["s3://models/out".to_owned(), "--older-than".to_owned(), "0s".to_owned()][..], &settings];
    let arguments = arguments.concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let removed = collect(&program, &arguments);
    assert!(removed.starts_with("removed published files without a manifest: 2, "), "{removed}");
    assert_eq!((server.keys("models"), server.open_uploads()), (vec![], vec![]));

    let again = program.spawn("run", &run(&few_rows())).wait(LIMIT);
    assert_eq!(again.code(), Some(0));
    assert_eq!(OnDisk::open(&out).row_count(), ROWS);
}
