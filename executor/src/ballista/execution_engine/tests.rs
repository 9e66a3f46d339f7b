use super::*;
use ballista_core::execution_plans::ShuffleWriterExec;
use datafusion::arrow::array::Int32Array;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::datasource::memory::MemorySourceConfig;
use gristmill_engine::{Code, Error};
use std::collections::HashSet;
use std::path::Path;

fn engine() -> TaskEngine {
    TaskEngine::new(RunningTasks::default(), CancellationToken::new())
}

fn root(partitions: usize, work_dir: &Path) -> Arc<dyn ExecutionPlan> {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int32, false)]));
    let batch =
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int32Array::from(vec![1, 2]))]).unwrap();
    let scan = MemorySourceConfig::try_new_exec(&vec![vec![batch]; partitions], schema, None).unwrap();
    let work_dir = work_dir.to_str().unwrap().to_owned();
    Arc::new(ShuffleWriterExec::try_new("job".into(), 1, scan, work_dir).unwrap())
}

/// A task over the global partitions 4 and 5.
fn task(engine: &TaskEngine, work_dir: &Path) -> Arc<dyn QueryStageExecutor> {
    let config = SessionConfig::new();
    let plan = root(2, work_dir);
    engine
        .create_query_stage_exec("job".into(), 1, 7, vec![4, 5], plan, work_dir.to_str().unwrap(), &config)
        .unwrap()
}

async fn run(task: &Arc<dyn QueryStageExecutor>) -> Result<Vec<ShuffleWritePartition>> {
    task.execute_query_stage(7, Arc::new(TaskContext::default())).await
}

#[tokio::test]
async fn two_attempts_of_a_task_write_different_files() {
    let work_dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let mut files = HashSet::new();
    for _ in 0..2 {
        let written = run(&task(&engine, work_dir.path())).await.unwrap();
        files.extend(written.iter().map(|part| part.file_id.unwrap()));
    }
    assert_eq!(files.len(), 2);
    assert_eq!(std::fs::read_dir(work_dir.path().join("job/1/4")).unwrap().count(), 2);
}

#[tokio::test]
async fn what_is_written_is_reported_under_the_jobs_partition_numbers() {
    let work_dir = tempfile::tempdir().unwrap();
    let written = run(&task(&engine(), work_dir.path())).await.unwrap();
    let mut parts: Vec<(u64, u64)> = written.iter().map(|part| (part.partition_id, part.num_rows)).collect();
    parts.sort_unstable();
    assert_eq!(parts, [(4, 2), (5, 2)]);
}

#[tokio::test]
async fn a_task_reports_as_many_metric_sets_as_its_plan_has_on_the_scheduler() {
    let work_dir = tempfile::tempdir().unwrap();
    let on_scheduler = ballista_core::utils::collect_plan_metrics(root(2, work_dir.path()).as_ref()).len();
    let task = task(&engine(), work_dir.path());
    run(&task).await.unwrap();
    assert_eq!(task.collect_plan_metrics().len(), on_scheduler);
}

#[tokio::test]
async fn a_task_of_an_executor_that_stops_runs_again_elsewhere() {
    let work_dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let task = task(&engine, work_dir.path());
    engine.stop_all.cancel();
    let error = run(&task).await.unwrap_err();
    assert_eq!(error.to_string(), stopped().to_string());
}

#[tokio::test]
async fn dropping_a_tasks_future_cancels_its_plan() {
    let engine = engine();
    let cancelled = engine.stop_all.child_token();
    let task: Arc<dyn QueryStageExecutor> = Arc::new(TaskExecution {
        inner: Arc::new(Never),
        job: "job".into(),
        stage: 1,
        folder: String::new(),
        cancelled: cancelled.clone(),
        running: engine.running.clone(),
        stop_all: engine.stop_all.clone(),
    });
    let running = || engine.running.report("executor").task_status;
    tokio::select! {
        _ = run(&task) => unreachable!("it never ends"),
        () = async { while running().is_empty() { tokio::task::yield_now().await } } => {}
    }
    assert!(cancelled.is_cancelled() && running().is_empty());
}

#[tokio::test]
async fn a_running_task_is_reported_with_the_attempt_of_its_stage_and_stopped_by_that_name() {
    let engine = engine();
    let name = TaskName { job: "job".into(), stage: 3, stage_attempt: 2, task: 7 };
    let cancelled = CancellationToken::new();
    let running =
        engine.running.enter(Task { name, execution: Arc::new(Never), cancelled: cancelled.clone() });
    let report = engine.running.report("executor");
    let task = &report.task_status[0];
    let found = (task.job_id.as_str(), task.stage_id, task.stage_attempt_num, task.task_id);
    assert_eq!((report.executor_id.as_str(), found), ("executor", ("job", 3, 2, 7)));
    assert!(!cancelled.is_cancelled());
    engine.running.stop(&report);
    assert!(cancelled.is_cancelled());
    drop(running);
    assert!(engine.running.report("executor").task_status.is_empty());
}

#[test]
fn errors_of_preparing_a_plan_keep_their_kind() {
    let error = translate(Error::new(Code::UnsupportedColumnType, "a list").into());
    assert_eq!(Error::unframe(&error.to_string()).unwrap().code(), Code::UnsupportedColumnType);
}

/// A task for lists of tasks.
pub(crate) fn task_that_never_ends() -> Arc<dyn QueryStageExecutor> {
    Arc::new(Never)
}

#[derive(Debug)]
struct Never;

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Never")
    }
}

#[async_trait::async_trait]
impl QueryStageExecutor for Never {
    async fn execute_query_stage(&self, _: usize, _: Arc<TaskContext>) -> Result<Vec<ShuffleWritePartition>> {
        std::future::pending().await
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        vec![]
    }
}
