//! `CREATE EXTERNAL TABLE`: that there is something to read, and errors that say where.

use crate::error::Result;
use crate::plan::check_location;
use datafusion::execution::SessionState;
use datafusion::logical_expr::CreateExternalTable;

/// Checks that every location of a table has a file.
///
/// DataFusion makes an empty table of a location that does not exist, which shows much later as a missing column, or
/// as a training set without rows.
///
/// # Errors
/// `PathNotFound` names the location; those of the store.
pub(super) async fn check_locations(state: &SessionState, table: &CreateExternalTable) -> Result<()> {
    for location in &table.locations {
        check_location(state, location).await.map_err(|error| error.context(describe(table)))?;
    }
    Ok(())
}

/// The table as an error names it.
pub(super) fn describe(table: &CreateExternalTable) -> String {
    let places =
        table.locations.iter().map(|location| format!("'{location}'")).collect::<Vec<_>>().join(", ");
    format!("table \"{}\" at {places}", table.name)
}
