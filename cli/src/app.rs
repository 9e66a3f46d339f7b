//! From arguments to an exit code, in named steps.

use crate::args::{Cli, Command, GlobalArgs};
use crate::interrupts::Interrupts;
use crate::output::Output;
use crate::stderr::Stderr;
use crate::stop::{Outcome, Stop};
use crate::{cluster, config_command, demo, logging, roles, sql_commands, tpch_command, training_set};
use clap::Parser;
use gristmill_engine::config::Config;
use gristmill_engine::{Code, Error, Result};
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long threads that cannot be interrupted are waited for at the end.
const GRACE: Duration = Duration::from_secs(1);

/// What every command has.
#[derive(Debug)]
pub(crate) struct App {
    /// The effective configuration.
    pub(crate) config: Arc<Config>,
    /// The options it was made from, for child processes.
    pub(crate) global: GlobalArgs,
    /// stdout and stderr.
    pub(crate) output: Output,
    /// Who may ask for a stop.
    pub(crate) interrupts: Interrupts,
    /// How this program was called, to be shown in hints.
    pub(crate) program: String,
}

/// Runs the command that `arguments` ask for, the program's name first, and gives the exit code: 0 done, 1 failed,
/// 2 wrong command line, 130 interrupted, 143 terminated.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or("gristmill".into(), |name| name.to_string_lossy().into_owned());
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no error; a closed pipe is no reason to complain either.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let stderr = Stderr::of_process(cli.global.quiet);
    match run(cli, program, stderr.clone()) {
        Ok(()) | Err(Stop::PipeClosed) => ExitCode::SUCCESS,
        Err(Stop::Signal(signal)) => {
            stderr.line("interrupted");
            ExitCode::from(signal.exit_code())
        }
        Err(Stop::Failed(error)) => {
            stderr.line(&error.report());
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, program: String, stderr: Stderr) -> Outcome {
    let config = configuration(&cli.global)?;
    logging::start(&config.log.level, config.log.format, stderr.clone())?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let interrupts = Interrupts::listen()?;
        let output = Output::of_process(stderr);
        let mut app = App { config: Arc::new(config), global: cli.global, output, interrupts, program };
        let outcome = dispatch(cli.command, &mut app).await;
        // The reader gets what there is, also of a command that failed.
        outcome.and(app.output.flush())
    });
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn dispatch(command: Command, app: &mut App) -> Outcome {
    match command {
        Command::Run(args) => sql_commands::run(args, app).await,
        Command::Sql(args) => sql_commands::sql(args, app).await,
        Command::Demo(args) => demo::run(&args, app).await,
        Command::TrainingSet(command) => training_set::run(&command, app).await,
        Command::Tpch(args) => tpch_command::run(&args, app).await,
        Command::Cluster(args) => cluster::run(&args, app).await,
        Command::Scheduler(args) => roles::scheduler(&args, app).await,
        Command::Executor(args) => roles::executor(&args, app).await,
        Command::Config(command) => config_command::run(&command, app),
    }
}

/// Defaults, file, environment, then what the command line says; `--set` over `-v`.
fn configuration(global: &GlobalArgs) -> Result<Config> {
    let mut overrides = logging::settings(global);
    overrides.extend(global.settings.iter().cloned());
    Config::load(global.config.as_deref(), &overrides)
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("gristmill").build().map_err(
        |error| {
            Error::new(Code::ResourcesExhausted, format!("could not start threads: {error}"))
                .with_source(error)
        },
    )
}
