//! What a client may see of a session's catalogs, as rows in the shape of the Flight SQL specification.
//!
//! **Source** `FlightSql.proto`: column names, types and order are its words; drivers look columns up by name.

use super::results::{FlightStream, encode, flight_info, wire_schema};
use super::status::OrStatus;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{GetCatalogsBuilder, GetDbSchemasBuilder, GetTablesBuilder};
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use arrow_flight::{FlightDescriptor, FlightInfo, Ticket};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::SchemaProvider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::TableType;
use datafusion::prelude::SessionContext;
use futures::stream;
use gristmill_engine::{Code, Error, Result};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// What ODBC calls a table. JDBC says `BASE TABLE`, which is taken as a filter too.
const TABLE: &str = "TABLE";
const BASE_TABLE: &str = "BASE TABLE";
const VIEW: &str = "VIEW";

/// The answer about metadata: its ticket is the command itself, in the `Any` that it came in.
pub(super) fn about(
    schema: &Schema,
    request: Request<FlightDescriptor>,
) -> Result<Response<FlightInfo>, Status> {
    let descriptor = request.into_inner();
    let ticket = Ticket::new(descriptor.cmd.clone());
    flight_info(schema, ticket, descriptor).map(Response::new).or_status()
}

/// A result of one batch.
pub(super) fn one_batch(batch: Result<RecordBatch>) -> Result<Response<FlightStream>, Status> {
    let batch = batch.or_status()?;
    let schema = batch.schema();
    Ok(Response::new(encode(stream::iter([Ok(batch)]), schema)))
}

/// A result without rows.
pub(super) fn no_rows(schema: SchemaRef) -> Result<Response<FlightStream>, Status> {
    Ok(Response::new(encode(stream::empty(), schema)))
}

pub(super) fn catalogs(ctx: &SessionContext) -> Result<RecordBatch> {
    let mut builder = GetCatalogsBuilder::new();
    ctx.catalog_names().into_iter().for_each(|name| builder.append(name));
    builder.build().map_err(building)
}

pub(super) fn schemas(ctx: &SessionContext, command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    for (catalog, name, _) in every_schema(ctx) {
        builder.append(catalog, name);
    }
    builder.build().map_err(building)
}

pub(super) async fn tables(ctx: &SessionContext, command: CommandGetTables) -> Result<RecordBatch> {
    let with_columns = command.include_schema;
    let wanted = matching_schemas(ctx, &command)?;
    let mut builder = tables_builder(command);
    for (catalog, schema_name, schema) in wanted {
        for table in schema.table_names() {
            let described = describe(schema.as_ref(), &table, with_columns).await;
            let described = described.map_err(|error| {
                Error::from_datafusion(error).context(format!("{catalog}.{schema_name}.{table}"))
            })?;
            // Dropped since it was listed.
            let Some((kind, columns)) = described else { continue };
            builder.append(&catalog, &schema_name, table, kind, &columns).map_err(building)?;
        }
    }
    builder.build().map_err(building)
}

pub(super) fn tables_schema(command: CommandGetTables) -> SchemaRef {
    tables_builder(command).schema()
}

pub(super) fn table_types() -> Result<RecordBatch> {
    let mut builder = CommandGetTableTypes {}.into_builder();
    builder.append(TABLE);
    builder.append(VIEW);
    builder.build().map_err(building)
}

/// Tables have no keys here, so every answer about keys is empty.
pub(super) fn primary_keys_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// The columns of exported keys, imported keys and cross references.
pub(super) fn foreign_keys_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("pk_catalog_name", DataType::Utf8, true),
        Field::new("pk_db_schema_name", DataType::Utf8, true),
        Field::new("pk_table_name", DataType::Utf8, false),
        Field::new("pk_column_name", DataType::Utf8, false),
        Field::new("fk_catalog_name", DataType::Utf8, true),
        Field::new("fk_db_schema_name", DataType::Utf8, true),
        Field::new("fk_table_name", DataType::Utf8, false),
        Field::new("fk_column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("fk_key_name", DataType::Utf8, true),
        Field::new("pk_key_name", DataType::Utf8, true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

/// An error of arrow-flight's builders.
pub(super) fn building(error: FlightError) -> Error {
    Error::new(Code::Internal, "could not build a metadata result").with_source(error)
}

fn tables_builder(mut command: CommandGetTables) -> GetTablesBuilder {
    for kind in &mut command.table_types {
        if kind == BASE_TABLE {
            TABLE.clone_into(kind);
        }
    }
    command.into_builder()
}

type NamedSchema = (String, String, Arc<dyn SchemaProvider>);

fn every_schema(ctx: &SessionContext) -> Vec<NamedSchema> {
    let mut schemas = Vec::new();
    for catalog_name in ctx.catalog_names() {
        let Some(catalog) = ctx.catalog(&catalog_name) else { continue };
        for name in catalog.schema_names() {
            if let Some(schema) = catalog.schema(&name) {
                schemas.push((catalog_name.clone(), name, schema));
            }
        }
    }
    schemas
}

/// The schemas that a request for tables asks for: looking into the others could cost a request per table.
fn matching_schemas(ctx: &SessionContext, command: &CommandGetTables) -> Result<Vec<NamedSchema>> {
    let all = every_schema(ctx);
    let mut builder =
        GetDbSchemasBuilder::new(command.catalog.clone(), command.db_schema_filter_pattern.clone());
    all.iter().for_each(|(catalog, name, _)| builder.append(catalog, name));
    let matching = builder.build().map_err(building)?;
    let names = |index: usize| {
        let column = matching.column(index).as_any();
        column.downcast_ref::<datafusion::arrow::array::StringArray>()
    };
    let (Some(catalogs), Some(schemas)) = (names(0), names(1)) else {
        return Err(Error::new(Code::Internal, "schema names are not text"));
    };
    let wanted: Vec<_> = catalogs.iter().flatten().zip(schemas.iter().flatten()).collect();
    Ok(all
        .into_iter()
        .filter(|(catalog, name, _)| wanted.contains(&(catalog.as_str(), name.as_str())))
        .collect())
}

async fn describe(
    schema: &dyn SchemaProvider,
    table: &str,
    with_columns: bool,
) -> Result<Option<(&'static str, SchemaRef)>, DataFusionError> {
    if with_columns {
        let table = schema.table(table).await?;
        return Ok(table.map(|table| (kind(table.table_type()), wire_schema(&table.schema()))));
    }
    let table_type = schema.table_type(table).await?;
    Ok(table_type.map(|table_type| (kind(table_type), Arc::new(Schema::empty()))))
}

fn kind(table_type: TableType) -> &'static str {
    match table_type {
        TableType::Base | TableType::Temporary => TABLE,
        TableType::View => VIEW,
    }
}
