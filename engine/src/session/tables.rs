//! Results of our own statements as batches.

use crate::error::{Code, Error, Result};
use crate::storage::Location;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use gristmill_proto::manifest::Manifest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `split, shards, rows, bytes, location`: what `CREATE TRAINING SET` gives.
pub(super) fn summary() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("split", DataType::Utf8, false),
        Field::new("shards", DataType::UInt64, false),
        Field::new("rows", DataType::UInt64, false),
        Field::new("bytes", DataType::UInt64, false),
        Field::new("location", DataType::Utf8, false),
    ]))
}

/// `count`: the number of rows, what `COPY` gives.
pub(super) fn count() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("count", DataType::UInt64, false)]))
}

/// `name, location`: what `SHOW TRAINING SETS` gives.
pub(super) fn list() -> SchemaRef {
    texts(["name", "location"])
}

/// `property, value`: what `DESCRIBE TRAINING SET` gives.
pub(super) fn description() -> SchemaRef {
    texts(["property", "value"])
}

fn texts(names: [&str; 2]) -> SchemaRef {
    Arc::new(Schema::new(names.map(|name| Field::new(name, DataType::Utf8, false)).to_vec()))
}

/// One row per split of a manifest.
pub(super) fn summary_rows(manifest: &Manifest, location: &Location) -> Result<RecordBatch> {
    let splits = &manifest.splits;
    let number = |field: fn(&gristmill_proto::manifest::SplitInfo) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(splits.iter().map(field)))
    };
    let places = splits.iter().map(|split| match split.name.as_str() {
        "" => location.to_string(),
        name => format!("{location}/{name}"),
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(splits.iter().map(|split| &split.name))),
        number(|split| split.shards),
        number(|split| split.rows),
        number(|split| split.bytes),
        Arc::new(StringArray::from_iter_values(places)),
    ];
    batch(summary(), columns)
}

/// The number of rows of a copy.
pub(super) fn count_row(manifest: &Manifest) -> Result<RecordBatch> {
    let rows = manifest.splits.iter().map(|split| split.rows).sum();
    batch(count(), vec![Arc::new(UInt64Array::from_value(rows, 1))])
}

/// One row per known training set.
pub(super) fn list_rows(sets: &BTreeMap<String, Location>) -> Result<RecordBatch> {
    let names = StringArray::from_iter_values(sets.keys());
    let places = StringArray::from_iter_values(sets.values().map(ToString::to_string));
    batch(list(), vec![Arc::new(names), Arc::new(places)])
}

/// One row per fact.
pub(super) fn description_rows(facts: &[(String, String)]) -> Result<RecordBatch> {
    let names = StringArray::from_iter_values(facts.iter().map(|(name, _)| name));
    let values = StringArray::from_iter_values(facts.iter().map(|(_, value)| value));
    batch(description(), vec![Arc::new(names), Arc::new(values)])
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns)
        .map_err(|error| Error::new(Code::Internal, "cannot build a result").with_source(error))
}
