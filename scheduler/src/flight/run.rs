//! Statements run as Flight SQL asks: announced, fetched, or run for their effect alone.
//!
//! A query runs when its rows are fetched. What changes something runs when it is announced, so that a driver which
//! never fetches has still done it.

use super::results::{FlightStream, arrow_error, encode, to_wire, wire_schema};
use super::running::Running;
use super::sessions::SessionUse;
use super::statements::{HeldRows, MAX_HELD_BYTES, Work};
use super::tickets::StatementId;
use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::compute::{cast, sum};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use futures::{StreamExt, stream};
use gristmill_engine::session::{Effect, Session, StatementInfo, Warnings};
use gristmill_engine::statement::{Statement, StatementKind};
use gristmill_engine::{Code, Error, Result};
use gristmill_proto::statement_report::StatementReport;

/// The columns in which statements say how many rows they wrote: ours, and DataFusion's.
const ROW_COUNT_COLUMNS: [&str; 2] = ["rows", "count"];

/// The one statement of `sql`.
///
/// # Errors
/// `Syntax` for none, several, or one that does not parse; `Unsupported` for one with parameters.
pub(super) fn parse_one(session: &Session, sql: &str) -> Result<Statement> {
    let mut statements = session.parse(sql)?;
    let count = statements.len();
    let statement = statements.pop().ok_or_else(|| Error::new(Code::Syntax, "the statement is empty"))?;
    if count > 1 {
        return Err(Error::new(Code::Syntax, format!("found {count} statements where one is expected"))
            .with_hint("send them one after the other"));
    }
    refuse_parameters(&statement)?;
    Ok(statement)
}

/// The columns of a statement, in the types of the wire, and whether it changes something.
pub(super) async fn describe(session: &SessionUse, statement: &Statement) -> Result<StatementInfo> {
    let info = session.unless_ended(session.engine.describe(statement)).await?;
    Ok(StatementInfo { schema: wire_schema(&info.schema), effect: info.effect })
}

/// The columns that a prepared statement announces; `None` makes drivers count rows instead of fetching them.
///
/// Of what changes something, only a training set's splits are worth fetching.
pub(super) fn announced_columns<'a>(statement: &Statement, info: &'a StatementInfo) -> Option<&'a SchemaRef> {
    let fetched = match (info.effect, &statement.kind) {
        (Effect::Query, _) | (Effect::Change, StatementKind::CreateTrainingSet(_)) => true,
        (Effect::Change, _) => false,
    };
    fetched.then_some(&info.schema)
}

/// A statement that can be fetched.
pub(super) struct Announced {
    pub(super) id: StatementId,
    /// The columns of its rows.
    pub(super) schema: SchemaRef,
    /// What is known of it beside them: nothing before it has run.
    pub(super) report: StatementReport,
}

/// Plans a query, or runs a change to its end; gives what to fetch.
pub(super) async fn announce(session: &SessionUse, statement: Statement) -> Result<Announced> {
    let info = describe(session, &statement).await?;
    let (work, schema, report) = match info.effect {
        Effect::Query => {
            let schema = SchemaRef::clone(&info.schema);
            (Work::Query { statement, schema }, info.schema, StatementReport::default())
        }
        Effect::Change => {
            let (rows, report) = session.unless_ended(run_change(&session.engine, &statement)).await?;
            let schema = SchemaRef::clone(&rows.schema);
            (Work::Rows(rows), schema, report)
        }
    };
    Ok(Announced { id: session.statements.hold(work), schema, report })
}

/// The rows behind a ticket, which is used up.
pub(super) async fn fetch(session: SessionUse, id: StatementId) -> Result<FlightStream> {
    let (work, running) = Running::take(session, id)?;
    match work {
        Work::Query { statement, schema } => start(running, &statement, Some(schema)).await,
        Work::Rows(HeldRows { schema, batches }) => {
            Ok(encode(stream::iter(batches.into_iter().map(Ok)), schema))
        }
    }
}

/// The rows of a statement that was not announced: some drivers fetch a prepared statement by its handle.
pub(super) async fn fetch_now(session: SessionUse, statement: &Statement) -> Result<FlightStream> {
    start(Running::start(session), statement, None).await
}

async fn start(running: Running, statement: &Statement, told: Option<SchemaRef>) -> Result<FlightStream> {
    let result = running.unless_cancelled(running.session.engine.execute(statement)).await?;
    let schema = told.unwrap_or_else(|| wire_schema(&result.schema));
    Ok(encode(running.rows(result.stream), schema))
}

/// Runs a statement for its effect; gives how many rows it wrote, 0 where it says nothing of rows.
pub(super) async fn update(session: &SessionUse, statement: &Statement) -> Result<i64> {
    session
        .unless_ended(async {
            let mut result = session.engine.execute(statement).await?;
            let mut rows = 0;
            while let Some(batch) = result.stream.next().await {
                let batch = batch.map_err(Error::from_datafusion)?;
                if result.effect == Effect::Change {
                    rows += written_rows(&batch)?;
                }
            }
            report(&result.warnings);
            Ok(rows)
        })
        .await
}

/// What a statement that has run warns of, which is logged, too: not every client shows it.
fn report(warnings: &Warnings) -> StatementReport {
    let warnings = warnings.take();
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    StatementReport { warnings }
}

/// Runs a statement to its end and keeps its rows, which are few: one per split, shard or setting.
async fn run_change(session: &Session, statement: &Statement) -> Result<(HeldRows, StatementReport)> {
    let mut result = session.execute(statement).await?;
    let schema = wire_schema(&result.schema);
    let (mut batches, mut bytes) = (Vec::new(), 0);
    while let Some(batch) = result.stream.next().await {
        let batch = to_wire(&batch.map_err(Error::from_datafusion)?, &schema)?;
        bytes += batch.get_array_memory_size();
        if bytes > MAX_HELD_BYTES {
            // The stream goes on: dropping it would cancel the statement.
            batches.clear();
        } else {
            batches.push(batch);
        }
    }
    let report = report(&result.warnings);
    if bytes > MAX_HELD_BYTES {
        return Err(Error::new(
            Code::ResourcesExhausted,
            format!(
                "the statement has run, but the {bytes} bytes it returned are too many to keep until fetched"
            ),
        )
        .with_hint("send it as an update, which returns only how many rows it wrote"));
    }
    Ok((HeldRows { schema, batches }, report))
}

/// The sum of the column that counts rows.
fn written_rows(batch: &RecordBatch) -> Result<i64> {
    let Some(index) = row_count_column(batch.schema_ref()) else { return Ok(0) };
    let counts = cast(batch.column(index), &DataType::Int64).map_err(arrow_error)?;
    Ok(counts.as_any().downcast_ref::<Int64Array>().and_then(sum).unwrap_or(0))
}

fn row_count_column(schema: &Schema) -> Option<usize> {
    ROW_COUNT_COLUMNS.iter().find_map(|name| {
        let (index, field) = schema.column_with_name(name)?;
        field.data_type().is_integer().then_some(index)
    })
}

/// `PREPARE` in SQL may name parameters: `EXECUTE` binds them.
fn refuse_parameters(statement: &Statement) -> Result<()> {
    let tokens = Tokenizer::new(&GenericDialect {}, &statement.text)
        .tokenize()
        .map_err(|error| Error::new(Code::Syntax, error.to_string()).with_source(error))?;
    let mut words = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    let prepares =
        matches!(words.next(), Some(Token::Word(word)) if word.value.eq_ignore_ascii_case("PREPARE"));
    let parameter = tokens.iter().find_map(|token| match token {
        Token::Placeholder(name) => Some(name),
        _ => None,
    });
    match parameter {
        Some(name) if !prepares => Err(Error::new(
            Code::Unsupported,
            format!("the statement has the parameter \"{name}\"; bound parameters are not supported"),
        )
        .with_hint("write the value into the statement")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::UInt64Array;
    use std::sync::Arc;

    fn parameters(sql: &str) -> Option<Code> {
        refuse_parameters(&Statement::parse(sql).unwrap()).err().map(|error| error.code())
    }

    #[test]
    fn parameters_are_refused_where_nothing_binds_them() {
        assert_eq!(parameters("SELECT $1"), Some(Code::Unsupported));
        assert_eq!(parameters("SELECT 1 WHERE 1 = ?"), Some(Code::Unsupported));
        assert_eq!(parameters("SELECT '$1 ?' AS \"$2?\" -- $3"), None);
        assert_eq!(parameters("PREPARE p AS SELECT $1"), None);
    }

    #[test]
    fn written_rows_are_summed() {
        let counts = || Arc::new(UInt64Array::from(vec![3, 4])) as _;
        let check = |name, expected| {
            let batch = RecordBatch::try_from_iter([(name, counts())]).unwrap();
            assert_eq!(written_rows(&batch).unwrap(), expected, "{name}");
        };
        check("rows", 7);
        check("count", 7);
        check("bytes", 0);
    }
}
