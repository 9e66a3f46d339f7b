//! What an execution graph says: where the result is, and how far the job is.

use super::pulse::{Pulse, running_tasks_of};
use crate::job::{ExecutorAddress, ResultPart, Snapshot};
use ballista_core::serde::protobuf::task_status::Status;
use ballista_scheduler::state::execution_graph::ExecutionGraph;
use ballista_scheduler::state::execution_stage::{ExecutionStage, SuccessfulStage, TaskInfo};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use gristmill_engine::backend::{JobProgress, scanned_bytes};
use gristmill_engine::{Code, Error, Result};
use std::collections::BTreeMap;

/// The files of the result, by partition; those without rows are left out.
///
/// Not the list that the graph keeps: files of a task that is reset after it has succeeded, because its executor was
/// lost, stay on that list, next to those of the task that ran instead. Rows would be there twice. What counts is
/// which tasks of the final stage are successful now.
///
/// # Errors
/// `Internal`: those tasks do not cover every partition exactly once.
pub(super) fn parts(graph: &dyn ExecutionGraph) -> Result<Vec<ResultPart>> {
    let addresses: BTreeMap<String, ExecutorAddress> =
        graph.output_locations().into_iter().map(|location| location.executor_meta).map(address).collect();
    let final_stages = graph.stages().values().filter(|stage| stage.output_links().is_empty());
    let mut parts = vec![];
    for stage in final_stages {
        let ExecutionStage::Successful(stage) = stage else {
            return Err(Error::new(Code::Internal, "a job succeeded before its last stage"));
        };
        check_covered_once(stage)?;
        let written = stage.task_infos.iter().filter_map(|task| match &task.task_status {
            Status::Successful(task) => Some(task),
            _ => None,
        });
        for (task, file) in written.flat_map(|task| task.partitions.iter().map(move |file| (task, file))) {
            let executor = addresses.get(&task.executor_id);
            match (file.num_rows, executor) {
                (0, _) => {}
                (_, None) => {
                    return Err(Error::new(Code::Internal, "a result is on an executor without an address"));
                }
                (_, Some(executor)) => parts.push(ResultPart {
                    partition: file.partition_id as usize,
                    file_id: file.file_id,
                    job: graph.job_id().to_string(),
                    stage: stage.stage_id,
                    sorted: file.is_sort_shuffle,
                    executor: executor.clone(),
                }),
            }
        }
    }
    parts.sort();
    Ok(parts)
}

fn address(executor: ballista_core::serde::scheduler::ExecutorMetadata) -> (String, ExecutorAddress) {
    let address = ExecutorAddress { id: executor.id.clone(), host: executor.host, port: executor.port };
    (executor.id, address)
}

fn check_covered_once(stage: &SuccessfulStage) -> Result<()> {
    let mut covered = successful_partitions(&stage.task_infos);
    covered.sort_unstable();
    if covered.into_iter().eq(0..stage.partitions) {
        return Ok(());
    }
    Err(Error::new(
        Code::Internal,
        "the tasks of a job's last stage do not cover every partition exactly once",
    ))
}

fn successful_partitions(tasks: &[TaskInfo]) -> Vec<usize> {
    let successful = tasks.iter().filter(|task| matches!(task.task_status, Status::Successful(_)));
    successful.flat_map(|task| task.global_input_partition_ids.iter().copied()).collect()
}

/// How far the job is. A task here is a partition of a stage: how many partitions share a task is chance.
pub(super) fn snapshot(graph: &dyn ExecutionGraph) -> Snapshot {
    let stages = graph.stages().values();
    stages.map(stage_snapshot).fold(Snapshot::default(), |sum, stage| Snapshot {
        progress: JobProgress {
            scanned_bytes: sum.progress.scanned_bytes + stage.progress.scanned_bytes,
            scanned_rows: sum.progress.scanned_rows + stage.progress.scanned_rows,
            input_rows: 0,
            tasks_done: sum.progress.tasks_done + stage.progress.tasks_done,
            tasks_total: sum.progress.tasks_total + stage.progress.tasks_total,
        },
        started_tasks: sum.started_tasks + stage.started_tasks,
        live_rows: 0,
    })
}

/// As [`snapshot`], with what running tasks have done so far.
pub(super) fn live_snapshot(graph: &dyn ExecutionGraph, pulse: &Pulse) -> Snapshot {
    let mut snapshot = snapshot(graph);
    for (executor_id, task) in running_tasks_of(graph) {
        let metrics = pulse.metrics(&executor_id, &task);
        snapshot.live_rows += metrics.iter().filter_map(MetricsSet::output_rows).sum::<usize>() as u64;
        if let Some(stage) = graph.stages().get(&task.stage) {
            add_scans(stage.plan(), &metrics, false, &mut snapshot.progress);
        }
    }
    snapshot
}

fn stage_snapshot(stage: &ExecutionStage) -> Snapshot {
    let mut progress = JobProgress::default();
    let partitions = match stage {
        ExecutionStage::UnResolved(stage) => partitions_of(stage.plan.as_ref()),
        ExecutionStage::Resolved(stage) => stage.partitions,
        ExecutionStage::Running(stage) => {
            let metrics = stage.stage_metrics.as_deref().unwrap_or_default();
            add_scans(stage.plan.as_ref(), metrics, false, &mut progress);
            stage.partitions
        }
        ExecutionStage::Successful(stage) => {
            add_scans(stage.plan.as_ref(), &stage.stage_metrics, true, &mut progress);
            stage.partitions
        }
        ExecutionStage::Failed(stage) => stage.partitions,
    };
    let tasks = stage.task_infos().unwrap_or_default();
    progress.tasks_total = partitions as u64;
    progress.tasks_done = successful_partitions(tasks).len() as u64;
    Snapshot { progress, started_tasks: tasks.len() as u64, live_rows: 0 }
}

/// The partitions of the plan under a stage's shuffle writer.
fn partitions_of(writer: &dyn ExecutionPlan) -> usize {
    writer.children().first().map_or(1, |plan| plan.output_partitioning().partition_count())
}

/// Adds what the scans of `plan` read, by `metrics`: one set for each node that has metrics, from the top down, the
/// left child first. Executors also send a set for a leaf that has none. `is_finished`: all of the stage is read.
fn add_scans(
    plan: &dyn ExecutionPlan,
    metrics: &[MetricsSet],
    is_finished: bool,
    progress: &mut JobProgress,
) {
    let mut sets = metrics.iter();
    add_scans_below(plan, &mut sets, is_finished, progress);
}

/// How many metric sets a task of that stage sends.
pub(super) fn metric_sets(plan: &dyn ExecutionPlan) -> usize {
    let children = plan.children();
    let own = usize::from(children.is_empty() || plan.metrics().is_some());
    own + children.into_iter().map(|child| metric_sets(child.as_ref())).sum::<usize>()
}

fn add_scans_below<'a>(
    plan: &dyn ExecutionPlan,
    sets: &mut impl Iterator<Item = &'a MetricsSet>,
    is_finished: bool,
    progress: &mut JobProgress,
) {
    let children = plan.children();
    let is_leaf = children.is_empty();
    let set = if is_leaf || plan.metrics().is_some() { sets.next() } else { None };
    if let Some(set) = set.filter(|_| is_leaf && plan.is::<DataSourceExec>()) {
        progress.scanned_rows += set.output_rows().unwrap_or_default() as u64;
        progress.scanned_bytes += scanned_bytes(plan, set, |_| is_finished);
    }
    for child in children {
        add_scans_below(child.as_ref(), sets, is_finished, progress);
    }
}

#[cfg(test)]
mod tests;
