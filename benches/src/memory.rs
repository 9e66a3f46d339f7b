//! `benches memory`: whether memory grows with rows.
//!
//! Peak memory is that of a process that does nothing else: `VmHWM`, which counts the allocator's slack too.

use crate::child::{self, Task};
use crate::contender::Contender;
use crate::dataset::Dataset;
use crate::measure::peak_rss_bytes;
use crate::report::{Conditions, Report, say};
use crate::table::{Table, mib, ratio};
use crate::tpch::{chosen, setting, text};
use crate::write::{FileFormat, SplitBy, WriteSpec, Written, in_fresh_folder};
use gristmill_engine::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `benches memory`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that `benches data` was given
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// The scales to write, smallest first
    #[arg(long, value_name = "SCALE,…", value_delimiter = ',', default_value = "1,10")]
    scales: Vec<f64>,

    /// What to write
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', default_value = "csv,parquet")]
    format: Vec<FileFormat>,

    /// Order the rows of each split pseudo-randomly (SHUFFLE SEED 42)
    #[arg(long)]
    shuffle: bool,

    /// The scale of the TPC-H queries; left out where there is no such data
    #[arg(long, value_name = "SCALE", default_value = "10")]
    tpch_scale: f64,

    /// Set one configuration value, as in --set memory.limit=8GiB
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

/// Queries for a child process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TpchTask {
    tables: Vec<String>,
    settings: Vec<(String, String)>,
}

/// What one query took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueryPeak {
    query: u8,
    wall_s: f64,
    rows: u64,
    /// The process's peak after this query, those before it included.
    peak_rss_bytes: u64,
}

/// One write at one scale.
#[derive(Debug, Serialize)]
struct WritePeak {
    scale: f64,
    spec: WriteSpec,
    written: Written,
}

#[derive(Debug, Serialize)]
struct MemoryResult {
    writes: Vec<WritePeak>,
    tpch: Option<Vec<QueryPeak>>,
}

/// Runs `benches memory`.
///
/// # Errors
/// `PathNotFound` when the data of a scale to write is missing; those of the statements.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let conditions = Conditions::here(&args.scales);
    let mut writes = Vec::new();
    for format in &args.format {
        for scale in &args.scales {
            say(&format!("writing {} at scale {scale}", format.name()));
            let dataset = Dataset::at(&args.dir, *scale).check()?;
            let spec = WriteSpec {
                format: *format,
                by: SplitBy::Row,
                shuffle: args.shuffle,
                statistics: true,
                rows: None,
            };
            let written = in_fresh_folder(dataset.folder(), |folder| {
                spec.measure(&dataset.file("lineitem"), folder, &args.settings)
            })?;
            writes.push(WritePeak { scale: *scale, spec, written });
        }
    }
    let dataset = Dataset::at(&args.dir, args.tpch_scale);
    let tpch =
        if dataset.is_complete() { Some(query_peaks(&dataset.check()?, &args.settings)?) } else { None };
    let mut tables = vec![write_table(&writes, args.scales.len())];
    tables.extend(tpch.as_ref().map(|peaks| tpch_table(peaks, args.tpch_scale)));
    let no_tpch = tpch.is_none();
    let mut report = Report::new(conditions, tables, &MemoryResult { writes, tpch })?;
    if no_tpch {
        report.note(format!("TPC-H is left out: no data at scale {}", args.tpch_scale));
    }
    Ok(report)
}

fn query_peaks(dataset: &Dataset, settings: &[(String, String)]) -> Result<Vec<QueryPeak>> {
    say(&format!("TPC-H at scale {}", dataset.scale()));
    child::measure(&Task::Tpch(TpchTask { tables: dataset.statements(), settings: settings.to_vec() }))
}

impl TpchTask {
    /// Runs all queries, in this process.
    ///
    /// # Errors
    /// Those of the queries.
    pub(crate) async fn measure(self) -> Result<Vec<QueryPeak>> {
        let gristmill = Contender::gristmill(&self.settings)?;
        gristmill.prepare(&self.tables).await?;
        let mut peaks = Vec::new();
        for query in chosen(&[]) {
            let run = gristmill.run(text(query)).await?;
            let peak_rss_bytes = peak_rss_bytes()?;
            peaks.push(QueryPeak { query, wall_s: run.seconds, rows: run.rows, peak_rss_bytes });
        }
        Ok(peaks)
    }
}

/// `scales`: how many writes there are of one format, the first of which the others are compared with.
fn write_table(writes: &[WritePeak], scales: usize) -> Table {
    let mut table = Table::new(
        "peak memory of a write",
        ["case", "scale", "rows", "s", "peak MiB", "rows to first", "peak to first"],
    );
    for group in writes.chunks(scales.max(1)) {
        for write in group {
            let (rows, peak) = (write.written.rows as f64, write.written.peak_rss_bytes as f64);
            let first = group.first().map_or(&write.written, |first| &first.written);
            table.push(vec![
                write.spec.describe(),
                write.scale.to_string(),
                write.written.rows.to_string(),
                format!("{:.1}", write.written.wall_s),
                mib(peak),
                ratio(rows, first.rows as f64),
                ratio(peak, first.peak_rss_bytes as f64),
            ]);
        }
    }
    table
}

fn tpch_table(peaks: &[QueryPeak], scale: f64) -> Table {
    let title = format!("peak memory of TPC-H at scale {scale}, embedded, one process");
    let mut table = Table::new(title, ["query", "rows", "s", "peak MiB so far"]);
    for peak in peaks {
        table.push(vec![
            format!("Q{}", peak.query),
            peak.rows.to_string(),
            format!("{:.2}", peak.wall_s),
            mib(peak.peak_rss_bytes as f64),
        ]);
    }
    let total: f64 = peaks.iter().map(|peak| peak.wall_s).sum();
    let highest = peaks.last().map_or(f64::NAN, |peak| peak.peak_rss_bytes as f64);
    table.push(vec!["total".to_owned(), String::new(), format!("{total:.2}"), mib(highest)]);
    table
}
