//! Whether a query gives the same rows when it is read a second time.

use crate::error::{Code, Error, Result};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, WindowFunctionDefinition};

/// Refuses a query that would not, as `clause` reads it twice.
pub(in crate::plan) fn refuse_volatile(plan: &LogicalPlan, clause: &str) -> Result<()> {
    match find(plan, |node| Ok(node.expressions().into_iter().find(Expr::is_volatile)))? {
        None => Ok(()),
        Some(expression) => {
            let message = format!("{clause} reads the query twice, and {expression} differs each time");
            Err(Error::new(Code::Unsupported, message)
                .with_hint("write the query's rows first, with COPY, and make the training set of those"))
        }
    }
}

/// What in a query makes that uncertain, if anything: which rows it takes, or how it counts them, is left open.
pub(in crate::plan) fn doubt(plan: &LogicalPlan) -> Result<Option<&'static str>> {
    find(plan, |node| {
        if let LogicalPlan::Limit(limit) = node
            && !is_sorted(&limit.input)
        {
            return Ok(Some("LIMIT without ORDER BY"));
        }
        let mut found = false;
        for expression in node.expressions() {
            found |= expression.exists(|part| Ok(counts_in_any_order(part)))?;
        }
        Ok(found.then_some("a window function without ORDER BY"))
    })
}

/// Whether nothing in it is random, or leaves open which rows it takes, ties at a limit included, or adds numbers up: floats
/// give another sum in another order.
pub(in crate::plan) fn is_repeatable(plan: &LogicalPlan) -> Result<bool> {
    let open = find(plan, |node| {
        let is_open = match node {
            LogicalPlan::Limit(_) | LogicalPlan::Window(_) => true,
            LogicalPlan::Aggregate(aggregate) => !aggregate.aggr_expr.is_empty(),
            _ => node.expressions().iter().any(Expr::is_volatile),
        };
        Ok(is_open.then_some(()))
    })?;
    Ok(open.is_none())
}

/// The first thing found at a node of `plan` or of a subquery in it.
fn find<T>(plan: &LogicalPlan, look: impl Fn(&LogicalPlan) -> Result<Option<T>>) -> Result<Option<T>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        found = look(node)?;
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(projection) => is_sorted(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_sorted(&alias.input),
        _ => false,
    }
}

/// `row_number() OVER ()` and its like; an aggregate over a window without an order is over all of it.
fn counts_in_any_order(expression: &Expr) -> bool {
    let Expr::WindowFunction(window) = expression else { return false };
    matches!(window.fun, WindowFunctionDefinition::WindowUDF(_)) && window.params.order_by.is_empty()
}
