//! Running plans in this process.

use crate::backend::{Backend, JobProgress, PhysicalJob, ProgressSource, RunningJob, scanned_bytes};
use crate::error::Result;
use async_trait::async_trait;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use std::sync::Arc;

/// Runs plans in this process, on the runtime that polls their stream.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedBackend;

#[async_trait]
impl Backend for EmbeddedBackend {
    fn target_partitions(&self) -> Option<usize> {
        None
    }

    async fn run(&self, job: PhysicalJob) -> Result<RunningJob> {
        let stream = execute_stream(Arc::clone(&job.plan), job.ctx.task_ctx())?;
        Ok(RunningJob { stream, progress: Arc::new(PlanProgress::of(job.plan)) })
    }
}

/// Reads progress from the metrics of a plan that runs in this process.
#[derive(Debug)]
struct PlanProgress {
    plan: Arc<dyn ExecutionPlan>,
    input_rows: u64,
}

impl PlanProgress {
    fn of(plan: Arc<dyn ExecutionPlan>) -> Self {
        Self { input_rows: input_rows(&plan).unwrap_or_default(), plan }
    }
}

impl ProgressSource for PlanProgress {
    fn progress(&self) -> JobProgress {
        let mut progress = JobProgress { input_rows: self.input_rows, ..JobProgress::default() };
        add_scans(&self.plan, &mut progress);
        progress
    }
}

/// The rows of all files that the plan reads, if the statistics of each of them say how many.
fn input_rows(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    if plan.is::<DataSourceExec>() {
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).ok()?;
        return Some(*statistics.num_rows.get_value()? as u64);
    }
    plan.children().into_iter().map(input_rows).sum()
}

fn add_scans(plan: &Arc<dyn ExecutionPlan>, progress: &mut JobProgress) {
    if plan.children().is_empty()
        && let Some(metrics) = plan.metrics()
    {
        progress.scanned_rows += metrics.output_rows().unwrap_or_default() as u64;
        progress.scanned_bytes +=
            scanned_bytes(plan.as_ref(), &metrics, |partition| has_ended(&metrics, partition));
    }
    for child in plan.children() {
        add_scans(child, progress);
    }
}

fn has_ended(metrics: &MetricsSet, partition: usize) -> bool {
    metrics.iter().any(|metric| {
        metric.partition() == Some(partition)
            && matches!(metric.value(), MetricValue::EndTimestamp(end) if end.value().is_some())
    })
}
