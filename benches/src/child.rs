//! Measurements in processes of their own, so that each has a peak memory of its own.

use crate::measure;
use crate::memory::TpchTask;
use crate::report::not_json;
use crate::write::WriteTask;
use gristmill_engine::{Code, Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::process::{Command, Stdio};

/// How much is quoted of an output that is no result.
const SHOWN_CHARACTERS: usize = 200;

/// What a child measures.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// One `CREATE TRAINING SET`.
    Write(WriteTask),
    /// Queries of TPC-H, one after the other.
    Tpch(TpchTask),
}

/// Starts this program again to do `task`, and gives what it measured.
///
/// # Errors
/// `Internal` when the child fails; it says why on stderr.
pub(crate) fn measure<T: DeserializeOwned>(task: &Task) -> Result<T> {
    let executable = std::env::current_exe().map_err(|error| Error::from_io(error, "this program"))?;
    let mut command = Command::new(executable);
    command.arg("child").arg(serde_json::to_string(task).map_err(not_json)?);
    read_result(command)
}

/// Runs `command`, whose stdout is one JSON value and whose stderr is ours.
///
/// # Errors
/// `Internal` when it cannot be started, fails, or gives something else.
pub(crate) fn read_result<T: DeserializeOwned>(mut command: Command) -> Result<T> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| Error::from_io(error, &program))?;
    if !output.status.success() {
        let message = format!("a measurement by \"{program}\" failed: {}", output.status);
        return Err(Error::new(Code::Internal, message).with_hint("what it says is above"));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let start: String = String::from_utf8_lossy(&output.stdout).chars().take(SHOWN_CHARACTERS).collect();
        not_json(error).context(format!("\"{program}\" gave \"{}\"", start.escape_debug()))
    })
}

/// The child's side: does the task and prints what it measured.
///
/// # Errors
/// Those of the task.
pub(crate) fn run(task: &str) -> Result<()> {
    let task: Task = serde_json::from_str(task).map_err(not_json)?;
    let runtime = measure::runtime()?;
    let result = match task {
        Task::Write(task) => serde_json::to_string(&runtime.block_on(task.measure())?),
        Task::Tpch(task) => serde_json::to_string(&runtime.block_on(task.measure())?),
    };
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", result.map_err(not_json)?).map_err(|error| Error::from_io(error, "stdout"))
}
