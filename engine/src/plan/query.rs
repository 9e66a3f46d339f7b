//! Queries and DataFusion's own statements into logical plans, with errors that name what the user wrote.

use crate::error::{Code, Error, Result};
use crate::suggest;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as SqlStatement;
use datafusion::sql::sqlparser::ast::{Query, Statement as AstStatement};

/// The plan of a query.
///
/// # Errors
/// `UnknownName` for a table or column that does not exist; `StatementFailed` for anything else that is wrong.
pub async fn plan_query(state: &SessionState, query: &Query) -> Result<LogicalPlan> {
    let statement = SqlStatement::Statement(Box::new(AstStatement::Query(Box::new(query.clone()))));
    plan_statement(state, &statement).await
}

/// The plan of one of DataFusion's statements.
///
/// # Errors
/// As [`plan_query`].
pub async fn plan_statement(state: &SessionState, statement: &SqlStatement) -> Result<LogicalPlan> {
    if reads_tables(statement) {
        check_tables(state, statement)?;
    }
    Ok(state.statement_to_plan(statement.clone()).await?)
}

fn reads_tables(statement: &SqlStatement) -> bool {
    match statement {
        SqlStatement::Statement(statement) => matches!(**statement, AstStatement::Query(_)),
        SqlStatement::Explain(explain) => reads_tables(&explain.statement),
        SqlStatement::CopyTo(_) => true,
        _ => false,
    }
}

/// A table may be named by where its files are, as in `SELECT … FROM 's3://bucket/x.parquet'`.
fn is_location(table: &str) -> bool {
    table.contains('/') || table.contains('.')
}

/// Says which table is missing before DataFusion does, because DataFusion has only text for it.
fn check_tables(state: &SessionState, statement: &SqlStatement) -> Result<()> {
    for reference in state.resolve_table_references(statement)? {
        let Ok(schema) = state.schema_for_ref(reference.clone()) else {
            return Err(Error::new(
                Code::UnknownName,
                format!("unknown schema in table name \"{reference}\""),
            ));
        };
        let known =
            schema.table_exist(reference.table()) || state.table_functions().contains_key(reference.table());
        if known || is_location(reference.table()) {
            continue;
        }
        let known = schema.table_names();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = suggest::hint(reference.table(), &known).unwrap_or_else(|| {
            "this session has no tables: CREATE EXTERNAL TABLE name STORED AS PARQUET LOCATION '…'".to_owned()
        });
        return Err(Error::new(Code::UnknownName, format!("unknown table \"{reference}\"")).with_hint(hint));
    }
    Ok(())
}
