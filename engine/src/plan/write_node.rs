//! The write as a logical node, and the planner that turns it into the write operator.

use super::WriteSpec;
use crate::storage::Stores;
use crate::write::{WriteExec, shard_record_schema};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Writes its input as shards.
///
/// **Shape** in: data columns, then placement columns; out: one row per shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WriteNode {
    input: LogicalPlan,
    spec: Arc<WriteSpec>,
    schema: DFSchemaRef,
}

impl PartialOrd for WriteNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl WriteNode {
    /// A plan that writes `input`.
    #[must_use]
    pub fn plan(input: LogicalPlan, spec: Arc<WriteSpec>) -> LogicalPlan {
        let schema =
            DFSchema::try_from(shard_record_schema().as_ref().clone()).unwrap_or_else(|_| DFSchema::empty());
        let node = WriteNode { input, spec, schema: Arc::new(schema) };
        LogicalPlan::Extension(Extension { node: Arc::new(node) })
    }
}

impl UserDefinedLogicalNodeCore for WriteNode {
    fn name(&self) -> &'static str {
        "Write"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Write: {}", crate::write::describe(&self.spec))
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let [input] = <[LogicalPlan; 1]>::try_from(inputs).map_err(|inputs| {
            datafusion::common::internal_datafusion_err!(
                "the write node has one input, found {}",
                inputs.len()
            )
        })?;
        Ok(Self { input, spec: Arc::clone(&self.spec), schema: Arc::clone(&self.schema) })
    }
}

/// DataFusion's planner, extended by our node.
#[derive(Debug)]
pub struct TrainingSetPlanner {
    stores: Arc<Stores>,
}

impl TrainingSetPlanner {
    /// A planner whose write operators write to `stores`.
    #[must_use]
    pub fn new(stores: Arc<Stores>) -> Self {
        Self { stores }
    }
}

#[async_trait]
impl QueryPlanner for TrainingSetPlanner {
    async fn create_physical_plan(
        &self,
        logical_plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let extension = WritePlanner { stores: Arc::clone(&self.stores) };
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(extension)])
            .create_physical_plan(logical_plan, session)
            .await
    }
}

struct WritePlanner {
    stores: Arc<Stores>,
}

#[async_trait]
impl ExtensionPlanner for WritePlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning_ctx: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), [input]) = (node.as_any().downcast_ref::<WriteNode>(), physical_inputs) else {
            return Ok(None);
        };
        let writer = WriteExec::new(Arc::clone(input), Arc::clone(&node.spec), Arc::clone(&self.stores));
        Ok(Some(Arc::new(if node.spec.keep_order { writer.keeping_order() } else { writer })))
    }
}
