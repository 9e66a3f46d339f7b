//! The Flight SQL door as a plain Arrow Flight client sees it, without the client of the command line.

use crate::shared;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{Any, CommandGetTables, CommandStatementQuery, ProstMessageExt};
use arrow_flight::{
    Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightDescriptor, FlightInfo,
};
use futures::StreamExt;
use gristmill_engine::{Code, Error};
use prost::Message;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// One connection, which is one session.
#[derive(Clone)]
pub(crate) struct Raw {
    client: FlightServiceClient<Channel>,
}

impl Raw {
    pub(crate) async fn connect(address: &str) -> Self {
        let url = address.replace("grpc://", "http://");
        let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
        Self { client: FlightServiceClient::new(channel) }
    }

    /// What there is to fetch of a statement.
    pub(crate) async fn announce(&self, sql: &str) -> Result<FlightInfo, Error> {
        self.info(&CommandStatementQuery { query: sql.to_owned(), transaction_id: None }).await
    }

    async fn info(&self, command: &impl ProstMessageExt) -> Result<FlightInfo, Error> {
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let answer = self.client.clone().get_flight_info(Request::new(descriptor)).await;
        answer.map(tonic::Response::into_inner).map_err(|status| error_of(&status))
    }

    /// How many messages with rows come.
    pub(crate) async fn fetch(&self, info: &FlightInfo) -> Result<usize, Error> {
        let mut messages = 0;
        for ticket in info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.clone()) {
            let answer = self.client.clone().do_get(ticket).await;
            let mut stream = answer.map_err(|status| error_of(&status))?.into_inner();
            while let Some(data) = stream.next().await {
                messages += usize::from(!data.map_err(|status| error_of(&status))?.data_body.is_empty());
            }
        }
        Ok(messages)
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<usize, Error> {
        self.fetch(&self.announce(sql).await?).await
    }

    pub(crate) async fn cancel(&self, info: &FlightInfo) -> Result<(), Error> {
        let request = CancelFlightInfoRequest::new(info.clone());
        let action = Action::new("CancelFlightInfo", request.encode_to_vec());
        let answer = self.client.clone().do_action(action).await.map_err(|status| error_of(&status))?;
        let result =
            answer.into_inner().next().await.expect("a result").map_err(|status| error_of(&status))?;
        let result = CancelFlightInfoResult::decode(result.body).unwrap();
        assert_eq!(result.status, CancelStatus::Cancelled as i32);
        Ok(())
    }
}

/// What a driver without any knowledge of us can tell: the code that starts the message.
fn error_of(status: &Status) -> Error {
    let code = status.message().split(':').next().and_then(Code::parse);
    Error::new(code.unwrap_or_else(|| panic!("no code in {status:?}")), status.message())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_files_stream_through_the_scheduler() {
    let cluster = shared::cluster().await;
    let client = Raw::connect(&cluster.address()).await;
    let lineitem = tests::data::tpch_small().await.join("lineitem.parquet");
    let create =
        format!("CREATE EXTERNAL TABLE lineitem STORED AS PARQUET LOCATION '{}'", lineitem.display());
    client.run(&create).await.unwrap();
    let info = client.announce("SELECT * FROM lineitem").await.unwrap();
    assert!(info.clone().try_decode_schema().unwrap().fields().len() == 16);
    assert!(client.fetch(&info).await.unwrap() >= 8, "60,175 rows are more than a few batches");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_once_and_a_forged_one_never() {
    let cluster = shared::cluster().await;
    let client = Raw::connect(&cluster.address()).await;
    let mut info = client.announce("SELECT 1").await.unwrap();
    assert_eq!(client.fetch(&info).await.unwrap(), 1);
    client.fetch(&info).await.unwrap_err();
    let ticket = info.endpoint[0].ticket.as_mut().unwrap();
    let mut bytes = ticket.ticket.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    ticket.ticket = bytes.into();
    assert_eq!(client.fetch(&info).await.unwrap_err().code(), Code::AccessDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_tells_code_and_hint_to_any_driver() {
    let cluster = shared::cluster().await;
    let client = Raw::connect(&cluster.address()).await;
    client.run("CREATE VIEW letters AS SELECT 'a' AS letter").await.unwrap();
    let error = client.announce("SELECT lettre FROM letters").await.unwrap_err();
    assert_eq!(error.code(), Code::UnknownName, "{error}");
    assert!(error.message().contains("lettre") && error.message().contains("letter\""), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_the_session_are_listed() {
    let cluster = shared::cluster().await;
    let client = Raw::connect(&cluster.address()).await;
    client.run("CREATE VIEW seen AS SELECT 1 AS x").await.unwrap();
    let tables = CommandGetTables {
        table_name_filter_pattern: Some("see%".to_owned()),
        ..CommandGetTables::default()
    };
    let info = client.info(&tables).await.unwrap();
    // Metadata is fetched with the request itself as the ticket: an `Any`, not a statement.
    assert!(Any::decode(info.endpoint[0].ticket.as_ref().unwrap().ticket.clone()).is_ok());
    assert_eq!(client.fetch(&info).await.unwrap(), 1);
}
