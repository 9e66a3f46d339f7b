//! `benches write`: `CREATE TRAINING SET` of lineitem, next to DuckDB's `COPY` of the same rows.
//!
//! Each case is a process of its own and writes to a fresh folder, which is removed afterwards. Cases take turns.

mod duckdb;
mod task;

pub(crate) use task::{FileFormat, SplitBy, WriteSpec, WriteTask, Written};

use crate::dataset::{Dataset, DatasetArgs};
use crate::measure::{cores, median, minimum};
use crate::report::{Conditions, Report, say};
use crate::table::{Table, mb_per_s, mib, ratio};
use crate::tpch::setting;
use duckdb::DuckDb;
use gristmill_engine::{Error, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// `benches write`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DatasetArgs,

    /// How often each case is measured
    #[arg(long, value_name = "N", default_value = "3")]
    runs: u32,

    /// Which formats to write
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', default_value = "csv,parquet")]
    format: Vec<FileFormat>,

    /// What decides a row's split: the whole row, its order, or no splits at all
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', default_value = "row,order")]
    by: Vec<SplitBy>,

    /// Order the rows of each split pseudo-randomly (SHUFFLE SEED 42)
    #[arg(long)]
    shuffle: bool,

    /// Write everything once more without statistics of the columns, to see what they cost
    #[arg(long)]
    without_statistics: bool,

    /// Only about this many rows, from the start of the table [default: all of them]
    #[arg(long, value_name = "N")]
    rows: Option<u64>,

    /// Write below this folder [default: that of the data]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// A Python with the package duckdb 1.5.5; without it DuckDB is left out
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,

    /// Set one configuration value, as in --set write.sync=false
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

/// Who writes what.
#[derive(Debug, Serialize)]
struct Case {
    name: String,
    spec: WriteSpec,
    is_peer: bool,
    runs: Vec<Written>,
}

/// Runs `benches write`.
///
/// # Errors
/// Those of a write; a DuckDB that is not there is only left out.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let dataset = Dataset::open(&args.data)?;
    let mut conditions = Conditions::here(&[dataset.scale()]);
    let duckdb = DuckDb::find(args.python.as_deref());
    if let Ok(duckdb) = &duckdb {
        conditions.add_peer(duckdb.version().to_owned());
    }
    let mut cases = cases(args, duckdb.is_ok());
    let output = args.output.as_deref().unwrap_or(dataset.folder());
    dataset.warm("lineitem")?;
    for run in 1..=args.runs {
        for case in &mut cases {
            say(&format!("{}, run {run}", case.name));
            let input = dataset.file("lineitem");
            let written = in_fresh_folder(output, |folder| match &duckdb {
                Ok(duckdb) if case.is_peer => duckdb.measure(&input, folder, &case.spec),
                _ => case.spec.measure(&input, folder, &args.settings),
            })?;
            case.runs.push(written);
        }
    }
    let mut report = Report::new(conditions, vec![table(&cases, args.runs)], &cases)?;
    if let Err(reason) = duckdb {
        report.note(format!("DuckDB is left out: {reason}"));
    }
    report.note("CPU is that of all cores: 100% is every core busy for the whole time");
    report.note("read is bytes scanned of the size of the input file, as the manifest has them");
    Ok(report)
}

/// Gristmill's cases of each format, then the peer's.
fn cases(args: &Args, with_peer: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for format in &args.format {
        let case = |by: SplitBy, statistics: bool, is_peer: bool| {
            let shuffle = args.shuffle && !is_peer;
            let spec = WriteSpec { format: *format, by, shuffle, statistics, rows: args.rows };
            let name = if is_peer {
                format!("DuckDB {}", format.name())
            } else {
                format!("gristmill {}", spec.describe())
            };
            Case { name, spec, is_peer, runs: Vec::new() }
        };
        for by in &args.by {
            cases.push(case(*by, true, false));
            if args.without_statistics {
                cases.push(case(*by, false, false));
            }
        }
        if with_peer {
            cases.push(case(SplitBy::None, false, true));
        }
    }
    cases
}

/// Gives `work` a folder that exists nowhere yet, below `parent`; it is removed afterwards.
pub(crate) fn in_fresh_folder<T>(parent: &Path, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = tempfile::Builder::new()
        .prefix("benches-write-")
        .tempdir_in(parent)
        .map_err(|error| Error::from_io(error, parent.display()))?;
    let result = work(&folder.path().join("out"))?;
    folder.close().map_err(|error| Error::from_io(error, parent.display()))?;
    Ok(result)
}

fn table(cases: &[Case], runs: u32) -> Table {
    let mut table = Table::new(
        format!("writing lineitem, medians of {runs}"),
        ["case", "s", "(min)", "CPU", "rows/s", "MB/s out", "read", "peak MiB", "to DuckDB", "… flushed"],
    );
    for case in cases {
        let middle = |value: fn(&Written) -> f64| median(&case.runs.iter().map(value).collect::<Vec<_>>());
        let wall: Vec<f64> = case.runs.iter().map(|run| run.wall_s).collect();
        let seconds = median(&wall);
        let mut row = vec![
            case.name.clone(),
            format!("{seconds:.2}"),
            format!("({:.2})", minimum(&wall)),
            format!("{:.0}%", middle(|run| run.cpu_s / run.wall_s / cores() as f64 * 100.0)),
            format!("{:.0}", middle(|run| run.rows as f64) / seconds),
            mb_per_s(middle(|run| run.bytes as f64), seconds),
            case.runs
                .first()
                .and_then(Written::read_share)
                .map_or("–".to_owned(), |share| format!("{share:.2} ×")),
            mib(middle(|run| run.peak_rss_bytes as f64)),
        ];
        let peer = cases.iter().find(|peer| peer.is_peer && peer.spec.format == case.spec.format);
        if let (Some(peer), false) = (peer, case.is_peer) {
            let of_peer =
                |value: fn(&Written) -> f64| median(&peer.runs.iter().map(value).collect::<Vec<_>>());
            row.push(ratio(seconds, of_peer(|run| run.wall_s)));
            row.push(ratio(seconds, of_peer(|run| run.wall_s + run.flush_s)));
        }
        table.push(row);
    }
    table
}
