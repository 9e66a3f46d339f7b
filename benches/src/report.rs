//! What a command found out: tables for people, the same as JSON, and the conditions it was measured under.

use crate::measure::cores;
use crate::table::Table;
use gristmill_engine::{Code, Error, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;

/// More running processes than this share of the cores, and the figures are about them, too.
const BUSY_SHARE: f64 = 0.25;

/// What a command found out.
#[derive(Debug)]
pub(crate) struct Report {
    conditions: Conditions,
    tables: Vec<Table>,
    notes: Vec<String>,
    results: Value,
}

/// Under which conditions something was measured. Made before the measurement, as it looks at the machine's load.
#[derive(Debug, Serialize)]
pub(crate) struct Conditions {
    command: Vec<String>,
    cores: usize,
    cpu: String,
    sha_instructions: bool,
    load_before: f64,
    optimised: bool,
    gristmill: &'static str,
    datafusion: &'static str,
    arrow: &'static str,
    /// The TPC-H scale factors of the data.
    scales: Vec<f64>,
    /// Versions of peers outside of this process.
    peers: Vec<String>,
}

impl Conditions {
    /// The machine and this program, now; `scales`: of the data.
    pub(crate) fn here(scales: &[f64]) -> Self {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let entry = |name: &str| {
            let line = cpu_info.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
        };
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            command: std::env::args().skip(1).collect(),
            cores: cores(),
            cpu: entry("model name").to_owned(),
            sha_instructions: entry("flags").split(' ').any(|flag| flag == "sha_ni"),
            load_before: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN),
            optimised: !cfg!(debug_assertions),
            gristmill: env!("CARGO_PKG_VERSION"),
            datafusion: datafusion::DATAFUSION_VERSION,
            arrow: arrow::ARROW_VERSION,
            scales: scales.to_vec(),
            peers: Vec::new(),
        }
    }

    /// Adds a peer with its version, once.
    pub(crate) fn add_peer(&mut self, peer: String) {
        if !self.peers.contains(&peer) {
            self.peers.push(peer);
        }
    }

    fn lines(&self) -> Vec<String> {
        let scales: Vec<String> = self.scales.iter().map(f64::to_string).collect();
        let scale =
            if scales.is_empty() { String::new() } else { format!(", TPC-H scale {}", scales.join(" and ")) };
        let peers: String = self.peers.iter().map(|peer| format!(", {peer}")).collect();
        let mut lines = vec![
            format!(
                "conditions: {} cores of {}{scale}, load before {:.2}",
                self.cores, self.cpu, self.load_before
            ),
            format!(
                "versions: gristmill {}, DataFusion {}, arrow {}{peers}",
                self.gristmill, self.datafusion, self.arrow
            ),
        ];
        if !self.optimised {
            lines.push("warning: a debug build; its figures mean nothing: use --release".to_owned());
        }
        if self.load_before > BUSY_SHARE * self.cores as f64 {
            lines.push("warning: the machine was busy with something else when this began".to_owned());
        }
        lines
    }
}

impl Report {
    /// A report of `results`, which are what `--json` writes.
    ///
    /// # Errors
    /// `Internal`: the results are not JSON.
    pub(crate) fn new(conditions: Conditions, tables: Vec<Table>, results: &impl Serialize) -> Result<Self> {
        let results = serde_json::to_value(results).map_err(not_json)?;
        Ok(Self { conditions, tables, notes: Vec::new(), results })
    }

    /// Adds a sentence that is printed under the tables.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints everything to stdout.
    ///
    /// # Errors
    /// Stdout cannot be written to.
    pub(crate) fn print(&self) -> Result<()> {
        let tables = self.tables.iter().map(|table| format!("{table}\n"));
        let lines = self.notes.iter().cloned().chain(self.conditions.lines()).map(|line| format!("{line}\n"));
        let text: String = tables.chain(lines).collect();
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).map_err(|error| Error::from_io(error, "stdout"))
    }

    /// Writes conditions, results and notes as JSON.
    ///
    /// # Errors
    /// Those of writing the file.
    pub(crate) fn save(&self, file: &Path) -> Result<()> {
        let whole = json!({ "conditions": self.conditions, "results": self.results, "notes": self.notes });
        let mut text = serde_json::to_string_pretty(&whole).map_err(not_json)?;
        text.push('\n');
        fs::write(file, text).map_err(|error| Error::from_io(error, file.display()))
    }
}

/// The error for a value that is not JSON, either way.
pub(crate) fn not_json(error: serde_json::Error) -> Error {
    Error::new(Code::Internal, "a result is not JSON").with_source(error)
}

/// Says on stderr what is being done, for people who wait.
pub(crate) fn say(text: &str) {
    // A closed stderr is no reason to stop.
    writeln!(std::io::stderr().lock(), "{text}").ok();
}
