//! Statements that are not wanted any more.

use super::statements::ENDLESS;
use super::*;
use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult, Any, ProstMessageExt};
use arrow_flight::{Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus};
use prost::Message;

async fn cancel(client: &mut Client, info: &FlightInfo) -> Result<CancelStatus, FlightError> {
    let body = CancelFlightInfoRequest::new(info.clone()).encode_to_vec();
    let mut results = client.do_action(Action::new("CancelFlightInfo", body)).await?;
    let body = results.message().await?.unwrap().body;
    Ok(CancelFlightInfoResult::decode(body).unwrap().status())
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_rows_cancels_the_job() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = client.do_get(ticket(&info)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(server.jobs.running.load(Ordering::SeqCst), 1);
    drop(stream);
    server.no_job_runs().await;
    assert_eq!(rows(&mut client, "SELECT 1").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_up_cancels_the_job() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = client.do_get(ticket(&info)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop((stream, client));
    server.no_job_runs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_request_cancels_a_change() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let place = std::env::temp_dir().join(format!("gristmill-flight-{}", uuid::Uuid::new_v4()));
    let copy = format!("COPY ({ENDLESS}) TO '{}/' STORED AS PARQUET", place.display());
    let request = tokio::spawn(async move { client.execute(copy, None).await.map(|_| ()) });
    eventually("the copy runs", || server.jobs.running.load(Ordering::SeqCst) == 1).await;
    request.abort();
    server.no_job_runs().await;
    let empty = || std::fs::read_dir(&place).map_or(true, |mut entries| entries.next().is_none());
    eventually("nothing is left", empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_statement_is_cancelled_while_its_client_does_not_read() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    let info = one.execute(ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = one.do_get(ticket(&info)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(cancel(&mut two, &info).await.unwrap(), CancelStatus::Cancelled);
    server.no_job_runs().await;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error_of(&error),
        }
    };
    assert_eq!(error.code(), Code::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_statement_never_runs_once_cancelled() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute("SELECT 1".to_owned(), None).await.unwrap();
    assert_eq!(cancel(&mut client, &info).await.unwrap(), CancelStatus::Cancelled);
    assert!(fetch(&mut client, &info).await.is_err());
    assert_eq!(grpc_code(&cancel(&mut client, &info).await.unwrap_err()), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_done_cannot_be_cancelled() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute("CREATE TABLE t AS SELECT 7 AS a".to_owned(), None).await.unwrap();
    assert_eq!(cancel(&mut client, &info).await.unwrap(), CancelStatus::NotCancellable);
    assert_eq!(rows(&mut client, "SELECT a FROM t").await, ["7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_action_cancels_too() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute("SELECT 1".to_owned(), None).await.unwrap();
    let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
    let action = Action::new("CancelQuery", request.as_any().encode_to_vec());
    let body = client.do_action(action).await.unwrap().message().await.unwrap().unwrap().body;
    let result: ActionCancelQueryResult = Any::decode(body).unwrap().unpack().unwrap().unwrap();
    assert_eq!(result.result, CancelStatus::Cancelled as i32);
}
