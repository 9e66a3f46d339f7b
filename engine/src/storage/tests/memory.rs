//! A store in memory that answers as S3 does where `InMemory` does not.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// An upload that has ended is not found; `InMemory` has a kind of error of its own for that.
#[derive(Debug, Default)]
pub(super) struct Memory {
    inner: InMemory,
    gate: Option<Arc<PartGate>>,
}

/// Parts arrive as they are let through, one by one.
#[derive(Debug)]
pub(super) struct PartGate {
    /// How many were sent.
    pub(super) sent: AtomicUsize,
    pub(super) may_arrive: Semaphore,
}

impl Memory {
    /// A store that no part arrives at before it is let through.
    pub(super) fn gated() -> (Self, Arc<PartGate>) {
        let gate = Arc::new(PartGate { sent: AtomicUsize::new(0), may_arrive: Semaphore::new(0) });
        (Self { inner: InMemory::new(), gate: Some(Arc::clone(&gate)) }, gate)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

fn missing(path: &Path, error: Error) -> Error {
    Error::NotFound { path: path.to_string(), source: Box::new(error) }
}

#[async_trait]
impl MultipartStore for Memory {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.inner.create_multipart(path).await
    }

    async fn put_part(&self, path: &Path, id: &MultipartId, part: usize, data: PutPayload) -> Result<PartId> {
        if let Some(gate) = &self.gate {
            gate.sent.fetch_add(1, Ordering::Relaxed);
            gate.may_arrive.acquire().await.expect("an open gate").forget();
        }
        self.inner.put_part(path, id, part, data).await.map_err(|error| missing(path, error))
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        self.inner.complete_multipart(path, id, parts).await.map_err(|error| missing(path, error))
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.inner.abort_multipart(path, id).await.map_err(|error| missing(path, error))
    }
}

#[async_trait]
impl ObjectStore for Memory {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
