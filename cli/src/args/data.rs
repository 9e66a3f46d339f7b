//! `demo`, `tpch` and `training-set`.

use crate::tpch::{FileFormat, Table};
use clap::{Args, Subcommand, ValueEnum};
use gristmill_engine::config::parse_duration;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const DEMO_EXAMPLES: &str = "\
Examples:
  gristmill demo
  gristmill demo --scale 1 --dir /tmp/demo          6 million rows
  gristmill demo --overwrite                        again, in the same place

What it makes: DIR/data/*.parquet, DIR/late_delivery.sql (the job, for you to change) and DIR/late_delivery/ (the
training set).";

/// `gristmill demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The folder to make
    #[arg(long, value_name = "DIR", default_value = "gristmill-demo")]
    pub(crate) dir: PathBuf,

    /// How much data: 1 is about 6 million rows of the largest table
    #[arg(long, value_name = "SCALE", default_value = "0.01", value_parser = scale)]
    pub(crate) scale: f64,

    /// Replace what an earlier demo made in that folder
    #[arg(long)]
    pub(crate) overwrite: bool,
}

pub(super) const TPCH_EXAMPLES: &str = "\
Examples:
  gristmill tpch --scale 0.1 --output data
  gristmill tpch --scale 10 --output s3://bucket/tpch/sf10 --partitions 16
  gristmill tpch --scale 1 --output data --tables lineitem,orders --format csv

The same scale gives the same rows, whatever the number of partitions or cores.";

/// `gristmill tpch`.
#[derive(Debug, Args)]
pub(crate) struct TpchArgs {
    /// How much data: 1 is about 1 GB as text, 6 million rows of lineitem
    #[arg(long, short, value_name = "SCALE", value_parser = scale)]
    pub(crate) scale: f64,

    /// Where to: a folder or s3://bucket/prefix
    #[arg(long, short, value_name = "DIR|s3://…")]
    pub(crate) output: String,

    /// Only these tables, separated by commas [default: all eight]
    #[arg(long, value_name = "TABLES", value_delimiter = ',', value_parser = table)]
    pub(crate) tables: Vec<Table>,

    /// The files' format
    #[arg(long, short, value_name = "FORMAT", default_value = "parquet")]
    pub(crate) format: TpchFormatArg,

    /// Files per table; more than one makes a folder per table
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) partitions: NonZeroU32,

    /// Replace files that are there
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// The format of generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TpchFormatArg {
    /// Parquet, zstd, row groups of about a million rows
    Parquet,
    /// Comma-separated values with a header line
    Csv,
}

impl From<TpchFormatArg> for FileFormat {
    fn from(format: TpchFormatArg) -> Self {
        match format {
            TpchFormatArg::Parquet => Self::Parquet,
            TpchFormatArg::Csv => Self::Csv,
        }
    }
}

/// `gristmill training-set …`; each works on what is at LOCATION and needs no other service.
#[derive(Debug, Subcommand)]
pub(crate) enum TrainingSetCommand {
    /// Describe it: statement, splits, columns and their statistics
    Show(ShowArgs),
    /// Read every shard again and compare it with the manifest; exit code 1 if anything differs
    Verify(VerifyArgs),
    /// Print the InputDataConfig for SageMaker's CreateTrainingJob, as JSON
    Channels(LocationArgs),
    /// Remove what jobs left that died: open uploads, temporary files, shards without a manifest
    #[command(after_help = GC_EXAMPLES)]
    Gc(GcArgs),
}

const GC_EXAMPLES: &str = "\
Examples:
  gristmill training-set gc s3://models/late_delivery/v1 --dry-run
  gristmill training-set gc s3://models/late_delivery/v1
  gristmill training-set gc s3://models/late_delivery/v1 --older-than 0s     when you know that no job runs there

A training set that is there stays whole. A job that is taken for dead and is not fails.";

/// `gristmill training-set gc`.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    #[command(flatten)]
    pub(crate) location: LocationArgs,

    /// A job is dead when it has changed nothing there for that long; more than your longest job takes
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = age)]
    pub(crate) older_than: Duration,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which training set.
#[derive(Debug, Args)]
pub(crate) struct LocationArgs {
    /// Where it is: a folder or s3://bucket/prefix
    #[arg(value_name = "LOCATION")]
    pub(crate) location: String,
}

/// `gristmill training-set show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) location: LocationArgs,

    /// Write it as one page with a histogram per column and split to this file, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// `gristmill training-set verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) location: LocationArgs,

    /// How many shards are read at a time [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) parallelism: Option<NonZeroU32>,
}

fn age(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .ok_or_else(|| "expected a duration with its unit, such as 0s, 90min or 2d".to_owned())
}

fn scale(text: &str) -> Result<f64, String> {
    const LARGEST: f64 = 100_000.0;
    match text.parse::<f64>() {
        // NaN is neither.
        Ok(scale) if scale > 0.0 && scale <= LARGEST => Ok(scale),
        _ => Err(format!("expected a number above 0 and at most {LARGEST}")),
    }
}

fn table(text: &str) -> Result<Table, String> {
    Table::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
        format!("the tables are {}", names.join(", "))
    })
}
