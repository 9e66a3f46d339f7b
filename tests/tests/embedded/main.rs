//! Tests of one process: the engine as a library, and the commands of the executable that need no cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod bad_input;
mod cancel;
mod changed_input;
mod commands;
mod demo;
mod faults;
mod files;
mod full_disk;
mod garbage;
mod laws;
mod memory;
mod odd_places;
mod repository;
mod s3;
mod sql;
mod statistics;
mod support;

use gristmill_engine::config::{Config, S3Config};
use tests::engines::Engine;
use tests::process::Program;

/// The executable.
fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gristmill-under-test"))
}

/// A new session in this process that sees nothing of this machine's environment.
fn engine() -> Engine {
    Engine::embedded(config())
}

/// The defaults, with a folder for scratch that is no installation's.
fn config() -> Config {
    let mut config = Config::default();
    config.scratch.dir = tests::paths::target_tmp().join("scratch");
    // Whoever asks for S3 without a server of its own must not get anybody's credentials.
    config.s3 = S3Config { endpoint: Some("http://127.0.0.1:9".to_owned()), anonymous: true, ..config.s3 };
    config
}
