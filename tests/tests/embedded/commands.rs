//! The commands that need no cluster: what they print, and how they end.

use crate::program;
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;
use tests::paths::files_below;
use tests::process::Finished;
use tests::training_set::visible;
use tests::wait;

const LIMIT: Duration = Duration::from_secs(60);
/// How long a stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// More rows than anyone will ever wait for.
const ENDLESS: &str =
    "SELECT a.value AS x, b.value AS y FROM generate_series(1, 100000) a, generate_series(1, 100000) b";

fn run(arguments: &[&str]) -> Finished {
    program().run(arguments, LIMIT)
}

fn check(arguments: &[&str], code: i32, stdout: &str) {
    let finished = run(arguments);
    assert_eq!(finished.code, Some(code), "{arguments:?}\n{}", finished.stderr);
    assert_eq!(finished.stdout, stdout, "{arguments:?}");
}

#[test]
fn rows_go_to_stdout_in_the_format_that_was_asked_for() {
    let sql = "SELECT 1 AS one, 'a,b' AS letters, NULL AS nothing";
    check(&["sql", "--format", "csv", sql], 0, "one,letters,nothing\n1,\"a,b\",\n");
    let json = run(&["sql", "--format", "json", sql]).stdout;
    let row: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&row["one"], &row["letters"]), (&1.into(), &"a,b".into()));
}

#[test]
fn what_a_statement_warns_of_is_told_on_stderr() {
    tests::warnings::check(&program(), &[]);
}

#[test]
fn the_statements_of_a_file_share_a_session() {
    let program = program();
    let file = program.folder().join("job.sql");
    std::fs::write(&file, "CREATE VIEW v AS SELECT 2 AS x;\n-- and\nSELECT x * 21 AS y FROM v;").unwrap();
    let finished = program.run(&["run", "--format", "csv", "-q", file.to_str().unwrap()], LIMIT);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "y\n42\n"), "{}", finished.stderr);
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_help_is_0() {
    for arguments in [&["frobnicate"][..], &["run"], &["run", "--format", "xml", "-c", "SELECT 1"], &["tpch"]]
    {
        let finished = run(arguments);
        assert_eq!(finished.code, Some(2), "{arguments:?}\n{}", finished.stderr);
        assert!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(run(&["--help"]).code, Some(0));
    assert_eq!(run(&["run", "--help"]).code, Some(0));
}

#[test]
fn a_statement_that_fails_is_exit_code_1_and_ends_the_run() {
    let finished = run(&["run", "--format", "csv", "-c", "SELECT 1 AS x; SELECT nope; SELECT 3 AS x"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), "x\n1\n"));
    assert!(
        finished.stderr.contains("error[GM0002]") && finished.stderr.contains("nope"),
        "{}",
        finished.stderr
    );
}

#[test]
fn nothing_runs_when_a_later_statement_does_not_parse() {
    let finished = run(&["run", "--format", "csv", "-c", "SELECT 1 AS x; SELEC 2"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""));
    assert!(finished.stderr.contains("error[GM0001]"), "{}", finished.stderr);
}

#[test]
fn an_interrupt_ends_a_statement_with_130_and_leaves_nothing() {
    check_signal(Signal::SIGINT, 130);
}

#[test]
fn a_request_to_terminate_ends_a_statement_with_143_and_leaves_nothing() {
    check_signal(Signal::SIGTERM, 143);
}

fn check_signal(signal: Signal, code: i32) {
    let program = program();
    let out = program.folder().join("out");
    let sql = format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS {ENDLESS}", out.display());
    let mut process = program.spawn("endless", &["run".to_owned(), "-c".to_owned(), sql]);
    wait::until_blocking("a shard that is being written", LIMIT, || is_writing(&out).then_some(()));
    process.signal(signal);
    assert_eq!(process.wait(STOP_LIMIT).code(), Some(code), "{}", process.log());
    assert_eq!(files_below(&out), Vec::<String>::new());
}

#[test]
fn a_killed_process_leaves_nothing_visible_and_its_place_says_why_it_is_refused() {
    let program = program();
    let out = program.folder().join("out");
    let create =
        |query: &str| format!("CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS {query}", out.display());
    let mut process = program.spawn("endless", &["run".to_owned(), "-c".to_owned(), create(ENDLESS)]);
    wait::until_blocking("a shard that is being written", LIMIT, || is_writing(&out).then_some(()));
    process.kill();
    assert_eq!(visible(&out), Vec::<String>::new());
    let again = program.run(&["run", "-c", &create("SELECT 1 AS x")], LIMIT);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("error[GM0005]") && again.stderr.contains("died"), "{}", again.stderr);
}

fn is_writing(out: &Path) -> bool {
    files_below(out).iter().any(|file| file.starts_with("train/"))
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sql = format!("SELECT * FROM ({ENDLESS})");
    let arguments = ["run", "-q", "--format", "csv", "-c", &sql].map(str::to_owned);
    let mut process = program().spawn("endless", &arguments);
    let mut lines = BufReader::new(process.take_stdout()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "x,y");
    drop(lines);
    assert_eq!(process.wait(STOP_LIMIT).code(), Some(0), "{}", process.log());
    assert_eq!(process.log(), "");
}

#[test]
fn the_configuration_is_shown_with_its_secrets_redacted() {
    let program = program()
        .with("GRISTMILL_S3__ACCESS_KEY_ID", "me")
        .with("GRISTMILL_S3__SECRET_ACCESS_KEY", "hunter2");
    let finished = program.run(&["config", "show", "--set", "sql.batch_size=123"], LIMIT);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let shown: toml::Table = finished.stdout.parse().unwrap();
    assert_eq!(shown["sql"]["batch_size"].as_integer(), Some(123));
    assert_eq!(shown["s3"]["access_key_id"].as_str(), Some("me"));
    assert!(!finished.stdout.contains("hunter2"), "{}", finished.stdout);
}

#[test]
fn a_setting_that_does_not_exist_is_named_with_its_origin() {
    let finished = run(&["sql", "--set", "s3.regoin=eu-west-1", "SELECT 1"]);
    assert_eq!(finished.code, Some(1));
    for part in ["error[GM0019]", "s3.regoin", "command line", "region"] {
        assert!(finished.stderr.contains(part), "does not say {part}\n{}", finished.stderr);
    }
}
