//! Libraries in Python that write the same formats, through `peers/encode.py`.

use super::sample::Sample;
use crate::report::{not_json, say};
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
    /// How many rows it was measured on.
    rows: u64,
}

/// A line of the script.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Measured(PeerRate),
    Skipped { peer: String, skipped: String },
}

impl Peers {
    /// Looks for them in `python`; the error is why there are none, in words.
    pub(super) fn find(python: Option<&Path>) -> Result<Self, String> {
        let python = python.ok_or(
            "give --python PATH of a Python that has tests/interop/README.md and benches/README.md name",
        )?;
        match Command::new(python).args(["-c", "import pyarrow, numpy"]).output() {
            Ok(answer) if answer.status.success() => Ok(Self { python: python.to_owned() }),
            Ok(_) => Err(format!("{} cannot import pyarrow and numpy", python.display())),
            Err(error) => Err(format!("{} cannot be run: {error}", python.display())),
        }
    }

    /// Every peer that is there and can write the sample, which the script takes as `kind`.
    ///
    /// # Errors
    /// `Internal` when the script fails; it says why on stderr.
    pub(super) fn measure(&self, sample: &Sample, kind: &str, runs: u32) -> Result<Vec<PeerRate>> {
        let folder = tempfile::tempdir().map_err(|error| Error::from_io(error, "a temporary folder"))?;
        let file = folder.path().join(format!("{}.parquet", sample.name));
        sample.save(&file)?;
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT, kind]).arg(&file).args(["--runs", &runs.to_string()]);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Error::from_io(error, self.python.display()))?;
        if !output.status.success() {
            let message = format!("peers/encode.py failed: {}", output.status);
            return Err(Error::new(Code::Internal, message).with_hint("what it says is above"));
        }
        let mut rates = Vec::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            match serde_json::from_str(line).map_err(not_json)? {
                Line::Measured(rate) => rates.push(rate),
                Line::Skipped { peer, skipped } => say(&format!("{peer}: {skipped}")),
            }
        }
        Ok(rates)
    }
}

impl PeerRate {
    pub(super) fn writes(&self, format: &str) -> bool {
        self.format == format
    }
}
