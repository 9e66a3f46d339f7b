//! What the end-to-end tests stand on: engines to run SQL on, real processes, an S3 server, data, oracles, and the
//! suites that run on more than one engine.
//!
//! The tests themselves are in `tests/embedded` (this process) and `tests/cluster` (real processes).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "this crate is test code: it fails by panicking and shows logs on stderr"
)]

pub mod csv;
pub mod data;
pub mod engines;
pub mod oracle;
pub mod paths;
pub mod process;
pub mod s3;
pub mod text;
pub mod training_set;
pub mod wait;

pub mod bad_input;
pub mod files_suite;
pub mod laws;
pub mod s3_suite;
pub mod scripts;
pub mod tpch_suite;
pub mod warnings;
