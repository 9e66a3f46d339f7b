//! What a user can get wrong, through the library and through `gristmill run`.

use crate::{engine, program};
use gristmill_engine::{Code, Error};
use std::time::{Duration, Instant};
use tests::bad_input::{first_error, mistakes};
use tests::paths::{files_below, repository};
use tests::process::{Finished, Program};
use tests::s3::Server;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_gives_one_error_that_helps_and_leaves_nothing() {
    tests::bad_input::check(async || engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_ends_a_run_with_exit_code_1_and_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for mistake in mistakes(folder.path(), &out).await {
        let finished = run(&program(), &mistake.script);
        check_report(&finished, mistake.code, &mistake.says);
        assert_eq!(files_below(&out), Vec::<String>::new(), "{}", mistake.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_that_holds_something_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let sql = create(folder.path().to_str().unwrap());
    let error = first_error(&engine(), &sql).await.unwrap();
    check_error(&error, Code::LocationNotEmpty, &["notes.txt", folder.path().to_str().unwrap()]);
    assert_eq!(files_below(folder.path()), ["notes.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_that_is_there_is_not_taken_for_a_job_that_died() {
    let folder = tempfile::tempdir().unwrap();
    let sql = create(folder.path().join("out").to_str().unwrap());
    assert!(first_error(&engine(), &sql).await.is_none());
    let error = first_error(&engine(), &sql).await.unwrap();
    check_error(&error, Code::LocationNotEmpty, &["already holds a training set", "DROP TRAINING SET"]);
}

#[test]
fn a_missing_bucket_is_named() {
    let server = Server::start();
    let program = configured(&server);
    let finished = run(&program, &create("s3://no-such-bucket/out"));
    check_report(&finished, Code::PathNotFound, &["no-such-bucket".to_owned()]);
}

#[test]
fn wrong_credentials_are_refused_at_once() {
    let server = Server::start();
    let bucket = server.bucket("models");
    let program = configured(&server).with("GRISTMILL_S3__SECRET_ACCESS_KEY", "not-the-secret");
    let finished = run(&program, &create("s3://models/out"));
    check_report(&finished, Code::AccessDenied, &["s3://models".to_owned()]);
    assert_eq!(files_below(&bucket), Vec::<String>::new());
}

#[test]
fn no_credentials_are_missed_within_seconds() {
    let server = Server::start();
    let program = program().with("GRISTMILL_S3__ENDPOINT", server.endpoint());
    let started = Instant::now();
    let finished = run(&program, &create("s3://models/out"));
    check_report(&finished, Code::AccessDenied, &["s3://models".to_owned()]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_no_sql_is_quoted_with_its_place() {
    let cases = [
        ("SELEC 1", "found: SELEC at Line: 1, Column: 1"),
        ("SELECT 1\n  FROM t t t", "found \"t\" at Line: 2, Column: 12"),
    ];
    for (sql, place) in cases {
        let error = engine().fail(sql).await;
        assert_eq!(error.code(), Code::Syntax, "{sql}\n{}", error.report());
        assert!(error.message().contains(place), "{sql}\n{}", error.report());
    }
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut pages = files_below(&repository().join("docs/errors"));
    pages.retain(|page| page.starts_with("GM"));
    let codes: Vec<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, codes);
}

fn create(location: &str) -> String {
    format!("CREATE TRAINING SET s LOCATION '{location}' STORED AS CSV AS SELECT 1 AS x")
}

fn run(program: &Program, script: &str) -> Finished {
    program.run(&["run", "-c", script], LIMIT)
}

/// The executable, knowing the server.
fn configured(server: &Server) -> Program {
    server.settings().into_iter().fold(program(), |program, (key, value)| {
        program.with(&format!("GRISTMILL_{}", key.replace('.', "__").to_uppercase()), value)
    })
}

/// Exit code 1, nothing on stdout, and one error on stderr with code, hint and page.
pub(crate) fn check_report(finished: &Finished, code: Code, says: &[String]) {
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert_eq!(finished.stdout, "", "{}", finished.stderr);
    assert_eq!(finished.stderr.matches("error[").count(), 1, "{}", finished.stderr);
    let page = code.help();
    let parts = [format!("error[{code}]: "), "\n  hint: ".to_owned(), format!("\n  help: {page}")];
    let said = finished.stderr.to_lowercase();
    for part in parts.iter().chain(says) {
        assert!(said.contains(&part.to_lowercase()), "does not say {part:?}\n{}", finished.stderr);
    }
    assert!(repository().join(page).is_file());
}

fn check_error(error: &Error, code: Code, says: &[&str]) {
    assert_eq!(error.code(), code, "{}", error.report());
    assert!(says.iter().all(|text| error.report().contains(text)), "{}", error.report());
    assert!(error.hint().is_some(), "{}", error.report());
}
