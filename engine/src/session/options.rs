//! Settings of our own that a session can `SET`.

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::{DataFusionError, Result};
use std::any::Any;

const SPARK_FUNCTIONS: &str = "sql.spark_functions";

/// `gristmill.*` settings.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// `gristmill.sql.spark_functions`: on a name clash prefer Spark's function. Default false.
    pub spark_functions: bool,
}

impl ConfigExtension for SessionOptions {
    const PREFIX: &'static str = "gristmill";
}

impl ExtensionOptions for SessionOptions {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            SPARK_FUNCTIONS => {
                self.spark_functions = value.parse().map_err(|error| {
                    DataFusionError::Configuration(format!(
                        "gristmill.{key} takes true or false, found \"{value}\" ({error})"
                    ))
                })?;
                Ok(())
            }
            _ => Err(DataFusionError::Configuration(format!(
                "unknown setting \"gristmill.{key}\"; there is gristmill.{SPARK_FUNCTIONS}"
            ))),
        }
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        vec![ConfigEntry {
            key: format!("{}.{SPARK_FUNCTIONS}", Self::PREFIX),
            value: Some(self.spark_functions.to_string()),
            description: "on a name clash prefer Spark's function to DataFusion's",
        }]
    }
}
