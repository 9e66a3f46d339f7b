//! What the scheduler tells of a statement that has run, beside its rows.

use serde::{Deserialize, Serialize};

/// The `app_metadata` of the `FlightInfo` of a statement that changes something, as JSON; empty where there is nothing
/// to tell. Clients that do not know it pass over it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementReport {
    /// What is not an error and may still not be what was wanted; a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl StatementReport {
    /// Its JSON; nothing for an empty one.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        if *self == Self::default() { Vec::new() } else { serde_json::to_vec(self).unwrap_or_default() }
    }

    /// What `json` says; an empty report where it is none.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Self {
        serde_json::from_slice(json).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::StatementReport;

    #[test]
    fn warnings_survive_the_wire_and_what_is_no_report_is_empty() {
        let report = StatementReport { warnings: vec!["split \"x\" has\nno rows".to_owned()] };
        assert_eq!(StatementReport::from_json(&report.to_json()), report);
        assert_eq!(StatementReport::default().to_json(), b"");
        assert_eq!(StatementReport::from_json(b"\x01 other"), StatementReport::default());
    }
}
