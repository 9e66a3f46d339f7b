//! What drivers ask before and beside statements. Expected columns are those of `FlightSql.proto`.

use super::*;
use arrow_flight::IpcMessage;
use arrow_flight::sql::{
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Schema, UInt32Type};

/// `name type` and `not null` where it says so, in order.
fn columns(schema: &Schema) -> Vec<String> {
    let text = |field: &Arc<datafusion::arrow::datatypes::Field>| {
        let null = if field.is_nullable() { "" } else { " not null" };
        format!("{} {}{null}", field.name(), field.data_type()).to_lowercase()
    };
    schema.fields().iter().map(text).collect()
}

/// The rows, after checking that the announced columns, those of the stream and the expected ones are the same.
async fn check(client: &mut Client, info: FlightInfo, expected: &[&str]) -> Vec<RecordBatch> {
    assert_eq!(columns(&info.clone().try_decode_schema().unwrap()), expected);
    let mut stream = client.do_get(ticket(&info)).await.unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch.unwrap());
    }
    assert_eq!(columns(stream.schema().unwrap()), expected);
    batches
}

async fn client_with_tables(server: &Server) -> Client {
    let mut client = server.client().await;
    for sql in [
        "CREATE TABLE orders AS SELECT 1 AS id, 'x' AS name",
        "CREATE VIEW open_orders AS SELECT id FROM orders",
        "CREATE SCHEMA lake",
        "CREATE TABLE lake.items AS SELECT 1.5 AS price",
    ] {
        run(&mut client, sql).await.unwrap();
    }
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_and_schemas() {
    let server = Server::start().await;
    let mut client = client_with_tables(&server).await;
    let info = client.get_catalogs().await.unwrap();
    let catalogs = check(&mut client, info, &["catalog_name utf8 not null"]).await;
    assert_eq!(cells(&catalogs), ["datafusion"]);

    let expected = ["catalog_name utf8", "db_schema_name utf8 not null"];
    let request = CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: Some("l_k%".to_owned()) };
    let info = client.get_db_schemas(request).await.unwrap();
    assert_eq!(cells(&check(&mut client, info, &expected).await), ["datafusion,lake"]);
    let request = CommandGetDbSchemas { catalog: Some("other".to_owned()), db_schema_filter_pattern: None };
    let info = client.get_db_schemas(request).await.unwrap();
    assert!(cells(&check(&mut client, info, &expected).await).is_empty());
}

const TABLE_COLUMNS: [&str; 4] =
    ["catalog_name utf8", "db_schema_name utf8", "table_name utf8 not null", "table_type utf8 not null"];

async fn tables(client: &mut Client, request: CommandGetTables) -> Vec<String> {
    let info = client.get_tables(request).await.unwrap();
    cells(&check(client, info, &TABLE_COLUMNS).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_by_name_schema_and_type() {
    let server = Server::start().await;
    let mut client = client_with_tables(&server).await;
    let (items, view, orders) = (
        "datafusion,lake,items,TABLE".to_owned(),
        "datafusion,public,open_orders,VIEW".to_owned(),
        "datafusion,public,orders,TABLE".to_owned(),
    );
    let all = CommandGetTables::default();
    assert_eq!(tables(&mut client, all.clone()).await, [items.clone(), view.clone(), orders.clone()]);
    let by_type = |kind: &str| CommandGetTables { table_types: vec![kind.to_owned()], ..all.clone() };
    assert_eq!(tables(&mut client, by_type("VIEW")).await, [view]);
    assert_eq!(tables(&mut client, by_type("BASE TABLE")).await, [items.clone(), orders.clone()]);
    let by_name = CommandGetTables { table_name_filter_pattern: Some("or%".to_owned()), ..all.clone() };
    assert_eq!(tables(&mut client, by_name).await, [orders]);
    let by_schema = CommandGetTables { db_schema_filter_pattern: Some("lake".to_owned()), ..all };
    assert_eq!(tables(&mut client, by_schema).await, [items]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tables_columns_are_those_of_its_rows() {
    let server = Server::start().await;
    let mut client = client_with_tables(&server).await;
    let request = CommandGetTables {
        table_name_filter_pattern: Some("orders".to_owned()),
        include_schema: true,
        ..CommandGetTables::default()
    };
    let info = client.get_tables(request).await.unwrap();
    let expected = [TABLE_COLUMNS.as_slice(), &["table_schema binary not null"]].concat();
    let batches = check(&mut client, info, &expected).await;
    let bytes = batches[0].column(4).as_binary::<i32>().value(0).to_vec();
    let described = Schema::try_from(IpcMessage(bytes.into())).unwrap();
    let rows = run(&mut client, "SELECT * FROM orders").await.unwrap();
    assert_eq!(described, *rows[0].schema());
}

#[tokio::test(flavor = "multi_thread")]
async fn table_types_are_two() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.get_table_types().await.unwrap();
    assert_eq!(cells(&check(&mut client, info, &["table_type utf8 not null"]).await), ["TABLE", "VIEW"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_empty_in_the_right_shape() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let table = "orders".to_owned();
    let primary = CommandGetPrimaryKeys { table: table.clone(), ..CommandGetPrimaryKeys::default() };
    let info = client.get_primary_keys(primary).await.unwrap();
    let expected = [
        "catalog_name utf8",
        "db_schema_name utf8",
        "table_name utf8 not null",
        "column_name utf8 not null",
        "key_name utf8",
        "key_sequence int32 not null",
    ];
    assert!(check(&mut client, info, &expected).await.is_empty());

    let exported = CommandGetExportedKeys { table: table.clone(), ..CommandGetExportedKeys::default() };
    let imported = CommandGetImportedKeys { table, ..CommandGetImportedKeys::default() };
    let infos = [
        client.get_exported_keys(exported).await.unwrap(),
        client.get_imported_keys(imported).await.unwrap(),
        client.get_cross_reference(CommandGetCrossReference::default()).await.unwrap(),
    ];
    let expected = [
        "pk_catalog_name utf8",
        "pk_db_schema_name utf8",
        "pk_table_name utf8 not null",
        "pk_column_name utf8 not null",
        "fk_catalog_name utf8",
        "fk_db_schema_name utf8",
        "fk_table_name utf8 not null",
        "fk_column_name utf8 not null",
        "key_sequence int32 not null",
        "fk_key_name utf8",
        "pk_key_name utf8",
        "update_rule uint8 not null",
        "delete_rule uint8 not null",
    ];
    for info in infos {
        assert!(check(&mut client, info, &expected).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_info_is_complete_and_has_no_nulls() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.get_sql_info(Vec::new()).await.unwrap();
    let batches = fetch(&mut client, &info).await.unwrap();
    let names: Vec<u32> = batches[0].column(0).as_primitive::<UInt32Type>().values().to_vec();
    // All but the Substrait versions, which are null where Substrait is not supported.
    let expected: Vec<u32> = (0..=5).chain(8..=11).chain(100..=101).chain(500..=576).collect();
    assert_eq!(names, expected);
    let values = batches[0].column(1).as_union();
    assert!((0..values.len()).all(|row| !values.value(row).is_null(0)));
    let info = client.get_sql_info(vec![SqlInfo::FlightSqlServerName, SqlInfo::SqlKeywords]).await.unwrap();
    let batches = fetch(&mut client, &info).await.unwrap();
    assert_eq!(batches[0].num_rows(), 2);
    assert!(cells(&batches)[0].contains("Gristmill"));
}

#[tokio::test(flavor = "multi_thread")]
async fn xdbc_types_can_be_asked_for_one_by_one() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
    let schema = info.clone().try_decode_schema().unwrap();
    assert_eq!((schema.fields().len(), schema.field(1).data_type()), (19, &DataType::Int32));
    assert!(fetch(&mut client, &info).await.unwrap()[0].num_rows() > 15);
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(12) }).await.unwrap();
    assert!(cells(&fetch(&mut client, &info).await.unwrap())[0].starts_with("VARCHAR,12"));
}
