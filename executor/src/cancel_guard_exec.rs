//! A plan node that ends its streams with an error as soon as the task is cancelled.
//!
//! Ballista's shuffle writers run in detached tasks, so dropping a task's future stops nothing: what reads the plan
//! goes on reading it. Only the plan itself can stop it.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, RecordBatchStream,
    ReplaceChildrenOptions, SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};
use gristmill_engine::{Code, Error};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What happens to an error on its way out of a guarded plan.
pub(crate) type OnError = fn(DataFusionError) -> DataFusionError;

/// Guards the top of `plan`, where errors also go through `on_error`, and every leaf.
///
/// ```text
/// AggregateExec            CancelGuardExec (on_error)
///   DataSourceExec    →      AggregateExec
///                              CancelGuardExec
///                                DataSourceExec
/// ```
///
/// The top guard stops whoever reads the plan. The guards on the leaves stop an operator that drains its input in
/// one go and would not come back to the top for a long time.
pub(crate) fn guard_plan(
    plan: Arc<dyn ExecutionPlan>,
    cancelled: &CancellationToken,
    on_error: OnError,
) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan
        .transform_up(|node| {
            if node.children().is_empty() {
                Ok(Transformed::yes(CancelGuardExec::over(node, cancelled.clone(), std::convert::identity)))
            } else {
                Ok(Transformed::no(node))
            }
        })
        .data()?;
    Ok(CancelGuardExec::over(plan, cancelled.clone(), on_error))
}

/// **Shape** passes its input through: rows, order and partitions stay as they are.
#[derive(Clone)]
struct CancelGuardExec {
    input: Arc<dyn ExecutionPlan>,
    cancelled: CancellationToken,
    on_error: OnError,
}

impl CancelGuardExec {
    fn over(
        input: Arc<dyn ExecutionPlan>,
        cancelled: CancellationToken,
        on_error: OnError,
    ) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, cancelled, on_error })
    }
}

impl fmt::Debug for CancelGuardExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelGuardExec").field("input", &self.input).finish_non_exhaustive()
    }
}

impl DisplayAs for CancelGuardExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelGuardExec")
    }
}

impl ExecutionPlan for CancelGuardExec {
    fn name(&self) -> &'static str {
        "CancelGuardExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, ..Self::clone(&self) })),
            _ => Err(DataFusionError::Internal("CancelGuardExec takes one child".to_owned())),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context).map_err(self.on_error)?;
        Ok(Box::pin(GuardedStream {
            schema: input.schema(),
            input: Some(input),
            cancelled: Box::pin(self.cancelled.clone().cancelled_owned()),
            on_error: self.on_error,
        }))
    }

    /// None: the scheduler adds the metrics of a stage's tasks by position in a plan that has no guards.
    ///
    /// An empty set over a leaf without metrics: Ballista replaces a `PlaceholderRowExec` or `EmptyExec` that is not
    /// this task's by a memory scan, which has metrics, and a task that reports another number of sets than the task
    /// before it has its whole status dropped, so that the job never ends.
    fn metrics(&self) -> Option<MetricsSet> {
        (self.input.children().is_empty() && self.input.metrics().is_none()).then(MetricsSet::new)
    }
}

/// The input until it ends, fails, or the task is cancelled; the input is dropped in that moment.
struct GuardedStream {
    schema: SchemaRef,
    input: Option<SendableRecordBatchStream>,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    on_error: OnError,
}

impl Stream for GuardedStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(mut input) = self.input.take() else { return Poll::Ready(None) };
        if self.cancelled.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(Error::new(Code::Cancelled, "the task was cancelled").into())));
        }
        let next = input.poll_next_unpin(cx);
        if matches!(next, Poll::Pending | Poll::Ready(Some(Ok(_)))) {
            self.input = Some(input);
        }
        next.map_err(self.on_error)
    }
}

impl RecordBatchStream for GuardedStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

#[cfg(test)]
mod tests;
