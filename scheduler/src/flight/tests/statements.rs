//! Queries, changes, prepared statements, tickets and errors.

use super::*;
use arrow_flight::sql::ProstMessageExt;
use arrow_flight::{FlightDescriptor, IpcMessage};
use datafusion::arrow::datatypes::{DataType, Schema};
use prost::Message;

/// 20 GB of rows.
pub(super) const ENDLESS: &str = "SELECT value, repeat('x', 1000) AS x FROM generate_series(1, 20000000)";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_runs_when_it_is_fetched() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute("SELECT 1 AS a, 'x' AS b".to_owned(), None).await.unwrap();
    assert_eq!(server.jobs.rows.load(Ordering::SeqCst), 0);
    assert!(info.endpoint[0].location.is_empty() && info.endpoint[0].expiration_time.is_none());
    let batches = fetch(&mut client, &info).await.unwrap();
    assert_eq!(cells(&batches), ["1,x"]);
    assert_eq!(*batches[0].schema(), info.try_decode_schema().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_done_when_it_is_announced_even_if_never_fetched() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute("CREATE TABLE t AS SELECT 7 AS a".to_owned(), None).await.unwrap();
    assert!(!info.schema.is_empty());
    assert_eq!(rows(&mut client, "SELECT a FROM t").await, ["7"]);
    assert!(fetch(&mut client, &info).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_says_how_many_rows_it_wrote() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let update =
        async |client: &mut Client, sql: &str| client.execute_update(sql.to_owned(), None).await.unwrap();
    assert_eq!(update(&mut client, "CREATE TABLE t (a BIGINT)").await, 0);
    assert_eq!(update(&mut client, "INSERT INTO t VALUES (1), (2), (3)").await, 3);
    assert_eq!(update(&mut client, "SELECT a FROM t").await, 0);
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_returns_its_rows_and_counts_them() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let place = std::env::temp_dir().join(format!("gristmill-flight-{}", uuid::Uuid::new_v4()));
    let copy = |name: &str| {
        format!(
            "COPY (SELECT * FROM generate_series(1, 1000)) TO '{}/{name}/' STORED AS CSV",
            place.display()
        )
    };
    let batches = run(&mut client, &copy("a")).await.unwrap();
    assert_eq!(cells(&batches), ["1000"]);
    assert_eq!(client.execute_update(copy("b"), None).await.unwrap(), 1000);
    std::fs::remove_dir_all(place).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_once() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute("SELECT 1".to_owned(), None).await.unwrap();
    assert_eq!(cells(&fetch(&mut client, &info).await.unwrap()), ["1"]);
    let error = error_of(&fetch(&mut client, &info).await.unwrap_err());
    assert_eq!(error.code(), Code::StatementFailed);
    assert!(error.message().contains("ticket") && error.hint().is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_ticket_is_refused() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut info = client.execute("SELECT 1".to_owned(), None).await.unwrap();
    let good = ticket(&info);
    let mut bytes = good.ticket.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    info.endpoint[0].ticket = Some(Ticket::new(bytes));
    let error = fetch(&mut client, &info).await.unwrap_err();
    assert_eq!(grpc_code(&error), tonic::Code::PermissionDenied);
    info.endpoint[0].ticket = Some(good);
    assert_eq!(cells(&fetch(&mut client, &info).await.unwrap()), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_on_another_connection() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    run(&mut one, "CREATE TABLE t AS SELECT 7 AS a").await.unwrap();
    let info = one.execute("SELECT a FROM t".to_owned(), None).await.unwrap();
    assert_eq!(cells(&fetch(&mut two, &info).await.unwrap()), ["7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_is_planned_again_at_each_execution() {
    let server = Server::start().await;
    let mut client = server.client().await;
    run(&mut client, "CREATE TABLE t AS SELECT 7 AS a").await.unwrap();
    let mut prepared = client.prepare("SELECT a FROM t".to_owned(), None).await.unwrap();
    assert_eq!(prepared.dataset_schema().unwrap().field(0).name(), "a");
    assert_eq!(*prepared.parameter_schema().unwrap(), Schema::empty());
    let info = prepared.execute().await.unwrap();
    assert_eq!(cells(&fetch(&mut client, &info).await.unwrap()), ["7"]);
    run(&mut client, "DROP TABLE t").await.unwrap();
    run(&mut client, "CREATE TABLE t AS SELECT 'seven' AS a").await.unwrap();
    let info = prepared.execute().await.unwrap();
    assert_eq!(info.clone().try_decode_schema().unwrap().field(0).data_type(), &DataType::Utf8);
    assert_eq!(cells(&fetch(&mut client, &info).await.unwrap()), ["seven"]);
    prepared.clone().close().await.unwrap();
    assert!(error_of(&prepared.execute().await.unwrap_err()).message().contains("closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_change_announces_columns_only_when_it_has_rows_to_show() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut create = client.prepare("CREATE TABLE t (a BIGINT)".to_owned(), None).await.unwrap();
    assert!(create.dataset_schema().unwrap().fields().is_empty());
    assert_eq!(create.execute_update().await.unwrap(), 0);
    let mut insert = client.prepare("INSERT INTO t VALUES (1), (2)".to_owned(), None).await.unwrap();
    assert!(insert.dataset_schema().unwrap().fields().is_empty());
    assert_eq!(insert.execute_update().await.unwrap(), 2);
    let set = "CREATE TRAINING SET s LOCATION '/no/such/place' STORED AS CSV AS SELECT 1 AS a";
    let create = client.prepare(set.to_owned(), None).await.unwrap();
    assert!(create.dataset_schema().unwrap().column_with_name("rows").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_can_be_fetched_by_its_handle() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut prepared = client.prepare("SELECT 5 AS a".to_owned(), None).await.unwrap();
    let descriptor = prepared.execute().await.unwrap().flight_descriptor.unwrap();
    let batches =
        client.do_get(Ticket::new(descriptor.cmd)).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(cells(&batches), ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_refused() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for sql in ["SELECT $1", "SELECT 1 WHERE 1 = ?"] {
        let error = client.prepare(sql.to_owned(), None).await.unwrap_err();
        assert_eq!(error_of(&error).code(), Code::Unsupported, "{sql}");
        // `Unimplemented` would mean that nothing can be prepared.
        assert_eq!(grpc_code(&error), tonic::Code::InvalidArgument, "{sql}");
    }
    let mut prepared = client.prepare("SELECT 1".to_owned(), None).await.unwrap();
    let bound = RecordBatch::try_from_iter([(
        "p",
        Arc::new(datafusion::arrow::array::Int64Array::from(vec![1])) as datafusion::arrow::array::ArrayRef,
    )]);
    prepared.set_parameters(bound.unwrap()).unwrap();
    assert_eq!(error_of(&prepared.execute().await.unwrap_err()).code(), Code::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_takes_one_statement() {
    let server = Server::start().await;
    let mut client = server.client().await;
    assert_eq!(rows(&mut client, "SELECT 1;").await, ["1"]);
    for sql in ["SELECT 1; SELECT 2", "", "-- nothing"] {
        assert_eq!(failure(&mut client, sql).await.code(), Code::Syntax, "{sql:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn get_schema_runs_nothing() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let command = arrow_flight::sql::CommandStatementQuery {
        query: "CREATE TABLE t AS SELECT 7 AS a".to_owned(),
        transaction_id: None,
    };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    client.inner_mut().get_schema(descriptor).await.unwrap();
    assert!(run(&mut client, "SELECT a FROM t").await.is_err());

    let prepared = client.prepare("SELECT 'x' AS a".to_owned(), None).await.unwrap();
    let info = prepared.clone().execute().await.unwrap();
    let descriptor = info.flight_descriptor.clone().unwrap();
    let schema = client.inner_mut().get_schema(descriptor).await.unwrap().into_inner().schema;
    let schema = Schema::try_from(IpcMessage(schema)).unwrap();
    assert_eq!(schema, info.try_decode_schema().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_arrives_as_the_engine_made_it() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let sql = "SELECT valu FROM generate_series(1, 3)";
    let session = Engine::embedded(Arc::default()).unwrap().session();
    let statement = session.parse(sql).unwrap().remove(0);
    let local = session.describe(&statement).await.unwrap_err();
    let remote = failure(&mut client, sql).await;
    assert_eq!(
        (remote.code(), remote.message(), remote.hint()),
        (local.code(), local.message(), local.hint())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_middle_of_the_rows_is_as_good() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let sql = "SELECT 1 / (value - 900000) AS a FROM generate_series(1, 1000000)";
    let info = client.execute(sql.to_owned(), None).await.unwrap();
    let mut stream = client.do_get(ticket(&info)).await.unwrap();
    let mut batches = 0;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => batches += 1,
            Err(error) => break error_of(&error),
        }
    };
    assert!(batches > 0);
    assert_eq!(error.code(), Code::BadRow, "{error}");
    assert!(stream.next().await.is_none());
    server.no_job_runs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_is_computed_as_it_is_read() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = client.do_get(ticket(&info)).await.unwrap();
    let mut received = 0;
    for _ in 0..200 {
        let batch = stream.next().await.unwrap().unwrap();
        // A row is a number, a text of 1,000 letters and its offset.
        assert!(batch.num_rows() * 1_012 <= 2 << 20, "{} rows in one message", batch.num_rows());
        received += batch.num_rows() as u64;
        // Batches of 8,192 rows, 8 MB: one on the wire, a few in operators and their channels.
        let ahead = server.jobs.rows.load(Ordering::SeqCst) - received;
        assert!(ahead <= 8 * 8192, "{ahead} rows were computed before they were read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_outside_of_flight_sql_say_what_to_use() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let status = client.inner_mut().list_flights(arrow_flight::Criteria::default()).await.unwrap_err();
    assert_eq!(status_to_error(&status).code(), Code::Unsupported);
    let status = client.inner_mut().poll_flight_info(FlightDescriptor::default()).await.unwrap_err();
    assert!(status_to_error(&status).hint().unwrap().contains("GetFlightInfo"));
}
