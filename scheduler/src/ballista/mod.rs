//! The only place in this crate that names Ballista.
//!
//! [`Core`] is Ballista's scheduler, in this process, with what it lacks: [`board`] remembers jobs and tells what
//! happens to them, [`registry`] knows which executors live and how much of them is free, [`pulse`] knows what they do.

mod board;
mod core;
mod end_job;
mod executor_calls;
mod internal_port;
mod jobs;
mod live_inputs;
mod missing_tasks;
mod pulse;
mod registry;
mod results;
mod session;
#[cfg(test)]
mod testing;
mod watch_executor;

pub(crate) use core::Core;
pub(crate) use jobs::Submitted;
