//! Flight SQL's commands, each in a few words; arrow-flight unpacks them.

use super::actions;
use super::caller::Caller;
use super::metadata::{self, about, no_rows, one_batch};
use super::prepared::refuse_bound_values;
use super::results::{FlightStream, flight_info, ipc_bytes};
use super::run::{Announced, announce, announced_columns, describe, fetch, fetch_now, parse_one, update};
use super::sessions::{SessionUse, Sessions};
use super::sql_info::sql_info;
use super::status::{OrStatus, status_to_error, with_code};
use super::tickets::{Handle, Purpose, Signer, StatementId};
use super::xdbc_types::xdbc_types;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::metadata::{GetCatalogsBuilder, SqlInfoData, XdbcTypeInfoData};
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, Command,
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys,
    CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
    CommandStatementQuery, CommandStatementUpdate, DoPutPreparedStatementResult, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse, SchemaResult, Ticket,
};
use datafusion::arrow::datatypes::Schema;
use futures::stream;
use gristmill_engine::statement::Statement;
use gristmill_engine::{Code, Error, Result};
use prost::Message;
use std::sync::Arc;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

/// Flight SQL over the sessions of all clients.
pub(super) struct FlightSql {
    sessions: Arc<Sessions>,
    signer: Signer,
    sql_info: SqlInfoData,
    xdbc_types: XdbcTypeInfoData,
}

type Answer<T> = Result<Response<T>, Status>;
type Rows = Answer<FlightStream>;
type Info = Answer<FlightInfo>;

impl FlightSql {
    /// # Errors
    /// `Internal` when what the server says about itself cannot be built.
    pub(super) fn new(sessions: Arc<Sessions>) -> Result<Self> {
        let sql_info = sql_info(&sessions.engine().session().context())?;
        Ok(Self { sessions, signer: Signer::new(), sql_info, xdbc_types: xdbc_types()? })
    }

    /// `GetSchema`, which arrow-flight leaves out: as `GetFlightInfo`, but nothing runs and nothing is kept.
    pub(super) async fn schema_of(&self, request: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        let command = Any::decode(request.get_ref().cmd.as_ref())
            .ok()
            .and_then(|any| Command::try_from(any).ok())
            .ok_or_else(|| Error::new(Code::StatementFailed, "the descriptor is not a Flight SQL command"))
            .or_status()?;
        let (session, statement) = match command {
            Command::CommandStatementQuery(query) => self.statement(&query.query, &request)?,
            Command::CommandPreparedStatementQuery(query) => {
                self.prepared(&query.prepared_statement_handle, &request)?
            }
            _ => {
                let info = self.get_flight_info(request).await?.into_inner();
                return Ok(Response::new(SchemaResult { schema: info.schema }));
            }
        };
        let info = describe(&session, &statement).await.or_status()?;
        Ok(Response::new(SchemaResult { schema: ipc_bytes(&info.schema).or_status()? }))
    }

    /// The caller's session and the one statement of `sql`.
    fn statement<T>(&self, sql: &str, request: &Request<T>) -> Result<(SessionUse, Statement), Status> {
        let caller = Caller::of(request)?;
        caller.note(sql);
        let session = caller.session()?;
        let statement = parse_one(&session.engine, sql).or_status()?;
        Ok((session, statement))
    }

    /// The session that a handle belongs to, whoever asks: see [`super::tickets`].
    fn holder<T>(
        &self,
        purpose: Purpose,
        handle: &[u8],
        request: &Request<T>,
    ) -> Result<(SessionUse, StatementId), Status> {
        let handle = self.signer.verify(purpose, handle).or_status()?;
        let session = self.sessions.find_number(handle.session).or_status()?;
        Caller::of(request)?.note_session(&session);
        Ok((session, handle.id))
    }

    fn prepared<T>(&self, handle: &[u8], request: &Request<T>) -> Result<(SessionUse, Statement), Status> {
        let (session, id) = self.holder(Purpose::Prepared, handle, request)?;
        let statement = session.prepared.get(id).or_status()?;
        Caller::of(request)?.note(&statement.text);
        Ok((session, statement))
    }

    async fn prepare(
        &self,
        sql: &str,
        request: &Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let (session, statement) = self.statement(sql, request)?;
        let info = describe(&session, &statement).await.or_status()?;
        let columns =
            announced_columns(&statement, &info).map(|schema| ipc_bytes(schema)).transpose().or_status()?;
        let handle = Handle { session: session.number, id: session.prepared.add(statement).or_status()? };
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: self.signer.sign(Purpose::Prepared, handle),
            dataset_schema: columns.unwrap_or_default(),
            parameter_schema: ipc_bytes(&Schema::empty()).or_status()?,
        })
    }

    async fn announced(
        &self,
        session: SessionUse,
        statement: Statement,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let Announced { id, schema, report } = announce(&session, statement).await.or_status()?;
        let ticket = self.signer.ticket(Handle { session: session.number, id });
        let info = flight_info(&schema, ticket, request.into_inner());
        info.map(|info| Response::new(info.with_app_metadata(report.to_json()))).or_status()
    }
}

fn refuse_transaction(transaction: Option<&bytes::Bytes>) -> Result<(), Status> {
    match transaction {
        Some(id) if !id.is_empty() => {
            Err(Error::new(Code::Unsupported, "transactions are not supported")).or_status()
        }
        _ => Ok(()),
    }
}

#[tonic::async_trait]
impl FlightSqlService for FlightSql {
    type FlightService = FlightSql;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Answer<<Self as FlightService>::HandshakeStream> {
        // Any user and password will do: there is no authenticator, and the server listens on loopback by default.
        let token = Caller::of(&request)?.handshake(request.metadata()).or_status()?;
        let header = MetadataValue::try_from(format!("Bearer {token}"))
            .map_err(|error| Error::new(Code::Internal, "a token is no header").with_source(error))
            .or_status()?;
        let answer = HandshakeResponse { protocol_version: 0, payload: token.into_bytes().into() };
        let answers: <Self as FlightService>::HandshakeStream = Box::pin(stream::iter([Ok(answer)]));
        let mut response = Response::new(answers);
        response.metadata_mut().insert("authorization", header);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        refuse_transaction(query.transaction_id.as_ref())?;
        let (session, statement) = self.statement(&query.query, &request)?;
        self.announced(session, statement, request).await
    }

    async fn do_get_statement(&self, ticket: TicketStatementQuery, request: Request<Ticket>) -> Rows {
        let (session, id) = self.holder(Purpose::Result, &ticket.statement_handle, &request)?;
        fetch(session, id).await.map(Response::new).or_status()
    }

    async fn do_put_statement_update(
        &self,
        command: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        refuse_transaction(command.transaction_id.as_ref())?;
        let (session, statement) = self.statement(&command.query, &request)?;
        update(&session, &statement).await.or_status()
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        refuse_transaction(query.transaction_id.as_ref())?;
        self.prepare(&query.query, &request).await.map_err(|status| match status.code() {
            // To a driver this code means that nothing can be prepared; it would go on without, and lose the reason.
            tonic::Code::Unimplemented => with_code(tonic::Code::InvalidArgument, &status_to_error(&status)),
            _ => status,
        })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let (session, statement) = self.prepared(&query.prepared_statement_handle, &request)?;
        self.announced(session, statement, request).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Rows {
        let (session, statement) = self.prepared(&query.prepared_statement_handle, &request)?;
        fetch_now(session, &statement).await.map(Response::new).or_status()
    }

    async fn do_put_prepared_statement_update(
        &self,
        command: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let (session, statement) = self.prepared(&command.prepared_statement_handle, &request)?;
        update(&session, &statement).await.or_status()
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        self.prepared(&query.prepared_statement_handle, &request)?;
        refuse_bound_values(request.into_inner()).await?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(query.prepared_statement_handle) })
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        _: Request<Action>,
    ) -> Result<(), Status> {
        let handle = self.signer.verify(Purpose::Prepared, &query.prepared_statement_handle).or_status()?;
        // A session that has ended has closed its statements.
        if let Ok(session) = self.sessions.find_number(handle.session) {
            session.prepared.close(handle.id);
        }
        Ok(())
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        _: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        actions::cancel_query(&query, &self.sessions, &self.signer)
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Answer<<Self as FlightService>::DoActionStream> {
        let caller = Caller::of(&request)?;
        let body = actions::act(&caller, request.get_ref(), &self.sessions, &self.signer).await?;
        Ok(Response::new(Box::pin(stream::iter([Ok(arrow_flight::Result::new(body))]))))
    }

    async fn get_flight_info_catalogs(
        &self,
        _: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&GetCatalogsBuilder::new().schema(), request)
    }

    async fn do_get_catalogs(&self, _: CommandGetCatalogs, request: Request<Ticket>) -> Rows {
        let session = Caller::of(&request)?.session()?;
        one_batch(metadata::catalogs(&session.engine.context()))
    }

    async fn get_flight_info_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&command.into_builder().schema(), request)
    }

    async fn do_get_schemas(&self, command: CommandGetDbSchemas, request: Request<Ticket>) -> Rows {
        let session = Caller::of(&request)?.session()?;
        one_batch(metadata::schemas(&session.engine.context(), command))
    }

    async fn get_flight_info_tables(
        &self,
        command: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&metadata::tables_schema(command), request)
    }

    async fn do_get_tables(&self, command: CommandGetTables, request: Request<Ticket>) -> Rows {
        let session = Caller::of(&request)?.session()?;
        one_batch(metadata::tables(&session.engine.context(), command).await)
    }

    async fn get_flight_info_table_types(
        &self,
        command: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&command.into_builder().schema(), request)
    }

    async fn do_get_table_types(&self, _: CommandGetTableTypes, _: Request<Ticket>) -> Rows {
        one_batch(metadata::table_types())
    }

    async fn get_flight_info_sql_info(
        &self,
        _: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&self.sql_info.schema(), request)
    }

    async fn do_get_sql_info(&self, command: CommandGetSqlInfo, _: Request<Ticket>) -> Rows {
        one_batch(self.sql_info.record_batch(command.info).map_err(metadata::building))
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        _: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&self.xdbc_types.schema(), request)
    }

    async fn do_get_xdbc_type_info(&self, command: CommandGetXdbcTypeInfo, _: Request<Ticket>) -> Rows {
        one_batch(self.xdbc_types.record_batch(command.data_type).map_err(metadata::building))
    }

    async fn get_flight_info_primary_keys(
        &self,
        _: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&metadata::primary_keys_schema(), request)
    }

    async fn do_get_primary_keys(&self, _: CommandGetPrimaryKeys, _: Request<Ticket>) -> Rows {
        no_rows(metadata::primary_keys_schema())
    }

    async fn get_flight_info_exported_keys(
        &self,
        _: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&metadata::foreign_keys_schema(), request)
    }

    async fn do_get_exported_keys(&self, _: CommandGetExportedKeys, _: Request<Ticket>) -> Rows {
        no_rows(metadata::foreign_keys_schema())
    }

    async fn get_flight_info_imported_keys(
        &self,
        _: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&metadata::foreign_keys_schema(), request)
    }

    async fn do_get_imported_keys(&self, _: CommandGetImportedKeys, _: Request<Ticket>) -> Rows {
        no_rows(metadata::foreign_keys_schema())
    }

    async fn get_flight_info_cross_reference(
        &self,
        _: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Info {
        about(&metadata::foreign_keys_schema(), request)
    }

    async fn do_get_cross_reference(&self, _: CommandGetCrossReference, _: Request<Ticket>) -> Rows {
        no_rows(metadata::foreign_keys_schema())
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
