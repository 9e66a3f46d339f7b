//! `CREATE TRAINING SET` into a planned write.

use super::placement::PlacementInput;
use super::query::plan_query;
use super::roles::NamedColumns;
use super::{DEFAULT_SPLIT, Layout, PlanContext, PlannedWrite, WriteFacts, WriteNode, WriteSpec};
use crate::config::ByteSize;
use crate::error::{Code, Error, Result};
use crate::formats::{Columns, FormatDefaults, FormatKind, FormatOptions, format};
use crate::statement::{CreateTrainingSet, SplitClause};
use crate::storage::Location;
use crate::suggest;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::{Column, ExprSchema, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{Expr as AstExpr, GroupByExpr, Ident, Query, SelectItem, SetExpr};
use gristmill_proto::manifest::Placement;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Names the key columns that are computed for the split and not written.
const HIDDEN_KEY: &str = "__gristmill_key_";
/// The largest number of shards of one split.
const MOST_SHARDS: u32 = 100_000;
/// The largest number of splits.
const MOST_SPLITS: usize = 100;
/// The longest name of a split, in bytes: SageMaker's limit for a channel.
const LONGEST_SPLIT_NAME: usize = 64;
/// Options of the statement itself, beside those of its format.
const OPTIONS: [&str; 4] = ["shards", "target_shard_bytes", "seed", "statistics"];

/// Plans `create`. When it shuffles and does not say into how many shards, the size of the query's input files decides.
///
/// # Errors
/// `UnknownTargetColumn`, `SplitFractions`, `BadOption`, `UnsupportedColumnType`, and those of planning a query.
pub async fn plan_training_set(context: PlanContext<'_>, create: &CreateTrainingSet) -> Result<PlannedWrite> {
    let location = Location::parse(&create.location)?;
    let splits = checked_splits(create.split.as_ref())?;
    let mut options = create.options.clone();
    let kind = FormatKind::parse(&create.format)?;
    let format_options = FormatOptions::take(kind, &mut options, FormatDefaults::TRAINING_SET)?;
    let seed = seed(create, &mut options)?;
    let statistics = take_switch(&mut options, "statistics")?.unwrap_or(true);
    let wanted = ShardOptions::take(&mut options, context.write.target_shard_bytes.bytes())?;
    let encoder = format(&format_options);
    let named = NamedColumns::take(create, encoder.as_ref(), &mut options)?;
    let known = [&OPTIONS, FormatOptions::names(kind), &NamedColumns::options(encoder.as_ref())].concat();
    refuse_unknown(&options, &known)?;

    let keys = create.split.as_ref().map_or(&[][..], |split| &split.key);
    let source = plan_source(context, create, keys).await?;
    let data = source.data_columns(&named)?;
    let layout = wanted.layout(&context, create, &source.plan, splits.len()).await?;
    let columns = Columns::new(schema_of(&source.plan, &data)?, named.roles)?;
    encoder.check(&columns)?;

    let fractions: Vec<f64> = splits.iter().map(|(_, fraction)| *fraction).collect();
    let row = source.columns[..source.visible].to_vec();
    let key = if keys.is_empty() { row.clone() } else { source.key.clone() };
    let placement = PlacementInput { seed, fractions: &fractions, key, row };
    let expressions = data
        .iter()
        .map(|column| Expr::Column(column.clone()).alias(&column.name))
        .chain(placement.expressions(&layout));
    let input = LogicalPlanBuilder::from(source.plan).project(expressions)?.build()?;

    let spec = Arc::new(WriteSpec {
        job: uuid::Uuid::now_v7().simple().to_string(),
        location: location.to_string(),
        format: format_options,
        splits: splits.iter().map(|(name, _)| name.clone()).collect(),
        data_columns: data.len(),
        roles: named.roles,
        layout: layout.clone(),
        keep_order: false,
        statistics,
    });
    let facts = WriteFacts {
        name: create.name.clone(),
        statement: context.text.to_owned(),
        labels: create.labels.clone(),
        splits,
        placement: Placement {
            hash: gristmill_udfs::hash::HASH_NAME.to_owned(),
            seed,
            key: keys.to_vec(),
            shuffled: create.shuffle.is_some(),
            shards: match layout {
                Layout::Sharded { shards, .. } => Some(shards),
                _ => None,
            },
        },
        columns,
    };
    Ok(PlannedWrite { plan: WriteNode::plan(input, Arc::clone(&spec)), spec, location, facts })
}

fn checked_splits(clause: Option<&SplitClause>) -> Result<Vec<(String, f64)>> {
    let Some(clause) = clause else { return Ok(vec![(DEFAULT_SPLIT.to_owned(), 1.0)]) };
    if clause.splits.len() > MOST_SPLITS {
        let message = format!("{} splits are too many: at most {MOST_SPLITS}", clause.splits.len());
        return Err(Error::new(Code::SplitFractions, message));
    }
    let mut seen = HashSet::new();
    for (name, _) in &clause.splits {
        if !seen.insert(name) {
            return Err(Error::new(Code::SplitFractions, format!("two splits are named \"{name}\"")));
        }
        let plain = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-');
        if !plain || name.starts_with('_') || name.len() > LONGEST_SPLIT_NAME {
            let message = format!("\"{name}\" cannot name a split");
            return Err(Error::new(Code::SplitFractions, message).with_hint(
                "a split is a folder: use at most 64 letters, digits, - and _, and no _ at the start",
            ));
        }
    }
    let fractions: Vec<f64> = clause.splits.iter().map(|(_, fraction)| *fraction).collect();
    gristmill_udfs::split::Fractions::new(fractions).map_err(|error| {
        let shown =
            clause.splits.iter().map(|(name, fraction)| format!("{name} {fraction}")).collect::<Vec<_>>();
        Error::new(Code::SplitFractions, format!("SPLIT ({}): {error}", shown.join(", ")))
            .with_hint("each fraction is above 0, and together they are 1")
    })?;
    Ok(clause.splits.clone())
}

fn seed(create: &CreateTrainingSet, options: &mut BTreeMap<String, String>) -> Result<u64> {
    let option = take_number(options, "seed")?;
    match (create.shuffle.and_then(|shuffle| shuffle.seed), option) {
        (Some(_), Some(_)) => {
            Err(Error::new(Code::BadOption, "the seed is given twice: SHUFFLE SEED and option 'seed'"))
        }
        (seed, option) => Ok(seed.or(option).unwrap_or(0)),
    }
}

/// `'shards'` and `'target_shard_bytes'`.
struct ShardOptions {
    shards: Option<u32>,
    target_bytes: u64,
}

impl ShardOptions {
    fn take(options: &mut BTreeMap<String, String>, default_bytes: u64) -> Result<Self> {
        let shards = match take_number(options, "shards")? {
            None => None,
            Some(shards) => match u32::try_from(shards) {
                Ok(shards @ 1..=MOST_SHARDS) => Some(shards),
                _ => {
                    let message = format!("option 'shards' is {shards}");
                    return Err(Error::new(Code::BadOption, message).with_hint(format!("1 to {MOST_SHARDS}")));
                }
            },
        };
        let target_bytes = match options.remove("target_shard_bytes") {
            None => default_bytes,
            Some(text) => text
                .parse::<ByteSize>()
                .map_err(|error| error.context("option 'target_shard_bytes'"))?
                .bytes()
                .max(1),
        };
        Ok(Self { shards, target_bytes })
    }

    async fn layout(
        &self,
        context: &PlanContext<'_>,
        create: &CreateTrainingSet,
        plan: &LogicalPlan,
        splits: usize,
    ) -> Result<Layout> {
        let shuffled = create.shuffle.is_some();
        let shards = match self.shards {
            Some(shards) => shards,
            None if !shuffled => return Ok(Layout::Rolling { target_bytes: self.target_bytes }),
            None => {
                let bytes = super::input_files(context.state, plan).await?.total_bytes();
                u32::try_from(bytes.div_ceil(self.target_bytes)).unwrap_or(MOST_SHARDS).clamp(1, MOST_SHARDS)
            }
        };
        let open = splits.saturating_mul(shards as usize);
        Ok(Layout::Sharded { shards, ordered: shuffled || open > context.write.open_shards, shuffled })
    }
}

fn take_number(options: &mut BTreeMap<String, String>, key: &str) -> Result<Option<u64>> {
    let Some(text) = options.remove(key) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|error| {
        Error::new(Code::BadOption, format!("option '{key}' takes a whole number, found \"{text}\""))
            .with_source(error)
    })
}

fn take_switch(options: &mut BTreeMap<String, String>, key: &str) -> Result<Option<bool>> {
    let Some(text) = options.remove(key) else { return Ok(None) };
    text.trim().to_ascii_lowercase().parse().map(Some).map_err(|error| {
        Error::new(Code::BadOption, format!("option '{key}' takes true or false, found \"{text}\""))
            .with_source(error)
    })
}

/// Refuses options that are left because nothing has taken them; the hint suggests one of `known`.
pub(super) fn refuse_unknown(options: &BTreeMap<String, String>, known: &[&str]) -> Result<()> {
    let Some(key) = options.keys().next() else { return Ok(()) };
    let error = Error::new(Code::BadOption, format!("unknown option '{key}'"));
    Err(match suggest::hint(key, known) {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

/// The planned query: its visible columns first, hidden key columns behind them.
struct Source {
    plan: LogicalPlan,
    columns: Vec<Column>,
    visible: usize,
    key: Vec<Column>,
}

impl Source {
    fn new(plan: LogicalPlan, visible: Option<usize>) -> Result<Self> {
        let columns = plan.schema().columns();
        let visible = visible.unwrap_or(columns.len());
        let mut names = HashSet::new();
        for column in &columns[..visible] {
            if !names.insert(&column.name) {
                let message = format!("the query has two columns named \"{}\"", column.name);
                return Err(Error::new(Code::UnknownName, message).with_hint("name one of them with AS"));
            }
        }
        Ok(Self { plan, columns, visible, key: Vec::new() })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.columns[..self.visible].iter().position(|column| column.name == name)
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

    /// The columns to write: the named ones first, the others in the query's order.
    ///
    /// # Errors
    /// `UnknownTargetColumn` when the query does not output one of them.
    fn data_columns(&self, named: &NamedColumns) -> Result<Vec<Column>> {
        let position = |(name, clause)| self.position(name).ok_or_else(|| self.unknown(name, clause));
        let first = named.iter().map(position).collect::<Result<Vec<_>>>()?;
        let rest = (0..self.visible).filter(|index| !first.contains(index));
        Ok(first.iter().copied().chain(rest).map(|index| self.columns[index].clone()).collect())
    }
}

/// Plans the query. Key columns that it does not output are added behind its columns, as `ORDER BY` may name columns
/// that are not selected.
async fn plan_source(
    context: PlanContext<'_>,
    create: &CreateTrainingSet,
    keys: &[String],
) -> Result<Source> {
    let plain = Source::new(plan_query(context.state, &create.query).await?, None)?;
    if plain.visible == 0 {
        return Err(Error::new(Code::Unsupported, "the query has no columns"));
    }
    let hidden: Vec<&String> = keys.iter().filter(|key| plain.position(key).is_none()).collect();
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
    source.key = keys
        .iter()
        .map(|key| match source.position(key) {
            Some(index) => Ok(source.columns[index].clone()),
            None => hidden
                .iter()
                .position(|hidden| *hidden == key)
                .and_then(|index| source.columns.get(source.visible + index).cloned())
                .ok_or_else(|| source.unknown(key, "SPLIT")),
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
        alias: Ident::with_quote('"', format!("{HIDDEN_KEY}{index}")),
    }));
    Some(query)
}

pub(super) fn schema_of(plan: &LogicalPlan, columns: &[Column]) -> Result<SchemaRef> {
    let fields = columns
        .iter()
        .map(|column| {
            Ok(Arc::new(plan.schema().field_from_column(column)?.as_ref().clone().with_name(&column.name)))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}
