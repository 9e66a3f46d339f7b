//! Queries and DataFusion's own statements into logical plans, with errors that name what the user wrote.

use super::unknown_function::unknown_function;
use crate::error::{Code, Error, Result};
use crate::suggest;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::{ListingTable, ListingTableUrl};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement as SqlStatement;
use datafusion::sql::sqlparser::ast::{Query, Statement as AstStatement};
use futures::TryStreamExt;
use std::sync::Arc;

/// The plan of a query, its types those that its rows will have: `SELECT 1 UNION ALL SELECT 2.5` is one column of
/// floats, which DataFusion finds out when it analyses a plan.
///
/// # Errors
/// `UnknownName` for a table or column that does not exist; `StatementFailed` for anything else that is wrong.
pub async fn plan_query(state: &SessionState, query: &Query) -> Result<LogicalPlan> {
    let statement = SqlStatement::Statement(Box::new(AstStatement::Query(Box::new(query.clone()))));
    let plan = plan_statement(state, &statement).await?;
    Ok(state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?)
}

/// The plan of one of DataFusion's statements.
///
/// # Errors
/// As [`plan_query`].
pub async fn plan_statement(state: &SessionState, statement: &SqlStatement) -> Result<LogicalPlan> {
    let locations = if reads_tables(statement) { check_tables(state, statement).await? } else { Vec::new() };
    let plan = state.statement_to_plan(statement.clone()).await.map_err(Error::from_datafusion);
    plan.map_err(|error| match error.code() {
        Code::StatementFailed => unknown_function(state, statement).unwrap_or(error),
        _ => while_reading(error, &locations),
    })
}

/// The physical plan of `plan`.
///
/// # Errors
/// Those of planning; what is wrong with files, which planning looks into, names their table.
pub async fn plan_physically(state: &SessionState, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
    match state.create_physical_plan(plan).await {
        Ok(physical) => Ok(physical),
        Err(error) => Err(while_reading(Error::from_datafusion(error), &tables_read(plan)?)),
    }
}

/// The error, with what was being read where it is about files: DataFusion does not say in which.
fn while_reading(error: Error, places: &[String]) -> Error {
    let is_about_files =
        error.is_from_decoding() || matches!(error.code(), Code::AccessDenied | Code::StorageUnavailable);
    if is_about_files && !places.is_empty() {
        error.context(format!("reading {}", places.join(", ")))
    } else {
        error
    }
}

/// The tables of files that a plan reads, each with where its files are.
fn tables_read(plan: &LogicalPlan) -> Result<Vec<String>> {
    let mut tables = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && let Some(table) = provider.downcast_ref::<ListingTable>()
        {
            let places = table.table_paths().iter().map(|place| format!("'{place}'")).collect::<Vec<_>>();
            tables.push(format!("table \"{}\" at {}", scan.table_name, places.join(", ")));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(tables)
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
/// Gives the locations that stand where tables do, quoted.
async fn check_tables(state: &SessionState, statement: &SqlStatement) -> Result<Vec<String>> {
    let mut locations = Vec::new();
    for reference in state.resolve_table_references(statement)? {
        let Ok(schema) = state.schema_for_ref(reference.clone()) else {
            return Err(Error::new(
                Code::UnknownName,
                format!("unknown schema in table name \"{reference}\""),
            ));
        };
        let known =
            schema.table_exist(reference.table()) || state.table_functions().contains_key(reference.table());
        if known {
            continue;
        }
        if is_location(reference.table()) {
            check_location(state, reference.table()).await?;
            locations.push(format!("'{}'", reference.table()));
            continue;
        }
        let known = schema.table_names();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = suggest::hint(reference.table(), &known).unwrap_or_else(|| {
            "this session has no tables: CREATE EXTERNAL TABLE name STORED AS PARQUET LOCATION '…'".to_owned()
        });
        return Err(Error::new(Code::UnknownName, format!("unknown table \"{reference}\"")).with_hint(hint));
    }
    Ok(locations)
}

/// Checks that there is a file at `location`: DataFusion takes a place without files for an empty table, or for an unknown
/// name.
///
/// # Errors
/// `PathNotFound` names the location; those of the store.
pub(crate) async fn check_location(state: &SessionState, location: &str) -> Result<()> {
    let url = ListingTableUrl::parse(location)?;
    let store = state.runtime_env().object_store(&url)?;
    let listed = async { url.list_all_files(state, store.as_ref(), "").await?.try_next().await };
    let first = listed.await.map_err(Error::from_datafusion);
    match first.map_err(|error| while_reading(error, &[format!("'{location}'")]))? {
        Some(_) => Ok(()),
        None => Err(Error::new(Code::PathNotFound, format!("no file at '{location}'")).with_hint(
            "check the spelling; a folder of files is named without a pattern, or with one such as 'x/*.csv'",
        )),
    }
}
