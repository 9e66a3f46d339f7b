//! The plans that measure rules, as few as there can be: one for all that is aggregated over rows, one for all that is
//! aggregated over the groups of the same columns, and one for each query.

use super::checked_rows::{CheckedColumn, CheckedRows};
use super::{Slot, Table};
use crate::error::Result;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::count::count_all;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};

/// Collects what is to be measured.
#[derive(Default)]
pub(super) struct Tables {
    pending: Vec<Pending>,
}

enum Pending {
    /// Aggregates of `input`.
    Aggregates { of: Input, input: LogicalPlan, values: Vec<Expr> },
    /// A query of the rule `rule`.
    Query { rule: String, plan: LogicalPlan },
}

/// What is aggregated.
#[derive(PartialEq)]
struct Input {
    /// The condition of the rows.
    filter: Option<String>,
    /// The columns by which they are grouped first.
    groups: Vec<String>,
}

impl Tables {
    /// An aggregate over all rows.
    pub(super) fn over_rows(&mut self, rows: &CheckedRows<'_>, value: Expr) -> Slot {
        let of = Input { filter: rows.filter.clone(), groups: Vec::new() };
        let table = self.position(&of).unwrap_or_else(|| self.add(of, rows.plan.clone()));
        self.value(table, value)
    }

    /// An aggregate over the groups of `columns`, whose plan is [`groups`].
    pub(super) fn over_groups(
        &mut self,
        rows: &CheckedRows<'_>,
        columns: &[CheckedColumn],
        value: Expr,
    ) -> Result<Slot> {
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let of = Input { filter: rows.filter.clone(), groups: names };
        let table = match self.position(&of) {
            Some(table) => table,
            None => self.add(of, groups(&rows.plan, columns)?),
        };
        Ok(self.value(table, value))
    }

    /// The number that a query gives.
    pub(super) fn query(&mut self, rule: &str, plan: LogicalPlan) -> Slot {
        self.pending.push(Pending::Query { rule: rule.to_owned(), plan });
        Slot { table: self.pending.len() - 1, column: 0 }
    }

    /// The plans, their types checked.
    pub(super) fn finish(self, state: &SessionState) -> Result<Vec<Table>> {
        self.pending.into_iter().map(|pending| pending.finish(state)).collect()
    }

    fn position(&self, of: &Input) -> Option<usize> {
        self.pending
            .iter()
            .position(|pending| matches!(pending, Pending::Aggregates { of: known, .. } if known == of))
    }

    fn add(&mut self, of: Input, input: LogicalPlan) -> usize {
        self.pending.push(Pending::Aggregates { of, input, values: Vec::new() });
        self.pending.len() - 1
    }

    fn value(&mut self, table: usize, value: Expr) -> Slot {
        let Some(Pending::Aggregates { values, .. }) = self.pending.get_mut(table) else {
            return Slot { table, column: 0 };
        };
        let column = values.iter().position(|known| *known == value).unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        });
        Slot { table, column }
    }
}

impl Pending {
    fn finish(self, state: &SessionState) -> Result<Table> {
        let (rule, plan) = match self {
            Pending::Query { rule, plan } => (Some(rule), plan),
            Pending::Aggregates { input, values, .. } => {
                let named =
                    values.into_iter().enumerate().map(|(index, value)| value.alias(value_name(index)));
                let plan = LogicalPlanBuilder::from(input).aggregate(Vec::<Expr>::new(), named)?.build()?;
                (None, plan)
            }
        };
        let numbers: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .enumerate()
            .map(|(index, column)| cast(Expr::Column(column), DataType::Float64).alias(value_name(index)))
            .collect();
        let plan = LogicalPlanBuilder::from(plan).project(numbers)?.build()?;
        // Finds out now what is wrong with types.
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
        Ok(Table { rule, plan })
    }
}

/// One row per group of rows that are equal in `columns`: [`group_column`] for each of them, and [`group_rows`].
pub(super) fn groups(rows: &LogicalPlan, columns: &[CheckedColumn]) -> Result<LogicalPlan> {
    let keys = columns
        .iter()
        .enumerate()
        .map(|(index, column)| Ok(column.groupable()?.alias(value_name(index))))
        .collect::<Result<Vec<_>>>()?;
    let group_keys: Vec<Expr> = (0..columns.len()).map(group_column).collect();
    let counts = vec![count_all().alias(GROUP_ROWS)];
    Ok(LogicalPlanBuilder::from(rows.clone()).project(keys)?.aggregate(group_keys, counts)?.build()?)
}

const GROUP_ROWS: &str = "__gristmill_rows";

/// The column of that index of [`groups`].
pub(super) fn group_column(index: usize) -> Expr {
    Expr::Column(Column::from_name(value_name(index)))
}

/// How many rows a group has.
pub(super) fn group_rows() -> Expr {
    Expr::Column(Column::from_name(GROUP_ROWS))
}

fn value_name(index: usize) -> String {
    format!("__gristmill_value_{index}")
}
