//! Whose tables a client sees.

use super::super::caller::{COOKIE, ONE_CONNECTION, SESSION_SCOPE};
use super::super::session_options::{
    GetSessionOptionsResult, OptionErrorKind, OptionValue, SessionOptionValue, SetSessionOptionsRequest,
    SetSessionOptionsResult,
};
use super::*;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{Action, FlightDescriptor, HandshakeRequest};
use prost::Message;
use tonic::Request;

const CREATE: &str = "CREATE TABLE t AS SELECT 7 AS a";

fn announce(sql: &str) -> Request<FlightDescriptor> {
    let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
    Request::new(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()))
}

/// The value of the cookie in the response's headers.
fn cookie(headers: &tonic::metadata::MetadataMap) -> Option<String> {
    let header = headers.get("set-cookie")?.to_str().unwrap();
    let value = header.split(';').next().unwrap().strip_prefix(COOKIE).unwrap();
    Some(value.strip_prefix('=').unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_do_not_see_each_others_tables_and_settings() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    run(&mut one, CREATE).await.unwrap();
    run(&mut one, "SET datafusion.execution.batch_size = 77").await.unwrap();
    assert_eq!(rows(&mut one, "SELECT a FROM t").await, ["7"]);
    let error = failure(&mut two, "SELECT a FROM t").await;
    assert!(error.message().contains('t'), "{error}");
    let batch_size =
        "SELECT value FROM information_schema.df_settings WHERE name = 'datafusion.execution.batch_size'";
    assert_eq!(rows(&mut one, batch_size).await, ["77"]);
    assert_ne!(rows(&mut two, batch_size).await, ["77"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_finds_its_session_on_any_connection() {
    let server = Server::start().await;
    let mut one = server.client().await;
    one.handshake("anyone", "anything").await.unwrap();
    run(&mut one, CREATE).await.unwrap();
    let mut two = server.client().await;
    two.set_token(one.token().unwrap().clone());
    drop(one);
    assert_eq!(rows(&mut two, "SELECT a FROM t").await, ["7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_token_is_refused() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.set_token("0123".to_owned());
    let error = run(&mut client, "SELECT 1").await.unwrap_err();
    assert_eq!(grpc_code(&error), tonic::Code::Unauthenticated);
    assert_eq!(error_of(&error).code(), Code::ClusterUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_for_one_connection_ends_with_it() {
    let server = Server::start().await;
    let mut client = FlightServiceClient::new(server.channel().await);
    let mut request = Request::new(futures::stream::iter([HandshakeRequest::default()]));
    request.metadata_mut().insert(SESSION_SCOPE, ONE_CONNECTION.parse().unwrap());
    let answer = client.handshake(request).await.unwrap();
    let token =
        answer.metadata().get("authorization").unwrap().to_str().unwrap()["Bearer ".len()..].to_owned();
    drop((answer, client));
    let start = tokio::time::Instant::now();
    loop {
        let mut other = server.client().await;
        other.set_token(token.clone());
        // Until then a request may find the session, or see it end.
        match other.execute("SELECT 1".to_owned(), None).await {
            Err(error) if grpc_code(&error) == tonic::Code::Unauthenticated => break,
            _ => assert!(start.elapsed() < DEADLINE),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_given_once_and_finds_the_session_again() {
    let server = Server::start().await;
    let mut one = FlightServiceClient::new(server.channel().await);
    let first = one.get_flight_info(announce(CREATE)).await.unwrap();
    let value = cookie(first.metadata()).unwrap();
    assert_eq!(value.len(), 64);
    assert_eq!(cookie(one.get_flight_info(announce("SELECT 1")).await.unwrap().metadata()), None);

    let mut two = server.client().await;
    two.set_header("cookie", format!("other=1; {COOKIE}={value}"));
    assert_eq!(rows(&mut two, "SELECT a FROM t").await, ["7"]);
    drop(one);
    assert_eq!(rows(&mut two, "SELECT a FROM t").await, ["7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_cookie_is_an_error_that_takes_the_cookie_back() {
    let server = Server::start().await;
    let mut client = FlightServiceClient::new(server.channel().await);
    let mut request = announce("SELECT 1");
    request.metadata_mut().insert("cookie", format!("{COOKIE}=0123").parse().unwrap());
    let status = client.get_flight_info(request).await.unwrap_err();
    assert_eq!(status_to_error(&status).code(), Code::ClusterUnavailable);
    assert_eq!(cookie(status.metadata()).as_deref(), Some(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_ends_with_a_clear_error_and_the_client_may_go_on() {
    let mut config = Config::default();
    config.scheduler.session_idle_timeout = Duration::ZERO;
    let server = Server::with(config).await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    one.execute(CREATE.to_owned(), None).await.unwrap();
    // Opening a session ends those that are idle.
    two.execute("SELECT 1".to_owned(), None).await.unwrap();
    let error = error_of(&one.execute("SELECT a FROM t".to_owned(), None).await.unwrap_err());
    assert_eq!(error.code(), Code::ClusterUnavailable);
    assert!(error.message().contains("not used for"), "{error}");
    one.execute("SELECT 1".to_owned(), None).await.unwrap();
}

async fn act(client: &mut Client, name: &str, body: Vec<u8>) -> Result<bytes::Bytes, FlightError> {
    let mut results = client.do_action(Action::new(name, body)).await?;
    Ok(results.message().await?.unwrap().body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_is_gone_and_the_client_gets_a_new_one() {
    let server = Server::start().await;
    let mut client = server.client().await;
    run(&mut client, CREATE).await.unwrap();
    let body = act(&mut client, "CloseSession", Vec::new()).await.unwrap();
    assert_eq!(body.as_ref(), [8, 1]);
    assert!(run(&mut client, "SELECT a FROM t").await.is_err());
    assert_eq!(rows(&mut client, "SELECT 1").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_options_are_settings() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let text = |text: &str| SessionOptionValue { value: Some(OptionValue::Text(text.to_owned())) };
    run(&mut client, "CREATE SCHEMA lake").await.unwrap();
    let request = SetSessionOptionsRequest {
        session_options: [
            ("schema".to_owned(), text("lake")),
            (
                "datafusion.execution.batch_size".to_owned(),
                SessionOptionValue { value: Some(OptionValue::Int(99)) },
            ),
            ("datafusion.execution.coalesce_batches".to_owned(), text("'; DROP SCHEMA lake; --")),
            ("x = 1; SELECT".to_owned(), text("y")),
        ]
        .into(),
    };
    let body = act(&mut client, "SetSessionOptions", request.encode_to_vec()).await.unwrap();
    let failed = SetSessionOptionsResult::decode(body).unwrap().errors;
    let kinds: Vec<_> = failed.iter().map(|(name, error)| (name.as_str(), error.value)).collect();
    let (name, value) = (OptionErrorKind::InvalidName as i32, OptionErrorKind::InvalidValue as i32);
    assert_eq!(kinds, [("datafusion.execution.coalesce_batches", value), ("x = 1; SELECT", name)]);

    let body = act(&mut client, "GetSessionOptions", Vec::new()).await.unwrap();
    let options = GetSessionOptionsResult::decode(body).unwrap().session_options;
    assert_eq!(options["schema"], text("lake"));
    assert_eq!(options["datafusion.execution.batch_size"], text("99"));
    run(&mut client, CREATE).await.unwrap();
    assert_eq!(rows(&mut client, "SELECT a FROM lake.t").await, ["7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_are_listed_and_others_are_refused_with_that_list() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let listed = client.inner_mut().list_actions(arrow_flight::Empty {}).await.unwrap().into_inner();
    let names: Vec<_> = listed.map_ok(|action| action.r#type).try_collect().await.unwrap();
    assert!(
        names.contains(&"CancelFlightInfo".to_owned()) && !names.contains(&"BeginTransaction".to_owned())
    );
    for action in ["BeginTransaction", "NoSuchAction"] {
        let error = act(&mut client, action, Vec::new()).await.unwrap_err();
        assert!(
            matches!(grpc_code(&error), tonic::Code::Unimplemented | tonic::Code::InvalidArgument),
            "{action}"
        );
    }
}
