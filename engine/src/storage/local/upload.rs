//! One shard while it is written to a temporary file.

use super::super::part_buffer::PartBuffer;
use super::super::{Location, ShardUpload, StagedShard, written_after_failure};
use super::files::{self, Temporary};
use super::{CHUNK_BYTES, blocking};
use crate::error::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::io::Write;

/// **Limits**: holds at most 1 MiB and the bytes of the call.
#[derive(Debug)]
pub(super) struct LocalUpload {
    place: Location,
    shard: StagedShard,
    /// Gone while a write is running, and so after one that failed or was dropped.
    file: Option<File>,
    temporary: Temporary,
    buffer: PartBuffer,
    sync: bool,
}

impl LocalUpload {
    pub(super) fn new(place: Location, shard: StagedShard, file: File, temporary: Temporary) -> Self {
        let buffer = PartBuffer::new(CHUNK_BYTES);
        Self { place, shard, file: Some(file), temporary, buffer, sync: false }
    }

    /// Whether the file is flushed to the disk when it is finished.
    pub(super) fn with_sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    async fn with_file(
        &mut self,
        work: impl FnOnce(&mut File) -> std::io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let mut file = self.file.take().ok_or_else(|| written_after_failure(&self.place))?;
        let path = self.place.local_path().unwrap_or_default();
        let file = blocking(move || {
            work(&mut file).map_err(|error| files::error(error, &path))?;
            Ok(file)
        });
        self.file = Some(file.await?);
        Ok(())
    }
}

#[async_trait]
impl ShardUpload for LocalUpload {
    async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.shard.bytes += bytes.len() as u64;
        loop {
            let is_whole_chunk = self.buffer.is_empty() && bytes.len() >= CHUNK_BYTES;
            let chunk =
                if is_whole_chunk { Some(std::mem::take(&mut bytes)) } else { self.buffer.fill(&mut bytes) };
            let Some(chunk) = chunk else { return Ok(()) };
            self.with_file(move |file| file.write_all(&chunk)).await?;
        }
    }

    fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    async fn finish(mut self: Box<Self>) -> Result<StagedShard> {
        let (rest, sync) = (self.buffer.take(), self.sync);
        self.with_file(move |file| {
            file.write_all(&rest)?;
            if sync { file.sync_all() } else { Ok(()) }
        })
        .await?;
        self.temporary.keep();
        Ok(self.shard)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let temporary = self.temporary;
        drop(self.file);
        blocking(move || temporary.remove()).await
    }
}
