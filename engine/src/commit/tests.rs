mod garbage;

use super::{JobFile, JobFolder, JobOutput};
use crate::config::{S3Config, WriteConfig};
use crate::error::{Code, Error, Result};
use crate::formats::{ColumnRoles, FormatDefaults, FormatKind, FormatOptions, SideFile};
use crate::manifest::{Description, MANIFEST};
use crate::plan::{Layout, WriteSpec};
use crate::storage::{Attempt, FileStat, Leftover, Location, ShardStore, ShardUpload, StagedShard, Stores};
use crate::write::ShardRecord;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use gristmill_proto::manifest::{
    FORMAT_VERSION, FormatInfo, Inputs, Manifest, Placement, ShardInfo, SplitBy, SplitInfo, Training,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;

const CLAIM: &str = "_gristmill/claim.json";

/// A store, and what goes wrong in it with files whose path ends in `path_end`.
#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn ShardStore>,
    path_end: &'static str,
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    /// A new file is written, and the caller is told that nobody knows.
    LoseAnswer,
    /// A new file is not written.
    Refuse,
    /// A new file is written once `go` is notified; `begun` is when writing was asked for.
    Hold { begun: Arc<Notify>, go: Arc<Notify> },
    /// The same for any file.
    HoldPut { begun: Arc<Notify>, go: Arc<Notify> },
    /// What a job left over cannot be removed.
    KeepLeftovers,
}

fn down() -> Error {
    Error::new(Code::StorageUnavailable, "the store is down")
}

#[async_trait]
impl ShardStore for Faulty {
    fn location(&self) -> &Location {
        self.inner.location()
    }

    async fn first_entry(&self) -> Result<Option<String>> {
        self.inner.first_entry().await
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>> {
        self.inner.files(folder).await
    }

    async fn create(&self, path: &str, attempt: &Attempt) -> Result<Box<dyn ShardUpload>> {
        self.inner.create(path, attempt).await
    }

    async fn publish(&self, shard: &StagedShard) -> Result<()> {
        self.inner.publish(shard).await
    }

    async fn flush(&self, folders: &[String]) -> Result<()> {
        self.inner.flush(folders).await
    }

    async fn discard_job(&self, job: &str, folders: &[String]) -> Result<usize> {
        match self.fault {
            Fault::KeepLeftovers => Err(down()),
            _ => self.inner.discard_job(job, folders).await,
        }
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        if let Fault::HoldPut { begun, go } = &self.fault
            && path.ends_with(self.path_end)
        {
            begun.notify_one();
            go.notified().await;
        }
        self.inner.put(path, bytes).await
    }

    async fn put_new(&self, path: &str, bytes: Bytes) -> Result<()> {
        match &self.fault {
            _ if !path.ends_with(self.path_end) => self.inner.put_new(path, bytes).await,
            Fault::LoseAnswer => self.inner.put_new(path, bytes).await.and(Err(down())),
            Fault::Hold { begun, go } => {
                begun.notify_one();
                go.notified().await;
                self.inner.put_new(path, bytes).await
            }
            Fault::HoldPut { .. } => self.inner.put_new(path, bytes).await,
            Fault::Refuse | Fault::KeepLeftovers => Err(down()),
        }
    }

    async fn get(&self, path: &str) -> Result<Bytes> {
        self.inner.get(path).await
    }

    async fn read(&self, path: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.inner.read(path).await
    }

    async fn stat(&self, path: &str) -> Result<Option<FileStat>> {
        self.inner.stat(path).await
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>> {
        self.inner.leftovers().await
    }

    async fn discard(&self, leftover: &Leftover) -> Result<()> {
        self.inner.discard(leftover).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.inner.delete(path).await
    }

    async fn remove_empty_folders(&self) -> Result<()> {
        self.inner.remove_empty_folders().await
    }
}

fn local() -> (TempDir, Arc<dyn ShardStore>) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().join("out").to_str().unwrap()).unwrap();
    let stores = Stores::new(&S3Config::default(), &WriteConfig::default());
    (folder, stores.shards(&location).unwrap())
}

fn faulty(path_end: &'static str, fault: Fault) -> (TempDir, Arc<dyn ShardStore>) {
    let (folder, inner) = local();
    (folder, Arc::new(Faulty { inner, path_end, fault }))
}

/// The location of a job that writes the splits `train` and `test`.
async fn folder(store: &Arc<dyn ShardStore>, job: &str) -> JobFolder {
    let defaults = FormatDefaults::TRAINING_SET;
    let spec = WriteSpec {
        job: job.to_owned(),
        location: store.location().to_string(),
        format: FormatOptions::take(FormatKind::Csv, &mut BTreeMap::new(), defaults).unwrap(),
        splits: vec!["train".to_owned(), "test".to_owned()],
        data_columns: 1,
        roles: ColumnRoles::default(),
        layout: Layout::Rolling { target_bytes: 1 },
        keep_order: false,
        statistics: false,
    };
    JobFolder::empty(Arc::clone(store), &spec, "CREATE …").await.unwrap()
}

async fn stage(store: &dyn ShardStore, job: &str, path: &str) -> ShardRecord {
    let attempt = Attempt::untracked(job, "a");
    let mut upload = store.create(path, &attempt).await.unwrap();
    upload.write(Bytes::from(job.to_owned())).await.unwrap();
    let StagedShard { path, bytes, token } = upload.finish().await.unwrap();
    let split = path.split_once('/').map_or("", |(split, _)| split).to_owned();
    ShardRecord {
        path,
        split,
        rows: 1,
        bytes,
        sha256: String::new(),
        raw_bytes: bytes,
        token,
        is_companion: false,
        statistics: Vec::new(),
    }
}

fn description(job: &str, shards: &[ShardRecord]) -> Description {
    let file = |path: &str| SideFile { path: path.to_owned(), bytes: Bytes::from_static(b"{}") };
    let side_files = ["_gristmill/channels.json", "_gristmill/test.manifest", "_gristmill/train.manifest"];
    Description { manifest: manifest(job, shards), side_files: side_files.map(file).to_vec() }
}

fn manifest(job: &str, shards: &[ShardRecord]) -> Manifest {
    let split =
        |name: &str| SplitInfo { name: name.to_owned(), fraction: Some(0.5), shards: 0, rows: 0, bytes: 0 };
    let shard = |shard: &ShardRecord| ShardInfo {
        path: shard.path.clone(),
        split: shard.split.clone(),
        rows: shard.rows,
        bytes: shard.bytes,
        raw_bytes: shard.raw_bytes,
        sha256: shard.sha256.clone(),
    };
    Manifest {
        format_version: FORMAT_VERSION,
        created_by: String::new(),
        job: job.to_owned(),
        name: "s".to_owned(),
        statement: String::new(),
        format: FormatInfo {
            name: "CSV".to_owned(),
            content_type: "text/csv".to_owned(),
            options: BTreeMap::new(),
        },
        labels: Vec::new(),
        training: Training::default(),
        placement: Placement {
            hash: String::new(),
            seed: 0,
            split: SplitBy::Row,
            sample: None,
            undersample: BTreeMap::new(),
            oversample: BTreeMap::new(),
            shuffled: false,
            shards: None,
            balance: None,
        },
        schema: Vec::new(),
        inputs: Inputs::default(),
        expectations: Vec::new(),
        splits: vec![split("train"), split("test")],
        shards: shards.iter().map(shard).collect(),
        files: Vec::new(),
    }
}

async fn files(store: &dyn ShardStore) -> Vec<String> {
    store.files("").await.unwrap()
}

/// A job of one shard, from its claim to its end; then everything that is there.
async fn run(store: &Arc<dyn ShardStore>, job: &str) -> Result<()> {
    let output = folder(store, job).await;
    output.claim().await?;
    let shard = stage(store.as_ref(), job, "train/1.csv").await;
    let result = output.commit(&description(job, std::slice::from_ref(&shard)), &[shard]).await;
    if result.is_err() {
        output.withdraw().await.unwrap();
    }
    result
}

#[tokio::test]
async fn a_commit_leaves_shards_manifest_and_side_files() {
    let (_folder, store) = local();
    run(&store, "j").await.unwrap();
    let meta = ["channels.json", "manifest.json", "test.manifest", "train.manifest"];
    let mut expected = meta.map(|name| format!("_gristmill/{name}")).to_vec();
    expected.push("train/1.csv".to_owned());
    assert_eq!(files(store.as_ref()).await, expected);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_no_side_file_of_a_split_without_rows_either() {
    let (_folder, store) = faulty("/manifest.json", Fault::Refuse);
    assert_eq!(run(&store, "j").await.unwrap_err().code(), Code::StorageUnavailable);
    assert_eq!(files(store.as_ref()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_manifest_whose_answer_got_lost_is_withdrawn_with_its_shards() {
    let (_folder, store) = faulty("/manifest.json", Fault::LoseAnswer);
    assert_eq!(run(&store, "j").await.unwrap_err().code(), Code::StorageUnavailable);
    assert_eq!(files(store.as_ref()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_whose_claim_was_removed_leaves_the_training_set_of_the_next_one_alone() {
    let (_folder, store) = local();
    let late = folder(&store, "late").await;
    late.claim().await.unwrap();
    store.delete(CLAIM).await.unwrap();
    run(&store, "next").await.unwrap();
    let before = files(store.as_ref()).await;
    let shard = stage(store.as_ref(), "late", "train/1.csv").await;
    let refused = late.commit(&description("late", &[]), &[shard]).await.unwrap_err();
    assert_eq!(refused.code(), Code::PathNotFound, "{refused}");
    late.withdraw().await.unwrap();
    assert_eq!(files(store.as_ref()).await, before);
    assert_eq!(store.get("train/1.csv").await.unwrap(), "next");
}

#[tokio::test]
async fn a_job_that_claims_after_another_committed_removes_its_claim_alone() {
    let (_folder, store) = local();
    let late = folder(&store, "late").await;
    run(&store, "first").await.unwrap();
    let before = files(store.as_ref()).await;
    let refused = late.claim().await.unwrap_err();
    assert_eq!(refused.code(), Code::LocationNotEmpty, "{refused}");
    late.withdraw().await.unwrap();
    assert_eq!(files(store.as_ref()).await, before);
}

#[tokio::test]
async fn a_claim_whose_answer_got_lost_is_withdrawn() {
    let (at, store) = faulty("/claim.json", Fault::LoseAnswer);
    let output = folder(&store, "j").await;
    assert_eq!(output.claim().await.unwrap_err().code(), Code::StorageUnavailable);
    assert_eq!(files(store.as_ref()).await, [CLAIM]);
    output.withdraw().await.unwrap();
    assert!(!at.path().join("out").exists());
}

#[tokio::test]
async fn a_claim_that_is_cancelled_half_way_is_withdrawn() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let fault = Fault::Hold { begun: Arc::clone(&begun), go: Arc::clone(&go) };
    let (at, store) = faulty("/claim.json", fault);
    let output = folder(&store, "j").await;
    tokio::select! {
        claimed = output.claim() => panic!("it was held, and ended: {claimed:?}"),
        () = begun.notified() => {}
    }
    let (withdrawn, ()) = tokio::join!(output.withdraw(), async { go.notify_one() });
    withdrawn.unwrap();
    assert!(!at.path().join("out").exists());
}

#[tokio::test]
async fn a_manifest_of_another_job_is_never_removed() {
    let (_folder, store) = local();
    let output = folder(&store, "j").await;
    output.claim().await.unwrap();
    let others = serde_json::to_vec(&manifest("other", &[])).unwrap();
    store.put(MANIFEST, Bytes::from(others)).await.unwrap();
    output.withdraw().await.unwrap();
    assert_eq!(files(store.as_ref()).await, [MANIFEST]);
}

#[tokio::test]
async fn a_file_is_withdrawn_without_a_look_below_its_folder() {
    let (_folder, store) = local();
    let output = JobFile::absent(Arc::clone(&store), "j", "x.csv").await.unwrap();
    drop(stage(store.as_ref(), "j", "x.csv").await);
    drop(stage(store.as_ref(), "j", "below/x.csv").await);
    store.put("mine.txt", Bytes::from("1")).await.unwrap();
    output.withdraw().await.unwrap();
    assert_eq!(files(store.as_ref()).await, ["below/.x.csv.j.a.tmp", "mine.txt"]);
}

#[tokio::test]
async fn a_file_that_is_published_is_there_even_if_leftovers_stay() {
    let (_folder, store) = faulty("", Fault::KeepLeftovers);
    let output = JobFile::absent(Arc::clone(&store), "j", "x.csv").await.unwrap();
    let shard = stage(store.as_ref(), "j", "x.csv").await;
    output.commit(&description("j", &[]), &[shard]).await.unwrap();
    assert_eq!(files(store.as_ref()).await, ["x.csv"]);
}
