//! Tests of a cluster: real processes on loopback, reached through Flight SQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod cancel;
mod executor_lost;
mod failed;
mod files;
mod flight;
mod full_disk;
mod laws;
mod no_executor;
mod s3;
mod scheduler_lost;
mod sessions;
mod shared;
mod sql;
mod supervisor;

use tests::process::Program;

/// The executable.
fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gristmill-under-test"))
}
