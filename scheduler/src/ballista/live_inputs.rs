//! Tasks read what counts, and nothing twice.

use ballista_core::JobId;
use ballista_core::error::Result;
use ballista_core::execution_plans::ShuffleReaderExec;
use ballista_core::serde::protobuf::task_status::Status;
use ballista_core::serde::scheduler::PartitionLocation;
use ballista_scheduler::cluster::BoundTask;
use ballista_scheduler::state::execution_graph::ExecutionGraph;
use ballista_scheduler::state::task_manager::JobInfoCache;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Per stage the numbers of the files that its successful tasks have written.
type LiveFiles = BTreeMap<usize, BTreeSet<u64>>;

/// Takes the exchange files that do not count any more out of the plans of `tasks`.
///
/// When an executor is lost, Ballista runs again what was lost with it. If a stage has to run again in whole, because
/// its own input was lost too, the stage after it still lists the files of the tasks that had succeeded elsewhere,
/// next to the new ones: their rows would be read twice, silently. File numbers are unique to an attempt, so what
/// counts are the files of those tasks that are successful now.
pub(super) async fn keep_live_inputs(
    mut tasks: Vec<BoundTask>,
    jobs: &HashMap<JobId, JobInfoCache>,
) -> Result<Vec<BoundTask>> {
    let mut live_of_job = BTreeMap::new();
    for (_, task) in &mut tasks {
        let job = &task.key.job_id;
        if !live_of_job.contains_key(job)
            && let Some(info) = jobs.get(job)
        {
            live_of_job.insert(job.clone(), live_files(info.execution_graph.read().await.as_ref()));
        }
        if let Some(live) = live_of_job.get(job) {
            task.plan = without_stale_files(Arc::clone(&task.plan), live)?;
        }
    }
    Ok(tasks)
}

fn live_files(graph: &dyn ExecutionGraph) -> LiveFiles {
    let stages = graph.stages().iter().map(|(id, stage)| {
        let tasks = stage.task_infos().unwrap_or_default().iter();
        let written = tasks.filter_map(|task| match &task.task_status {
            Status::Successful(task) => Some(&task.partitions),
            _ => None,
        });
        (*id, written.flatten().filter_map(|file| file.file_id).collect())
    });
    stages.collect()
}

fn without_stale_files(
    plan: Arc<dyn ExecutionPlan>,
    live: &LiveFiles,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some(reader) = node.downcast_ref::<ShuffleReaderExec>() else { return Ok(Transformed::no(node)) };
        let is_stale = |location: &PartitionLocation| {
            let live = live.get(&location.partition_id.stage_id);
            location.file_id.is_some_and(|file| live.is_some_and(|live| !live.contains(&file)))
        };
        let stale = reader.partition.iter().flatten().filter(|location| is_stale(location)).count();
        if stale == 0 {
            return Ok(Transformed::no(node));
        }
        tracing::info!(
            stage = reader.stage_id,
            files = stale,
            "leaving out exchange files that do not count any more"
        );
        let kept = reader.partition.iter().map(|locations| {
            locations.iter().filter(|location| !is_stale(location)).cloned().collect::<Vec<_>>()
        });
        Ok(Transformed::yes(Arc::new(with_locations(reader, kept.collect())?)))
    })
    .data()
}

fn with_locations(
    reader: &ShuffleReaderExec,
    mut partitions: Vec<Vec<PartitionLocation>>,
) -> datafusion::error::Result<ShuffleReaderExec> {
    let (stage, schema) = (reader.stage_id, reader.schema());
    if reader.broadcast {
        let locations = partitions.pop().unwrap_or_default();
        return ShuffleReaderExec::try_new_broadcast(
            stage,
            locations,
            schema,
            reader.upstream_partition_count,
        );
    }
    ShuffleReaderExec::try_new(stage, partitions, schema, reader.properties().output_partitioning().clone())
}

#[cfg(test)]
mod tests {
    use super::super::registry::Registry;
    use super::super::testing::{executor, job, jobs, lose, succeed, three_stages};
    use super::*;
    use ballista_core::serde::scheduler::ExecutorData;
    use ballista_scheduler::cluster::ClusterState;
    use ballista_scheduler::config::TaskDistributionPolicy;
    use tokio_util::sync::CancellationToken;

    async fn bind(job: &JobInfoCache, executors: &[&str]) -> Vec<BoundTask> {
        let registry = Registry::new(CancellationToken::new());
        for id in executors {
            let data = ExecutorData { executor_id: (*id).to_owned(), total_vcores: 1, available_vcores: 1 };
            registry.register_unwatched(executor(id), data).await;
        }
        registry.bind_schedulable_tasks(TaskDistributionPolicy::RoundRobin, jobs(job), None).await.unwrap()
    }

    fn files_read(plan: &Arc<dyn ExecutionPlan>) -> Vec<u64> {
        let mut files: Vec<u64> = match plan.downcast_ref::<ShuffleReaderExec>() {
            Some(reader) => {
                reader.partition.iter().flatten().filter_map(|location| location.file_id).collect()
            }
            None => plan.children().into_iter().flat_map(files_read).collect(),
        };
        files.sort_unstable();
        files
    }

    /// Runs the tasks that can run, until those of `stage` come up.
    async fn run_up_to(
        stage: usize,
        job: &JobInfoCache,
        executors: &[&str],
        next_file: &mut u64,
    ) -> Vec<BoundTask> {
        loop {
            let tasks = bind(job, executors).await;
            assert!(!tasks.is_empty(), "nothing can run");
            if tasks.iter().any(|(_, task)| task.key.stage_id == stage) {
                return tasks;
            }
            for task in &tasks {
                succeed(job, task, *next_file).await;
                *next_file += 1;
            }
        }
    }

    #[tokio::test]
    async fn a_stage_that_ran_again_in_whole_is_read_once() {
        let (job, mut next_file) = (job(three_stages()), 0);
        let last = run_up_to(3, &job, &["a", "b"], &mut next_file).await;
        assert_eq!(files_read(&last[0].1.plan), [2, 3], "one file of each task of the second stage");
        lose(&job, "b").await;
        let again = run_up_to(3, &job, &["a"], &mut next_file).await;

        let graph = job.execution_graph.read().await;
        let listed = files_read(graph.stages()[&3].plan().children()[0]);
        assert_eq!(listed.len(), 3, "Ballista's own plan reads a file of the first time too");
        assert_eq!(files_read(&again[0].1.plan), [next_file - 2, next_file - 1]);
    }
}
