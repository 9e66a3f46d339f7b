//! The prompt: lines in, statements out, until Ctrl-D.

use crate::interrupts::Interrupts;
use crate::output::Output;
use crate::script::Script;
use crate::statements::Runner;
use crate::stop::{Outcome, Stop, StopSignal};
use editor::{LineEditor, Read};
use gristmill_engine::Error;
use terminal_mode::TerminalMode;

mod editor;
mod input;
mod terminal_mode;

const WELCOME: &str = "Statements end with a semicolon. \\? for help, \\q or Ctrl-D to leave.";

// Indented from its first line on, which a backslash at the end of the line before would undo.
const HELP: &str = "  SELECT …;                run a statement; it may span lines and ends with a semicolon
  SHOW TABLES;             the tables of this session
  DESCRIBE name;           the columns of a table
  SHOW TRAINING SETS;      the training sets of this session
  CREATE EXTERNAL TABLE name STORED AS PARQUET LOCATION 'folder or s3://…';
  CREATE TRAINING SET name LOCATION '…' STORED AS CSV LABEL column
    SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (column) SHUFFLE SEED 42 AS SELECT …;
  \\?                       this help
  \\q                       leave; Ctrl-D does the same
  Ctrl-C                   forget what is typed, or cancel the running statement";

/// Reads and runs statements until the user leaves.
///
/// A statement that fails is reported and the prompt goes on.
pub(crate) async fn run(runner: &Runner<'_>, output: &mut Output) -> Outcome {
    output.stderr().note(&format!("gristmill {}. {WELCOME}", env!("CARGO_PKG_VERSION")));
    let mut editor = LineEditor::open()?;
    loop {
        let read;
        (editor, read) = next_input(editor, runner.interrupts).await?;
        match read {
            Read::Leave => return Ok(()),
            Read::Nothing => {}
            Read::Input(text) => match text.trim() {
                "" => {}
                "\\q" => return Ok(()),
                "\\?" => output.stderr().line(HELP),
                command if command.starts_with('\\') => {
                    output.stderr().line(&format!("unknown command {command}; \\? lists what there is"));
                }
                word if input::is_leave_word(word) => return Ok(()),
                sql => run_input(runner, sql, output).await?,
            },
        }
    }
}

async fn run_input(runner: &Runner<'_>, sql: &str, output: &mut Output) -> Outcome {
    let script = match Script::parse("input", sql) {
        Ok(script) => script,
        Err(error) => {
            report(&error, output);
            return Ok(());
        }
    };
    runner.interrupts.forget_interrupt();
    for statement in &script.statements {
        match runner.run(statement, "running", output).await {
            Ok(finished) => output.stderr().note(&finished.describe()),
            Err(Stop::Failed(error)) => {
                report(&error, output);
                break;
            }
            Err(Stop::Signal(StopSignal::Interrupt)) => {
                runner.interrupts.forget_interrupt();
                output.stderr().line("cancelled");
                break;
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

fn report(error: &Error, output: &Output) {
    output.stderr().line(&error.report());
}

/// Reads on a thread of its own, because the terminal blocks.
async fn next_input(mut editor: LineEditor, interrupts: &Interrupts) -> Outcome<(LineEditor, Read)> {
    let mut terminal = TerminalMode::save();
    let reading = tokio::task::spawn_blocking(move || {
        let read = editor.read();
        (editor, read)
    });
    tokio::select! {
        biased;
        signal = terminated(interrupts) => {
            if let Some(terminal) = &mut terminal {
                terminal.restore();
            }
            Err(Stop::Signal(signal))
        }
        finished = reading => ended(finished),
    }
}

type Finished = Result<(LineEditor, Result<Read, Error>), tokio::task::JoinError>;

fn ended(finished: Finished) -> Outcome<(LineEditor, Read)> {
    let (editor, read) = finished.map_err(|error| {
        Error::new(gristmill_engine::Code::Internal, "the prompt stopped reading").with_source(error)
    })?;
    Ok((editor, read?))
}

/// Waits for SIGTERM; a Ctrl-C that comes while nothing runs is not one.
async fn terminated(interrupts: &Interrupts) -> StopSignal {
    loop {
        match interrupts.stopped().await {
            StopSignal::Terminate => return StopSignal::Terminate,
            StopSignal::Interrupt => interrupts.forget_interrupt(),
        }
    }
}
