//! The configuration: what can be set, where it comes from, and what it means.
//!
//! Layers, each over the one before: defaults, `gristmill.toml`, `GRISTMILL_*` environment, flags. This is the only
//! place in the project that reads the environment. Session settings made in SQL (`SET …`) are not here.

mod check;
mod layers;
mod memory;
mod places;
mod roles;
#[cfg(test)]
mod tests;
mod value;

use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

pub use memory::{MemoryConfig, MemoryLimit};
pub use places::{S3Config, ScratchConfig, WriteConfig};
pub use roles::{ClientConfig, ExecutorConfig, LogConfig, LogFormat, SchedulerConfig, SqlConfig};
pub use value::{ByteSize, Secret, parse_duration};

/// The effective configuration of one process; every field has a default.
///
/// In text, sizes are written as `"128MiB"`, `"8 GB"` or a number of bytes, and durations as `"30s"`, `"5min"`,
/// `"1h 30min"`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much memory queries may take.
    pub memory: MemoryConfig,
    /// Where operators spill and exchanges are kept.
    pub scratch: ScratchConfig,
    /// How statements are planned.
    pub sql: SqlConfig,
    /// How S3 is reached.
    pub s3: S3Config,
    /// How shards are written.
    pub write: WriteConfig,
    /// The role `gristmill scheduler`.
    pub scheduler: SchedulerConfig,
    /// The role `gristmill executor`.
    pub executor: ExecutorConfig,
    /// Where the command line sends its statements.
    pub client: ClientConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

impl Config {
    /// Reads all layers and checks every value.
    ///
    /// `file` is the configuration file; without one, `gristmill.toml` in the working directory is read if it is
    /// there. An environment variable is a setting when it is named `GRISTMILL_<SECTION>__<KEY>`, as in
    /// `GRISTMILL_S3__ENDPOINT`. `overrides` are settings from flags, as `("s3.endpoint", "http://…")`.
    ///
    /// # Errors
    /// `BadConfiguration`, naming the setting, its value and where it came from: `file` is not there or is not TOML,
    /// a setting does not exist, or a value is not one that the setting can have.
    pub fn load(file: Option<&Path>, overrides: &[(String, String)]) -> Result<Config> {
        layers::Layers::gather(file, overrides)?.into_config()
    }

    /// The effective configuration as TOML; secrets are replaced by `[redacted]`.
    ///
    /// # Errors
    /// `Internal`: a value cannot be written as TOML.
    pub fn to_toml_redacted(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| {
            Error::new(Code::Internal, "could not write the configuration as TOML").with_source(error)
        })
    }
}
