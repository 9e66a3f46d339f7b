use super::super::registry::Registry;
use super::super::testing::{executor, job, jobs, lose, scan, succeed, two_stages};
use super::*;
use ballista_core::serde::scheduler::ExecutorData;
use ballista_scheduler::cluster::{BoundTask, ClusterState};
use ballista_scheduler::config::TaskDistributionPolicy;
use ballista_scheduler::state::task_manager::JobInfoCache;
use tokio_util::sync::CancellationToken;

async fn bind(job: &JobInfoCache, executors: &[&str]) -> Vec<BoundTask> {
    let registry = Registry::new(CancellationToken::new());
    for id in executors {
        let data = ExecutorData { executor_id: (*id).to_owned(), total_vcores: 1, available_vcores: 1 };
        registry.register_unwatched(executor(id), data).await;
    }
    registry.bind_schedulable_tasks(TaskDistributionPolicy::RoundRobin, jobs(job), None).await.unwrap()
}

fn files(parts: &[ResultPart]) -> Vec<(usize, u64, &str)> {
    parts.iter().map(|part| (part.partition, part.file_id.unwrap(), part.executor.id.as_str())).collect()
}

#[tokio::test]
async fn the_result_is_the_files_of_all_tasks_of_the_last_stage() {
    let job = job(scan());
    for (file_id, task) in bind(&job, &["a", "b"]).await.iter().enumerate() {
        succeed(&job, task, file_id as u64).await;
    }
    let graph = job.execution_graph.read().await;
    let parts = parts(graph.as_ref()).unwrap();
    let partitions: Vec<usize> = parts.iter().map(|part| part.partition).collect();
    assert_eq!(partitions, [0, 1]);
}

#[tokio::test]
async fn files_of_a_task_that_ran_again_are_in_the_result_once() {
    let job = job(scan());
    let first = bind(&job, &["a", "b"]).await;
    let on_a = first.iter().find(|(executor, _)| executor == "a").unwrap();
    let on_b = first.iter().find(|(executor, _)| executor == "b").unwrap();
    succeed(&job, on_a, 10).await;
    lose(&job, "a").await;
    succeed(&job, on_b, 11).await;
    let again = bind(&job, &["b"]).await;
    succeed(&job, &again[0], 12).await;

    let graph = job.execution_graph.read().await;
    assert!(graph.is_successful());
    assert_eq!(graph.output_locations().len(), 3, "the graph's own list still has the lost file");
    let mut expected =
        [(on_a.1.global_input_partition_ids[0], 12, "b"), (on_b.1.global_input_partition_ids[0], 11, "b")];
    expected.sort_unstable();
    assert_eq!(files(&parts(graph.as_ref()).unwrap()), expected);
}

#[tokio::test]
async fn a_job_that_is_not_done_has_no_result() {
    let job = job(scan());
    let tasks = bind(&job, &["a", "b"]).await;
    succeed(&job, &tasks[0], 1).await;
    let graph = job.execution_graph.read().await;
    assert_eq!(parts(graph.as_ref()).unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn progress_counts_the_partitions_of_all_stages() {
    let job = job(two_stages());
    let tasks = bind(&job, &["a", "b"]).await;
    succeed(&job, &tasks[0], 1).await;
    let snapshot = snapshot(job.execution_graph.read().await.as_ref());
    assert_eq!((snapshot.progress.tasks_done, snapshot.progress.tasks_total), (1, 3));
    assert_eq!(snapshot.started_tasks, 2);
}
