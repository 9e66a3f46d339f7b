//! One file that a job writes.

use super::changes::Changes;
use super::{JobOutput, staged};
use crate::error::{Code, Error, Result};
use crate::manifest::Description;
use crate::storage::ShardStore;
use crate::write::ShardRecord;
use async_trait::async_trait;
use std::sync::Arc;

/// One file that a job writes. It needs no claim and no manifest: it is there as a whole or not at all.
///
/// The folder around it is the user's: nothing in it is looked at or touched but this job's own leftovers.
#[derive(Debug)]
pub struct JobFile {
    store: Arc<dyn ShardStore>,
    job: String,
    changes: Changes,
}

impl JobFile {
    /// The file `name` in the location of `store`, which is not to be there. Nothing is written yet.
    ///
    /// # Errors
    /// `LocationNotEmpty` when it is there; those of the store.
    pub async fn absent(store: Arc<dyn ShardStore>, job: &str, name: &str) -> Result<Self> {
        if store.size(name).await?.is_some() {
            let place = store.location().join(name)?;
            return Err(Error::new(Code::LocationNotEmpty, format!("file \"{place}\" is there already"))
                .with_hint("choose another name, or remove the file"));
        }
        Ok(Self { store, job: job.to_owned(), changes: Changes::default() })
    }

    async fn discard_leftovers(&self) -> Result<()> {
        self.store.discard_job(&self.job, &this_folder()).await.map(drop)
    }
}

#[async_trait]
impl JobOutput for JobFile {
    async fn claim(&self) -> Result<()> {
        Ok(())
    }

    /// Once publishing has begun it is done, and a cancellation comes too late.
    async fn commit(&self, _description: &Description, shards: &[ShardRecord]) -> Result<()> {
        for shard in shards.iter().map(staged) {
            let store = Arc::clone(&self.store);
            let publish = async move {
                store.publish(&shard).await?;
                store.flush(&this_folder()).await
            };
            self.changes.run(publish).await?;
        }
        // The file is there: what else is in its folder is no reason to say that it is not.
        if let Err(error) = self.discard_leftovers().await {
            tracing::warn!(location = %self.store.location(), %error, "could not remove what a finished job left over");
        }
        Ok(())
    }

    async fn withdraw(&self) -> Result<()> {
        self.changes.settle().await;
        self.discard_leftovers().await
    }
}

/// The folder of the file: the location itself.
fn this_folder() -> [String; 1] {
    [String::new()]
}
