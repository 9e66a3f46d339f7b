//! `benches tpch`: the 22 queries, embedded Gristmill against plain DataFusion, and a cluster against embedded.
//!
//! Every query is run once by everyone without a clock, then `--runs` times: those in this process in turns, A B, B A, …,
//! and the cluster after them.

use crate::cluster::{Cluster, ClusterArgs};
use crate::contender::{Contender, Run};
use crate::dataset::{Dataset, DatasetArgs};
use crate::measure::{self, median, minimum};
use crate::report::{Conditions, Report, say};
use crate::table::{Table, ms, ratio};
use gristmill_engine::{Code, Error, Result};
use serde::Serialize;
use std::time::Duration;

/// How long a cluster may take for one query before it counts as failed.
const CLUSTER_LIMIT: Duration = Duration::from_secs(300);

macro_rules! queries {
    ($($number:literal)*) => {
        [$(include_str!(concat!("../../tests/tpch/queries/q", $number, ".sql"))),*]
    };
}

/// The queries, from Q1.
const QUERIES: [&str; 22] = queries!(
    "01" "02" "03" "04" "05" "06" "07" "08" "09" "10" "11" "12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22"
);

/// `benches tpch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DatasetArgs,

    /// How often each query is measured
    #[arg(long, value_name = "N", default_value = "3")]
    runs: u32,

    /// Only these queries, by number, separated by commas [default: all 22]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=22))]
    queries: Vec<u8>,

    /// Set one configuration value of embedded Gristmill, as in --set memory.limit=8GiB
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// One query by one contender.
#[derive(Debug, Default, Serialize)]
struct Times {
    seconds: Vec<f64>,
    rows: u64,
    /// Why the cluster did not answer.
    failure: Option<String>,
}

/// One query by everyone.
#[derive(Debug, Serialize)]
struct QueryResult {
    query: u8,
    datafusion: Times,
    gristmill: Times,
    cluster: Option<Times>,
}

/// Runs `benches tpch`.
///
/// # Errors
/// Those of the queries in this process, or when contenders give different numbers of rows. What the cluster cannot
/// answer is reported, not an error.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let dataset = Dataset::open(&args.data)?;
    let conditions = Conditions::here(&[dataset.scale()]);
    let cluster = args.cluster.open(None)?;
    let results = measure::runtime()?.block_on(measure_all(args, &dataset, cluster.as_ref()))?;
    let mut report = Report::new(conditions, vec![table(&results, args.runs)], &results)?;
    if let Some(cluster) = &cluster {
        note_cluster(&mut report, cluster, &results);
    }
    Ok(report)
}

async fn measure_all(args: &Args, dataset: &Dataset, cluster: Option<&Cluster>) -> Result<Vec<QueryResult>> {
    let (datafusion, gristmill) = (Contender::datafusion(), Contender::gristmill(&args.settings)?);
    let remote = match cluster {
        Some(cluster) => Some(Contender::cluster(cluster.address()).await?),
        None => None,
    };
    for contender in [&datafusion, &gristmill].into_iter().chain(&remote) {
        contender.prepare(&dataset.statements()).await?;
    }
    let mut results = Vec::new();
    for query in chosen(&args.queries) {
        say(&format!("Q{query}"));
        let mut result = QueryResult {
            query,
            datafusion: Times::default(),
            gristmill: Times::default(),
            cluster: remote.as_ref().map(|_| Times::default()),
        };
        measure_here(&mut result, [&datafusion, &gristmill], args.runs).await?;
        if let (Some(remote), Some(times)) = (&remote, &mut result.cluster) {
            times.failure =
                measure_there(times, remote, query, args.runs).await.err().map(|error| error.report());
        }
        result.check_rows()?;
        results.push(result);
    }
    Ok(results)
}

/// DataFusion and Gristmill in turns. Whoever comes second finds the caches warm, so each is that as often as the other.
async fn measure_here(result: &mut QueryResult, contenders: [&Contender; 2], runs: u32) -> Result<()> {
    let sql = text(result.query);
    for run in 0..=runs {
        let is_gristmill_first = (run + u32::from(result.query)) % 2 == 1;
        for is_gristmill in [is_gristmill_first, !is_gristmill_first] {
            let taken = contenders[usize::from(is_gristmill)].run(sql).await?;
            let times = if is_gristmill { &mut result.gristmill } else { &mut result.datafusion };
            times.add(taken, run > 0);
        }
    }
    Ok(())
}

/// The cluster by itself: its processes would leave cold caches to one of the others.
async fn measure_there(times: &mut Times, remote: &Contender, query: u8, runs: u32) -> Result<()> {
    for run in 0..=runs {
        let answer = tokio::time::timeout(CLUSTER_LIMIT, remote.run(text(query))).await;
        let taken = answer.map_err(|elapsed| {
            Error::new(Code::JobFailed, format!("no answer in {} s", CLUSTER_LIMIT.as_secs()))
                .with_source(elapsed)
        })?;
        times.add(taken?, run > 0);
    }
    Ok(())
}

impl Times {
    /// The first run is not counted: it fills caches.
    fn add(&mut self, run: Run, is_warm: bool) {
        self.rows = run.rows;
        if is_warm {
            self.seconds.push(run.seconds);
        }
    }

    fn median(&self) -> f64 {
        median(&self.seconds)
    }
}

impl QueryResult {
    fn check_rows(&self) -> Result<()> {
        let expected = self.datafusion.rows;
        let remote = self.cluster.as_ref().filter(|times| times.failure.is_none());
        match [&self.gristmill].into_iter().chain(remote).find(|times| times.rows != expected) {
            None => Ok(()),
            Some(other) => {
                let message =
                    format!("Q{} has {expected} rows in DataFusion and {} here", self.query, other.rows);
                Err(Error::new(Code::Internal, message))
            }
        }
    }

    /// The cluster's median, if it answered every time.
    fn cluster_median(&self) -> Option<f64> {
        self.cluster.as_ref().filter(|times| times.failure.is_none()).map(Times::median)
    }
}

fn table(results: &[QueryResult], runs: u32) -> Table {
    let title = format!("TPC-H, ms: median (minimum) of {runs}");
    let mut table = Table::new(
        title,
        ["query", "rows", "DataFusion", "(min)", "gristmill", "(min)", "ratio", "cluster", "to embedded"],
    );
    for result in results {
        let (plain, own, remote) = (&result.datafusion, &result.gristmill, result.cluster_median());
        let mut row = vec![
            format!("Q{}", result.query),
            plain.rows.to_string(),
            ms(plain.median()),
            format!("({})", ms(minimum(&plain.seconds))),
            ms(own.median()),
            format!("({})", ms(minimum(&own.seconds))),
            ratio(own.median(), plain.median()),
        ];
        match (&result.cluster, remote) {
            (Some(_), Some(remote)) => row.extend([ms(remote), ratio(remote, own.median())]),
            (Some(_), None) => row.push("failed".to_owned()),
            (None, _) => {}
        }
        table.push(row);
    }
    let total = |value: &dyn Fn(&QueryResult) -> f64| -> f64 { results.iter().map(value).sum() };
    let (plain, own) = (total(&|r| r.datafusion.median()), total(&|r| r.gristmill.median()));
    let (plain_min, own_min) =
        (total(&|r| minimum(&r.datafusion.seconds)), total(&|r| minimum(&r.gristmill.seconds)));
    let mut row = vec!["total".to_owned(), String::new(), ms(plain), format!("({})", ms(plain_min))];
    row.extend([ms(own), format!("({})", ms(own_min)), ratio(own, plain)]);
    if let Some((remote, embedded)) = cluster_totals(results) {
        row.extend([ms(remote), ratio(remote, embedded)]);
    }
    table.push(row);
    table
}

/// Total medians of cluster and embedded over the queries that the cluster answered.
fn cluster_totals(results: &[QueryResult]) -> Option<(f64, f64)> {
    let pairs =
        results.iter().filter_map(|result| Some((result.cluster_median()?, result.gristmill.median())));
    pairs.reduce(|left, right| (left.0 + right.0, left.1 + right.1))
}

fn note_cluster(report: &mut Report, cluster: &Cluster, results: &[QueryResult]) {
    let ran = results.iter().filter(|result| result.cluster_median().is_some()).count();
    report.note(format!("{} ran {ran} of {}; its total is over those", cluster.describe(), results.len()));
    for result in results {
        if let Some(failure) = result.cluster.as_ref().and_then(|times| times.failure.as_ref()) {
            report.note(format!("Q{} on the cluster: {failure}", result.query));
        }
    }
}

/// The queries to run, in order; all of them when none is named.
pub(crate) fn chosen(queries: &[u8]) -> Vec<u8> {
    (1..=22).filter(|query| queries.is_empty() || queries.contains(query)).collect()
}

/// The text of a query; nothing for a number that is none.
pub(crate) fn text(query: u8) -> &'static str {
    QUERIES.get(usize::from(query).wrapping_sub(1)).copied().unwrap_or_default()
}

/// `key=value` into its halves.
pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    let halves = text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    halves.ok_or_else(|| "expected KEY=VALUE, as in memory.limit=8GiB".to_owned())
}
