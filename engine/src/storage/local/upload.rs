//! One shard while it is written to a temporary file.

use super::super::part_buffer::PartBuffer;
use super::super::{Location, ShardUpload, StagedShard, written_after_failure};
use super::files::{self, Temporary};
use super::{CHUNK_BYTES, blocking, joined};
use crate::error::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::io::Write;
use tokio::task::JoinHandle;

/// A chunk is written in the background while the rows of the next one are encoded.
///
/// **Limits**: holds at most 1 MiB, the chunk that is being written, and the bytes of the call.
#[derive(Debug)]
pub(super) struct LocalUpload {
    place: Location,
    shard: StagedShard,
    /// Gone while a chunk is written, and so after that failed.
    file: Option<File>,
    writing: Option<Writing>,
    temporary: Temporary,
    buffer: PartBuffer,
    sync: bool,
}

/// A chunk on its way to the disk.
#[derive(Debug)]
struct Writing {
    bytes: usize,
    file: JoinHandle<Result<File>>,
}

impl Writing {
    fn held_bytes(&self) -> usize {
        if self.file.is_finished() { 0 } else { self.bytes }
    }
}

impl LocalUpload {
    pub(super) fn new(place: Location, shard: StagedShard, file: File, temporary: Temporary) -> Self {
        let buffer = PartBuffer::new(CHUNK_BYTES);
        Self { place, shard, file: Some(file), writing: None, temporary, buffer, sync: false }
    }

    /// Whether the file is flushed to the disk when it is finished.
    pub(super) fn with_sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Starts to write `chunk`, once the one before it is written.
    async fn start(&mut self, chunk: Bytes, sync: bool) -> Result<()> {
        self.settle().await?;
        let mut file = self.file.take().ok_or_else(|| written_after_failure(&self.place))?;
        let path = self.place.local_path().unwrap_or_default();
        let bytes = chunk.len();
        let write = move || {
            let written = file.write_all(&chunk).and_then(|()| if sync { file.sync_all() } else { Ok(()) });
            written.map(|()| file).map_err(|error| files::error(error, &path))
        };
        self.writing = Some(Writing { bytes, file: tokio::task::spawn_blocking(write) });
        Ok(())
    }

    /// Waits until what was started is written.
    async fn settle(&mut self) -> Result<()> {
        if let Some(writing) = &mut self.writing {
            let written = (&mut writing.file).await;
            self.writing = None;
            self.file = Some(joined(written)?);
        }
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
            self.start(chunk, false).await?;
        }
    }

    fn buffered_bytes(&self) -> usize {
        self.buffer.len() + self.writing.as_ref().map_or(0, Writing::held_bytes)
    }

    async fn finish(mut self: Box<Self>) -> Result<StagedShard> {
        let (rest, sync) = (self.buffer.take(), self.sync);
        self.start(rest, sync).await?;
        self.settle().await?;
        self.temporary.keep();
        Ok(self.shard)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        // Whether that went well does not matter any more.
        self.settle().await.ok();
        let temporary = self.temporary;
        drop(self.file);
        blocking(move || temporary.remove()).await
    }
}
