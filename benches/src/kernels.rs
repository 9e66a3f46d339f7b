//! `benches kernels`: the inner loops on one thread. Rows are lineitem's, in the batches that a scan gives.

mod csv;
mod hash;
#[cfg(feature = "polars")]
mod polars;
mod sha;
mod statistics;

use crate::contender::Contender;
use crate::dataset::{Dataset, DatasetArgs, create_table};
use crate::measure;
use crate::report::{Conditions, Report};
use arrow::array::RecordBatch;
use futures::TryStreamExt;
use gristmill_engine::{Code, Error, Result};
use serde::Serialize;
use std::time::Instant;

/// Columns of lineitem that are measured together, under a name.
const COLUMN_GROUPS: [(&str, &[&str]); 6] = [
    ("integers", &["l_orderkey", "l_partkey", "l_suppkey", "l_linenumber"]),
    ("decimals", &["l_quantity", "l_extendedprice", "l_discount", "l_tax"]),
    ("dates", &["l_shipdate", "l_commitdate", "l_receiptdate"]),
    ("short text", &["l_returnflag", "l_linestatus", "l_shipinstruct", "l_shipmode"]),
    ("comments", &["l_comment"]),
    ("whole rows", &[]),
];

/// `benches kernels`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DatasetArgs,

    /// How often each kernel is measured
    #[arg(long, value_name = "N", default_value = "7")]
    runs: u32,

    /// About how many rows, from the start of lineitem
    #[arg(long, value_name = "N", default_value = "500000")]
    rows: u64,
}

/// One kernel of one implementation over all rows.
#[derive(Debug, Serialize)]
struct Timed {
    by: &'static str,
    seconds: Vec<f64>,
    /// Bytes that came out, or went in for SHA-256; 0 for hashes of rows.
    bytes: u64,
}

/// One kernel by everyone.
#[derive(Debug, Serialize)]
struct KernelResult {
    kernel: &'static str,
    columns: &'static str,
    rows: u64,
    values: u64,
    by: Vec<Timed>,
}

/// Rows to measure with.
#[derive(Debug)]
struct Sample {
    batches: Vec<RecordBatch>,
    rows: u64,
    runs: u32,
    #[cfg_attr(not(feature = "polars"), expect(dead_code, reason = "only Polars reads the file by itself"))]
    file: std::path::PathBuf,
}

/// Runs `benches kernels`.
///
/// # Errors
/// Those of reading the rows and of the kernels.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let dataset = Dataset::open(&args.data)?;
    let conditions = Conditions::here(&[dataset.scale()]);
    let sample = Sample::load(args, &dataset)?;
    let csv = csv::measure(&sample)?;
    let hash = hash::measure(&sample)?;
    let sha = sha::measure(&sample)?;
    let statistics = statistics::measure(&sample)?;
    let tables = vec![csv::table(&csv), hash::table(&hash), sha::table(&sha), statistics::table(&statistics)];
    let mut report = Report::new(conditions, tables, &[csv, hash, vec![sha], statistics])?;
    report.note(format!("{} rows, median of {}, one thread", sample.rows, sample.runs));
    if cfg!(not(feature = "polars")) {
        report.note("Polars is left out: build with --features polars");
    }
    Ok(report)
}

impl Sample {
    fn load(args: &Args, dataset: &Dataset) -> Result<Self> {
        let file = dataset.file("lineitem");
        let query = format!("SELECT * FROM lineitem WHERE l_orderkey <= {}", args.rows);
        let batches: Vec<RecordBatch> = measure::runtime()?.block_on(async {
            let contender = Contender::gristmill(&[])?;
            contender.run(&create_table("lineitem", &file)).await?;
            Ok::<_, Error>(contender.stream(&query).await?.try_collect().await?)
        })?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(Self { batches, rows, runs: args.runs, file })
    }

    /// The batches with only the columns of a group; all of them where it names none.
    fn project(&self, names: &[&str]) -> Result<Vec<RecordBatch>> {
        if names.is_empty() {
            return Ok(self.batches.clone());
        }
        let project = |batch: &RecordBatch| {
            let schema = batch.schema_ref();
            let positions = names.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
            batch.project(&positions)
        };
        self.batches.iter().map(project).collect::<Result<_, _>>().map_err(broken)
    }

    /// How many values a group has.
    fn values(&self, names: &[&str]) -> u64 {
        let columns = if names.is_empty() {
            self.batches.first().map_or(0, RecordBatch::num_columns)
        } else {
            names.len()
        };
        self.rows * columns as u64
    }

    /// Runs `work`, which gives a number of bytes, once to warm up and then on the clock.
    fn time(&self, by: &'static str, mut work: impl FnMut() -> Result<u64>) -> Result<Timed> {
        let bytes = work()?;
        let mut seconds = Vec::new();
        for _ in 0..self.runs {
            let started = Instant::now();
            work()?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        Ok(Timed { by, seconds, bytes })
    }
}

impl Timed {
    fn median(&self) -> f64 {
        measure::median(&self.seconds)
    }

    /// Nanoseconds for one of `count`: the median, and the minimum in parentheses.
    fn ns(&self, count: u64) -> [String; 2] {
        let ns = |seconds: f64| format!("{:.1}", seconds * 1e9 / count as f64);
        [ns(self.median()), format!("({})", ns(measure::minimum(&self.seconds)))]
    }
}

/// The error of a library that cannot do what it was asked with generated rows.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Internal, "a kernel failed").with_source(error)
}
