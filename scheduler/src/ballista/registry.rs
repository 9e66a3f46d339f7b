//! The executors of the cluster: which live, how much they can do, and how much of that is free.

use super::live_inputs::keep_live_inputs;
use super::watch_executor::until_gone;
use crate::capacity::Capacity;
use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::error::Result;
use ballista_core::serde::protobuf::task_status::Status as TaskState;
use ballista_core::serde::protobuf::{ExecutorHeartbeat, RunningTask, executor_status};
use ballista_core::serde::scheduler::{ExecutorData, ExecutorMetadata};
use ballista_scheduler::cluster::memory::InMemoryClusterState;
use ballista_scheduler::cluster::{BoundTask, ClusterState, ClusterStateEventStream, ExecutorSlot};
use ballista_scheduler::config::TaskDistributionPolicy;
use ballista_scheduler::state::execution_graph::ExecutionGraph;
use ballista_scheduler::state::execution_stage::ExecutionStage;
use ballista_scheduler::state::task_manager::JobInfoCache;
use dashmap::{DashMap, DashSet};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Ballista's registry, with three things set right.
///
/// **Free cores are counted, not remembered.** Ballista subtracts a core when a task starts and adds it when the task
/// reports. A task of a stage that was rolled back reports to nobody, so its cores stay taken: when one executor of
/// two is lost, the other one never gets another task, and the job hangs. And a task that an executor refuses gives
/// its cores back twice. Here the free cores are those that no running task of any graph holds.
///
/// **A dead executor is noticed when it dies**, by a connection that is kept open to it, and not when its heartbeats
/// have been missing for long enough. Where the network goes silent, missing heartbeats still count.
///
/// **Tasks leave here without stale inputs**, see [`keep_live_inputs`]: every task passes here on its way to an
/// executor.
pub(super) struct Registry {
    inner: InMemoryClusterState,
    gone: Arc<DashSet<String>>,
    capacity: watch::Sender<Capacity>,
    /// One watcher per executor; dropping its guard ends it.
    watched: DashMap<String, DropGuard>,
    watchers: TaskTracker,
    stop: CancellationToken,
}

impl Registry {
    /// An empty registry; watches executors until `stop` is cancelled.
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self {
            inner: InMemoryClusterState::default(),
            gone: Arc::default(),
            capacity: watch::Sender::new(Capacity::default()),
            watched: DashMap::new(),
            watchers: TaskTracker::new(),
            stop,
        }
    }

    /// The executors that take tasks now.
    pub(super) fn capacity(&self) -> watch::Receiver<Capacity> {
        self.capacity.subscribe()
    }

    #[cfg(test)]
    pub(super) async fn register_unwatched(&self, metadata: ExecutorMetadata, spec: ExecutorData) {
        self.inner.register_executor(metadata, spec).await.unwrap();
    }

    async fn publish(&self) {
        let heartbeats = self.executor_heartbeats();
        let executors = self.inner.registered_executor_metadata().await;
        let active = executors.iter().filter(|executor| heartbeats.get(&executor.id).is_some_and(is_active));
        let capacity = active.fold(Capacity::default(), |sum, executor| Capacity {
            executors: sum.executors + 1,
            vcores: sum.vcores + executor.specification.vcores as usize,
        });
        self.capacity.send_if_modified(|current| std::mem::replace(current, capacity) != capacity);
    }

    fn watch(&self, executor: &ExecutorMetadata) {
        self.gone.remove(&executor.id);
        let (id, gone) = (executor.id.clone(), Arc::clone(&self.gone));
        let (host, port) = (executor.host.clone(), executor.grpc_port);
        let stop = self.stop.child_token();
        self.watched.insert(id.clone(), stop.clone().drop_guard());
        self.watchers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = until_gone(&host, port) => {
                    // One that has registered again has another watcher by now.
                    if !stop.is_cancelled() {
                        tracing::warn!(executor = %id, %host, port, "an executor is gone");
                        gone.insert(id);
                    }
                }
            }
        });
    }

    /// The executors with the cores that are free, as a registry of their own.
    async fn with_free_cores(
        &self,
        active_jobs: &HashMap<JobId, JobInfoCache>,
    ) -> Result<InMemoryClusterState> {
        let busy = busy_cores(active_jobs).await;
        let free = InMemoryClusterState::default();
        for executor in self.inner.registered_executor_metadata().await {
            let vcores = executor.specification.vcores;
            let taken = busy.get(&executor.id).copied().unwrap_or_default();
            let data = ExecutorData {
                executor_id: executor.id.clone(),
                total_vcores: vcores,
                available_vcores: vcores.saturating_sub(taken),
            };
            free.register_executor(executor, data).await?;
        }
        Ok(free)
    }
}

/// The cores that running tasks hold, by executor.
async fn busy_cores(active_jobs: &HashMap<JobId, JobInfoCache>) -> BTreeMap<String, u32> {
    let mut busy = BTreeMap::new();
    for job in active_jobs.values().collect::<Vec<_>>() {
        let graph = job.execution_graph.read().await;
        add_busy_cores(graph.as_ref(), &mut busy);
    }
    busy
}

fn add_busy_cores(graph: &dyn ExecutionGraph, busy: &mut BTreeMap<String, u32>) {
    let running = graph.stages().values().filter_map(|stage| match stage {
        ExecutionStage::Running(stage) => Some(&stage.task_infos),
        _ => None,
    });
    for task in running.flatten() {
        if let TaskState::Running(RunningTask { executor_id }) = &task.task_status {
            *busy.entry(executor_id.clone()).or_default() += task.vcores_consumed;
        }
    }
}

fn is_active(heartbeat: &ExecutorHeartbeat) -> bool {
    let status = heartbeat.status.as_ref().and_then(|status| status.status.as_ref());
    matches!(status, Some(executor_status::Status::Active(_))) && heartbeat.timestamp > 0
}

#[async_trait]
impl ClusterState for Registry {
    async fn bind_schedulable_tasks(
        &self,
        distribution: TaskDistributionPolicy,
        active_jobs: Arc<HashMap<JobId, JobInfoCache>>,
        executors: Option<HashSet<String>>,
    ) -> Result<Vec<BoundTask>> {
        let free = self.with_free_cores(&active_jobs).await?;
        let tasks = free.bind_schedulable_tasks(distribution, Arc::clone(&active_jobs), executors).await?;
        keep_live_inputs(tasks, &active_jobs).await
    }

    async fn unbind_tasks(&self, _slots: Vec<ExecutorSlot>) -> Result<()> {
        Ok(())
    }

    async fn register_executor(&self, metadata: ExecutorMetadata, spec: ExecutorData) -> Result<()> {
        self.inner.register_executor(metadata.clone(), spec).await?;
        tracing::info!(
            executor = %metadata.id, host = %metadata.host, port = metadata.port,
            vcores = metadata.specification.vcores, "an executor joined"
        );
        self.watch(&metadata);
        self.publish().await;
        Ok(())
    }

    async fn save_executor_metadata(&self, metadata: ExecutorMetadata) -> Result<()> {
        self.inner.save_executor_metadata(metadata).await
    }

    async fn get_executor_metadata(&self, executor_id: &str) -> Result<ExecutorMetadata> {
        self.inner.get_executor_metadata(executor_id).await
    }

    async fn registered_executor_metadata(&self) -> Vec<ExecutorMetadata> {
        self.inner.registered_executor_metadata().await
    }

    async fn save_executor_heartbeat(&self, heartbeat: ExecutorHeartbeat) -> Result<()> {
        self.inner.save_executor_heartbeat(heartbeat).await?;
        self.publish().await;
        Ok(())
    }

    async fn remove_executor(&self, executor_id: &str) -> Result<()> {
        self.inner.remove_executor(executor_id).await?;
        self.watched.remove(executor_id);
        self.gone.remove(executor_id);
        self.publish().await;
        Ok(())
    }

    /// Of an executor that is gone the heartbeat is as old as can be: Ballista's own check then removes it.
    fn executor_heartbeats(&self) -> HashMap<String, ExecutorHeartbeat> {
        let heartbeats = self.inner.executor_heartbeats().into_iter();
        heartbeats
            .map(|(id, heartbeat)| {
                let timestamp = if self.gone.contains(&id) { 0 } else { heartbeat.timestamp };
                (id, ExecutorHeartbeat { timestamp, ..heartbeat })
            })
            .collect()
    }

    fn get_executor_heartbeat(&self, executor_id: &str) -> Option<ExecutorHeartbeat> {
        self.inner.get_executor_heartbeat(executor_id)
    }

    async fn cluster_state_events(&self) -> Result<ClusterStateEventStream> {
        self.inner.cluster_state_events().await
    }
}

#[cfg(test)]
mod tests;
