//! Running plans in this process.

use crate::backend::{Backend, JobProgress, PhysicalJob, ProgressSource, RunningJob};
use crate::error::Result;
use async_trait::async_trait;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, execute_stream};
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
        Ok(RunningJob { stream, progress: Arc::new(PlanProgress { plan: job.plan }) })
    }
}

/// Reads progress from the metrics of a plan that runs in this process.
#[derive(Debug)]
struct PlanProgress {
    plan: Arc<dyn ExecutionPlan>,
}

impl ProgressSource for PlanProgress {
    fn progress(&self) -> JobProgress {
        let mut progress = JobProgress::default();
        add_scans(&self.plan, &mut progress);
        let partitions = self.plan.output_partitioning().partition_count() as u64;
        JobProgress { tasks_total: partitions, ..progress }
    }
}

fn add_scans(plan: &Arc<dyn ExecutionPlan>, progress: &mut JobProgress) {
    if plan.children().is_empty()
        && let Some(metrics) = plan.metrics()
    {
        progress.scanned_rows += metrics.output_rows().unwrap_or_default() as u64;
        progress.scanned_bytes += scanned_bytes(&metrics);
    }
    for child in plan.children() {
        add_scans(child, progress);
    }
}

/// The bytes a scan says it read.
fn scanned_bytes(metrics: &MetricsSet) -> u64 {
    metrics.sum_by_name("bytes_scanned").map_or(0, |bytes| bytes.as_usize() as u64)
}
