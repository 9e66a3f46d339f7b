//! Runs the plans of rules and says what came out.

use super::offending::described;
use super::{CompiledRule, Expectations, Measured, Slot, Table};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::logical_expr::LogicalPlan;
use gristmill_proto::manifest::{Expectation, Outcome};

/// Runs plans.
#[async_trait]
pub(crate) trait PlanRunner: Send + Sync {
    /// All rows of a plan, in the order of the plan.
    ///
    /// # Errors
    /// Those of planning and running it.
    async fn rows(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>>;
}

/// The row of numbers of a table; none where there is nothing to measure.
type Numbers = Vec<Option<f64>>;

impl Expectations {
    /// Measures every rule. Rows that break one are looked up for those that do not hold.
    ///
    /// # Errors
    /// Those of `runner`; `StatementFailed` when a query does not give one row.
    pub(crate) async fn evaluate(&self, runner: &dyn PlanRunner) -> Result<Vec<Expectation>> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            tables.push(numbers(runner, table).await?);
        }
        let mut results = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            results.push(rule.evaluate(runner, &tables).await?);
        }
        Ok(results)
    }
}

async fn numbers(runner: &dyn PlanRunner, table: &Table) -> Result<Numbers> {
    let named = |error: Error| match &table.rule {
        Some(rule) => error.context(format!("rule {rule} of EXPECT")),
        None => error.context("EXPECT"),
    };
    let batches = runner.rows(&table.plan).await.map_err(named)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let batch = batches.iter().find(|batch| batch.num_rows() == 1);
    let (Some(batch), 1) = (batch, rows) else {
        let error = Error::new(Code::StatementFailed, format!("the query gives {rows} rows, not one"));
        return Err(named(error.with_hint("select one number, such as count(*)")));
    };
    let value = |column: &dyn Array| {
        let column = column.as_primitive_opt::<Float64Type>()?;
        (!column.is_null(0)).then(|| column.value(0))
    };
    Ok(batch.columns().iter().map(|column| value(column.as_ref())).collect())
}

impl CompiledRule {
    async fn evaluate(&self, runner: &dyn PlanRunner, tables: &[Numbers]) -> Result<Expectation> {
        let (measured, broken_rows) = self.measured.read(tables);
        let holds = measured.is_some_and(|measured| self.condition.holds(measured));
        let offending = match &self.offending {
            Some(plan) if !holds && measured.is_some_and(|found| self.condition.wants_more_than(found)) => {
                let named = |error: Error| error.context(format!("rows that break {} of EXPECT", self.text));
                described(&runner.rows(plan).await.map_err(named)?)?
            }
            _ => Vec::new(),
        };
        Ok(Expectation {
            rule: self.text.clone(),
            outcome: if holds { Outcome::Passed } else { Outcome::Failed },
            measured: measured.filter(|measured| measured.is_finite()),
            broken_rows: broken_rows.filter(|_| self.condition.is_lower_bound()),
            offending,
        })
    }
}

impl Measured {
    /// The number, and how many rows break the rule where it is about rows. There is no number where there are no rows
    /// to measure.
    fn read(self, tables: &[Numbers]) -> (Option<f64>, Option<u64>) {
        let slot =
            |slot: Slot| tables.get(slot.table).and_then(|row| row.get(slot.column).copied().flatten());
        let quotient = |part: Option<f64>, whole: Option<f64>| match (part, whole) {
            (Some(part), Some(whole)) if whole != 0.0 => Some(part / whole),
            _ => None,
        };
        match self {
            Measured::Known(value) => (Some(value), None),
            Measured::Value(value) => (slot(value), None),
            Measured::Quotient(part, whole) => (quotient(slot(part), slot(whole)), None),
            Measured::Share { kept, all } => {
                let (kept, all) = (slot(kept), slot(all));
                let broken = kept.zip(all).map(|(kept, all)| (all - kept) as u64);
                (quotient(kept, all), broken)
            }
            Measured::Entropy(weights, rows) => {
                let rows = slot(rows);
                let mean = quotient(slot(weights), rows);
                (mean.zip(rows).map(|(mean, rows)| rows.ln() - mean), None)
            }
        }
    }
}
