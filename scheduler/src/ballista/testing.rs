//! Execution graphs and executors for tests, driven as Ballista's loop drives them.

use ballista_core::JobId;
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::protobuf::{ShuffleWritePartition, SuccessfulTask, TaskStatus, task_status};
use ballista_core::serde::scheduler::{ExecutorMetadata, ExecutorSpecification};
use ballista_scheduler::cluster::BoundTask;
use ballista_scheduler::planner::DefaultDistributedPlanner;
use ballista_scheduler::state::execution_graph::{ExecutionGraphBox, StaticExecutionGraph};
use ballista_scheduler::state::task_manager::JobInfoCache;
use datafusion::arrow::array::Int64Array;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use datafusion::prelude::SessionConfig;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const JOB: &str = "job";

/// An in-memory scan of two partitions.
pub(super) fn scan() -> Arc<dyn ExecutionPlan> {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    MemorySourceConfig::try_new_exec(&[vec![batch.clone()], vec![batch]], schema, None).unwrap()
}

/// A stage of two partitions, and one of one partition that reads it.
pub(super) fn two_stages() -> Arc<dyn ExecutionPlan> {
    Arc::new(CoalescePartitionsExec::new(scan()))
}

/// A stage of two partitions, one of two partitions that reads it, and one of one partition that reads that.
pub(super) fn three_stages() -> Arc<dyn ExecutionPlan> {
    let key = datafusion::physical_expr::expressions::col("x", &scan().schema()).unwrap();
    let exchange = RepartitionExec::try_new(scan(), Partitioning::Hash(vec![key], 2)).unwrap();
    Arc::new(CoalescePartitionsExec::new(Arc::new(exchange)))
}

pub(super) fn executor(id: &str) -> ExecutorMetadata {
    ExecutorMetadata {
        id: id.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 1,
        grpc_port: 2,
        specification: ExecutorSpecification { vcores: 1 },
        os_info: Default::default(),
    }
}

/// A running job, one partition a task.
pub(super) fn job(plan: Arc<dyn ExecutionPlan>) -> JobInfoCache {
    let config =
        SessionConfig::new_with_ballista().set_usize("ballista.scheduler.max_partitions_per_task", 1);
    let mut planner = DefaultDistributedPlanner::new();
    let mut graph: ExecutionGraphBox = Box::new(
        StaticExecutionGraph::new(
            "s",
            &JobId::new(JOB),
            "",
            "",
            plan,
            0,
            Arc::new(config),
            &mut planner,
            None,
        )
        .unwrap(),
    );
    graph.revive();
    JobInfoCache::new(graph)
}

pub(super) fn jobs(job: &JobInfoCache) -> Arc<HashMap<JobId, JobInfoCache>> {
    Arc::new(HashMap::from([(JobId::new(JOB), job.clone())]))
}

/// Reports that `task` has succeeded on its executor, with one row in a file of this number.
pub(super) async fn succeed(job: &JobInfoCache, (executor_id, task): &BoundTask, file_id: u64) {
    let files = task.global_input_partition_ids.iter().map(|partition| ShuffleWritePartition {
        partition_id: *partition as u64,
        num_batches: 1,
        num_rows: 1,
        num_bytes: 100,
        file_id: Some(file_id),
        is_sort_shuffle: false,
    });
    let status = TaskStatus {
        task_id: task.key.task_id as u32,
        job_id: JOB.to_owned(),
        stage_id: task.key.stage_id as u32,
        stage_attempt_num: task.stage_attempt_num as u32,
        status: Some(task_status::Status::Successful(SuccessfulTask {
            executor_id: executor_id.clone(),
            partitions: files.collect(),
            runtime_stats: vec![],
            task_column_stats: vec![],
            window_state: vec![],
        })),
        ..TaskStatus::default()
    };
    let mut graph = job.execution_graph.write().await;
    graph.update_task_status(&executor(executor_id), vec![status], 4, 4).unwrap();
    graph.revive();
}

pub(super) async fn lose(job: &JobInfoCache, executor_id: &str) {
    let mut graph = job.execution_graph.write().await;
    graph.reset_stages_on_lost_executor(executor_id).unwrap();
    graph.revive();
}
