//! `cluster`, `scheduler`, `executor` and `config`.

use clap::{Args, Subcommand};
use std::num::{NonZeroU32, NonZeroUsize};

pub(super) const CLUSTER_EXAMPLES: &str = "\
Examples:
  gristmill cluster --executors 2
  gristmill cluster --executors 4 --vcores 2 --flight-port 0      any free port

When it says `gristmill cluster ready: grpc://…`, another terminal can run
  gristmill sql --connect grpc://127.0.0.1:8815
Ctrl-C stops all its processes.";

/// `gristmill cluster`.
#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// How many executors
    #[arg(long, short, value_name = "N", default_value = "2")]
    pub(crate) executors: NonZeroU32,

    /// The port for Flight SQL; 0: any free one [default: what the configuration says, 8815]
    #[arg(long, value_name = "PORT")]
    pub(crate) flight_port: Option<u16>,

    /// The port for health checks; 0: any free one [default: what the configuration says, 8816]
    #[arg(long, value_name = "PORT")]
    pub(crate) http_port: Option<u16>,

    /// How many tasks each executor runs at a time [default: the cores of this machine, shared out]
    #[arg(long, value_name = "V")]
    pub(crate) vcores: Option<NonZeroUsize>,
}

pub(super) const SCHEDULER_EXAMPLES: &str = "\
Examples:
  gristmill scheduler
  gristmill scheduler --set scheduler.bind_host=0.0.0.0 --set scheduler.external_host=10.0.0.7

Everything listens on 127.0.0.1 until the configuration says otherwise.";

pub(super) const EXECUTOR_EXAMPLES: &str = "\
Examples:
  gristmill executor --set executor.scheduler_host=10.0.0.7 --set executor.bind_host=0.0.0.0 \\
                     --set executor.external_host=10.0.0.8";

/// `gristmill scheduler` and `gristmill executor`.
#[derive(Debug, Args)]
pub(crate) struct RoleArgs {
    /// A parent process watches over this one: stop when stdin ends, say on stdout when ready
    #[arg(long, hide = true)]
    pub(crate) supervised: bool,
}

/// `gristmill config …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the effective configuration as TOML, secrets redacted
    ///
    /// Defaults, then the configuration file, then GRISTMILL_SECTION__KEY environment variables, then --set; the
    /// output can be saved as a configuration file.
    Show,
}
