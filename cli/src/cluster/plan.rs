//! Which processes a cluster has, and with which arguments: a fair share of the machine for each.

use crate::args::{ClusterArgs, GlobalArgs, LogFormatArg};
use gristmill_engine::config::Config;
use std::num::NonZero;

/// What is to be started.
#[derive(Debug)]
pub(super) struct ClusterPlan {
    /// The arguments of the scheduler.
    pub(super) scheduler: Vec<String>,
    /// How many executors.
    pub(super) executors: usize,
    /// The arguments of every executor but for the scheduler's port, which is not known before it listens.
    executor: Vec<String>,
}

impl ClusterPlan {
    /// A cluster as `args` want it, on top of what the configuration says.
    pub(super) fn new(args: &ClusterArgs, config: &Config, global: &GlobalArgs) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let executors = usize::try_from(args.executors.get()).unwrap_or(usize::MAX);
        let scheduler = [
            ("scheduler.bind_host", LOOPBACK.to_owned()),
            ("scheduler.external_host", LOOPBACK.to_owned()),
            ("scheduler.port", ANY_PORT.to_owned()),
            ("scheduler.flight_port", args.flight_port.unwrap_or(config.scheduler.flight_port).to_string()),
            ("scheduler.http_port", args.http_port.unwrap_or(config.scheduler.http_port).to_string()),
        ];
        let vcores = args.vcores.map_or((cores / executors).max(1), NonZero::get);
        let executor = [
            ("executor.bind_host", LOOPBACK.to_owned()),
            ("executor.external_host", LOOPBACK.to_owned()),
            ("executor.scheduler_host", LOOPBACK.to_owned()),
            ("executor.port", ANY_PORT.to_owned()),
            ("executor.control_port", ANY_PORT.to_owned()),
            ("executor.vcores", vcores.to_string()),
            // They share one machine, so they share the budget of one process.
            ("memory.limit", (config.memory.resolve_memory_limit() / executors as u64).to_string()),
        ];
        Self {
            scheduler: arguments("scheduler", global, &scheduler),
            executors,
            executor: arguments("executor", global, &executor),
        }
    }

    /// The arguments of an executor of the scheduler at `port`.
    pub(super) fn executor(&self, port: u16) -> Vec<String> {
        let mut arguments = self.executor.clone();
        arguments.extend(["--set".to_owned(), format!("executor.scheduler_port={port}")]);
        arguments
    }
}

const LOOPBACK: &str = "127.0.0.1";
/// Each process finds a free one and says which.
const ANY_PORT: &str = "0";

/// The arguments of one process: what the user gave, then `settings`, which win.
fn arguments(role: &str, global: &GlobalArgs, settings: &[(&str, String)]) -> Vec<String> {
    let mut arguments = vec![role.to_owned(), "--supervised".to_owned()];
    if let Some(file) = &global.config {
        arguments.extend(["--config".to_owned(), file.to_string_lossy().into_owned()]);
    }
    arguments.extend((0..global.verbose).map(|_| "-v".to_owned()));
    if global.quiet {
        arguments.push("--quiet".to_owned());
    }
    if let Some(format) = global.log_format {
        let format = match format {
            LogFormatArg::Text => "text",
            LogFormatArg::Json => "json",
        };
        arguments.extend(["--log-format".to_owned(), format.to_owned()]);
    }
    let given = global.settings.iter().map(|(key, value)| (key.as_str(), value));
    let own = settings.iter().map(|(key, value)| (*key, value));
    for (key, value) in given.chain(own) {
        arguments.extend(["--set".to_owned(), format!("{key}={value}")]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use crate::args::Command;
    use clap::Parser;

    fn plan(line: &str) -> ClusterPlan {
        let cli = Cli::parse_from(line.split(' '));
        let Command::Cluster(args) = cli.command else { panic!("not a cluster") };
        ClusterPlan::new(&args, &Config::default(), &cli.global)
    }

    #[test]
    fn every_process_gets_what_the_user_said_and_then_its_own_settings() {
        let plan =
            plan("gristmill cluster --executors 3 --vcores 2 -v --set s3.region=eu-west-1 --flight-port 0");
        assert_eq!(plan.executors, 3);
        let executor = plan.executor(4711);
        for arguments in [&executor, &plan.scheduler] {
            assert!(arguments.contains(&"-v".to_owned()));
            assert!(arguments.contains(&"s3.region=eu-west-1".to_owned()));
        }
        assert!(plan.scheduler.contains(&"scheduler.flight_port=0".to_owned()));
        assert!(plan.scheduler.contains(&"scheduler.http_port=8816".to_owned()));
        assert!(executor.contains(&"executor.vcores=2".to_owned()));
        assert!(executor.contains(&"executor.scheduler_port=4711".to_owned()));
    }

    #[test]
    fn the_arguments_of_the_processes_parse() {
        let plan = plan("gristmill cluster -q --log-format json");
        for arguments in [&plan.executor(4711), &plan.scheduler] {
            let line = std::iter::once("gristmill").chain(arguments.iter().map(String::as_str));
            assert!(Cli::try_parse_from(line).is_ok());
        }
    }
}
