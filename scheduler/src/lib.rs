//! The scheduler: takes statements over Arrow Flight SQL, plans them, runs them on executors and streams the results.
//!
//! A statement goes one way: `flight` → engine session → [`backend`](mod@backend) → `job` → `ballista` → executors.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")
)]

mod backend;
mod ballista;
mod capacity;
mod flight;
mod http;
mod job;
mod lost_jobs;
mod placement;
mod scheduler;

pub use flight::{error_to_status, status_to_error};
pub use scheduler::Scheduler;
