//! The line editor: several lines as one input, and a history that survives.

use super::input::is_complete;
use gristmill_engine::{Code, Error, Result};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Behavior, Config, Editor, Helper};
use std::path::PathBuf;

const PROMPT: &str = "gristmill> ";
/// Inputs that are remembered.
const HISTORY_ENTRIES: usize = 10_000;

/// What the user did.
#[derive(Debug)]
pub(super) enum Read {
    /// Typed something that is complete.
    Input(String),
    /// Gave up on what was typed.
    Nothing,
    /// Wants to leave.
    Leave,
}

/// A terminal to read statements from.
#[derive(Debug)]
pub(super) struct LineEditor {
    editor: Editor<Statements, FileHistory>,
    history: Option<PathBuf>,
}

impl LineEditor {
    /// Takes the terminal and reads the history. A history that cannot be read or kept is only logged.
    ///
    /// # Errors
    /// `StorageUnavailable` when the terminal cannot be used.
    pub(super) fn open() -> Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_ENTRIES)
            .and_then(|builder| builder.history_ignore_dups(true))
            .map_err(no_terminal)?
            .history_ignore_space(true)
            // stdout is for data, also while someone types.
            .behavior(Behavior::PreferTerm)
            .build();
        let mut editor = Editor::with_config(config).map_err(no_terminal)?;
        editor.set_helper(Some(Statements));
        let history = history_file();
        if let Some(path) = history.as_ref().filter(|path| path.exists())
            && let Err(error) = editor.load_history(path)
        {
            tracing::warn!("could not read the history {}: {error}", path.display());
        }
        Ok(Self { editor, history })
    }

    /// Reads one input; blocks until there is one.
    ///
    /// # Errors
    /// `StorageUnavailable` when the terminal is gone.
    pub(super) fn read(&mut self) -> Result<Read> {
        match self.editor.readline(PROMPT) {
            Ok(text) => {
                self.remember(&text);
                Ok(Read::Input(text))
            }
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Read::Nothing),
            Err(ReadlineError::Eof) => Ok(Read::Leave),
            Err(error) => Err(no_terminal(error)),
        }
    }

    /// Saved at once: a prompt often ends with its terminal.
    fn remember(&mut self, text: &str) {
        let is_new = !text.trim().is_empty() && self.editor.add_history_entry(text).unwrap_or(false);
        if let Some(path) = self.history.as_ref().filter(|_| is_new)
            && let Err(error) = self.editor.append_history(path)
        {
            tracing::warn!("could not write the history {}: {error}", path.display());
        }
    }
}

/// `~/.local/state/gristmill/history`, the default place of the XDG base directories.
fn history_file() -> Option<PathBuf> {
    let folder = std::env::home_dir()?.join(".local/state/gristmill");
    match std::fs::create_dir_all(&folder) {
        Ok(()) => Some(folder.join("history")),
        Err(error) => {
            tracing::warn!("could not make the folder {}: {error}", folder.display());
            None
        }
    }
}

fn no_terminal(error: ReadlineError) -> Error {
    Error::new(Code::StorageUnavailable, format!("could not read from the terminal: {error}"))
        .with_source(error)
}

/// Keeps an input open until its last statement has ended.
#[derive(Debug)]
struct Statements;

impl Validator for Statements {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Completer for Statements {
    type Candidate = String;
}

impl Hinter for Statements {
    type Hint = String;
}

impl Highlighter for Statements {}

impl Helper for Statements {}
