//! `training-set gc`: what a killed process left is found and removed, and its place can be used again.

use crate::program;
use std::path::Path;
use std::time::Duration;
use tests::paths::files_below;
use tests::process::{Finished, Program};
use tests::s3::{Action, Operation, Rule, Server, When};
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
    // One shard of each split is to be published.
    let gate = server.faults().hold(Operation::CompleteUpload);
    let mut process = program.spawn("run", &on_s3(&server, &run()));
    gate.wait_for(2, LIMIT).await;
    process.kill();
    gate.let_through(LIMIT).await;
    server.faults().clear();
    assert_eq!(visible(&out).len(), 2, "shards without a manifest");

    let removed = collect_on_s3(&program, &server);
    assert!(removed.starts_with("removed published files without a manifest: 2, "), "{removed}");
    assert_eq!((server.keys("models"), server.open_uploads()), (vec![], vec![]));

    let again = program.spawn("run", &on_s3(&server, &run())).wait(LIMIT);
    assert_eq!(again.code(), Some(0));
    assert_eq!(OnDisk::open(&out).row_count(), ROWS);
}

#[test]
fn an_upload_whose_creation_was_answered_too_late_is_found_in_the_list_of_the_store() {
    let (program, server) = (program(), Server::start());
    let out = server.bucket("models").join("out");
    let (operation, action) = (Some(Operation::CreateUpload), Action::LoseAnswer);
    server.faults().add(Rule { operation, path_end: "", when: When::First(1), action });
    assert_eq!(program.spawn("run", &on_s3(&server, &run())).wait(LIMIT).code(), Some(0));
    assert!(!server.open_uploads().is_empty(), "the first of two creations of one upload");
    assert_eq!(collect_on_s3(&program, &server), "removed open uploads: 1\n");
    assert_eq!(server.open_uploads(), Vec::<String>::new());
    assert_eq!(OnDisk::open(&out).row_count(), ROWS);
}

fn run() -> Vec<String> {
    vec!["run".to_owned(), "-c".to_owned(), create("s3://models/out", &few_rows())]
}

/// The command with the settings that reach the server.
fn on_s3(server: &Server, command: &[String]) -> Vec<String> {
    let settings = server.settings().into_iter();
    let settings = settings.flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    command.iter().cloned().chain(settings).collect()
}

fn collect_on_s3(program: &Program, server: &Server) -> String {
    let arguments = on_s3(server, &["s3://models/out", "--older-than", "0s"].map(str::to_owned));
    collect(program, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}
