//! What rows can do wrong when they are placed.

use datafusion::error::DataFusionError;
use thiserror::Error;

/// A row that belongs to no split or shard. The same rows fail again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlacementError {
    /// A row without a time is neither old nor new.
    #[error("SPLIT BY TIME: column \"{column}\" has a null")]
    NullTime {
        /// The time column.
        column: String,
    },
    /// A row says of no split that it is in it.
    #[error("SPLIT BY COLUMN: column \"{column}\" has a null")]
    NullName {
        /// The column of names.
        column: String,
    },
    /// A row says that it is in a split that the statement does not list.
    #[error("SPLIT BY COLUMN: \"{value}\" in column \"{column}\" names no split")]
    UnknownName {
        /// The column of names.
        column: String,
        /// What it says.
        value: String,
        /// The names that there are, with commas.
        names: String,
    },
    /// Rows were counted on other rows than are placed.
    #[error("{clause}: the query gave other rows when it was read a second time")]
    OtherRows {
        /// What needed the count.
        clause: &'static str,
    },
}

impl PlacementError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NullTime { column } | Self::NullName { column } => {
                format!("leave such rows out in the query: WHERE \"{column}\" IS NOT NULL")
            }
            Self::UnknownName { names, .. } => {
                format!("the splits are {names}: list the name in SPLIT, or leave such rows out in the query")
            }
            Self::OtherRows { .. } => {
                "the query must give the same rows each time: order what a LIMIT cuts by a key".to_owned()
            }
        }
    }
}

impl From<PlacementError> for DataFusionError {
    fn from(error: PlacementError) -> Self {
        Self::External(Box::new(error))
    }
}
