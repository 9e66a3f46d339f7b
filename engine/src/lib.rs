//! What scheduler, executor and embedded mode must agree on: the session, object stores, statements, plans, formats,
//! shard writing, commit and manifest.
//!
//! A training set is a one-way trip: `statement` → `plan` → [`backend`] → `write` → `commit` → `manifest`.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")
)]

pub mod backend;
mod channels;
pub mod codec;
pub mod commit;
pub mod config;
pub mod error;
pub mod expect;
pub mod formats;
pub mod manifest;
mod one_line;
pub mod plan;
pub mod session;
pub mod statement;
pub mod statistics;
pub mod storage;
mod suggest;
pub mod training_set;
pub mod write;

pub use error::{Code, Error, Kind, Result};
pub use one_line::one_line;
