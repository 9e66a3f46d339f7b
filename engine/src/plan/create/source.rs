//! The query of a training set, with the columns that place its rows.

use crate::error::{Code, Error, Result};
use crate::plan::output_names::{plan_output, refuse_repeated_name};
use crate::plan::roles::NamedColumns;
use crate::plan::split::doubt;
use crate::plan::{PlanContext, plan_query};
use crate::statement::{CreateTrainingSet, SplitMethod};
use crate::suggest;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Expr as AstExpr, GroupByExpr, Ident, Query, SelectItem, SetExpr};

/// Names the columns that are computed for the split and not written.
const HIDDEN_COLUMN: &str = "__gristmill_key_";

/// The planned query: its visible columns first, hidden columns behind them.
pub(super) struct Source {
    pub(super) plan: LogicalPlan,
    columns: Vec<Column>,
    visible: usize,
    /// The columns that decide the split, in the order of the statement.
    pub(super) placing: Vec<Column>,
    /// What makes it uncertain whether a second reading gives the same rows.
    doubt: Option<&'static str>,
}

impl Source {
    fn new(plan: LogicalPlan, visible: Option<usize>) -> Result<Self> {
        let columns = plan.schema().columns();
        let visible = visible.unwrap_or(columns.len());
        refuse_repeated_name(columns[..visible].iter().map(|column| column.name.as_str()))?;
        let doubt = doubt(&plan)?;
        Ok(Self { plan, columns, visible, placing: Vec::new(), doubt })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.columns[..self.visible].iter().position(|column| column.name == name)
    }

    /// The columns that the query outputs.
    pub(super) fn row(&self) -> &[Column] {
        &self.columns[..self.visible]
    }

    fn unknown(&self, name: &str, clause: &str) -> Error {
        let known: Vec<&str> =
            self.columns[..self.visible].iter().map(|column| column.name.as_str()).collect();
        let error = Error::new(Code::UnknownTargetColumn, format!("unknown column \"{name}\" in {clause}"));
        match suggest::hint(name, &known) {
            Some(hint) => error.with_hint(format!("{hint} in the query's output")),
            None => error,
        }
    }

    /// What may not come out as `create` says. A split by class and shards that are counted notice other rows
    /// themselves.
    pub(super) fn warnings(&self, create: &CreateTrainingSet) -> Vec<String> {
        let Some(doubt) = self.doubt else { return Vec::new() };
        let by_time =
            matches!(&create.split, Some(split) if matches!(split.method, SplitMethod::Time { .. }));
        let read_twice = [
            (by_time, "SPLIT BY TIME", "splits may not have their fractions of the rows"),
            (!create.expect.is_empty(), "EXPECT", "its rules may have looked at other rows"),
        ];
        let warning = |(_, clause, outcome)| {
            format!(
                "{clause} reads the query twice, and {doubt} may give other rows each time: {outcome}; order the rows by \
                 columns that leave no choice, or write them first with COPY"
            )
        };
        read_twice.into_iter().filter(|(applies, ..)| *applies).map(warning).collect()
    }

    /// The columns to write: the named ones first, the others in the query's order.
    ///
    /// # Errors
    /// `UnknownTargetColumn` when the query does not output one of them.
    pub(super) fn data_columns(&self, named: &NamedColumns) -> Result<Vec<Column>> {
        let position = |(name, clause)| self.position(name).ok_or_else(|| self.unknown(name, clause));
        let first = named.iter().map(position).collect::<Result<Vec<_>>>()?;
        let rest = (0..self.visible).filter(|index| !first.contains(index));
        Ok(first.iter().copied().chain(rest).map(|index| self.columns[index].clone()).collect())
    }
}

/// Plans the query. The columns `placing` that it does not output are added behind its columns, as `ORDER BY` may name
/// columns that are not selected.
pub(super) async fn plan_source(
    context: PlanContext<'_>,
    create: &CreateTrainingSet,
    placing: &[String],
) -> Result<Source> {
    let plain = Source::new(plan_output(context.state, &create.query).await?, None)?;
    if plain.visible == 0 {
        return Err(Error::new(Code::Unsupported, "the query has no columns"));
    }
    let hidden: Vec<&String> = placing.iter().filter(|name| plain.position(name).is_none()).collect();
    let mut source = match hidden.first() {
        None => plain,
        Some(first) => {
            let query =
                with_hidden_columns(&create.query, &hidden).ok_or_else(|| plain.unknown(first, "SPLIT"))?;
            let plan = match plan_query(context.state, &query).await {
                Ok(plan) => plan,
                Err(error) if is_ambiguous(&error) => return Err(error.context("SPLIT")),
                Err(error) if matches!(error.code(), Code::UnknownName | Code::StatementFailed) => {
                    return Err(plain.unknown(first, "SPLIT").with_source(error));
                }
                Err(error) => return Err(error),
            };
            Source::new(plan, Some(plain.visible))?
        }
    };
    source.placing = placing
        .iter()
        .map(|name| match source.position(name) {
            Some(index) => Ok(source.columns[index].clone()),
            None => hidden
                .iter()
                .position(|hidden| *hidden == name)
                .and_then(|index| source.columns.get(source.visible + index).cloned())
                .ok_or_else(|| source.unknown(name, "SPLIT")),
        })
        .collect::<Result<_>>()?;
    Ok(source)
}

/// Whether the error is that a name stands for several columns.
fn is_ambiguous(error: &Error) -> bool {
    let mut sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    sources.any(|source| {
        let root = source.downcast_ref::<DataFusionError>().map(DataFusionError::find_root);
        matches!(root, Some(DataFusionError::SchemaError(error, _)) if matches!(**error, SchemaError::AmbiguousReference { .. }))
    })
}

/// The query with `hidden` columns selected too, or `None` where that would change its rows.
fn with_hidden_columns(query: &Query, hidden: &[&String]) -> Option<Query> {
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    if select.distinct.is_some() || grouped {
        return None;
    }
    select.projection.extend(hidden.iter().enumerate().map(|(index, name)| SelectItem::ExprWithAlias {
        expr: AstExpr::Identifier(Ident::with_quote('"', name.as_str())),
        alias: Ident::with_quote('"', format!("{HIDDEN_COLUMN}{index}")),
    }));
    Some(query)
}
