//! What executors may call, and what is set right on the way.

use super::core::Server;
use super::results::metric_sets;
use ballista_core::JobId;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpc;
use ballista_core::serde::protobuf::task_status::Status as TaskState;
use ballista_core::serde::protobuf::{
    CancelJobParams, CancelJobResult, CleanJobDataParams, CleanJobDataResult, CreateUpdateSessionParams,
    CreateUpdateSessionResult, ExecuteQueryParams, ExecuteQueryResult, ExecutorStoppedParams,
    ExecutorStoppedResult, GetJobMetricsParams, GetJobMetricsResult, GetJobStatusParams, GetJobStatusResult,
    HeartBeatParams, HeartBeatResult, OperatorMetricsSet, PollWorkParams, PollWorkResult,
    RegisterExecutorParams, RegisterExecutorResult, RemoveSessionParams, RemoveSessionResult, TaskStatus,
    UpdateTaskStatusParams, UpdateTaskStatusResult,
};
use datafusion::physical_plan::metrics::MetricsSet;
use futures::stream::Pending;
use tonic::{Request, Response, Status};

/// Ballista's service without the calls that submit plans and cancel jobs: those do not ask who calls.
pub(super) struct ExecutorCalls(pub(super) Server);

type Reply<T> = Result<Response<T>, Status>;

fn refused<T>() -> Reply<T> {
    Err(Status::unimplemented("this port is for executors; statements go to the Flight SQL port"))
}

/// Takes away metrics that are not those of the task's plan.
///
/// Ballista marks a task successful, then adds up its metrics, and forgets what the task wrote if they do not add up:
/// the stage after it would read less than there is, and nothing would say so.
async fn drop_foreign_metrics(server: &Server, statuses: &mut [TaskStatus]) {
    let running = server.state.task_manager.get_running_job_cache();
    let successful = |status: &&mut TaskStatus| matches!(status.status, Some(TaskState::Successful(_)));
    for status in statuses.iter_mut().filter(successful) {
        let Some(job) = running.get(&JobId::new(&status.job_id)) else { continue };
        let graph = job.execution_graph.read().await;
        let expected = graph.stages().get(&(status.stage_id as usize)).map(|stage| metric_sets(stage.plan()));
        drop(graph);
        if expected != Some(status.metrics.len()) || !status.metrics.iter().all(is_readable) {
            let (found, task) = (status.metrics.len(), status.task_id);
            tracing::warn!(job = %status.job_id, task, found, ?expected, "leaving out metrics that do not fit the plan");
            status.metrics.clear();
        }
    }
}

fn is_readable(metrics: &OperatorMetricsSet) -> bool {
    TryInto::<MetricsSet>::try_into(metrics.clone()).is_ok()
}

#[tonic::async_trait]
impl SchedulerGrpc for ExecutorCalls {
    type ExecuteQueryPushStream = Pending<Result<GetJobStatusResult, Status>>;

    async fn register_executor(
        &self,
        request: Request<RegisterExecutorParams>,
    ) -> Reply<RegisterExecutorResult> {
        self.0.register_executor(request).await
    }

    async fn heart_beat_from_executor(&self, request: Request<HeartBeatParams>) -> Reply<HeartBeatResult> {
        self.0.heart_beat_from_executor(request).await
    }

    async fn update_task_status(
        &self,
        mut request: Request<UpdateTaskStatusParams>,
    ) -> Reply<UpdateTaskStatusResult> {
        drop_foreign_metrics(&self.0, &mut request.get_mut().task_status).await;
        self.0.update_task_status(request).await
    }

    async fn executor_stopped(
        &self,
        request: Request<ExecutorStoppedParams>,
    ) -> Reply<ExecutorStoppedResult> {
        self.0.executor_stopped(request).await
    }

    async fn poll_work(&self, _request: Request<PollWorkParams>) -> Reply<PollWorkResult> {
        refused()
    }

    async fn create_update_session(
        &self,
        _request: Request<CreateUpdateSessionParams>,
    ) -> Reply<CreateUpdateSessionResult> {
        refused()
    }

    async fn remove_session(&self, _request: Request<RemoveSessionParams>) -> Reply<RemoveSessionResult> {
        refused()
    }

    async fn execute_query_push(
        &self,
        _request: Request<ExecuteQueryParams>,
    ) -> Reply<Self::ExecuteQueryPushStream> {
        refused()
    }

    async fn execute_query(&self, _request: Request<ExecuteQueryParams>) -> Reply<ExecuteQueryResult> {
        refused()
    }

    async fn get_job_status(&self, _request: Request<GetJobStatusParams>) -> Reply<GetJobStatusResult> {
        refused()
    }

    async fn get_job_metrics(&self, _request: Request<GetJobMetricsParams>) -> Reply<GetJobMetricsResult> {
        refused()
    }

    async fn cancel_job(&self, _request: Request<CancelJobParams>) -> Reply<CancelJobResult> {
        refused()
    }

    async fn clean_job_data(&self, _request: Request<CleanJobDataParams>) -> Reply<CleanJobDataResult> {
        refused()
    }
}
