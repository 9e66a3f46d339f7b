//! Libraries in Python that write the same formats, through `peers/encode.py`.

use super::sample::Sample;
use crate::report::not_json;
use gristmill_engine::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SCRIPT: &str = include_str!("../../peers/encode.py");

/// A Python that has the peers.
#[derive(Debug)]
pub(super) struct Peers {
    python: PathBuf,
}

/// What a peer did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PeerRate {
    format: String,
    pub(super) peer: String,
    pub(super) version: String,
    pub(super) mb_per_s: f64,
    pub(super) rows_per_s: f64,
}

impl Peers {
    /// Looks for them in `python`; the error is why there are none, in words.
    pub(super) fn find(python: Option<&Path>) -> Result<Self, String> {
        let python = python.ok_or("give --python PATH of a Python that has what peers/encode.txt names")?;
        match Command::new(python).args(["-c", "import pyarrow, numpy"]).output() {
            Ok(answer) if answer.status.success() => Ok(Self { python: python.to_owned() }),
            Ok(_) => Err(format!("{} cannot import pyarrow and numpy", python.display())),
            Err(error) => Err(format!("{} cannot be run: {error}", python.display())),
        }
    }

    /// Every peer that can write the sample.
    ///
    /// # Errors
    /// `Internal` when the script fails; it says why on stderr.
    pub(super) fn measure(&self, sample: &Sample, runs: u32) -> Result<Vec<PeerRate>> {
        let folder = tempfile::tempdir().map_err(|error| Error::from_io(error, "a temporary folder"))?;
        let file = folder.path().join(format!("{}.parquet", sample.name));
        sample.save(&file)?;
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).arg(&file).args(["--runs", &runs.to_string()]);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Error::from_io(error, self.python.display()))?;
        if !output.status.success() {
            let message = format!("peers/encode.py failed: {}", output.status);
            return Err(Error::new(Code::Internal, message).with_hint("what it says is above"));
        }
        let lines = String::from_utf8_lossy(&output.stdout);
        lines.lines().map(|line| serde_json::from_str(line).map_err(not_json)).collect()
    }
}

impl PeerRate {
    pub(super) fn writes(&self, format: &str) -> bool {
        self.format == format
    }
}
