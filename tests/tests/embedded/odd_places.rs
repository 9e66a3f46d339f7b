//! The commands on places that hold no training set, a damaged one or an odd one: what they say.

use crate::bad_input::check_report;
use crate::{engine, program};
use gristmill_engine::Code;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tests::paths::files_below;
use tests::process::Finished;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);
/// More rows than anyone will ever wait for.
const ENDLESS: &str =
    "SELECT a.value AS x, b.value AS y FROM generate_series(1, 100000) a, generate_series(1, 100000) b";

/// `gristmill training-set` on the place `name` of that folder.
fn run(folder: &Path, command: &str, name: &str, more: &[&str]) -> Finished {
    let place = folder.join(name);
    program().run(&[&["training-set", command, place.to_str().unwrap()], more].concat(), LIMIT)
}

fn fails(folder: &TempDir, command: &str, name: &str, code: Code, says: &[&str]) {
    let says: Vec<String> = says.iter().map(|text| (*text).to_owned()).collect();
    check_report(&run(folder.path(), command, name, &[]), code, &says);
}

fn shown(folder: &TempDir) -> String {
    let shown = run(folder.path(), "show", "out", &[]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    shown.stdout
}

/// A folder with the training set `out`.
async fn training_set(clauses: &str, query: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let sql =
        format!("CREATE TRAINING SET t LOCATION '{}' STORED AS CSV {clauses} AS {query}", out.display());
    engine().script(&sql).await;
    folder
}

#[test]
fn a_file_is_no_training_set_and_has_nothing_to_remove() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    for command in ["show", "verify", "channels"] {
        fails(
            &folder,
            command,
            "notes.txt",
            Code::UnknownTrainingSet,
            &["notes.txt\" is a file", "give the folder"],
        );
    }
    let removed = run(folder.path(), "gc", "notes.txt", &["--older-than", "0s"]);
    assert_eq!(
        (removed.code, removed.stdout.as_str()),
        (Some(0), "nothing to remove\n"),
        "{}",
        removed.stderr
    );
    assert_eq!(files_below(folder.path()), ["notes.txt"]);
}

#[test]
fn a_path_that_is_not_there_is_no_training_set_and_nothing_to_clean() {
    let folder = tempfile::tempdir().unwrap();
    fails(&folder, "show", "nope", Code::UnknownTrainingSet, &["nope"]);
    fails(&folder, "gc", "nope", Code::PathNotFound, &["there is nothing at", "nope", "check the path"]);
}

#[test]
fn a_killed_copy_to_a_file_is_cleaned_up_by_the_name_of_the_file() {
    let program = program();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.csv"), "mine").unwrap();
    let copy = format!("COPY ({ENDLESS}) TO '{}'", folder.path().join("x.csv").display());
    let mut process = program.spawn("endless", &["run".to_owned(), "-c".to_owned(), copy]);
    let is_writing = || (files_below(folder.path()).len() == 2).then_some(());
    wait::until_blocking("a file that is being written", LIMIT, is_writing);
    process.kill();
    let kept = run(folder.path(), "gc", "x.csv", &[]);
    assert!(kept.stdout.starts_with("nothing to remove\nkept: job "), "{}{}", kept.stdout, kept.stderr);
    let removed = run(folder.path(), "gc", "x.csv", &["--older-than", "0s"]);
    assert!(removed.stdout.starts_with("removed temporary files: 1"), "{}{}", removed.stdout, removed.stderr);
    assert_eq!(files_below(folder.path()), ["other.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_that_are_gone_or_damaged_fail_as_verification_does() {
    let folder = training_set("", "SELECT 1 AS x").await;
    let file = folder.path().join("out/_gristmill/train.statistics.json");
    std::fs::write(&file, "{").unwrap();
    let says = |what| ["_gristmill/train.statistics.json", what, "create the training set again"];
    fails(&folder, "show", "out", Code::VerificationFailed, &says("cannot be read"));
    std::fs::remove_file(&file).unwrap();
    fails(&folder, "show", "out", Code::VerificationFailed, &says("is missing"));
    fails(&folder, "verify", "out", Code::VerificationFailed, &says("is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_without_statistics_says_so() {
    let folder = training_set("OPTIONS ('statistics' 'false')", "SELECT 1 AS x").await;
    let shown = shown(&folder);
    assert!(shown.ends_with("\n\nThis training set was written without statistics.\n"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_read_is_named() {
    let folder = training_set("", "SELECT 1 AS x").await;
    let path = folder.path().join("out/_gristmill/manifest.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let newer = whole.replace("\"format_version\": 1,", "\"format_version\": 99,");
    assert_ne!(newer, whole);
    for (text, says) in [
        (&whole[..whole.len() / 2], "was changed or damaged"),
        ("", "was changed or damaged"),
        ("notes", "was changed or damaged"),
        ("{\"job\": \"x\"}", "it has no format_version"),
        ("{\"format_version\": 1}", "was changed or damaged"),
        (&newer, "it has version 99"),
    ] {
        std::fs::write(&path, text).unwrap();
        for command in ["show", "verify"] {
            fails(&folder, command, "out", Code::UnknownTrainingSet, &[path.to_str().unwrap(), says]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_of_a_name_are_shown_as_escapes() {
    let folder = training_set("LABEL \"l\nb\"", "SELECT 1 AS \"l\nb\", 'x' AS \"a\tb\u{1b}[31m\"").await;
    let shown = shown(&folder);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.iter().any(|line| line.starts_with("label") && line.ends_with(r"  l\nb")), "{shown}");
    assert!(lines.iter().any(|line| line.ends_with(r"  l\nb: 1 100%")), "{shown}");
    assert!(lines.iter().any(|line| line.starts_with(r"l\nb  ") && line.contains("Int64")), "{shown}");
    assert!(lines.iter().any(|line| line.starts_with(r"a\tb\u{1b}[31m  Utf8")), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let page = folder.path().join("page.html");
    let written = run(folder.path(), "show", "out", &["--html", page.to_str().unwrap()]);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(r"<h3>l\nb <span") && page.contains(r"<td>a\tb\u{1b}[31m</td>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_label_of_a_split_without_rows_has_no_mean() {
    let rows = "SELECT value / 2.5 AS x, 'train' AS p FROM generate_series(1, 100)";
    let folder = training_set("LABEL x SPLIT (train, test) BY COLUMN (p)", rows).await;
    let shown = shown(&folder);
    let split = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap().trim_end();
    assert!(split("train  ").ends_with("x: mean 20.2"), "{shown}");
    assert!(split("test  ").ends_with("0 B"), "{shown}");
}
