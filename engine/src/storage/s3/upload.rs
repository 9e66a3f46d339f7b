//! One shard while it is uploaded in parts.

use super::super::part_buffer::PartBuffer;
use super::super::{Attempt, Location, ShardUpload, StagedShard, error, written_after_failure};
use super::{Target, Token, UploadLimits, delete};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use object_store::PutPayload;
use object_store::multipart::PartId;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// S3 takes no more parts than that for one object.
const MAX_PARTS: usize = 10_000;

/// **Limits**: holds one part that fills up and those on their way: `part_bytes` × (`in_flight` + 1).
#[derive(Debug)]
pub(super) struct S3Upload {
    path: String,
    /// It has ended only when an upload that was given up is aborted.
    writer: Attempt,
    limits: UploadLimits,
    /// Gone once the upload is finished or aborted: then there is nothing left to clean up.
    target: Option<Target>,
    /// Where the upload is noted, once it is.
    note: Option<Location>,
    buffer: PartBuffer,
    bytes: u64,
    on_their_way: JoinSet<(usize, object_store::Result<PartId>)>,
    /// A clone is with every part that is still in memory; parts in `on_their_way` may have arrived long ago.
    unsent: Arc<()>,
    /// What the store answered, by part.
    parts: Vec<Option<String>>,
    failed: bool,
}

impl S3Upload {
    pub(super) fn new(path: String, target: Target, writer: Attempt, limits: UploadLimits) -> Self {
        Self {
            path,
            writer,
            limits,
            target: Some(target),
            note: None,
            buffer: PartBuffer::new(limits.part_bytes),
            bytes: 0,
            on_their_way: JoinSet::new(),
            unsent: Arc::new(()),
            parts: Vec::new(),
            failed: false,
        }
    }

    /// `note` is to be removed when the upload is aborted.
    pub(super) fn noted_as(&mut self, note: Location) {
        self.note = Some(note);
    }

    fn target(&self) -> Result<&Target> {
        match &self.target {
            Some(target) if !self.failed => Ok(target),
            Some(target) => Err(written_after_failure(&target.place)),
            None => Err(Error::new(Code::Internal, format!("the upload of {} has ended", self.path))),
        }
    }

    /// Sends the next part, once there is room for it.
    async fn send(&mut self, part: Bytes) -> Result<()> {
        while self.on_their_way.len() >= self.limits.in_flight {
            self.receive().await?;
        }
        let target = self.target()?.clone();
        let number = self.parts.len();
        if number == MAX_PARTS {
            self.failed = true;
            let message = format!(
                "cannot write {}: it is longer than {MAX_PARTS} parts of {} bytes",
                target.place, self.limits.part_bytes
            );
            return Err(Error::new(Code::BadOption, message)
                .with_hint("write more shards, or raise write.part_bytes"));
        }
        self.parts.push(None);
        let (payload, unsent) = (PutPayload::from(part), Arc::clone(&self.unsent));
        self.on_their_way.spawn(async move {
            let path = target.place.object_path();
            let answer = target.store.put_part(path, &target.upload_id, number, payload).await;
            drop(unsent);
            (number, answer)
        });
        Ok(())
    }

    /// Waits for the answer to one part.
    async fn receive(&mut self) -> Result<()> {
        let answer = self.on_their_way.join_next().await;
        let place = &self.target()?.place;
        let failure = match answer {
            None => return Ok(()),
            Some(Ok((number, Ok(part)))) => {
                self.parts[number] = Some(part.content_id);
                return Ok(());
            }
            Some(Ok((_, Err(failure)))) => error(place, failure),
            Some(Err(failure)) => {
                Error::new(Code::Internal, format!("the upload of {place} stopped")).with_source(failure)
            }
        };
        self.failed = true;
        Err(failure)
    }
}

#[async_trait]
impl ShardUpload for S3Upload {
    async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.target()?;
        self.bytes += bytes.len() as u64;
        while let Some(part) = self.buffer.fill(&mut bytes) {
            self.send(part).await?;
        }
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        self.buffer.len() + (Arc::strong_count(&self.unsent) - 1) * self.limits.part_bytes
    }

    async fn finish(mut self: Box<Self>) -> Result<StagedShard> {
        if !self.buffer.is_empty() {
            let rest = self.buffer.take();
            self.send(rest).await?;
        }
        while !self.on_their_way.is_empty() {
            self.receive().await?;
        }
        let upload_id = self.target()?.upload_id.clone();
        let parts = self.parts.drain(..).flatten().collect();
        let token = serde_json::to_string(&Token { upload_id, parts })
            .map_err(|error| Error::new(Code::Internal, "could not write a token").with_source(error))?;
        self.target = None;
        Ok(StagedShard { path: std::mem::take(&mut self.path), bytes: self.bytes, token })
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        // A part that arrives after its upload is aborted is kept, and paid for, until a lifecycle rule takes it.
        self.on_their_way.shutdown().await;
        let Some(target) = self.target.take() else {
            return Ok(());
        };
        target.abort().await?;
        match self.note.take() {
            Some(note) => delete(target.store.as_ref(), &note).await,
            None => Ok(()),
        }
    }
}

impl Drop for S3Upload {
    /// Aborts the upload if someone still runs tasks; else the job's [`super::ShardStore::discard_job`] does.
    fn drop(&mut self) {
        self.on_their_way.abort_all();
        let (Some(target), Ok(runtime)) = (self.target.take(), Handle::try_current()) else {
            return;
        };
        let (note, writer) = (self.note.take(), self.writer.clone());
        let background = target.background.clone();
        let abort = async move {
            // The note goes too: the job may have been discarded already, while this upload was still going on.
            let aborted = match (target.abort().await, note) {
                (Ok(_), Some(note)) => delete(target.store.as_ref(), &note).await,
                (aborted, _) => aborted.map(drop),
            };
            if let Err(error) = aborted {
                tracing::warn!(%error, "could not abort an upload that was given up");
            }
            drop(writer);
        };
        background.spawn_on(abort, &runtime);
    }
}
