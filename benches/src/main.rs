//! Measurements of Gristmill next to its peers: `cargo run --release -p benches -- COMMAND`.
//!
//! A command prints tables, and the conditions they were measured under. README.md says how to read a figure.

mod child;
mod cluster;
mod contender;
mod data;
mod dataset;
mod encode;
mod kernels;
mod latency;
mod measure;
mod memory;
mod report;
mod table;
mod tpch;
mod write;

use clap::{Parser, Subcommand};
use gristmill_engine::Result;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The allocator of the `gristmill` binary, so that what runs in this process runs as it does there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Gristmill next to its peers, in the same run on the same machine.
#[derive(Debug, Parser)]
#[command(name = "benches", version, about, disable_help_subcommand = true, arg_required_else_help = true)]
struct Cli {
    /// Write conditions and results as JSON, too
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the TPC-H data that the other commands read, unless it is there
    Data(data::Args),
    /// The 22 queries of TPC-H: embedded Gristmill, plain DataFusion, and a cluster if one is wanted
    Tpch(tpch::Args),
    /// How long a small statement takes on an idle cluster
    Latency(latency::Args),
    /// CREATE TRAINING SET of lineitem, next to DuckDB's COPY
    Write(write::Args),
    /// Whether memory grows with rows: a write at two scales, and the TPC-H queries
    Memory(memory::Args),
    /// One thread: encoding CSV, hashing rows, SHA-256
    Kernels(kernels::Args),
    /// One thread: every format, next to the libraries that write it in Python
    Encode(encode::Args),
    /// One measurement in a process of its own; the other commands start it
    #[command(hide = true)]
    Child {
        /// A task, as JSON
        task: String,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere left to say that stderr is closed.
            writeln!(std::io::stderr().lock(), "{}", error.report()).ok();
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let report = match &cli.command {
        Command::Child { task } => return child::run(task),
        Command::Data(args) => return data::run(args),
        Command::Tpch(args) => tpch::run(args)?,
        Command::Latency(args) => latency::run(args)?,
        Command::Write(args) => write::run(args)?,
        Command::Memory(args) => memory::run(args)?,
        Command::Kernels(args) => kernels::run(args)?,
        Command::Encode(args) => encode::run(args)?,
    };
    report.print()?;
    cli.json.as_ref().map_or(Ok(()), |file| report.save(file))
}
