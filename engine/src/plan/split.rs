//! Which split a row is in: an expression on the row, and the plan that gives what the expression needs.
//!
//! A split by key, row or column needs nothing beside the row. A split by time joins the cut points, and a split by class
//! the size of the class: both from a plan of their own over the columns that decide.

use super::PlacementColumns;
use super::create::Splits;
use crate::error::{Code, Error, Result};
use crate::statement::SplitMethod;
use datafusion::arrow::compute::can_cast_types;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, ExprSchema, ScalarValue};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, Projection, ScalarUDF, SubqueryAlias, cast, lit,
};
use gristmill_udfs::functions::{GristmillNamedSplit, GristmillSample, GristmillSplit};
use std::sync::Arc;

mod balance;
mod by_class;
mod by_time;
mod repeatable;

pub(super) use balance::Balance;
pub(super) use repeatable::{doubt, is_repeatable, refuse_volatile};

/// What the split of a row is decided from.
pub(super) struct SplitInput<'a> {
    pub(super) seed: u64,
    pub(super) splits: &'a Splits,
    /// The fraction of keys to take.
    pub(super) sample: Option<f64>,
    /// The columns that the statement names for the split.
    pub(super) placing: &'a [Column],
    /// The columns of the query.
    pub(super) row: &'a [Column],
}

/// Rows, and which split each is in.
pub(super) struct SplitRows {
    pub(super) plan: LogicalPlan,
    /// `UInt8`: index of the split.
    pub(super) split: Expr,
    /// Where rows are repeated, which copy each is.
    pub(super) copy: Option<Expr>,
}

impl SplitInput<'_> {
    /// The rows of `plan` that are in a split.
    ///
    /// # Errors
    /// `UnsupportedColumnType` for a column that cannot decide; `Unsupported` for a query that cannot be read twice.
    pub(super) fn plan(&self, plan: LogicalPlan) -> Result<SplitRows> {
        match (&self.splits.method, self.placing) {
            (SplitMethod::Time { gap, .. }, [time]) => self.by_time(plan, time, gap.as_ref()),
            (SplitMethod::Stratified(_), _) => self.by_class(plan),
            (SplitMethod::Column(_), [column]) => {
                let split = self.named_split(&plan, column)?;
                Ok(SplitRows { plan: self.sampled(plan)?, split, copy: None })
            }
            _ => Ok(SplitRows { plan: self.sampled(plan)?, split: self.hashed_split(), copy: None }),
        }
    }

    /// What is hashed: the key columns, or the whole row.
    fn key(&self) -> &[Column] {
        match self.splits.method {
            SplitMethod::Key(_) => self.placing,
            _ => self.row,
        }
    }

    /// The rows whose key is in the sample.
    fn sampled(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let Some(fraction) = self.sample else { return Ok(plan) };
        let arguments = [vec![lit(self.seed), lit(fraction)], columns(self.key())].concat();
        let in_sample = call(GristmillSample::default(), arguments);
        Ok(LogicalPlanBuilder::from(plan).filter(in_sample)?.build()?)
    }

    fn hashed_split(&self) -> Expr {
        match &self.splits.fractions {
            Some(fractions) if self.splits.names.len() > 1 => {
                let arguments = vec![lit(self.seed), lit(fractions.to_string())];
                call(GristmillSplit::default(), [arguments, columns(self.key())].concat())
            }
            _ => lit(ScalarValue::UInt8(Some(0))),
        }
    }

    fn named_split(&self, plan: &LogicalPlan, column: &Column) -> Result<Expr> {
        let data_type = plan.schema().data_type(column)?;
        if data_type.is_nested() || !can_cast_types(data_type, &DataType::Utf8) {
            return Err(self.unsupported("BY COLUMN", data_type, "the name of a split is text"));
        }
        let value = cast(Expr::Column(column.clone()), DataType::Utf8);
        let arguments = vec![lit(self.splits.names.join(",")), lit(self.placing_name()), value];
        Ok(call(GristmillNamedSplit::default(), arguments))
    }

    /// What the statement calls the only column that decides.
    fn placing_name(&self) -> &str {
        self.splits.method.columns().first().map_or("", String::as_str)
    }

    fn unsupported(&self, clause: &str, data_type: &DataType, hint: &str) -> Error {
        let name = self.placing_name();
        let message =
            format!("SPLIT {clause}: column \"{name}\" has type {data_type}, which cannot decide it");
        Error::new(Code::UnsupportedColumnType, message).with_hint(hint)
    }
}

/// The rows of `plan` in no order: sorting them would read the columns to sort by, for nothing.
pub(super) fn without_order(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => without_order(Arc::unwrap_or_clone(sort.input))?,
        LogicalPlan::Projection(projection) => {
            let input = without_order(Arc::unwrap_or_clone(projection.input))?;
            LogicalPlan::Projection(Projection::try_new(projection.expr, Arc::new(input))?)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = without_order(Arc::unwrap_or_clone(alias.input))?;
            LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(input), alias.alias)?)
        }
        other => other,
    })
}

pub(super) fn columns(columns: &[Column]) -> Vec<Expr> {
    columns.iter().cloned().map(Expr::Column).collect()
}

pub(super) fn call(function: impl Into<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    function.into().call(arguments)
}

/// A column that is made on the way, by its name.
pub(super) fn made(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

pub(super) fn split_column() -> &'static str {
    PlacementColumns::Split.name()
}
