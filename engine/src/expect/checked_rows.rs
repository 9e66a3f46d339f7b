//! The rows that rules are about.

use crate::error::{Code, Error, Result};
use crate::suggest;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ExprSchema};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};
use datafusion::sql::sqlparser::ast::Query;

/// The rows that rules are about: the output of a query.
#[derive(Debug, Clone)]
pub(crate) struct CheckedRows<'a> {
    /// The query's plan, which may have further columns.
    pub(crate) plan: LogicalPlan,
    /// The columns of its output, by which rules know them.
    pub(crate) columns: &'a [Column],
    /// Names and columns by which a row is known to the user; none means all of `columns`.
    pub(crate) key: Vec<(String, Column)>,
    /// The query, for rules that are queries on it.
    pub(crate) query: &'a Query,
    /// The condition that the rows fulfil, beside those of the query.
    pub(crate) filter: Option<String>,
}

/// A column of the rows.
#[derive(Debug, Clone)]
pub(super) struct CheckedColumn {
    pub(super) name: String,
    pub(super) data_type: DataType,
    expr: Expr,
}

impl CheckedRows<'_> {
    /// Those of the rows that fulfil `filter`, an SQL expression.
    ///
    /// # Errors
    /// Those of planning the expression; `StatementFailed` for one that is about more than its row.
    pub(super) fn filtered(&self, state: &SessionState, filter: Option<&str>) -> Result<Self> {
        let Some(filter) = filter else { return Ok(self.clone()) };
        let condition = state.create_logical_expr(filter, self.plan.schema())?;
        check_condition(&condition)?;
        let plan = LogicalPlanBuilder::from(self.plan.clone()).filter(condition)?.build()?;
        Ok(Self { plan, filter: Some(filter.to_owned()), ..self.clone() })
    }

    /// The column of that name.
    ///
    /// # Errors
    /// `UnknownTargetColumn` when there is none.
    pub(super) fn column(&self, name: &str) -> Result<CheckedColumn> {
        let Some(column) = self.columns.iter().find(|column| column.name == name) else {
            let known: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            let error = Error::new(Code::UnknownTargetColumn, format!("unknown column \"{name}\""));
            return Err(match suggest::hint(name, &known) {
                Some(hint) => error.with_hint(format!("{hint} in the query's output")),
                None => error,
            });
        };
        self.checked(name, column)
    }

    /// What a row is known by.
    pub(super) fn identity(&self) -> Result<Vec<CheckedColumn>> {
        if self.key.is_empty() {
            return self.columns.iter().map(|column| self.checked(&column.name, column)).collect();
        }
        let mut identity: Vec<CheckedColumn> = Vec::new();
        for (name, column) in &self.key {
            if identity.iter().all(|known| known.name != *name) {
                identity.push(self.checked(name, column)?);
            }
        }
        Ok(identity)
    }

    fn checked(&self, name: &str, column: &Column) -> Result<CheckedColumn> {
        let data_type = self.plan.schema().data_type(column)?.clone();
        Ok(CheckedColumn { name: name.to_owned(), data_type, expr: Expr::Column(column.clone()) })
    }
}

impl CheckedColumn {
    /// The column as it is.
    pub(super) fn raw(&self) -> Expr {
        self.expr.clone()
    }

    /// The type of its values: that of the dictionary, where it has one.
    pub(super) fn value_type(&self) -> &DataType {
        match &self.data_type {
            DataType::Dictionary(_, values) => values,
            other => other,
        }
    }

    /// Its values: without a dictionary, and with one zero instead of two.
    pub(super) fn values(&self) -> Expr {
        let value = match &self.data_type {
            DataType::Dictionary(_, values) => cast(self.raw(), values.as_ref().clone()),
            _ => self.raw(),
        };
        match self.value_type() {
            DataType::Float64 => value + lit(0.0_f64),
            DataType::Float32 => value + lit(0.0_f32),
            _ => value,
        }
    }

    /// Whether it may be NaN in a row.
    pub(super) fn has_nan(&self) -> bool {
        matches!(self.value_type(), DataType::Float64 | DataType::Float32 | DataType::Float16)
    }

    /// Its values, such that equal ones are grouped: with one NaN instead of many.
    pub(super) fn groupable(&self) -> Result<Expr> {
        let nan = match self.value_type() {
            DataType::Float64 => lit(f64::NAN),
            DataType::Float32 => lit(f32::NAN),
            _ => return Ok(self.values()),
        };
        Ok(when(is_nan(self.raw()), nan).otherwise(self.values())?)
    }

    /// Its values as 64-bit floats.
    ///
    /// # Errors
    /// `StatementFailed` when they are no numbers; `purpose` says what they are wanted for.
    pub(super) fn numbers(&self, purpose: &str) -> Result<Expr> {
        if !self.value_type().is_numeric() {
            let message = format!("column \"{}\" is {}, which has no {purpose}", self.name, self.data_type);
            return Err(Error::new(Code::StatementFailed, message).with_hint(format!(
                "make it a number in the query, such as {} AS {}",
                self.as_number(),
                self.name
            )));
        }
        Ok(cast(self.values(), DataType::Float64))
    }

    /// An expression that makes numbers of it.
    fn as_number(&self) -> String {
        let Self { name, .. } = self;
        match self.value_type() {
            other if other.is_temporal() && !matches!(other, DataType::Duration(_)) => {
                format!("date_part('epoch', {name})")
            }
            DataType::Duration(_) => format!("CAST({name} AS BIGINT)"),
            _ => format!("CAST({name} AS DOUBLE)"),
        }
    }

    /// Whether it is text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    }
}

/// Refuses a condition that looks at other rows than its own.
fn check_condition(condition: &Expr) -> Result<()> {
    let mut refused = None;
    condition.apply(|part| {
        if let Expr::AggregateFunction(_) | Expr::WindowFunction(_) = part {
            refused = Some(part.to_string());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let Some(part) = refused else { return Ok(()) };
    Err(Error::new(Code::StatementFailed, format!("where takes no aggregate and no window function: {part}"))
        .with_hint("write a condition on one row, or a rule CustomSql"))
}

/// Whether a value is NaN.
pub(super) fn is_nan(value: Expr) -> Expr {
    datafusion::functions::math::expr_fn::isnan(cast(value, DataType::Float64))
}
