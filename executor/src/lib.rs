//! The task host: one process of a cluster that runs tasks, keeps their exchange files and answers the scheduler.
//!
//! What tasks do is the engine's business. Here is what a host owes them: private scratch, memory limits, the
//! certainty that a cancelled task stops, and errors that keep their kind on the way to the scheduler.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")
)]

mod ballista;
mod cancel_guard_exec;
mod idle_set;
mod ports;
mod process;
mod work_dir;

pub use process::run;
