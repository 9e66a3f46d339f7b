//! The names of the columns that a query outputs: each is a column of a file, so no two may be the same.

use super::query::plan_query;
use crate::error::{Code, Error, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr};
use std::collections::HashSet;

/// Names a selected expression while it is found out which name is there twice.
const ITEM: &str = "__gristmill_item_";

/// The plan of a query whose rows are written.
///
/// # Errors
/// As [`plan_query`]; `UnknownName` says which name two of its columns have, where DataFusion refuses that itself.
pub(super) async fn plan_output(state: &SessionState, query: &Query) -> Result<LogicalPlan> {
    match plan_query(state, query).await {
        Err(error) if matches!(error.code(), Code::StatementFailed | Code::UnknownName) => {
            let Some((items, renamed)) = with_own_names(query) else { return Err(error) };
            // With names of their own the same columns make a plan: then their names were what was wrong.
            let Ok(plan) = plan_query(state, &renamed).await else { return Err(error) };
            let columns = plan.schema().columns();
            let names = columns.iter().map(|column| {
                let item = column.name.strip_prefix(ITEM).and_then(|index| index.parse::<usize>().ok());
                item.and_then(|index| items.get(index)).map_or(column.name.as_str(), String::as_str)
            });
            refuse_repeated_name(names).map_err(|repeated| repeated.with_source(error.clone()))?;
            Err(error)
        }
        planned => planned,
    }
}

/// # Errors
/// `UnknownName` names the first that is there twice.
pub(super) fn refuse_repeated_name<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            let message = format!("the query has two columns named \"{name}\"");
            return Err(Error::new(Code::UnknownName, message).with_hint("name one of them with AS"));
        }
    }
    Ok(())
}

/// The names of the expressions that `query` selects, and the query with each named after its place; `None` where that
/// could change what the rest of it means.
fn with_own_names(query: &Query) -> Option<(Vec<String>, Query)> {
    let mut query = query.clone();
    query.order_by = None;
    let select = first_select(query.body.as_mut())?;
    let mut names = Vec::new();
    for item in &mut select.projection {
        let (name, expr) = match item {
            SelectItem::UnnamedExpr(expr) => (name_of(expr), expr.clone()),
            SelectItem::ExprWithAlias { expr, alias } => (folded(alias), expr.clone()),
            _ => continue,
        };
        let alias = Ident::with_quote('"', format!("{ITEM}{}", names.len()));
        *item = SelectItem::ExprWithAlias { expr, alias };
        names.push(name);
    }
    Some((names, query))
}

/// The `SELECT` that names the columns.
fn first_select(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(query.body.as_mut()),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => folded(name),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded).unwrap_or_default(),
        other => other.to_string(),
    }
}

/// A name, folded to lower case unless it is quoted.
fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}
