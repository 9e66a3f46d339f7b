//! Gristmill's functions, and the kernels under them, for any DataFusion session: no I/O, no cluster.
//!
//! * [`canonical`]: one byte encoding per value, the same whatever Arrow type carried it
//! * [`hash`]: the 64-bit row hash over that encoding, fixed for ever
//! * [`split`]: from a hash to train, validation or test
//! * [`functions`]: the SQL functions built on them; register what [`all_functions`] gives

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")
)]

pub mod canonical;
pub mod functions;
pub mod hash;
pub mod split;
mod xxh3;

pub use functions::all_functions;
