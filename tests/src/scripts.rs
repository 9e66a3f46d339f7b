//! The scripts in `slt`, as `slt/README.md` describes their harness.

use crate::engines::Engine;
use crate::{data, paths, text};
use async_trait::async_trait;
use gristmill_engine::Error;
use sqllogictest::{AsyncDB, ColumnType, DBOutput, Normalizer, Record, Runner};
use sqllogictest::{parse_file, strict_column_validator};
use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Runs every script, each in a session of its own that `connect` makes.
///
/// # Panics
/// Lists every record of every script that fails.
pub async fn check<F: Future<Output = Engine>>(connect: impl Fn() -> F) {
    let mut failures = Vec::new();
    let scripts = all();
    assert!(!scripts.is_empty(), "no scripts in {}", paths::tests("slt").display());
    for script in &scripts {
        failures.extend(run(script, connect().await).await);
    }
    assert!(failures.is_empty(), "{} records failed\n\n{}", failures.len(), failures.join("\n"));
}

fn all() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(paths::tests("slt")).expect("the folder of scripts");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut scripts: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "slt")).collect();
    scripts.sort();
    scripts
}

/// Runs one script to its end, whatever fails; gives what did.
async fn run(script: &Path, engine: Engine) -> Vec<String> {
    let records: Vec<Record<Letter>> = match parse_file(script) {
        Ok(records) => records,
        Err(error) => return vec![format!("{}: {error}", script.display())],
    };
    let out = tempfile::tempdir().expect("a folder");
    let mut session = Some(Session::new(engine, out.path()).await);
    let mut runner = Runner::new(move || {
        let session = session.take();
        async move { session.ok_or_else(|| Failure("a script has one session".to_owned())) }
    });
    runner.with_column_validator(strict_column_validator);
    runner.with_validator(rows_agree);
    let mut failures = Vec::new();
    for record in records {
        if let Err(error) = runner.run_async(record).await {
            failures.push(error.to_string());
        }
    }
    failures
}

/// The crate's marker for what cannot be known beforehand.
const IGNORED: &str = "<slt:ignore>";

/// As the crate's own validator, but it goes by whole rows: a value of white space alone does not count twice, and what
/// is ignored ends with its row, so that rows too many are not.
fn rows_agree(normalize: Normalizer, found: &[Vec<String>], expected: &[String]) -> bool {
    let agrees = |(found, expected): (&Vec<String>, &String)| {
        is_like(&normalize(&found.join(" ")), &normalize(expected))
    };
    found.len() == expected.len() && found.iter().zip(expected).all(agrees)
}

/// Whether `text` is `pattern`, in which the marker stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(IGNORED) else { return text == pattern };
    let Some(text) = text.strip_prefix(start) else { return false };
    text.char_indices().map(|(index, _)| index).chain([text.len()]).any(|index| is_like(&text[index..], rest))
}

/// A session as `sqllogictest` wants it.
struct Session {
    engine: Engine,
    /// Names and what stands for them.
    places: [(&'static str, String); 3],
}

impl Session {
    async fn new(engine: Engine, out: &Path) -> Self {
        let text = |path: &Path| path.display().to_string();
        let places = [
            ("$DATA", text(data::tpch_small().await)),
            ("$FIXTURES", text(&paths::tests("slt/fixtures"))),
            ("$OUT", text(out)),
        ];
        Self { engine, places }
    }
}

#[async_trait]
impl AsyncDB for Session {
    type Error = Failure;
    type ColumnType = Letter;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Letter>, Failure> {
        let sql = self.places.iter().fold(sql.to_owned(), |sql, (name, place)| sql.replace(name, place));
        let answer = self.engine.run(&sql).await.map_err(|error| Failure::of(&error))?;
        if answer.schema.fields().is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types =
            answer.schema.fields().iter().map(|field| Letter(text::letter(field.data_type()))).collect();
        Ok(DBOutput::Rows { types, rows: answer.rows() })
    }

    async fn shutdown(&mut self) {}
}

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Letter(char);

impl ColumnType for Letter {
    fn from_char(letter: char) -> Option<Self> {
        "IRBDT".contains(letter).then_some(Self(letter))
    }

    fn to_char(&self) -> char {
        self.0
    }
}

/// The whole message of an error: what a pattern is looked for in.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn of(error: &Error) -> Self {
        let mut text = error.report();
        let mut source = error.source();
        while let Some(error) = source {
            text.push_str("\n  caused by: ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        Self(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Failure {}
