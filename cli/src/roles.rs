//! `gristmill scheduler` and `gristmill executor`: a server until someone asks it to stop, which is no failure.

use crate::app::App;
use crate::args::RoleArgs;
use crate::interrupts::Interrupts;
use crate::stop::Outcome;
use gristmill_engine::{Code, Error, Result};
use gristmill_scheduler::Scheduler;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// What a supervised scheduler prints on stdout when it listens, as one line of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SchedulerReady {
    /// Where clients connect.
    pub(crate) flight: SocketAddr,
    /// Where health is.
    pub(crate) http: SocketAddr,
    /// Where executors register.
    pub(crate) executors: SocketAddr,
}

/// Runs `gristmill scheduler`.
pub(crate) async fn scheduler(args: &RoleArgs, app: &mut App) -> Outcome {
    let scheduler = Scheduler::start(Arc::clone(&app.config)).await?;
    let ready = SchedulerReady {
        flight: scheduler.flight_addr(),
        http: scheduler.http_addr(),
        executors: scheduler.executor_addr(),
    };
    if args.supervised {
        app.output.line(&to_line(ready)?)?;
        app.output.flush()?;
    }
    let stderr = app.output.stderr();
    stderr.note(&format!("gristmill scheduler ready: grpc://{}, http://{}", ready.flight, ready.http));
    scheduler.run_until(stop_requested(args, &app.interrupts)).await?;
    Ok(())
}

/// Runs `gristmill executor`.
pub(crate) async fn executor(args: &RoleArgs, app: &mut App) -> Outcome {
    let config = &app.config.executor;
    let place = format!("{}:{}", config.scheduler_host, config.scheduler_port);
    app.output.stderr().note(&format!("gristmill executor joins the scheduler at {place}"));
    gristmill_executor::run(Arc::clone(&app.config), stop_requested(args, &app.interrupts)).await?;
    Ok(())
}

/// Waits for a signal or, under a supervisor, for the end of stdin: the supervisor wants a stop, or is gone.
async fn stop_requested(args: &RoleArgs, interrupts: &Interrupts) {
    tokio::select! {
        _ = interrupts.stopped() => {}
        () = end_of_stdin(), if args.supervised => {}
    }
}

async fn end_of_stdin() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 64];
    // An error means as much as the end: nobody is there.
    while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
}

fn to_line(ready: SchedulerReady) -> Result<String> {
    serde_json::to_string(&ready).map_err(|error| {
        Error::new(Code::Internal, "could not say where the scheduler is").with_source(error)
    })
}
