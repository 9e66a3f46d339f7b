//! The physical write operator.

use super::shard_writer::ShardTarget;
use super::task_writer::TaskWriter;
use super::{ShardRecord, WriterIdentity, describe, shard_record_schema};
use crate::formats::{Columns, format};
use crate::plan::{Layout, PlacementColumns, WriteSpec};
use crate::storage::{Attempt, Location, Stores};
use datafusion::arrow::compute::SortOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexRequirement, OrderingRequirements, Partitioning, PhysicalExpr,
    PhysicalSortRequirement,
};
use datafusion::physical_plan::distribution_requirements::InputDistributionRequirements;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, Time};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use std::fmt;
use std::sync::Arc;

/// Writes its input as shards that are not visible yet.
///
/// **Shape** in: data columns, then placement columns; out: one row per shard, partitions as in the input.
/// **Limits** holds the open shards' buffers, which it reserves from the memory pool; see `TaskWriter`.
/// **Errors** those of encoding and of the store, typed; nothing it wrote stays when its stream ends early.
#[derive(Debug, Clone)]
pub struct WriteExec {
    input: Arc<dyn ExecutionPlan>,
    spec: Arc<WriteSpec>,
    stores: Arc<Stores>,
    identity: Option<WriterIdentity>,
    /// The order rows are written in, where the statement asks for one.
    order: Option<LexRequirement>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl WriteExec {
    /// Writes `input` as `spec` says.
    #[must_use]
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: Arc<WriteSpec>, stores: Arc<Stores>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(shard_record_schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Self { input, spec, stores, identity: None, order: None, properties: Arc::new(properties), metrics }
    }

    /// The same writer, knowing who runs it.
    #[must_use]
    pub fn with_identity(&self, identity: WriterIdentity) -> Self {
        Self { identity: Some(identity), ..self.clone() }
    }

    /// The same writer, keeping the order its input has now through whatever the optimizer does.
    #[must_use]
    pub fn keeping_order(self) -> Self {
        let order = self.input.output_ordering().map(|ordering| ordering.clone().into());
        Self { order, ..self }
    }

    /// What it writes.
    #[must_use]
    pub fn spec(&self) -> &Arc<WriteSpec> {
        &self.spec
    }

    /// A writer of its job for as long as others write.
    pub(super) fn remote_attempt(&self) -> Attempt {
        self.stores.attempt(&self.spec.job, "remote".to_owned())
    }

    fn placement_column(&self, column: PlacementColumns) -> Arc<dyn PhysicalExpr> {
        let index = self.spec.data_columns + column as usize;
        Arc::new(Column::new(self.input.schema().field(index).name(), index))
    }

    /// The job-wide number of local partition `partition`, and the attempt that names temporaries.
    fn identify(&self, partition: usize) -> Result<(Attempt, usize)> {
        let (attempt, number) = match &self.identity {
            None => (format!("local-{partition}"), partition),
            Some(identity) => match identity.partitions.get(partition) {
                Some(number) => (format!("{}-{partition}", identity.attempt), *number),
                None => return internal_err!("partition {partition} has no number in {identity:?}"),
            },
        };
        Ok((self.stores.attempt(&self.spec.job, attempt), number))
    }
}

impl DisplayAs for WriteExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteExec: {}", describe(&self.spec))
    }
}

impl ExecutionPlan for WriteExec {
    fn name(&self) -> &'static str {
        "WriteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        let distribution = match &self.spec.layout {
            Layout::SingleFile { .. } | Layout::Sharded { ordered: false, shuffled: true, .. } => {
                Distribution::SinglePartition
            }
            _ if self.order.is_some() => Distribution::SinglePartition,
            Layout::Rolling { .. } => Distribution::UnspecifiedDistribution,
            Layout::Sharded { .. } => Distribution::KeyPartitioned(vec![
                self.placement_column(PlacementColumns::Split),
                self.placement_column(PlacementColumns::Shard),
            ]),
        };
        InputDistributionRequirements::new(vec![distribution])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let ascending = |column| PhysicalSortRequirement::new(column, Some(SortOptions::new(false, false)));
        let requirement = match &self.spec.layout {
            // The high half of the order is the shard, or a hash of which shards are ranges: rows in that order are in the
            // order of shards.
            Layout::Sharded { shuffled: true, .. } => {
                let columns =
                    [PlacementColumns::Split, PlacementColumns::OrderHigh, PlacementColumns::OrderLow];
                LexRequirement::new(columns.map(|column| ascending(self.placement_column(column))))
            }
            Layout::Sharded { ordered: true, .. } => {
                let columns = [PlacementColumns::Split, PlacementColumns::Shard];
                LexRequirement::new(columns.map(|column| ascending(self.placement_column(column))))
            }
            Layout::Sharded { .. } => None,
            _ => self.order.clone(),
        };
        vec![requirement.map(OrderingRequirements::new)]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![matches!(self.spec.layout, Layout::Rolling { .. }) && self.order.is_none()]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("the write operator has one input");
        };
        let mut writer = WriteExec::new(input, Arc::clone(&self.spec), Arc::clone(&self.stores));
        writer.identity.clone_from(&self.identity);
        writer.order.clone_from(&self.order);
        Ok(Arc::new(writer))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let memory = MemoryConsumer::new(format!("WriteExec[{partition}]")).register(context.memory_pool());
        let (attempt, number) = self.identify(partition)?;
        let columns: Vec<usize> = (0..self.spec.data_columns).collect();
        let target = ShardTarget {
            store: self.stores.shards(&Location::parse(&self.spec.location)?)?,
            attempt,
            format: format(&self.spec.format),
            columns: Columns::new(Arc::new(self.input.schema().project(&columns)?), self.spec.roles)?,
            statistics: self.spec.statistics,
        };
        let writer = TaskWriter::new(Arc::clone(&self.spec), target, number, memory);
        let input = self.input.execute(partition, context)?;
        let rows = MetricBuilder::new(&self.metrics).output_rows(partition);
        let written = MetricBuilder::new(&self.metrics).counter("written_rows", partition);
        let time = MetricBuilder::new(&self.metrics).elapsed_compute(partition);
        let records = async move {
            let records = drain(input, writer, &written, &time).await?;
            rows.add(records.len());
            let batches = ShardRecord::to_batches(&records)?;
            Ok::<_, DataFusionError>(futures::stream::iter(batches.into_iter().map(Ok)))
        };
        let stream = futures::stream::once(records).try_flatten().boxed();
        Ok(Box::pin(RecordBatchStreamAdapter::new(shard_record_schema(), stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

async fn drain(
    mut input: SendableRecordBatchStream,
    mut writer: TaskWriter,
    written: &datafusion::physical_plan::metrics::Count,
    time: &Time,
) -> Result<Vec<ShardRecord>> {
    while let Some(batch) = input.try_next().await? {
        let _timer = time.timer();
        writer.write(&batch).await?;
        written.add(batch.num_rows());
        // An input that is always ready would keep the task from seeing that it is cancelled.
        tokio::task::coop::consume_budget().await;
    }
    Ok(writer.finish().await?)
}
