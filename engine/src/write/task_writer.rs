//! The open shards of one partition: which row goes to which shard.

use super::ShardRecord;
use super::shard_writer::ShardWriter;
use crate::error::{Code, Error, Result};
use crate::formats::{Format, format};
use crate::plan::{Layout, WriteSpec};
use crate::storage::{Attempt, ShardStore};
use datafusion::arrow::array::{AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::{SchemaRef, UInt8Type, UInt32Type};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// A split and a shard number in it.
type ShardKey = (u8, u32);

/// The open shards of one partition.
///
/// **Limits** with an ordered input one shard is open at a time; otherwise as many as there are splits × shards, which
/// planning keeps within `[write] open_shards`. Each holds what its encoder and upload buffer.
#[derive(Debug)]
pub(super) struct TaskWriter {
    spec: Arc<WriteSpec>,
    store: Arc<dyn ShardStore>,
    attempt: Attempt,
    partition: usize,
    format: Arc<dyn Format>,
    schema: SchemaRef,
    open: BTreeMap<ShardKey, ShardWriter>,
    rolls: BTreeMap<u8, u32>,
    finished: Vec<ShardRecord>,
}

impl TaskWriter {
    pub(super) fn new(
        spec: Arc<WriteSpec>,
        store: Arc<dyn ShardStore>,
        (attempt, partition): (Attempt, usize),
        input: &SchemaRef,
    ) -> Result<Self> {
        let columns: Vec<usize> = (0..spec.data_columns).collect();
        let schema = Arc::new(input.project(&columns).map_err(internal)?);
        Ok(Self {
            format: format(&spec.format),
            spec,
            store,
            attempt,
            partition,
            schema,
            open: BTreeMap::new(),
            rolls: BTreeMap::new(),
            finished: Vec::new(),
        })
    }

    /// Writes the rows of one batch.
    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns: Vec<usize> = (0..self.spec.data_columns).collect();
        let data = batch.project(&columns).map_err(internal)?;
        match self.spec.layout {
            Layout::SingleFile { .. } => self.write_to((0, 0), &data).await,
            Layout::Rolling { .. } => {
                let splits = batch.column(self.spec.data_columns).as_primitive::<UInt8Type>().values();
                self.write_groups(&data, |row| (splits[row], 0)).await
            }
            Layout::Sharded { ordered, .. } => {
                let splits = batch.column(self.spec.data_columns).as_primitive::<UInt8Type>().values();
                let shards = batch.column(self.spec.data_columns + 1).as_primitive::<UInt32Type>().values();
                let key = |row| (splits[row], shards[row]);
                if ordered { self.write_runs(&data, key).await } else { self.write_groups(&data, key).await }
            }
        }
    }

    /// Finishes every shard and gives their records, in the order of their paths.
    pub(super) async fn finish(mut self) -> Result<Vec<ShardRecord>> {
        while let Some((_, shard)) = self.open.pop_first() {
            self.finished.push(shard.finish().await?);
        }
        self.finished.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(self.finished)
    }

    /// Rows with equal keys lie together: each run is a slice, nothing is copied.
    async fn write_runs(&mut self, data: &RecordBatch, key: impl Fn(usize) -> ShardKey) -> Result<()> {
        let mut start = 0;
        while start < data.num_rows() {
            let current = key(start);
            let length = (start..data.num_rows()).take_while(|row| key(*row) == current).count();
            self.close_before(current).await?;
            self.write_to(current, &data.slice(start, length)).await?;
            start += length;
        }
        Ok(())
    }

    /// Rows in any order: gathered by key, unless all have the same.
    async fn write_groups(&mut self, data: &RecordBatch, key: impl Fn(usize) -> ShardKey) -> Result<()> {
        let first = key(0);
        if (1..data.num_rows()).all(|row| key(row) == first) {
            return self.write_to(first, data).await;
        }
        let mut groups: BTreeMap<ShardKey, Vec<u32>> = BTreeMap::new();
        for row in 0..data.num_rows() {
            let index = u32::try_from(row).map_err(|error| {
                Error::new(Code::Internal, "a batch has more than 2^32 rows").with_source(error)
            })?;
            groups.entry(key(row)).or_default().push(index);
        }
        for (key, rows) in groups {
            let group = take_record_batch(data, &UInt32Array::from(rows)).map_err(internal)?;
            self.write_to(key, &group).await?;
        }
        Ok(())
    }

    async fn write_to(&mut self, key: ShardKey, data: &RecordBatch) -> Result<()> {
        let shard = match self.open.entry(key) {
            Entry::Occupied(shard) => shard.into_mut(),
            Entry::Vacant(slot) => {
                let name =
                    shard_name(&self.spec, self.partition, key, &mut self.rolls, self.format.extension())?;
                let shard = ShardWriter::open(
                    self.store.as_ref(),
                    &self.attempt,
                    (self.format.as_ref(), &self.schema),
                    name,
                );
                slot.insert(shard.await?)
            }
        };
        shard.write(data).await?;
        let full = matches!(self.spec.layout, Layout::Rolling { target_bytes } if shard.size_bytes() >= target_bytes);
        if full && let Some(shard) = self.open.remove(&key) {
            self.finished.push(shard.finish().await?);
        }
        Ok(())
    }

    /// With an ordered input, a new key means that the shard before it is complete.
    async fn close_before(&mut self, key: ShardKey) -> Result<()> {
        while let Some((open, _)) = self.open.first_key_value()
            && *open < key
            && let Some((_, shard)) = self.open.pop_first()
        {
            self.finished.push(shard.finish().await?);
        }
        Ok(())
    }
}

/// The path of a new shard, and its split's name.
fn shard_name(
    spec: &WriteSpec,
    partition: usize,
    (split, shard): ShardKey,
    rolls: &mut BTreeMap<u8, u32>,
    extension: &str,
) -> Result<(String, String)> {
    let name = match &spec.layout {
        Layout::SingleFile { name } => name.clone(),
        Layout::Sharded { shards, .. } => format!("part-{shard:05}-of-{shards:05}.{extension}"),
        Layout::Rolling { .. } => {
            let roll = rolls.entry(split).or_default();
            let name = format!("part-{partition:05}-{roll:05}.{extension}");
            *roll += 1;
            name
        }
    };
    if spec.splits.is_empty() {
        return Ok((name, String::new()));
    }
    let split = spec.splits.get(usize::from(split)).ok_or_else(|| {
        Error::new(Code::Internal, format!("row of split {split}, but there are {}", spec.splits.len()))
    })?;
    Ok((format!("{split}/{name}"), split.clone()))
}

fn internal(error: datafusion::arrow::error::ArrowError) -> Error {
    Error::new(Code::Internal, "cannot separate rows by shard").with_source(error)
}
