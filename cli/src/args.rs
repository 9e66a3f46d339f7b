//! The command line: what a user can type, and its help.

use crate::format::Format;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

mod data;
mod roles;
#[cfg(test)]
mod tests;

pub(crate) use data::{DemoArgs, GcArgs, TpchArgs, TrainingSetCommand};
pub(crate) use roles::{ClusterArgs, ConfigCommand, RoleArgs};

const EXAMPLES: &str = "\
Try it:
  gristmill demo                                    small data, one job, a training set
  gristmill sql \"SELECT 1 + 1\"                      one statement, in this process
  gristmill sql                                     a prompt
  gristmill run job.sql                             a file of statements
  gristmill cluster --executors 2                   a cluster on this machine
  gristmill run --connect grpc://127.0.0.1:8815 job.sql

stdout is data, stderr is for people. Exit codes: 0 done, 1 failed, 2 wrong command line,
130 interrupted, 143 terminated.";

/// Grinds raw data into training sets: SQL in; split, shuffled, sharded and encoded files out.
#[derive(Debug, Parser)]
#[command(name = "gristmill", version, about, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalArgs {
    /// Read this configuration file instead of ./gristmill.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Set one configuration value, as in --set memory.limit=8GiB; see `gristmill config show`
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,

    /// Log more to stderr: -v info, -vv debug, -vvv trace
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// No progress and no notes on stderr, only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// How log lines look [default: what the configuration says, text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormatArg>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormatArg {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the statements of SQL files
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),

    /// Run one statement, or open a prompt
    #[command(after_help = SQL_EXAMPLES)]
    Sql(SqlArgs),

    /// Make small TPC-H data and a training set from it
    #[command(after_help = data::DEMO_EXAMPLES)]
    Demo(DemoArgs),

    /// Describe or check a training set, print what SageMaker wants to know about it, or clean up after dead jobs
    #[command(subcommand)]
    TrainingSet(TrainingSetCommand),

    /// Generate TPC-H data
    #[command(after_help = data::TPCH_EXAMPLES)]
    Tpch(TpchArgs),

    /// Start a whole cluster on this machine, for trying and testing
    #[command(after_help = roles::CLUSTER_EXAMPLES)]
    Cluster(ClusterArgs),

    /// Start the scheduler of a cluster: Flight SQL on port 8815, health on 8816
    #[command(after_help = roles::SCHEDULER_EXAMPLES)]
    Scheduler(RoleArgs),

    /// Start one executor of a cluster
    #[command(after_help = roles::EXECUTOR_EXAMPLES)]
    Executor(RoleArgs),

    /// Show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Where statements run and how their rows are printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatementArgs {
    /// Run on the cluster of this scheduler instead of in this process
    #[arg(long, value_name = "grpc://HOST:PORT")]
    pub(crate) connect: Option<String>,

    /// How rows are written to stdout
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
}

const RUN_EXAMPLES: &str = "\
Examples:
  gristmill run job.sql
  gristmill run tables.sql job.sql                  in one session: the second file sees the tables of the first
  gristmill run -c \"SELECT 1 + 1; SELECT 2 + 2\"
  cat job.sql | gristmill run -
  gristmill run --format csv query.sql > rows.csv
  gristmill run --connect grpc://10.0.0.7:8815 job.sql

All statements are parsed before the first one runs; the first one that fails ends the run.";

/// `gristmill run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// SQL files, run one after the other in one session; - reads standard input
    #[arg(value_name = "FILE", required_unless_present = "command")]
    pub(crate) files: Vec<PathBuf>,

    /// Run this SQL instead of a file
    #[arg(long, short, value_name = "SQL", conflicts_with = "files")]
    pub(crate) command: Option<String>,

    #[command(flatten)]
    pub(crate) statement: StatementArgs,
}

const SQL_EXAMPLES: &str = "\
Examples:
  gristmill sql \"SELECT 1 + 1\"
  gristmill sql --format json \"SELECT 1 AS one, 'a' AS letter\"
  gristmill sql                                     a prompt; \\? explains it
  gristmill sql --connect grpc://127.0.0.1:8815";

/// `gristmill sql`.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// The statement; without one there is a prompt, or what standard input holds if it is not a terminal
    #[arg(value_name = "STATEMENT", allow_hyphen_values = true)]
    pub(crate) statement_text: Option<String>,

    #[command(flatten)]
    pub(crate) statement: StatementArgs,
}

/// `key=value` into its halves.
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected KEY=VALUE, as in memory.limit=8GiB".to_owned()),
    }
}
