//! `CREATE EXTERNAL TABLE`: that there is something to read, and errors that say where.

use crate::error::{Code, Error, Result};
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::SessionState;
use datafusion::logical_expr::CreateExternalTable;
use futures::TryStreamExt;

/// Checks that every location of a table whose columns are to be read from its files has a file.
///
/// DataFusion makes an empty table of a location that does not exist, which shows much later as a missing column.
///
/// # Errors
/// `PathNotFound` names the location; those of the store.
pub(super) async fn check_locations(state: &SessionState, table: &CreateExternalTable) -> Result<()> {
    if !table.schema.fields().is_empty() {
        return Ok(());
    }
    for location in &table.locations {
        check_location(state, location).await.map_err(|error| error.context(describe(table)))?;
    }
    Ok(())
}

async fn check_location(state: &SessionState, location: &str) -> Result<()> {
    let url = ListingTableUrl::parse(location)?;
    let store = state.runtime_env().object_store(&url)?;
    let mut files = url.list_all_files(state, store.as_ref(), "").await?;
    match files.try_next().await? {
        Some(_) => Ok(()),
        None => Err(Error::new(Code::PathNotFound, format!("no file at '{location}'")).with_hint(
            "check the spelling; a folder of files is named without a pattern, or with one such as 'x/*.csv'",
        )),
    }
}

/// The table as an error names it.
pub(super) fn describe(table: &CreateExternalTable) -> String {
    let places =
        table.locations.iter().map(|location| format!("'{location}'")).collect::<Vec<_>>().join(", ");
    format!("table \"{}\" at {places}", table.name)
}
