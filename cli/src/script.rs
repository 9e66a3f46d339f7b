//! SQL text from files, stdin or the command line, parsed whole before anything of it runs.

use gristmill_engine::statement::{Statement, split_script};
use gristmill_engine::{Code, Error, Result};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The statements of one text and where the text came from.
#[derive(Debug)]
pub(crate) struct Script {
    /// As errors name it: a path, `standard input` or `command line`.
    pub(crate) origin: String,
    /// In the order written.
    pub(crate) statements: Vec<Statement>,
    /// The line each statement begins in, from 1.
    lines: Vec<usize>,
}

impl Script {
    /// Parses `text`.
    ///
    /// # Errors
    /// `Syntax`, naming the origin and, where there are several, the statement's number.
    pub(crate) fn parse(origin: &str, text: &str) -> Result<Self> {
        let texts = split_script(text).map_err(|error| error.context(origin))?;
        let mut script =
            Self { origin: origin.to_owned(), statements: vec![], lines: first_lines(text, &texts) };
        for (index, text) in texts.iter().enumerate() {
            let statement = Statement::parse(text).map_err(|error| error.context(script.place(index)))?;
            script.statements.push(statement);
        }
        Ok(script)
    }

    /// Reads a file, or stdin for `-`.
    ///
    /// # Errors
    /// `PathNotFound`, `AccessDenied` or `StorageUnavailable` for the file, `CorruptInput` for text that is not
    /// UTF-8, and those of [`Script::parse`].
    pub(crate) fn read(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Self::read_stdin();
        }
        let origin = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| cannot_read(&origin, error))?;
        Self::parse(&origin, &text(&origin, bytes)?)
    }

    /// Reads stdin to its end.
    ///
    /// # Errors
    /// As [`Script::read`].
    pub(crate) fn read_stdin() -> Result<Self> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(|error| cannot_read("standard input", error))?;
        Self::parse("standard input", &text("standard input", bytes)?)
    }

    /// All scripts, so that a mistake in the last one is found before the first one runs.
    ///
    /// # Errors
    /// As [`Script::read`].
    pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>> {
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Where statement `index` is, as errors and progress name it.
    pub(crate) fn place(&self, index: usize) -> String {
        match self.lines.get(index) {
            Some(line) if self.lines.len() > 1 => {
                format!("{}, statement {} in line {line}", self.origin, index + 1)
            }
            _ => self.origin.clone(),
        }
    }
}

/// The line of `text` in which the first word of each of its statements stands.
fn first_lines(text: &str, statements: &[String]) -> Vec<usize> {
    let newlines = |text: &str| text.matches('\n').count();
    let (mut rest, mut line) = (text, 1);
    let mut lines = Vec::with_capacity(statements.len());
    for statement in statements {
        // A statement is a piece of the text.
        let Some((before, after)) = rest.split_once(statement.as_str()) else { break };
        line += newlines(before);
        lines.push(line + leading_comment_lines(statement));
        line += newlines(statement);
        rest = after;
    }
    lines
}

/// Comments belong to the statement after them, but are not what an error is about.
fn leading_comment_lines(statement: &str) -> usize {
    let is_comment = |line: &&str| line.trim_start().starts_with("--") || line.trim().is_empty();
    statement.lines().take_while(is_comment).count()
}

fn cannot_read(origin: &str, error: io::Error) -> Error {
    Error::from_io(error, origin).context("cannot read SQL")
}

fn text(origin: &str, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        Error::new(Code::CorruptInput, format!("{origin} is not UTF-8 text: {}", error.utf8_error()))
            .with_source(error)
    })?;
    // Editors on Windows put a byte order mark first.
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let error = Script::read(Path::new("/no/such/file.sql")).unwrap_err();
        assert_eq!(error.code(), Code::PathNotFound);
        assert!(error.message().contains("/no/such/file.sql"), "{error}");
    }

    #[test]
    fn a_mistake_is_found_before_anything_runs_and_placed() {
        let error = Script::parse("job.sql", "SELECT 1;\n\n-- two\nSELEC 2; SELECT 3").unwrap_err();
        assert_eq!(error.code(), Code::Syntax);
        assert!(error.message().starts_with("job.sql, statement 2 in line 4: "), "{error}");
    }

    #[test]
    fn equal_statements_have_their_own_lines() {
        let script = Script::parse("job.sql", "SELECT 1;\nSELECT 1;SELECT\n1;\nSELECT 1").unwrap();
        assert_eq!(script.lines, [1, 2, 2, 4]);
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(text("job.sql", vec![0x53, 0xff]).unwrap_err().code(), Code::CorruptInput);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(text("job.sql", "\u{feff}SELECT 1".into()).unwrap(), "SELECT 1");
    }
}
