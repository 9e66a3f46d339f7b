//! One write by Gristmill, in a process of its own.

use crate::child::{self, Task};
use crate::contender::Contender;
use crate::dataset::{create_table, quoted};
use crate::measure::{cpu_seconds, peak_rss_bytes};
use gristmill_engine::Result;
use gristmill_engine::config::Config;
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::training_set::TrainingSet;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The format of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum FileFormat {
    /// Without a header
    Csv,
    /// With Snappy
    Parquet,
}

/// What decides a row's split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum SplitBy {
    /// There is one split, as in a plain copy
    None,
    /// All 16 columns
    Row,
    /// l_orderkey
    Order,
}

/// What to write of lineitem, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WriteSpec {
    pub(crate) format: FileFormat,
    pub(crate) by: SplitBy,
    pub(crate) shuffle: bool,
    pub(crate) statistics: bool,
    /// About as many rows; `None`: all.
    pub(crate) rows: Option<u64>,
}

/// A write for a child process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WriteTask {
    spec: WriteSpec,
    input: PathBuf,
    location: PathBuf,
    settings: Vec<(String, String)>,
}

/// What a write took; DuckDB's script prints the same fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Written {
    /// From the statement's text to its result.
    pub(crate) wall_s: f64,
    /// CPU time of all threads in that time.
    pub(crate) cpu_s: f64,
    /// Flushing what was written to the disk, where that is not part of `wall_s`.
    #[serde(default)]
    pub(crate) flush_s: f64,
    /// The process's peak, from its start.
    pub(crate) peak_rss_bytes: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Bytes of the input file.
    #[serde(default)]
    pub(crate) input_bytes: u64,
    /// Bytes read from it, as far as that is known.
    #[serde(default)]
    pub(crate) scanned_bytes: u64,
}

impl FileFormat {
    /// The name, as SQL and file names have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl WriteSpec {
    /// The case in a few words.
    pub(crate) fn describe(&self) -> String {
        let by = match self.by {
            SplitBy::None => "one split",
            SplitBy::Row => "3 splits by row",
            SplitBy::Order => "3 splits by order",
        };
        let shuffle = if self.shuffle { ", shuffled" } else { "" };
        let statistics = if self.statistics { "" } else { ", without statistics" };
        format!("{}, {by}{shuffle}{statistics}", self.format.name())
    }

    /// Which rows, as SQL.
    ///
    /// lineitem is in the order of `l_orderkey`, and has about as many rows up to a key as that key's number: of 32 keys
    /// 8 are in use, with 4 rows each on average.
    pub(crate) fn condition(&self) -> String {
        self.rows.map(|rows| format!(" WHERE l_orderkey <= {rows}")).unwrap_or_default()
    }

    fn statement(&self, location: &Path) -> String {
        let split = match self.by {
            SplitBy::None => "",
            SplitBy::Row => " SPLIT (train 0.8, validation 0.1, test 0.1)",
            SplitBy::Order => " SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (l_orderkey)",
        };
        let shuffle = if self.shuffle { " SHUFFLE SEED 42" } else { "" };
        let options = if self.statistics { "" } else { " OPTIONS ('statistics' 'false')" };
        let (location, format, condition) = (quoted(location), self.format.name(), self.condition());
        format!(
            "CREATE TRAINING SET bench LOCATION '{location}' STORED AS {format}{split}{shuffle}{options} \
             AS SELECT * FROM lineitem{condition}"
        )
    }

    /// Writes `input` to `location`, in a process of its own.
    ///
    /// # Errors
    /// `Internal` when that process fails; it says why on stderr.
    pub(crate) fn measure(
        &self,
        input: &Path,
        location: &Path,
        settings: &[(String, String)],
    ) -> Result<Written> {
        child::measure(&Task::Write(WriteTask {
            spec: self.clone(),
            input: input.to_owned(),
            location: location.to_owned(),
            settings: settings.to_vec(),
        }))
    }
}

impl WriteTask {
    /// Writes, in this process.
    ///
    /// # Errors
    /// Those of the statement.
    pub(crate) async fn measure(self) -> Result<Written> {
        let gristmill = Contender::gristmill(&self.settings)?;
        gristmill.run(&create_table("lineitem", &self.input)).await?;
        let statement = self.spec.statement(&self.location);
        let cpu_before = cpu_seconds()?;
        let run = gristmill.run(&statement).await?;
        let (cpu_s, peak_rss_bytes) = (cpu_seconds()? - cpu_before, peak_rss_bytes()?);
        let config = Config::load(None, &self.settings)?;
        let stores = Stores::new(&config.s3, &config.write);
        let set = TrainingSet::open(&stores, &Location::parse(&self.location.to_string_lossy())?).await?;
        let manifest = set.manifest();
        Ok(Written {
            wall_s: run.seconds,
            cpu_s,
            flush_s: 0.0,
            peak_rss_bytes,
            rows: manifest.shards.iter().map(|shard| shard.rows).sum(),
            bytes: manifest.shards.iter().map(|shard| shard.bytes).sum(),
            input_bytes: manifest.inputs.total_bytes,
            scanned_bytes: manifest.inputs.scanned_bytes,
        })
    }
}

impl Written {
    /// Bytes scanned to bytes of the input; 1 is one pass over all columns.
    pub(crate) fn read_share(&self) -> Option<f64> {
        (self.input_bytes > 0).then(|| self.scanned_bytes as f64 / self.input_bytes as f64)
    }
}
