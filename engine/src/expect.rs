//! The rules of `EXPECT`: compiled into plans that measure them over the rows of a query, run, and judged.
//!
//! It knows nothing of writing: it takes the query's plan, and gives what was measured. The grammar of the rules is
//! [`crate::statement::expect`].
//!
//! ```text
//! Rule ──compile──▶ tables: plans that give one row of numbers each     ┐
//!                   rule:   where its number is, and what it must be    ├─evaluate──▶ Expectation
//!                   rows:   a plan for the first rows that break it     ┘
//! ```

use crate::error::{Code, Error, Result};
use crate::statement::expect::Condition;
use datafusion::logical_expr::LogicalPlan;
use gristmill_proto::manifest::{Expectation, Outcome};
use std::collections::BTreeMap;

mod checked_rows;
mod compile;
mod condition;
mod evaluate;
mod measures;
mod offending;
mod operand;
mod requirement;
mod tables;
#[cfg(test)]
mod tests;

pub(crate) use checked_rows::CheckedRows;
pub(crate) use compile::compile;
pub(crate) use evaluate::PlanRunner;

/// The option that says what a violated rule does.
pub(crate) const ON_VIOLATION: &str = "on_violation";

/// The rules of a statement, ready to be measured.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    tables: Vec<Table>,
    rules: Vec<CompiledRule>,
    on_violation: OnViolation,
}

/// What a violated rule does to its job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OnViolation {
    /// It fails.
    #[default]
    Fail,
    /// It goes on; the manifest says so.
    Report,
}

/// A plan that gives one row of numbers.
#[derive(Debug, Clone)]
struct Table {
    /// The rule it belongs to, where it is one rule's own.
    rule: Option<String>,
    plan: LogicalPlan,
}

/// Where a number is: a column of the row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    table: usize,
    column: usize,
}

/// How the number that a rule is about comes from slots.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measured {
    /// It was known when the rule was compiled.
    Known(f64),
    /// It is in a slot.
    Value(Slot),
    /// One number by another.
    Quotient(Slot, Slot),
    /// The share of rows that keep the rule.
    Share {
        /// How many keep it.
        kept: Slot,
        /// How many there are.
        all: Slot,
    },
    /// The entropy of groups, from the sum of n ln n over their sizes n, and the sum of n.
    Entropy(Slot, Slot),
}

#[derive(Debug, Clone)]
struct CompiledRule {
    text: String,
    measured: Measured,
    condition: Condition<f64>,
    /// The first rows that break it, in order; run only where the number is too low.
    offending: Option<LogicalPlan>,
}

impl OnViolation {
    /// Takes the option out of `options`.
    ///
    /// # Errors
    /// `BadOption` when it has another value.
    pub(crate) fn take(options: &mut BTreeMap<String, String>) -> Result<Self> {
        match options.remove(ON_VIOLATION) {
            None => Ok(Self::default()),
            Some(text) if text.eq_ignore_ascii_case("fail") => Ok(Self::Fail),
            Some(text) if text.eq_ignore_ascii_case("report") => Ok(Self::Report),
            Some(text) => {
                let message = format!("option '{ON_VIOLATION}' is \"{text}\"");
                Err(Error::new(Code::BadOption, message).with_hint("'fail' or 'report'"))
            }
        }
    }
}

/// What to tell about rules that do not hold, where that does not fail the job.
pub(crate) fn complaints(results: &[Expectation]) -> impl Iterator<Item = String> {
    let failed = results.iter().filter(|result| result.outcome == Outcome::Failed);
    failed.map(|rule| format!("a rule of EXPECT does not hold: {rule}"))
}

impl Expectations {
    /// Fails when one of `results` is a failure that fails the job.
    ///
    /// # Errors
    /// `RuleViolated` names every rule that failed, what was measured, and rows that break it.
    pub(crate) fn judge(&self, results: &[Expectation]) -> Result<()> {
        let failed: Vec<&Expectation> =
            results.iter().filter(|result| result.outcome == Outcome::Failed).collect();
        if failed.is_empty() || self.on_violation == OnViolation::Report {
            return Ok(());
        }
        let verb = if failed.len() == 1 { "does" } else { "do" };
        let mut message = format!("{} of {} rules of EXPECT {verb} not hold:", failed.len(), results.len());
        for rule in failed {
            message.push_str("\n    ");
            message.push_str(&rule.to_string());
        }
        Err(Error::new(Code::RuleViolated, message).with_hint(format!(
            "nothing was written: exclude these rows in the query, correct the rule, or only record what breaks it with OPTIONS ('{ON_VIOLATION}' 'report')"
        )))
    }
}
