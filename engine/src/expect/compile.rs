//! Rules into plans.

use super::checked_rows::{CheckedColumn, CheckedRows};
use super::measures::{counted, measured};
use super::offending::{repeated, rows_without};
use super::requirement::kept;
use super::tables::Tables;
use super::{CompiledRule, Expectations, Measured, OnViolation};
use crate::error::{Code, Error, Result};
use crate::plan::plan_query;
use crate::statement::expect::{Comparison, Condition, Measure, Rule, RuleKind};
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::count::count_all;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{Cte, Ident, Query, TableAlias, With};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// The name by which a query knows the rows.
const PRIMARY: &str = "primary";

/// Compiles `rules` about `rows`.
///
/// # Errors
/// `UnknownTargetColumn` names a column that the rows do not have; `StatementFailed` one of a type that a rule cannot be
/// about; those of planning a query. All name the rule.
pub(crate) async fn compile(
    state: &SessionState,
    rows: &CheckedRows<'_>,
    rules: &[Rule],
    on_violation: OnViolation,
) -> Result<Expectations> {
    let mut tables = Tables::default();
    let mut compiled = Vec::new();
    for rule in rules {
        let compiler = Compiler { state, rows, tables: &mut tables };
        let done = compiler.rule(rule).await;
        compiled.push(done.map_err(|error| error.context(format!("rule {} of EXPECT", rule.text)))?);
    }
    Ok(Expectations { tables: tables.finish(state)?, rules: compiled, on_violation })
}

struct Compiler<'a> {
    state: &'a SessionState,
    rows: &'a CheckedRows<'a>,
    tables: &'a mut Tables,
}

impl Compiler<'_> {
    async fn rule(self, rule: &Rule) -> Result<CompiledRule> {
        let all = Condition::Compare(Comparison::Eq, 1.0);
        let (measured, condition, offending) = match &rule.kind {
            RuleKind::ColumnCount(condition) => {
                (Measured::Known(self.rows.columns.len() as f64), condition.clone(), None)
            }
            RuleKind::ColumnExists(name) => {
                let exists = self.rows.columns.iter().any(|column| column.name == *name);
                (Measured::Known(f64::from(u8::from(exists))), all, None)
            }
            RuleKind::Measured { measure, columns, condition, filter } => {
                let rows = self.rows.filtered(self.state, filter.as_deref())?;
                let columns = named(&rows, *measure, columns)?;
                let measured = measured(self.tables, &rows, *measure, &columns)?;
                (measured, condition.clone(), offending(&rows, *measure, &columns)?)
            }
            RuleKind::Rows { column, requirement, filter, threshold } => {
                let rows = self.rows.filtered(self.state, filter.as_deref())?;
                let kept = kept(self.state, &rows.column(column)?, requirement)?;
                let share = Measured::Share {
                    kept: self.tables.over_rows(&rows, counted(kept.clone())?),
                    all: self.tables.over_rows(&rows, count_all()),
                };
                (share, threshold.clone().unwrap_or(all), Some(rows_without(&rows, kept)?))
            }
            RuleKind::CustomSql { query, condition } => {
                let plan = self.query(query).await?;
                (Measured::Value(self.tables.query(&rule.text, plan)), condition.clone(), None)
            }
        };
        Ok(CompiledRule { text: rule.text.clone(), measured, condition, offending })
    }

    /// The plan of a query on `primary`, which becomes a table of the query itself.
    async fn query(&self, text: &str) -> Result<LogicalPlan> {
        let mut query = Parser::new(&GenericDialect {})
            .try_with_sql(text)
            .and_then(|mut parser| {
                let query = parser.parse_query()?;
                parser.expect_token(&datafusion::sql::sqlparser::tokenizer::Token::EOF)?;
                Ok(query)
            })
            .map_err(|error| Error::new(Code::Syntax, error.to_string()))?;
        let primary = Cte {
            alias: TableAlias { explicit: true, name: Ident::new(PRIMARY), columns: Vec::new(), at: None },
            query: Box::new(self.rows.query.clone()),
            from: None,
            materialized: None,
            closing_paren_token: AttachedToken::empty(),
        };
        add_table(&mut query, primary);
        let plan = plan_query(self.state, &query).await?;
        let fields = plan.schema().fields();
        match fields.iter().as_slice() {
            [field] if field.data_type().is_numeric() || field.data_type().is_null() => Ok(plan),
            [field] => {
                let message = format!("the query gives {}, not a number", field.data_type());
                Err(Error::new(Code::StatementFailed, message)
                    .with_hint("select one number, such as count(*)"))
            }
            _ => Err(Error::new(Code::StatementFailed, format!("the query gives {} columns", fields.len()))
                .with_hint("select one number, such as count(*)")),
        }
    }
}

/// The columns of those names, each once; but two where two are compared.
fn named(rows: &CheckedRows<'_>, measure: Measure, names: &[String]) -> Result<Vec<CheckedColumn>> {
    let mut columns: Vec<CheckedColumn> = Vec::new();
    for name in names {
        let column = rows.column(name)?;
        let is_new = columns.iter().all(|known| known.name != column.name);
        if is_new || measure == Measure::ColumnCorrelation {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// The rows that make the measure smaller than it could be, where there are such.
fn offending(
    rows: &CheckedRows<'_>,
    measure: Measure,
    columns: &[CheckedColumn],
) -> Result<Option<LogicalPlan>> {
    Ok(match (measure, columns) {
        (Measure::Completeness, [column]) => Some(rows_without(rows, column.raw().is_not_null())?),
        (Measure::Uniqueness | Measure::UniqueValueRatio, _) => Some(repeated(rows, columns, false)?),
        (Measure::PrimaryKey, _) => Some(repeated(rows, columns, true)?),
        _ => None,
    })
}

fn add_table(query: &mut Query, table: Cte) {
    match &mut query.with {
        Some(with) => with.cte_tables.insert(0, table),
        None => {
            query.with =
                Some(With { with_token: AttachedToken::empty(), recursive: false, cte_tables: vec![table] });
        }
    }
}
