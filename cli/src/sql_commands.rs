//! `gristmill run` and `gristmill sql`.

use crate::app::App;
use crate::args::{RunArgs, SqlArgs, StatementArgs};
use crate::interrupts::Interrupts;
use crate::prompt;
use crate::script::Script;
use crate::statements::Runner;
use crate::stop::Outcome;
use crate::target::Target;
use gristmill_engine::config::Config;
use gristmill_engine::{Code, Error, Result};
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Runs `gristmill run`: everything is parsed before anything runs, all of it in one session.
pub(crate) async fn run(args: RunArgs, app: &mut App) -> Outcome {
    let scripts = match args.command {
        Some(text) => vec![Script::parse("command line", &text)?],
        None => read(move || Script::read_all(&args.files), app).await?,
    };
    run_scripts(&scripts, &args.statement, app).await
}

/// Runs `gristmill sql`: one statement, what stdin holds, or a prompt.
pub(crate) async fn sql(args: SqlArgs, app: &mut App) -> Outcome {
    if let Some(text) = &args.statement_text {
        return run_scripts(&[Script::parse("command line", text)?], &args.statement, app).await;
    }
    if !io::stdin().is_terminal() {
        let script = read(Script::read_stdin, app).await?;
        return run_scripts(&[script], &args.statement, app).await;
    }
    let runner = runner(&args.statement, &app.config, &app.interrupts).await?;
    prompt::run(&runner, &mut app.output).await
}

async fn run_scripts(scripts: &[Script], args: &StatementArgs, app: &mut App) -> Outcome {
    let runner = runner(args, &app.config, &app.interrupts).await?;
    for script in scripts {
        runner.run_script(script, &mut app.output).await?;
    }
    Ok(())
}

/// Reads on a thread of its own, because someone may be typing.
async fn read<T: Send + 'static>(read: impl FnOnce() -> Result<T> + Send + 'static, app: &App) -> Outcome<T> {
    let reading = tokio::task::spawn_blocking(read);
    let read = app.interrupts.unless_stopped(reading).await?;
    Ok(read.map_err(|error| Error::new(Code::Internal, "reading SQL stopped").with_source(error))??)
}

async fn runner<'a>(
    args: &StatementArgs,
    config: &Arc<Config>,
    interrupts: &'a Interrupts,
) -> Outcome<Runner<'a>> {
    let target = Target::open(Arc::clone(config), args.connect.as_deref());
    let target = interrupts.unless_stopped(target).await??;
    Ok(Runner { target, format: args.format, interrupts })
}
