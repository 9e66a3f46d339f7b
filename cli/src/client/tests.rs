use super::*;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::server::FlightSqlService;
use arrow_flight::sql::{SqlInfo, TicketStatementQuery};
use arrow_flight::{FlightEndpoint, FlightInfo, HandshakeResponse};
use datafusion::arrow::array::{ArrayRef, Int32Array};
use gristmill_scheduler::error_to_status;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Response, Streaming};

/// Answers as the scheduler does: statements are words that say what happens.
struct Canned;

const TOKEN: &str = "Bearer t0ken";

fn batch(value: i32) -> RecordBatch {
    RecordBatch::try_from_iter([("a", Arc::new(Int32Array::from(vec![value])) as ArrayRef)]).unwrap()
}

fn corrupt() -> Error {
    Error::new(Code::CorruptInput, "\"x.parquet\" is\nnot Parquet").with_hint("convert it")
}

#[tonic::async_trait]
impl FlightSqlService for Canned {
    type FlightService = Canned;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<<Self as FlightService>::HandshakeStream>, Status> {
        assert_eq!(request.metadata().get(SESSION_SCOPE).unwrap(), ONE_CONNECTION);
        let answers: <Self as FlightService>::HandshakeStream =
            Box::pin(stream::iter([Ok(HandshakeResponse::default())]));
        let mut response = Response::new(answers);
        response.metadata_mut().insert("authorization", MetadataValue::from_static(TOKEN));
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        assert_eq!(request.metadata().get("authorization").unwrap(), TOKEN);
        if query.query == "fail" {
            return Err(error_to_status(&corrupt()));
        }
        let ticket = |statement_handle: String| {
            let query = TicketStatementQuery { statement_handle: statement_handle.into_bytes().into() };
            FlightEndpoint::new().with_ticket(Ticket::new(query.as_any().encode_to_vec()))
        };
        let endpoints = query.query.split(' ').map(|word| ticket(word.to_owned())).collect();
        Ok(Response::new(
            FlightInfo::new().try_with_schema(&batch(0).schema()).unwrap().with_endpoints(endpoints),
        ))
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        assert_eq!(request.metadata().get("authorization").unwrap(), TOKEN);
        let word = std::str::from_utf8(&ticket.statement_handle).unwrap();
        let batches = match word.parse() {
            Ok(value) => vec![Ok(batch(value))],
            Err(_) => vec![Ok(batch(0)), Err(FlightError::from(error_to_status(&corrupt())))],
        };
        let data =
            FlightDataEncoderBuilder::new().with_schema(batch(0).schema()).build(stream::iter(batches));
        Ok(Response::new(Box::pin(data.map_err(Status::from))))
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}

/// A server that ends with the guard.
async fn server() -> (String, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("grpc://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let serving = Server::builder()
        .add_service(FlightServiceServer::new(Canned))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), shutdown.clone().cancelled_owned());
    tokio::spawn(serving);
    (address, shutdown.drop_guard())
}

async fn check(sql: &str, expected: Result<Vec<i32>, Error>) {
    let (address, _server) = server().await;
    let remote = Remote::connect(&address).await.unwrap();
    let outcome = match remote.execute(sql).await {
        Ok(result) => result.stream.try_collect::<Vec<_>>().await.map_err(Error::from_datafusion),
        Err(error) => Err(error),
    };
    match (outcome, expected) {
        (Ok(batches), Ok(values)) => assert_eq!(batches, values.into_iter().map(batch).collect::<Vec<_>>()),
        (Err(error), Err(told)) => {
            assert_eq!(
                (error.code(), error.message(), error.hint()),
                (told.code(), told.message(), told.hint())
            );
        }
        (outcome, expected) => panic!("{outcome:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn the_rows_of_all_endpoints_come_in_order() {
    check("1 2 3", Ok(vec![1, 2, 3])).await;
}

#[tokio::test]
async fn an_error_at_the_start_is_the_servers() {
    check("fail", Err(corrupt())).await;
}

#[tokio::test]
async fn an_error_in_the_rows_is_the_servers() {
    check("1 broken", Err(corrupt())).await;
}

#[tokio::test]
async fn nobody_at_the_address_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("grpc://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Remote::connect(&address).await.unwrap_err();
    assert_eq!(error.code(), Code::ClusterUnavailable);
    assert!(error.message().contains(&address) && error.message().contains("refused"), "{error}");
    assert!(error.hint().unwrap().contains("gristmill scheduler"));
}

#[tokio::test]
async fn a_server_that_went_away_is_said_so() {
    let (address, server) = server().await;
    let remote = Remote::connect(&address).await.unwrap();
    drop(server);
    let error = loop {
        if let Err(error) = remote.execute("1").await {
            break error;
        }
    };
    assert_eq!(error.code(), Code::ClusterUnavailable, "{error}");
}
