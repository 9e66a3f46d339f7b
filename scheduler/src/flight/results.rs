//! Record batches as Flight data, in the types that every driver reads.
//!
//! **Shape** Views, dictionaries, run ends, list views and large lists become plain arrays; rows and their order stay.
//! The columns a client was told of and those it gets are the same to the bit: ADBC compares them.

use super::status::{error_to_status, flight_to_status};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::{FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use datafusion::arrow::array::{Array, ArrayData, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, UnionFields};
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use gristmill_engine::{Code, Error, Result};
use std::pin::Pin;
use std::sync::Arc;
use tonic::Status;

/// The size of one message: half of the 4 MiB that gRPC clients take unless told otherwise.
const TARGET_MESSAGE_BYTES: usize = 2 << 20;

/// What `DoGet` answers.
pub(super) type FlightStream = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// The answer to `GetFlightInfo`: one endpoint, here, so the rows come in the result's order.
///
/// No expiry is announced: a client may take one as leave to fetch twice.
pub(super) fn flight_info(
    schema: &Schema,
    ticket: Ticket,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo> {
    let info = FlightInfo::new().try_with_schema(schema).map_err(arrow_error)?;
    Ok(info
        .with_descriptor(descriptor)
        .with_endpoint(FlightEndpoint::new().with_ticket(ticket))
        .with_ordered(true))
}

/// A schema as messages carry it.
pub(super) fn ipc_bytes(schema: &Schema) -> Result<bytes::Bytes> {
    FlightInfo::new().try_with_schema(schema).map(|info| info.schema).map_err(arrow_error)
}

/// Batches of `schema` as Flight data: the schema first, even when there are no rows.
pub(super) fn encode(
    batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    schema: SchemaRef,
) -> FlightStream {
    let wire = Arc::clone(&schema);
    let batches = batches
        .map(move |batch| batch.and_then(|batch| to_wire(&batch, &wire)))
        .map_ok(|batch| stream::iter(split(batch).into_iter().map(Ok)))
        .try_flatten()
        .map_err(|error| FlightError::Tonic(Box::new(error_to_status(&error))));
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        // Batches are split above, by the size of their slices; the encoder would go by the whole buffers.
        .with_max_flight_data_size(usize::MAX)
        .build(batches);
    Box::pin(encoder.map_err(flight_to_status))
}

/// The schema as clients see it.
pub(super) fn wire_schema(schema: &Schema) -> SchemaRef {
    let fields: Fields = schema.fields().iter().map(wire_field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn wire_field(field: &FieldRef) -> FieldRef {
    let data_type = wire_type(field.data_type());
    if &data_type == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}

fn wire_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => wire_type(values),
        DataType::RunEndEncoded(_, values) => wire_type(values.data_type()),
        // arrow-flight's encoder announces a large list as a list, so it has to be one.
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => DataType::List(wire_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(wire_field(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(wire_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(wire_field).collect()),
        DataType::Union(fields, mode) => {
            let fields: UnionFields = fields.iter().map(|(id, field)| (id, wire_field(field))).collect();
            DataType::Union(fields, *mode)
        }
        plain => plain.clone(),
    }
}

/// `batch` with the columns of `schema`, which is what its client was told to expect.
///
/// # Errors
/// `StatementFailed` when the columns are others, because a table changed after the statement was planned.
pub(super) fn to_wire(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let given = batch.schema_ref().fields();
    let same = given.len() == schema.fields().len()
        && given.iter().zip(schema.fields()).all(|(given, told)| {
            given.name() == told.name() && wire_type(given.data_type()) == *told.data_type()
        });
    if !same {
        return Err(Error::new(
            Code::StatementFailed,
            "the columns of the result changed after the statement was planned",
        )
        .with_hint("a table was replaced in between; execute the statement again"));
    }
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            cast(column, field.data_type())
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(arrow_error)?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(arrow_error)
}

/// Slices of at most [`TARGET_MESSAGE_BYTES`], or of one row; none for no rows.
fn split(batch: RecordBatch) -> Vec<RecordBatch> {
    let mut pieces = Vec::new();
    let bytes = batch_bytes(&batch);
    halve(batch, bytes, &mut pieces);
    pieces
}

fn halve(batch: RecordBatch, bytes: usize, pieces: &mut Vec<RecordBatch>) {
    let rows = batch.num_rows();
    if rows == 0 {
        return;
    }
    if bytes <= TARGET_MESSAGE_BYTES || rows == 1 {
        pieces.push(batch);
        return;
    }
    for piece in [batch.slice(0, rows / 2), batch.slice(rows / 2, rows - rows / 2)] {
        let piece_bytes = batch_bytes(&piece);
        halve(piece, piece_bytes, pieces);
    }
}

fn batch_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| slice_bytes(&column.to_data())).sum()
}

/// What a slice takes on the wire. arrow's own measure counts all items of a list's child, however short the slice.
fn slice_bytes(data: &ArrayData) -> usize {
    match data.data_type() {
        DataType::List(_) | DataType::Map(..) => {
            let offsets = data.buffers().first().map(|buffer| buffer.typed_data::<i32>()).unwrap_or_default();
            let ends = (offsets.get(data.offset()), offsets.get(data.offset() + data.len()));
            let items = match (ends, data.child_data()) {
                ((Some(start), Some(end)), [child]) => {
                    let (start, end) = (usize::try_from(*start), usize::try_from(*end));
                    start
                        .ok()
                        .zip(end.ok())
                        .map_or(0, |(start, end)| slice_bytes(&child.slice(start, end - start)))
                }
                _ => 0,
            };
            items + data.len() * size_of::<i32>()
        }
        DataType::Struct(_) => data.child_data().iter().map(slice_bytes).sum(),
        // A dense union's children are not sliced; each row counts as its share of them.
        DataType::Union(..) => {
            let whole = data.get_buffer_memory_size();
            let type_ids = data.buffers().first().map_or(1, |ids| ids.len().max(1));
            whole / type_ids * data.len()
        }
        _ => data.get_slice_memory_size().unwrap_or_else(|_| data.get_buffer_memory_size()),
    }
}

pub(super) fn arrow_error(error: ArrowError) -> Error {
    Error::from_datafusion(DataFusionError::from(error))
}

#[cfg(test)]
mod tests;
