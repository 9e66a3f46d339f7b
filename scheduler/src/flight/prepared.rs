//! Prepared statements: parsed once, planned at each execution, since a table may have changed in between.

use super::status::{OrStatus, flight_to_status};
use super::tickets::StatementId;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt, TryStreamExt};
use gristmill_engine::statement::Statement;
use gristmill_engine::{Code, Error, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use tonic::Status;

/// How many a session may have open.
const MAX_PREPARED: usize = 1_024;

/// The prepared statements of one session.
#[derive(Default)]
pub(super) struct PreparedStatements {
    table: Mutex<HashMap<StatementId, Statement>>,
}

impl PreparedStatements {
    /// Keeps `statement` until it is closed or the session ends.
    ///
    /// # Errors
    /// `ResourcesExhausted` when there are too many.
    pub(super) fn add(&self, statement: Statement) -> Result<StatementId> {
        let mut table = self.table.lock();
        if table.len() >= MAX_PREPARED {
            return Err(Error::new(
                Code::ResourcesExhausted,
                format!(
                    "the session has {MAX_PREPARED} prepared statements, which is as many as it can have"
                ),
            )
            .with_hint("close those that are done"));
        }
        let id = StatementId::random();
        table.insert(id, statement);
        Ok(id)
    }

    /// The statement.
    ///
    /// # Errors
    /// `StatementFailed` when it was closed.
    pub(super) fn get(&self, id: StatementId) -> Result<Statement> {
        self.table.lock().get(&id).cloned().ok_or_else(|| {
            Error::new(Code::StatementFailed, "the prepared statement is closed")
                .with_hint("prepare it again")
        })
    }

    /// Forgets it; closing twice is no error.
    pub(super) fn close(&self, id: StatementId) {
        self.table.lock().remove(&id);
    }
}

/// Reads what a driver binds: those that always bind send no columns for a statement without parameters.
///
/// # Errors
/// `Unsupported` for any column.
pub(super) async fn refuse_bound_values(
    data: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
) -> Result<(), Status> {
    // The first message may hold the command alone.
    let data = data.try_filter(|data| std::future::ready(!data.data_header.is_empty()));
    let mut batches = FlightRecordBatchStream::new_from_flight_data(data.map_err(FlightError::from));
    while let Some(batch) = batches.next().await {
        if batch.map_err(flight_to_status)?.num_columns() > 0 {
            return Err(Error::new(Code::Unsupported, "bound parameters are not supported")
                .with_hint("write the values into the statement"))
            .or_status();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_statement_is_gone_and_makes_room() {
        let prepared = PreparedStatements::default();
        let statement = Statement::parse("SELECT 1").unwrap();
        let ids: Vec<_> = (0..MAX_PREPARED).map(|_| prepared.add(statement.clone()).unwrap()).collect();
        assert_eq!(prepared.add(statement.clone()).unwrap_err().code(), Code::ResourcesExhausted);
        prepared.close(ids[0]);
        assert!(prepared.get(ids[0]).is_err());
        assert!(prepared.add(statement).is_ok());
    }
}
