//! The registry of stores: every bucket gets one client, made when it is first asked for.

use super::local::LocalShards;
use super::s3::{OpenUploads, S3Shards, UploadLimits};
use super::writers::Writers;
use super::{Attempt, Location, ShardStore, client};
use crate::config::{S3Config, WriteConfig};
use crate::error::{Code, Error, Result};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use object_store::aws::AmazonS3;
use object_store::local::LocalFileSystem;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use url::Url;

/// How long uploads that were given up are waited for.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
/// How long cancelled tasks are waited for. They end when they next wait for something.
const WRITERS_LIMIT: Duration = Duration::from_secs(60);

/// All stores of one process, for reading (as DataFusion's registry) and for writing ([`Stores::shards`]).
pub struct Stores {
    s3: S3Config,
    write: WriteConfig,
    local: Arc<LocalFileSystem>,
    buckets: Mutex<HashMap<String, Bucket>>,
    registered: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
    /// Uploads that are being opened or aborted.
    background: TaskTracker,
    writers: Writers,
}

/// One bucket.
#[derive(Debug, Clone)]
struct Bucket {
    client: Arc<AmazonS3>,
    /// None for requests that go out unsigned: they are not shown uploads.
    open_uploads: Option<Arc<OpenUploads>>,
}

impl Stores {
    /// Stores that are reached as `s3` says and written to as `write` says. Nothing is connected yet.
    #[must_use]
    pub fn new(s3: &S3Config, write: &WriteConfig) -> Arc<Self> {
        Arc::new(Self {
            s3: s3.clone(),
            write: write.clone(),
            local: Arc::new(LocalFileSystem::new()),
            buckets: Mutex::default(),
            registered: Mutex::default(),
            background: TaskTracker::new(),
            writers: Writers::default(),
        })
    }

    /// The place to write to at `location`. Nothing is made or asked there yet.
    ///
    /// # Errors
    /// `BadConfiguration`: S3 cannot be set up. `Unsupported`: a store that was registered by hand is in the way; it
    /// can only be read.
    pub fn shards(&self, location: &Location) -> Result<Arc<dyn ShardStore>> {
        if self.registered.lock().contains_key(&store_key(location.store_url())) {
            let message = format!("cannot write to {location}: its store was registered for reading");
            return Err(Error::new(Code::Unsupported, message));
        }
        Ok(match location.bucket() {
            None => Arc::new(LocalShards::new(location.clone(), self.write.sync)),
            Some(bucket) => {
                let limits = UploadLimits {
                    part_bytes: self.write.part_bytes.as_usize(),
                    in_flight: self.write.uploads_in_flight,
                };
                let Bucket { client, open_uploads } = self.bucket(bucket)?;
                let shards = S3Shards::new(location.clone(), client, limits);
                let shards = shards.tracked_by(self.background.clone());
                Arc::new(match open_uploads {
                    Some(open_uploads) => shards.listed_by(open_uploads),
                    None => shards,
                })
            }
        })
    }

    /// Who writes for `job` in this process; counts as its writer as long as there is a clone.
    #[must_use]
    pub fn attempt(&self, job: &str, attempt: String) -> Attempt {
        Attempt { job: job.to_owned(), attempt, _guard: self.writers.enter(job) }
    }

    /// Waits until no task of `job` writes in this process, but not for ever: its disk may hang.
    pub async fn writers_ended(&self, job: &str) {
        if tokio::time::timeout(WRITERS_LIMIT, self.writers.ended(job)).await.is_err() {
            tracing::warn!(job, "tasks of a job that has ended still write");
        }
    }

    /// Waits until the uploads that were given up are aborted, but not for ever: others may go on all the time.
    pub async fn settle(&self) {
        self.background.close();
        if tokio::time::timeout(SETTLE_LIMIT, self.background.wait()).await.is_err() {
            tracing::debug!("uploads are still being opened or aborted");
        }
        self.background.reopen();
    }

    /// The store to read `location` from.
    ///
    /// # Errors
    /// `BadConfiguration`: S3 cannot be set up.
    pub fn reader(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        self.find(location.store_url())
    }

    fn find(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if let Some(store) = self.registered.lock().get(&store_key(url)) {
            return Ok(Arc::clone(store));
        }
        match (url.scheme(), url.host_str()) {
            ("file", _) => Ok(Arc::clone(&self.local) as Arc<dyn ObjectStore>),
            ("s3" | "s3a", Some(bucket)) => Ok(self.bucket(bucket)?.client),
            _ => Err(Error::new(Code::Unsupported, format!("no store for \"{url}\""))
                .with_hint("use s3://bucket/prefix, file:///path or a path")),
        }
    }

    fn bucket(&self, bucket: &str) -> Result<Bucket> {
        // Held while the client is made, which connects to nothing, so that there is one client per bucket.
        let mut buckets = self.buckets.lock();
        if let Some(known) = buckets.get(bucket) {
            return Ok(known.clone());
        }
        let (client, http) = client::connect(&self.s3, bucket)?;
        let client = Arc::new(client);
        let http = http.filter(|_| !self.s3.anonymous);
        let open_uploads = http.map(|http| Arc::new(OpenUploads::new(Arc::clone(&client), http)));
        let made = Bucket { client, open_uploads };
        buckets.insert(bucket.to_owned(), made.clone());
        Ok(made)
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buckets: Vec<String> = self.buckets.lock().keys().cloned().collect();
        buckets.sort();
        f.debug_struct("Stores").field("s3", &self.s3).field("buckets", &buckets).finish_non_exhaustive()
    }
}

impl ObjectStoreRegistry for Stores {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.registered.lock().insert(store_key(url), store)
    }

    fn deregister_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        self.registered
            .lock()
            .remove(&store_key(url))
            .ok_or_else(|| DataFusionError::Execution(format!("no store was registered for \"{url}\"")))
    }

    fn get_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        Ok(self.find(url)?)
    }
}

/// Scheme, host and port; what DataFusion's own registry tells stores apart by.
fn store_key(url: &Url) -> String {
    format!("{}://{}", url.scheme(), &url[url::Position::BeforeHost..url::Position::AfterPort])
}
