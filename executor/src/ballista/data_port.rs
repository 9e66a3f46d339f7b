//! The data port: Ballista's exchange files, and what the executor is doing.

use super::running_tasks::RunningTasks;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, PollInfo,
    Result as ActionResult, SchemaResult, Ticket,
};
use ballista_core::JobId;
use ballista_core::error::BallistaError;
use ballista_core::serde::protobuf::UpdateTaskStatusParams;
use ballista_core::utils::{create_grpc_server, create_grpc_server_incoming};
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::flight_service::BallistaFlightService;
use futures::StreamExt;
use gristmill_engine::storage::Stores;
use gristmill_proto::cluster::{END_JOB, EndJob};
use prost::Message;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

/// Asks for the running tasks; the answer is one `UpdateTaskStatusParams`. The scheduler knows it by the same name.
const RUNNING_TASKS: &str = "gristmill.running_tasks";
/// Stops the tasks that the body, an `UpdateTaskStatusParams`, names; no answer. The same name there.
const STOP_TASKS: &str = "gristmill.stop_tasks";

/// What the executor is doing.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) running: RunningTasks,
    /// Knows who writes.
    pub(super) stores: Arc<Stores>,
}

/// Serves the data port of the executor of that id.
///
/// **Limits** `max_message_bytes` for a message in either direction.
pub(super) fn server(
    work: Work,
    executor_id: &str,
    max_message_bytes: usize,
) -> Arc<ArrowFlightServerProvider> {
    let executor_id: Arc<str> = executor_id.into();
    Arc::new(move |work_dir, address, mut shutdown, settings| {
        let port = DataPort {
            files: BallistaFlightService::new(work_dir),
            work: work.clone(),
            executor_id: Arc::clone(&executor_id),
        };
        let service = FlightServiceServer::new(port)
            .max_decoding_message_size(max_message_bytes)
            .max_encoding_message_size(max_message_bytes);
        tokio::spawn(async move {
            let incoming = create_grpc_server_incoming(address, &settings)?;
            create_grpc_server(&settings)
                .add_service(service)
                .serve_with_incoming_shutdown(incoming, shutdown.recv())
                .await
                .map_err(BallistaError::TonicError)
        })
    })
}

struct DataPort {
    files: BallistaFlightService,
    work: Work,
    executor_id: Arc<str>,
}

fn decode<T: Message + Default>(request: Request<Action>) -> Result<T, Status> {
    T::decode(request.into_inner().body).map_err(|error| Status::invalid_argument(error.to_string()))
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl FlightService for DataPort {
    type HandshakeStream = <BallistaFlightService as FlightService>::HandshakeStream;
    type ListFlightsStream = <BallistaFlightService as FlightService>::ListFlightsStream;
    type DoGetStream = <BallistaFlightService as FlightService>::DoGetStream;
    type DoPutStream = <BallistaFlightService as FlightService>::DoPutStream;
    type DoExchangeStream = <BallistaFlightService as FlightService>::DoExchangeStream;
    type DoActionStream = <BallistaFlightService as FlightService>::DoActionStream;
    type ListActionsStream = <BallistaFlightService as FlightService>::ListActionsStream;

    async fn do_action(&self, request: Request<Action>) -> Reply<Self::DoActionStream> {
        let results = match request.get_ref().r#type.as_str() {
            RUNNING_TASKS => {
                let body = self.work.running.report(&self.executor_id).encode_to_vec().into();
                vec![Ok(ActionResult { body })]
            }
            STOP_TASKS => {
                let unwanted: UpdateTaskStatusParams = decode(request)?;
                self.work.running.stop(&unwanted);
                vec![]
            }
            END_JOB => {
                let job: EndJob = decode(request)?;
                self.work.running.end(&JobId::new(&job.job)).await;
                // A task is over when its future is gone; what it started goes on to its next pause.
                self.work.stores.writers_ended(&job.writes).await;
                vec![]
            }
            _ => return self.files.do_action(request).await,
        };
        Ok(Response::new(futures::stream::iter(results).boxed()))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Reply<Self::DoGetStream> {
        self.files.do_get(request).await
    }

    async fn handshake(&self, request: Request<Streaming<HandshakeRequest>>) -> Reply<Self::HandshakeStream> {
        self.files.handshake(request).await
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Reply<Self::ListFlightsStream> {
        self.files.list_flights(request).await
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Reply<FlightInfo> {
        self.files.get_flight_info(request).await
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Reply<PollInfo> {
        self.files.poll_flight_info(request).await
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Reply<SchemaResult> {
        self.files.get_schema(request).await
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Reply<Self::DoPutStream> {
        self.files.do_put(request).await
    }

    async fn do_exchange(&self, request: Request<Streaming<FlightData>>) -> Reply<Self::DoExchangeStream> {
        self.files.do_exchange(request).await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Reply<Self::ListActionsStream> {
        self.files.list_actions(request).await
    }
}
