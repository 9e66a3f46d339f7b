//! Shards that get no more rows, while they become durable.

use super::ShardRecord;
use super::shard_writer::ShardWriter;
use crate::error::{Code, Error, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use tokio::task::{JoinError, JoinSet};

/// How many shards of a task may be on their way to the disk or the store beside those that get rows.
const UNFINISHED: usize = 2;

/// The complete shards of a task. Dropped, it gives up those that are not finished, as any shard that is dropped.
///
/// They are finished in the background: flushing a disk, or waiting for the last parts of an upload, would hold up the
/// rows of the next shards.
///
/// **Limits** two shards that are not finished, whose memory stays reserved until they are.
#[derive(Debug, Default)]
pub(super) struct Finishing {
    running: JoinSet<Result<Vec<ShardRecord>>>,
    records: Vec<ShardRecord>,
}

impl Finishing {
    /// Takes a shard, once there is room for it; its memory is accounted for beside `memory`.
    pub(super) async fn add(&mut self, shard: ShardWriter, memory: &MemoryReservation) -> Result<()> {
        while self.running.len() >= UNFINISHED {
            self.receive().await?;
        }
        let held = memory.new_empty();
        held.grow(shard.buffered_bytes());
        self.running.spawn(async move {
            let records = shard.finish().await;
            drop(held);
            records
        });
        Ok(())
    }

    /// Gives the error of a shard that has failed by now, so that no more rows are written in vain. Waits for none.
    pub(super) fn check(&mut self) -> Result<()> {
        while let Some(outcome) = self.running.try_join_next() {
            self.keep(outcome)?;
        }
        Ok(())
    }

    /// Waits for every shard; gives the records in the order of their paths.
    pub(super) async fn records(mut self) -> Result<Vec<ShardRecord>> {
        while !self.running.is_empty() {
            self.receive().await?;
        }
        self.records.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(self.records)
    }

    /// Waits for one shard.
    async fn receive(&mut self) -> Result<()> {
        self.running.join_next().await.map_or(Ok(()), |outcome| self.keep(outcome))
    }

    fn keep(&mut self, outcome: Result<Result<Vec<ShardRecord>>, JoinError>) -> Result<()> {
        let records = outcome.map_err(|stopped| {
            Error::new(Code::Internal, "finishing a shard was stopped").with_source(stopped)
        })?;
        self.records.extend(records?);
        Ok(())
    }
}
