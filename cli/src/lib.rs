//! The `gristmill` command: every subcommand, behind one function.
//!
//! stdout is data, stderr is for people. What statements mean is the engine's business.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")
)]

mod app;
mod args;
mod logging;

mod cluster;
mod config_command;
mod demo;
mod report;
mod roles;
mod sql_commands;
pub mod tpch;
mod tpch_command;
mod training_set;

pub mod client;
mod prompt;
mod script;
mod statements;
mod target;

mod format;
mod interrupts;
mod output;
mod progress;
mod stderr;
mod stop;

pub use app::main_with;
