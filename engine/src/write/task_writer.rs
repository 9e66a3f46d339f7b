//! The open shards of one partition: which row goes to which shard.

use super::ShardRecord;
use super::finishing::Finishing;
use super::row_groups::RowGroups;
use super::shard_writer::{ShardName, ShardTarget, ShardWriter};
use crate::error::{Code, Error, Result};
use crate::plan::{Layout, WriteSpec};
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::{UInt8Type, UInt32Type};
use datafusion::execution::memory_pool::MemoryReservation;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// A split and a shard number in it.
type ShardKey = (u8, u32);

/// The open shards of one partition.
///
/// **Limits** how many shards are open at a time: one for a single file and with an ordered input; one per split where
/// shards roll; the shards of a split and of those that a batch has the end of, where splits come one after the other; otherwise
/// splits × shards, which planning keeps within `[write] open_shards`. Shards that are complete
/// and being finished come on top, see [`Finishing`]. Each holds what its encoder and its upload buffer. After every
/// batch the sum is told to the memory pool, so that operators that can spill make room; a write itself cannot, so it
/// is never refused any.
#[derive(Debug)]
pub(super) struct TaskWriter {
    spec: Arc<WriteSpec>,
    target: ShardTarget,
    /// Its job-wide number.
    partition: usize,
    memory: MemoryReservation,
    groups: RowGroups,
    open: BTreeMap<ShardKey, ShardWriter>,
    rolls: BTreeMap<u8, u32>,
    /// How many rows were dealt out.
    dealt: u64,
    finishing: Finishing,
}

impl TaskWriter {
    pub(super) fn new(
        spec: Arc<WriteSpec>,
        target: ShardTarget,
        partition: usize,
        memory: MemoryReservation,
    ) -> Self {
        Self {
            groups: RowGroups::new(spec.splits.len().max(1) * shards_per_split(&spec.layout) as usize),
            spec,
            target,
            partition,
            memory,
            open: BTreeMap::new(),
            rolls: BTreeMap::new(),
            dealt: 0,
            finishing: Finishing::default(),
        }
    }

    /// Writes the rows of one batch.
    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns: Vec<usize> = (0..self.spec.data_columns).collect();
        let data = batch.project(&columns).map_err(cannot_separate)?;
        match self.spec.layout {
            Layout::SingleFile { .. } => self.write_to((0, 0), &data).await?,
            Layout::Rolling { .. } => {
                let splits = batch.column(self.spec.data_columns).as_primitive::<UInt8Type>().values();
                self.write_groups(&data, |row| (splits[row], 0)).await?;
            }
            Layout::Sharded { ordered, shuffled, .. } => {
                let splits = batch.column(self.spec.data_columns).as_primitive::<UInt8Type>().values();
                let shards = batch.column(self.spec.data_columns + 1).as_primitive::<UInt32Type>().values();
                let key = |row| (splits[row], shards[row]);
                match (ordered, shuffled) {
                    (true, _) => self.write_runs(&data, key).await?,
                    (false, false) => self.write_groups(&data, key).await?,
                    (false, true) => self.deal(&data, splits).await?,
                }
            }
        }
        self.finishing.check()?;
        self.memory.resize(self.open.values().map(ShardWriter::buffered_bytes).sum());
        Ok(())
    }

    /// Finishes every shard and gives their records, in the order of their paths.
    pub(super) async fn finish(mut self) -> Result<Vec<ShardRecord>> {
        while let Some((_, shard)) = self.open.pop_first() {
            self.finishing.add(shard, &self.memory).await?;
        }
        self.finishing.records().await
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
        let shards = shards_per_split(&self.spec.layout);
        let group = |row| match key(row) {
            (split, shard) if shard < shards => u32::from(split) * shards + shard,
            _ => u32::MAX,
        };
        let groups = self.groups.sort((0..data.num_rows()).map(group)).ok_or_else(|| {
            let splits = self.spec.splits.len();
            let message =
                format!("a row is for a shard that is not there: {splits} splits have {shards} each");
            Error::new(Code::Internal, message)
        })?;
        for (group, rows) in groups {
            // Fits, as it was made from one.
            let key = (u8::try_from(group / shards).unwrap_or(u8::MAX), group % shards);
            if rows.len() == data.num_rows() {
                return self.write_to(key, data).await;
            }
            let rows = take_record_batch(data, &rows).map_err(cannot_separate)?;
            self.write_to(key, &rows).await?;
        }
        Ok(())
    }

    /// All rows of the training set come here, split by split: one to each shard in turn.
    async fn deal(&mut self, data: &RecordBatch, splits: &[u8]) -> Result<()> {
        self.close_before((splits[0], 0)).await?;
        let (dealt, shards) = (self.dealt, u64::from(shards_per_split(&self.spec.layout)));
        self.dealt += data.num_rows() as u64;
        // Below `shards`: the cast keeps every bit.
        self.write_groups(data, |row| (splits[row], ((dealt + row as u64) % shards) as u32)).await
    }

    async fn write_to(&mut self, key: ShardKey, data: &RecordBatch) -> Result<()> {
        let shard = match self.open.entry(key) {
            Entry::Occupied(shard) => shard.into_mut(),
            Entry::Vacant(slot) => {
                let extension = self.target.format.extension();
                let name = shard_name(&self.spec, self.partition, key, &mut self.rolls, &extension)?;
                slot.insert(ShardWriter::open(&self.target, name).await?)
            }
        };
        shard.write(data).await?;
        let full = matches!(self.spec.layout, Layout::Rolling { target_bytes } if shard.size_bytes() >= target_bytes);
        if full && let Some(shard) = self.open.remove(&key) {
            self.finishing.add(shard, &self.memory).await?;
        }
        Ok(())
    }

    /// With an ordered input, a new key means that the shard before it is complete.
    async fn close_before(&mut self, key: ShardKey) -> Result<()> {
        while let Some((open, _)) = self.open.first_key_value()
            && *open < key
            && let Some((_, shard)) = self.open.pop_first()
        {
            self.finishing.add(shard, &self.memory).await?;
        }
        Ok(())
    }
}

/// How many shards rows of one split go to at a time.
fn shards_per_split(layout: &Layout) -> u32 {
    match layout {
        Layout::Sharded { shards, .. } => *shards,
        Layout::Rolling { .. } | Layout::SingleFile { .. } => 1,
    }
}

/// The name of a new shard.
fn shard_name(
    spec: &WriteSpec,
    partition: usize,
    (split, shard): ShardKey,
    rolls: &mut BTreeMap<u8, u32>,
    extension: &str,
) -> Result<ShardName> {
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
        let is_alone = matches!(spec.layout, Layout::SingleFile { .. });
        return Ok(ShardName { path: name, split: String::new(), is_alone });
    }
    let split = spec.splits.get(usize::from(split)).ok_or_else(|| {
        Error::new(Code::Internal, format!("row of split {split}, but there are {}", spec.splits.len()))
    })?;
    Ok(ShardName { path: format!("{split}/{name}"), split: split.clone(), is_alone: false })
}

fn cannot_separate(error: datafusion::arrow::error::ArrowError) -> Error {
    Error::new(Code::Internal, "cannot separate rows by shard").with_source(error)
}

#[cfg(test)]
mod tests;
