//! Statements on a cluster, through Flight SQL: the client side of `--connect`.
//!
//! One connection, one session. Errors come back as the server had them.

mod address;
#[cfg(test)]
mod tests;

use address::endpoint;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightDescriptor, HandshakeRequest, Ticket};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use gristmill_engine::{Code, Error, Result};
use gristmill_proto::statement_report::StatementReport;
use gristmill_scheduler::status_to_error;
use prost::Message;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest message taken; the server sends about 2 MiB, more only for a row that is larger.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// The handshake header with which the server ends the session together with the connection.
const SESSION_SCOPE: &str = "gristmill-session-scope";
const ONE_CONNECTION: &str = "connection";

/// A session on a cluster. It ends, and what runs in it is cancelled, when this is dropped.
#[derive(Clone)]
pub struct Remote {
    client: FlightServiceClient<Channel>,
    token: Option<MetadataValue<Ascii>>,
    address: String,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A statement that has been started. Dropping `stream` before its end cancels it.
pub struct RemoteResult {
    /// The columns; none for a statement without a result.
    pub schema: SchemaRef,
    /// The rows.
    pub stream: SendableRecordBatchStream,
    /// What the server tells beside them.
    pub report: StatementReport,
}

impl fmt::Debug for RemoteResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteResult").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Remote {
    /// Opens a session on the server at `address`, as `grpc://host:8815`; `http://` means the same.
    ///
    /// # Errors
    /// `BadConfiguration` for an address that is none, `Unsupported` for one with TLS, `ClusterUnavailable` when
    /// nobody answers there within 10 seconds.
    pub async fn connect(address: &str) -> Result<Remote> {
        let unreachable = |cause: String| {
            Error::new(Code::ClusterUnavailable, format!("could not connect to \"{address}\": {cause}")).with_hint(
                "check that `gristmill scheduler` runs there, that this is its Flight SQL port (8815 by default), \
                 and that it listens on an address that can be reached from here ([scheduler] bind_host)",
            )
        };
        let channel = endpoint(address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .connect()
            .await
            .map_err(|error| unreachable(root_cause(&error)).with_source(error))?;
        let client = FlightServiceClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let mut remote = Remote { client, token: None, address: address.to_owned() };
        // Something else may listen there: it may answer in other words, or take the connection and say nothing.
        let token =
            tokio::time::timeout(CONNECT_TIMEOUT, remote.handshake()).await.map_err(|elapsed| {
                unreachable("it accepts connections but does not answer".to_owned()).with_source(elapsed)
            })??;
        remote.token =
            Some(token.ok_or_else(|| unreachable("what answers there is no scheduler".to_owned()))?);
        Ok(remote)
    }

    /// Starts one statement. What changes something is done when this returns, its result rows are in the stream.
    ///
    /// # Errors
    /// Those of planning it, and of running it if it changes something; what fails later comes through the stream.
    /// `ClusterUnavailable` when the connection is lost: the session's tables and settings are lost with it.
    pub async fn execute(&self, sql: &str) -> Result<RemoteResult> {
        let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let mut client = self.client.clone();
        let info = client.get_flight_info(self.request(descriptor)).await.map_err(restore)?.into_inner();
        let mut tickets =
            info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.clone()).collect::<Vec<_>>();
        let report = StatementReport::from_json(&info.app_metadata);
        let schema: SchemaRef = Arc::new(info.try_decode_schema().map_err(|error| {
            Error::from_datafusion(DataFusionError::from(error))
                .context("the server sent a schema that does not decode")
        })?);
        // The first endpoint is asked at once, so that what fails at the start fails here. Our server has only one.
        let rest = tickets.split_off(tickets.len().min(1));
        let first = match tickets.pop() {
            Some(ticket) => self.fetch(ticket).await?.left_stream(),
            None => stream::empty().right_stream(),
        };
        let remote = self.clone();
        let rest = stream::iter(rest).then(move |ticket| {
            let remote = remote.clone();
            async move { remote.fetch(ticket).await.map_err(DataFusionError::from) }
        });
        let batches = first.chain(rest.try_flatten());
        Ok(RemoteResult {
            stream: Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), batches)),
            schema,
            report,
        })
    }

    async fn fetch(
        &self,
        ticket: Ticket,
    ) -> Result<impl Stream<Item = Result<RecordBatch, DataFusionError>> + Send + use<>> {
        let data = self.client.clone().do_get(self.request(ticket)).await.map_err(restore)?.into_inner();
        let batches = FlightRecordBatchStream::new_from_flight_data(data.map_err(FlightError::from));
        Ok(batches.map_err(|error| DataFusionError::from(restore_flight(error))))
    }

    /// A token for a session that ends with this connection. tonic connects again by itself when a connection
    /// breaks; the token is then refused, where without one statements would go on in a session without tables.
    async fn handshake(&self) -> Result<Option<MetadataValue<Ascii>>> {
        let mut request = Request::new(stream::iter([HandshakeRequest::default()]));
        request.metadata_mut().insert(SESSION_SCOPE, MetadataValue::from_static(ONE_CONNECTION));
        let answer = self.client.clone().handshake(request).await.map_err(|status| {
            restore(status).context(format!("could not open a session on \"{}\"", self.address))
        })?;
        Ok(answer.metadata().get("authorization").cloned())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }
}

fn restore(status: Status) -> Error {
    status_to_error(&status)
}

fn restore_flight(error: FlightError) -> Error {
    match error {
        FlightError::Tonic(status) => status_to_error(&status),
        FlightError::Arrow(error) => Error::from_datafusion(DataFusionError::from(error)),
        other => Error::new(Code::Internal, "the server sent rows that do not decode").with_source(other),
    }
}

/// The end of the chain: "transport error" says less than "connection refused".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}
