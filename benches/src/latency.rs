//! `benches latency`: how long a small statement takes on an idle cluster, at the client.

use crate::cluster::ClusterArgs;
use crate::contender::Contender;
use crate::dataset::{create_table, quoted};
use crate::measure::{self, median, minimum, percentile};
use crate::report::{Conditions, Report};
use crate::table::{Table, ms, ratio};
use gristmill_engine::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// Statements before the clock starts: connections, caches, code that was never run.
const WARM_UPS: u32 = 20;
const DEFAULT_EXECUTORS: u32 = 2;
const SMALL_TABLE: &str = "SELECT value AS k, value * 7 % 1000 AS v FROM generate_series(1, 1000)";

/// A query of one stage: a scan and a filter, without an exchange.
const STATEMENTS: [(&str, &str); 2] =
    [("SELECT 1", "SELECT 1"), ("one stage over Parquet", "SELECT k, v FROM small WHERE v = 500")];

/// `benches latency`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each statement is measured
    #[arg(long, value_name = "N", default_value = "200")]
    runs: u32,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// One statement by one contender.
#[derive(Debug, Serialize)]
struct LatencyResult {
    statement: &'static str,
    contender: &'static str,
    seconds: Vec<f64>,
}

/// Runs `benches latency`; without a wish, on a loopback cluster of two executors.
///
/// # Errors
/// Those of the cluster and of the statements.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let conditions = Conditions::here(&[]);
    let Some(cluster) = args.cluster.open(Some(DEFAULT_EXECUTORS))? else {
        return Report::new(conditions, Vec::new(), &());
    };
    let folder = tempfile::tempdir().map_err(|error| Error::from_io(error, "a temporary folder"))?;
    let results = measure::runtime()?.block_on(async {
        let contenders = [Contender::gristmill(&[])?, Contender::cluster(cluster.address()).await?];
        measure_all(args.runs, &contenders, folder.path()).await
    })?;
    let title = format!("{}, ms at the client, {} runs", cluster.describe(), args.runs);
    let mut table = Table::new(title, ["statement", "by", "median", "p95", "min", "ratio"]);
    for pair in results.chunks(2) {
        let embedded = pair.first().map_or(f64::NAN, |result| median(&result.seconds));
        for LatencyResult { statement, contender, seconds } in pair {
            table.push(vec![
                (*statement).to_owned(),
                (*contender).to_owned(),
                ms(median(seconds)),
                ms(percentile(seconds, 0.95)),
                ms(minimum(seconds)),
                ratio(median(seconds), embedded),
            ]);
        }
    }
    Report::new(conditions, vec![table], &results)
}

/// Every statement by both, in turns.
async fn measure_all(runs: u32, contenders: &[Contender; 2], folder: &Path) -> Result<Vec<LatencyResult>> {
    let file = folder.join("small.parquet");
    contenders[0].run(&format!("COPY ({SMALL_TABLE}) TO '{}' STORED AS PARQUET", quoted(&file))).await?;
    for contender in contenders {
        contender.run(&create_table("small", &file)).await?;
    }
    let mut results = Vec::new();
    for (name, sql) in STATEMENTS {
        let mut seconds = [Vec::new(), Vec::new()];
        for run in 0..WARM_UPS + runs {
            for (contender, seconds) in contenders.iter().zip(&mut seconds) {
                let taken = contender.run(sql).await?.seconds;
                if run >= WARM_UPS {
                    seconds.push(taken);
                }
            }
        }
        let named = contenders.iter().zip(seconds);
        results.extend(named.map(|(contender, seconds)| LatencyResult {
            statement: name,
            contender: contender.name(),
            seconds,
        }));
    }
    Ok(results)
}
