use super::*;
use datafusion::arrow::array::Int32Array;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{Partitioning, displayable};
use std::time::Duration;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("x", DataType::Int32, false)]))
}

fn batch() -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int32Array::from(vec![1, 2, 3]))]).unwrap()
}

/// A leaf whose one partition is whatever stream `open` gives.
struct StreamExec {
    properties: Arc<PlanProperties>,
    open: fn() -> futures::stream::BoxStream<'static, Result<RecordBatch>>,
}

impl StreamExec {
    fn plan(
        open: fn() -> futures::stream::BoxStream<'static, Result<RecordBatch>>,
    ) -> Arc<dyn ExecutionPlan> {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Arc::new(Self { properties, open })
    }
}

impl fmt::Debug for StreamExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamExec")
    }
}

impl DisplayAs for StreamExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamExec")
    }
}

impl ExecutionPlan for StreamExec {
    fn name(&self) -> &'static str {
        "StreamExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), (self.open)())))
    }
}

fn run(
    plan: Arc<dyn ExecutionPlan>,
    cancelled: &CancellationToken,
    on_error: OnError,
) -> SendableRecordBatchStream {
    let plan = guard_plan(plan, cancelled, on_error).unwrap();
    plan.execute(0, Arc::new(TaskContext::default())).unwrap()
}

/// What a detached task that reads the stream to its end comes to, at most five seconds after the cancellation.
async fn end_after_cancel(plan: Arc<dyn ExecutionPlan>) -> Result<()> {
    let cancelled = CancellationToken::new();
    let mut stream = run(plan, &cancelled, std::convert::identity);
    let reader = tokio::spawn(async move {
        while let Some(batch) = stream.next().await {
            batch?;
        }
        Ok(())
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    cancelled.cancel();
    tokio::time::timeout(Duration::from_secs(5), reader).await.expect("the reader should stop").unwrap()
}

fn assert_cancelled(end: Result<()>) {
    let error = Error::from_datafusion(end.unwrap_err());
    assert_eq!(error.code(), Code::Cancelled);
}

#[tokio::test]
async fn a_stream_that_never_gives_anything_ends_when_the_task_is_cancelled() {
    assert_cancelled(end_after_cancel(StreamExec::plan(|| futures::stream::pending().boxed())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_never_ends_and_never_waits_ends_when_the_task_is_cancelled() {
    assert_cancelled(
        end_after_cancel(StreamExec::plan(|| futures::stream::repeat_with(|| Ok(batch())).boxed())).await,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_drains_its_input_in_one_go_ends_when_the_task_is_cancelled() {
    let leaf = StreamExec::plan(|| futures::stream::repeat_with(|| Ok(batch())).boxed());
    let drained = StreamExecOver::plan(leaf);
    assert_cancelled(end_after_cancel(drained).await);
}

#[tokio::test]
async fn an_input_that_ends_is_passed_through_whole() {
    let plan = StreamExec::plan(|| futures::stream::iter([Ok(batch()), Ok(batch())]).boxed());
    let batches: Vec<_> = run(plan, &CancellationToken::new(), std::convert::identity).collect().await;
    assert_eq!(batches.len(), 2);
}

#[tokio::test]
async fn an_error_goes_through_the_function_at_the_top_once_and_is_the_end() {
    let plan = StreamExec::plan(|| {
        futures::stream::iter([Err(DataFusionError::Execution("a".to_owned())), Ok(batch())]).boxed()
    });
    let items: Vec<_> = run(plan, &CancellationToken::new(), |error| error.context("seen")).collect().await;
    assert_eq!(items.len(), 1);
    let text = items[0].as_ref().unwrap_err().to_string();
    assert_eq!(text.matches("seen").count(), 1, "{text}");
}

#[test]
fn the_guards_are_at_the_top_and_at_the_leaves() {
    let leaf = MemorySourceConfig::try_new_exec(&[vec![batch()]], schema(), None).unwrap();
    let plan: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(leaf));
    let guarded = guard_plan(plan, &CancellationToken::new(), std::convert::identity).unwrap();
    let text = displayable(guarded.as_ref()).indent(false).to_string();
    let names: Vec<&str> = text.lines().map(|line| line.trim().split([':', ' ']).next().unwrap()).collect();
    assert_eq!(names, ["CancelGuardExec", "CoalescePartitionsExec", "CancelGuardExec", "DataSourceExec"]);
}

fn metric_sets(plan: &Arc<dyn ExecutionPlan>) -> usize {
    usize::from(plan.metrics().is_some()) + plan.children().into_iter().map(metric_sets).sum::<usize>()
}

#[test]
fn guards_add_no_metrics_and_every_leaf_has_one_set() {
    let scan = MemorySourceConfig::try_new_exec(&[vec![batch()]], schema(), None).unwrap();
    let scan: Arc<dyn ExecutionPlan> = scan;
    let empty: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(schema()));
    for leaf in [scan, empty] {
        let plan: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(leaf));
        let guarded = guard_plan(plan, &CancellationToken::new(), std::convert::identity).unwrap();
        assert_eq!(metric_sets(&guarded), 2);
    }
}

/// Reads its whole input inside a single poll, as an aggregation over local files does.
#[derive(Debug)]
struct StreamExecOver(Arc<dyn ExecutionPlan>);

impl StreamExecOver {
    fn plan(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self(input))
    }
}

impl DisplayAs for StreamExecOver {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamExecOver")
    }
}

impl ExecutionPlan for StreamExecOver {
    fn name(&self) -> &'static str {
        "StreamExecOver"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Self::plan(children.remove(0)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut input = self.0.execute(partition, context)?;
        let drained = futures::stream::once(std::future::poll_fn(move |cx| {
            loop {
                match input.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(None) => return Poll::Ready(Ok(batch())),
                    Poll::Pending => return Poll::Pending,
                }
            }
        }));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), drained)))
    }
}
