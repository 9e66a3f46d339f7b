//! DuckDB's `COPY` of the same rows, through `peers/duckdb_copy.py`.

use super::{WriteSpec, Written};
use crate::child::read_result;
use crate::measure::cores;
use gristmill_engine::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPT: &str = include_str!("../../peers/duckdb_copy.py");

/// A Python that has DuckDB.
#[derive(Debug)]
pub(super) struct DuckDb {
    python: PathBuf,
    version: String,
}

impl DuckDb {
    /// Looks for DuckDB in `python`; the error is why there is none, in words.
    pub(super) fn find(python: Option<&Path>) -> Result<Self, String> {
        let python =
            python.ok_or("give --python PATH of a Python that has it (pip install duckdb==1.5.5)")?;
        let asked = Command::new(python).args(["-c", "import duckdb; print(duckdb.__version__)"]).output();
        match asked {
            Ok(answer) if answer.status.success() => {
                let version = format!("DuckDB {}", String::from_utf8_lossy(&answer.stdout).trim());
                Ok(Self { python: python.to_owned(), version })
            }
            Ok(_) => Err(format!("{} cannot import duckdb (pip install duckdb==1.5.5)", python.display())),
            Err(error) => Err(format!("{} cannot be run: {error}", python.display())),
        }
    }

    /// Its name and version.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Copies `input` to one file in `folder`, in a process of its own.
    ///
    /// # Errors
    /// `Internal` when that process fails; it says why on stderr.
    pub(super) fn measure(&self, input: &Path, folder: &Path, spec: &WriteSpec) -> Result<Written> {
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).arg(input).arg(folder);
        command.args(["--format", spec.format.name()]);
        command.args(["--condition", &spec.condition()]);
        command.args(["--threads", &cores().to_string()]);
        read_result(command)
    }
}
