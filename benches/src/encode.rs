//! `benches encode`: every format on one thread, next to the libraries that write it in Python.
//!
//! Rows are made of lineitem and held in memory, in the batches that a scan gives. Encoded bytes are dropped in pieces, as
//! a shard hands them to its file: what is measured is the encoder, without hashes, files or statistics.

mod peers;
mod sample;

use crate::dataset::{Dataset, DatasetArgs};
use crate::measure::{median, minimum};
use crate::report::{Conditions, Report, say};
use crate::table::{Table, mb_per_s, ratio};
use gristmill_engine::Result;
use peers::{PeerRate, Peers};
use sample::{SAMPLES, Sample};
use serde::Serialize;
use std::path::PathBuf;

/// `benches encode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DatasetArgs,

    /// How often each encoder is measured
    #[arg(long, value_name = "N", default_value = "5")]
    runs: u32,

    /// About how many rows, from the start of lineitem
    #[arg(long, value_name = "N", default_value = "400000")]
    rows: u64,

    /// A Python with the packages that README.md names; without it the peers are left out
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
}

/// One format of one sample by one encoder.
#[derive(Debug, Serialize)]
struct Rate {
    sample: &'static str,
    format: String,
    rows: u64,
    bytes: u64,
    seconds: Vec<f64>,
    peers: Vec<PeerRate>,
}

/// Runs `benches encode`.
///
/// # Errors
/// Those of reading the rows, of an encoder and of a peer.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let dataset = Dataset::open(&args.data)?;
    let mut conditions = Conditions::here(&[dataset.scale()]);
    let peers = Peers::find(args.python.as_deref());
    let mut rates = Vec::new();
    for spec in &SAMPLES {
        let sample = Sample::load(spec, &dataset, args.rows)?;
        let measured = match (&peers, spec.peers) {
            (Ok(peers), Some(kind)) => {
                say(&format!("{}: peers", spec.name));
                peers.measure(&sample, kind, args.runs)?
            }
            _ => Vec::new(),
        };
        measured.iter().for_each(|peer| conditions.add_peer(format!("{} {}", peer.peer, peer.version)));
        for format in spec.formats {
            say(&format!("{}: {format}", spec.name));
            let mut rate = sample.time(format, args.runs)?;
            rate.peers = measured.iter().filter(|peer| peer.writes(format)).cloned().collect();
            rates.push(rate);
        }
    }
    let mut report = Report::new(conditions, vec![table(&rates)], &rates)?;
    report.note(
        "MB are 10^6 bytes of output; one thread; ratios are of rows a second, Gristmill's to the peer's",
    );
    if let Err(reason) = peers {
        report.note(format!("peers are left out: {reason}"));
    }
    Ok(report)
}

impl Rate {
    fn rows_per_s(&self) -> f64 {
        self.rows as f64 / median(&self.seconds)
    }
}

/// A row per sample, format and encoder.
fn table(rates: &[Rate]) -> Table {
    let header =
        ["rows", "format", "by", "MB/s out", "(best)", "million rows/s", "bytes/row", "gristmill to it"];
    let mut table = Table::new("encoding, per core", header);
    for rate in rates {
        table.push(vec![
            rate.sample.to_owned(),
            rate.format.clone(),
            "gristmill".to_owned(),
            mb_per_s(rate.bytes as f64, median(&rate.seconds)),
            format!("({})", mb_per_s(rate.bytes as f64, minimum(&rate.seconds))),
            format!("{:.3}", rate.rows_per_s() / 1e6),
            format!("{:.0}", rate.bytes as f64 / rate.rows as f64),
        ]);
        for peer in &rate.peers {
            table.push(vec![
                rate.sample.to_owned(),
                rate.format.clone(),
                peer.peer.clone(),
                format!("{:.0}", peer.mb_per_s),
                String::new(),
                format!("{:.3}", peer.rows_per_s / 1e6),
                format!("{:.0}", peer.mb_per_s * 1e6 / peer.rows_per_s),
                ratio(rate.rows_per_s(), peer.rows_per_s),
            ]);
        }
    }
    table
}
