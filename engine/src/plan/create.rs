//! `CREATE TRAINING SET` into a planned write.

use super::placement::{PlacementInput, ShardBy};
use super::roles::NamedColumns;
use super::split::SplitInput;
use super::{PlanContext, PlannedWrite, WriteFacts, WriteNode, WriteSpec};
use crate::channels::{Target, TargetOptions};
use crate::error::Result;
use crate::expect::{self, CheckedRows, Expectations, OnViolation};
use crate::formats::{Columns, FormatKind, FormatOptions, format};
use crate::statement::{CreateTrainingSet, SplitMethod};
use crate::storage::Location;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::{Column, ExprSchema};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use gristmill_proto::manifest::Placement;
use std::sync::Arc;

mod balance;
mod options;
mod shard_balance;
mod source;
mod splits;

use balance::BalanceOptions;
pub(super) use options::refuse_unknown;
use options::{OPTIONS, ShardOptions, ShardedRows, seed, statistics};
use source::{Source, plan_source};
pub(super) use splits::Splits;
use splits::checked_sample;

/// Plans `create`. When it shuffles and does not say into how many shards, the size of the query's input files decides.
///
/// # Errors
/// `UnknownTargetColumn`, `SplitFractions`, `BadOption`, `UnsupportedColumnType`, and those of planning a query.
pub async fn plan_training_set(context: PlanContext<'_>, create: &CreateTrainingSet) -> Result<PlannedWrite> {
    let (location, splits) = (Location::parse(&create.location)?, Splits::of(create.split.as_ref())?);
    let sample = checked_sample(create.sample)?;
    let mut options = create.options.clone();
    let kind = FormatKind::parse(&create.format)?;
    let target = TargetOptions::take(&mut options)?;
    let format_options = FormatOptions::take(kind, &mut options, target.format_defaults())?;
    let seed = seed(create, &mut options)?;
    let (on_violation, statistics) = (OnViolation::take(&mut options)?, statistics(&mut options)?);
    let balance = BalanceOptions::take(&mut options)?;
    let wanted = ShardOptions::take(&mut options, context.write.target_shard_bytes.bytes())?;
    let wanted = wanted.for_job(&target, kind)?;
    let encoder = format(&format_options);
    let named = NamedColumns::take(create, encoder.as_ref(), &mut options)?;
    let known = [&OPTIONS, FormatOptions::names(kind), &NamedColumns::options(encoder.as_ref())].concat();
    refuse_unknown(&options, &known)?;

    let source = plan_source(context, create, splits.method.columns()).await?;
    let warnings = source.warnings(create);
    let expectations = expectations(&context, create, &splits, &source, on_violation).await?;
    let data = source.data_columns(&named)?;
    let columns = Columns::new(schema_of(&source.plan, &data)?, target.roles(named.roles))?;
    encoder.check(&columns)?;
    let balance = balance.resolve(&splits, columns.labels())?;
    let (group, copies) = (named.group(&data), balance.most_copies());
    let deal = ShardedRows { plan: &source.plan, splits: &splits, copies, grouped: group.is_some() };
    let (layout, shard_by) = wanted.layout(&context, create, deal).await?;

    let (row, placing) = (source.row().to_vec(), &source.placing);
    let split = SplitInput { seed, splits: &splits, sample, placing, row: &row };
    let mut rows = split.plan(source.plan)?;
    // The label is the first of the data columns.
    if let Some(balance) = data.first().and_then(|label| balance.balance(&splits, label)) {
        rows = balance.plan(rows, &row, seed)?;
    }
    let place = PlacementInput { seed, split: rows.split, row, copy: rows.copy, group };
    let input = placed(place.place(rows.plan, &layout, shard_by)?, &data)?;
    let shards = layout.shards();
    let training = target.resolve(Target::of(kind, &columns, shards))?;
    target.check_readable(&format_options, &columns, &splits.names)?;

    let spec = Arc::new(WriteSpec {
        job: uuid::Uuid::now_v7().simple().to_string(),
        location: location.to_string(),
        format: format_options,
        splits: splits.names.clone(),
        data_columns: data.len(),
        roles: columns.roles(),
        layout,
        keep_order: false,
        statistics,
    });
    let facts = WriteFacts {
        name: create.name.clone(),
        statement: context.text.to_owned(),
        labels: create.labels.clone(),
        splits: splits.facts(),
        training,
        placement: Placement {
            hash: gristmill_udfs::hash::HASH_NAME.to_owned(),
            seed,
            split: splits.by(),
            sample,
            undersample: balance.undersample,
            oversample: balance.oversample,
            shuffled: create.shuffle.is_some() || shard_by == ShardBy::Group,
            shards,
            balance: shards.and_then(|shards| shard_balance::fact(shards, shard_by)),
        },
        columns,
        warnings,
    };
    Ok(PlannedWrite { plan: WriteNode::plan(input, Arc::clone(&spec)), spec, location, facts, expectations })
}

/// The rules of the statement, about the rows of its query; the key of the split names those that break one.
async fn expectations(
    context: &PlanContext<'_>,
    create: &CreateTrainingSet,
    splits: &Splits,
    source: &Source,
    on_violation: OnViolation,
) -> Result<Expectations> {
    let key = match &splits.method {
        SplitMethod::Key(names) => names.iter().cloned().zip(source.placing.iter().cloned()).collect(),
        _ => Vec::new(),
    };
    let (plan, columns) = (source.plan.clone(), source.row());
    let rows = CheckedRows { plan, columns, key, query: &create.query, filter: None };
    expect::compile(context.state, &rows, &create.expect, on_violation).await
}

/// The data columns of `rows`, by their names alone, and the placement columns behind them.
fn placed((rows, placement): (LogicalPlan, Vec<Expr>), data: &[Column]) -> Result<LogicalPlan> {
    let data = data.iter().map(|column| Expr::Column(column.clone()).alias(&column.name));
    Ok(LogicalPlanBuilder::from(rows).project(data.chain(placement))?.build()?)
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
