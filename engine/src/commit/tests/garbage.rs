//! What is removed of jobs that died, and what never is.

use super::*;
use crate::commit::{Garbage, GarbageReport, Tally};
use crate::storage::tests::object;
use parking_lot::Mutex;
use std::time::{Duration, SystemTime};

// Ids as the planner makes them.
const DEAD: &str = "0190a3c4d5e67f8090a1b2c3d4e5f601";
const OTHER: &str = "0190a3c4d5e67f8090a1b2c3d4e5f602";
const PUBLISHING: &str = "_gristmill/publishing.json";

/// Both kinds of store, each empty.
fn stores() -> Vec<(Option<TempDir>, Arc<dyn ShardStore>)> {
    let (folder, local) = local();
    vec![(Some(folder), local), (None, object())]
}

async fn collect(store: &Arc<dyn ShardStore>) -> GarbageReport {
    let now = SystemTime::now() + Duration::from_secs(5);
    Garbage::idle_for(Arc::clone(store), Duration::ZERO, now).await.unwrap().remove().await.unwrap()
}

/// Nothing is there, and another job can write there.
async fn check_free(store: &Arc<dyn ShardStore>) {
    assert_eq!(files(store.as_ref()).await, Vec::<String>::new());
    assert_eq!(store.leftovers().await.unwrap(), Vec::new());
    if let Some(path) = store.location().local_path() {
        assert!(!path.exists(), "empty folders are left");
    }
    run(store, OTHER).await.unwrap();
    assert_eq!(store.get("train/1.csv").await.unwrap(), OTHER);
}

/// A job that is killed after it has staged two shards, one of them for another attempt.
async fn killed_while_staging(store: &Arc<dyn ShardStore>) -> JobFolder {
    let output = folder(store, DEAD).await;
    output.claim().await.unwrap();
    drop(stage(store.as_ref(), DEAD, "train/1.csv").await);
    drop(stage(store.as_ref(), DEAD, "test/1.csv").await);
    output
}

/// A job that is killed when everything is there but the manifest.
async fn killed_while_publishing(inner: &Arc<dyn ShardStore>) -> JobFolder {
    let fault = Fault::Refuse;
    let store: Arc<dyn ShardStore> =
        Arc::new(Faulty { inner: Arc::clone(inner), path_end: "/manifest.json", fault });
    let output = folder(&store, DEAD).await;
    output.claim().await.unwrap();
    let shard = stage(inner.as_ref(), DEAD, "train/1.csv").await;
    let shards = std::slice::from_ref(&shard);
    output.commit(&description(DEAD, shards), shards).await.unwrap_err();
    output
}

#[tokio::test]
async fn a_job_that_died_while_it_staged_leaves_nothing_after_collection() {
    for (folder, store) in stores() {
        killed_while_staging(&store).await;
        let report = collect(&store).await;
        let bytes = if folder.is_some() { 2 * DEAD.len() as u64 } else { 0 };
        assert_eq!(report.staged, Tally { count: 2, bytes });
        assert_eq!((report.published.count, report.notes.count, report.jobs), (0, 1, vec![DEAD.to_owned()]));
        check_free(&store).await;
    }
}

#[tokio::test]
async fn a_job_that_died_while_it_published_leaves_nothing_after_collection() {
    for (_folder, store) in stores() {
        killed_while_publishing(&store).await;
        let report = collect(&store).await;
        // One shard, and three side files of two bytes.
        assert_eq!(report.published, Tally { count: 4, bytes: DEAD.len() as u64 + 6 });
        assert_eq!(report.notes.count, 2, "a claim and a record");
        check_free(&store).await;
    }
}

#[tokio::test]
async fn a_lost_job_is_removed_by_its_name_whatever_its_age() {
    for (_folder, store) in stores() {
        killed_while_publishing(&store).await;
        let other = Garbage::of_job(Arc::clone(&store), OTHER).await.unwrap().remove().await.unwrap();
        assert!(other.is_empty(), "{other:?}");
        Garbage::of_job(Arc::clone(&store), DEAD).await.unwrap().remove().await.unwrap();
        check_free(&store).await;
    }
}

#[tokio::test]
async fn what_changed_lately_is_kept_and_its_job_is_named() {
    for (_folder, store) in stores() {
        killed_while_publishing(&store).await;
        let before = files(store.as_ref()).await;
        let now = SystemTime::now() + Duration::from_secs(3500);
        let hour = Duration::from_secs(3600);
        let garbage = Garbage::idle_for(Arc::clone(&store), hour, now).await.unwrap();
        let report = garbage.remove().await.unwrap();
        assert!(report.is_empty() && report.kept.len() == 1, "{report:?}");
        assert_eq!(report.kept[0].job.as_deref(), Some(DEAD));
        assert_eq!(files(store.as_ref()).await, before);
        let later = now + Duration::from_secs(105);
        let report = Garbage::idle_for(Arc::clone(&store), hour, later).await.unwrap().report();
        assert_eq!((report.notes.count, report.kept.len()), (2, 0));
    }
}

#[tokio::test]
async fn a_job_is_alive_while_any_of_its_files_changes() {
    let (_folder, store) = local();
    killed_while_staging(&store).await;
    let root = store.location().local_path().unwrap();
    let old = SystemTime::now() - Duration::from_secs(7200);
    let claim = std::fs::File::options().write(true).open(root.join(CLAIM)).unwrap();
    claim.set_modified(old).unwrap();
    let hour = Duration::from_secs(3600);
    let garbage = Garbage::idle_for(Arc::clone(&store), hour, SystemTime::now()).await.unwrap();
    assert!(garbage.remove().await.unwrap().is_empty());
    assert_eq!(files(store.as_ref()).await.len(), 3);
}

#[tokio::test]
async fn a_training_set_whose_job_could_not_tidy_up_stays_whole() {
    for (_folder, store) in stores() {
        run(&store, DEAD).await.unwrap();
        let set = files(store.as_ref()).await;
        let paths: Vec<&String> = set.iter().filter(|path| *path != MANIFEST).collect();
        let record = serde_json::json!({ "job": DEAD, "paths": paths }).to_string();
        let claim = serde_json::json!({ "job": DEAD, "statement": "" }).to_string();
        for (path, text) in [(PUBLISHING, record), (CLAIM, claim)] {
            store.put(path, Bytes::from(text)).await.unwrap();
        }
        drop(stage(store.as_ref(), DEAD, "train/2.csv").await);
        let report = collect(&store).await;
        assert_eq!((report.staged.count, report.published.count, report.notes.count), (1, 0, 2));
        assert_eq!(files(store.as_ref()).await, set);
    }
}

#[tokio::test]
async fn files_of_another_jobs_training_set_are_never_removed() {
    for (_folder, store) in stores() {
        run(&store, OTHER).await.unwrap();
        let set = files(store.as_ref()).await;
        let record = serde_json::json!({ "job": DEAD, "paths": ["train/1.csv"] }).to_string();
        store.put(PUBLISHING, Bytes::from(record)).await.unwrap();
        assert_eq!(collect(&store).await.published.count, 0);
        assert_eq!(files(store.as_ref()).await, set);
    }
}

#[tokio::test]
async fn what_a_dead_job_published_stays_while_another_has_claimed_the_location() {
    for (_folder, store) in stores() {
        killed_while_publishing(&store).await;
        let claim = serde_json::json!({ "job": OTHER, "statement": "" }).to_string();
        store.put(CLAIM, Bytes::from(claim)).await.unwrap();
        let before = files(store.as_ref()).await;
        let report = Garbage::of_job(Arc::clone(&store), DEAD).await.unwrap().remove().await.unwrap();
        assert!(report.is_empty(), "{report:?}");
        assert_eq!(files(store.as_ref()).await, before);
    }
}

#[tokio::test]
async fn files_that_no_job_speaks_of_are_never_removed() {
    for (_folder, store) in stores() {
        for path in ["mine.csv", "train/part-00000-00000.csv", "_gristmill/notes.txt"] {
            store.put(path, Bytes::from("1")).await.unwrap();
        }
        let before = files(store.as_ref()).await;
        assert!(collect(&store).await.is_empty());
        assert_eq!(files(store.as_ref()).await, before);
    }
}

#[tokio::test]
async fn a_report_removes_nothing() {
    for (_folder, store) in stores() {
        killed_while_publishing(&store).await;
        let before = files(store.as_ref()).await;
        let now = SystemTime::now() + Duration::from_secs(5);
        let report = Garbage::idle_for(Arc::clone(&store), Duration::ZERO, now).await.unwrap().report();
        assert_eq!(files(store.as_ref()).await, before);
        assert_eq!(report, collect(&store).await, "it says what is removed");
    }
}

#[tokio::test]
async fn a_claim_that_is_none_is_an_error_and_stays() {
    for (_folder, store) in stores() {
        store.put(CLAIM, Bytes::from("mine")).await.unwrap();
        let found = Garbage::idle_for(Arc::clone(&store), Duration::ZERO, SystemTime::now()).await;
        assert_eq!(found.unwrap_err().code(), Code::CorruptInput);
        assert_eq!(files(store.as_ref()).await, [CLAIM]);
    }
}

#[tokio::test]
async fn a_job_whose_claim_was_collected_before_its_commit_fails_cleanly() {
    for (_folder, store) in stores() {
        let output = killed_while_staging(&store).await;
        let shard = stage(store.as_ref(), DEAD, "train/3.csv").await;
        collect(&store).await;
        let refused = output.commit(&description(DEAD, &[]), &[shard]).await.unwrap_err();
        assert_eq!(refused.code(), Code::PathNotFound, "{refused}");
        output.withdraw().await.unwrap();
        assert_eq!(files(store.as_ref()).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_job_that_is_collected_while_it_publishes_fails_cleanly() {
    for (_folder, inner) in stores() {
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let fault = Fault::HoldPut { begun: Arc::clone(&begun), go: Arc::clone(&go) };
        let store: Arc<dyn ShardStore> =
            Arc::new(Faulty { inner: Arc::clone(&inner), path_end: "/train.manifest", fault });
        let output = folder(&store, DEAD).await;
        output.claim().await.unwrap();
        let shard = stage(inner.as_ref(), DEAD, "train/1.csv").await;
        let description = description(DEAD, std::slice::from_ref(&shard));
        let commit = output.commit(&description, std::slice::from_ref(&shard));
        let collected = async {
            begun.notified().await;
            collect(&inner).await;
            go.notify_one();
        };
        let (committed, ()) = tokio::join!(commit, collected);
        assert_eq!(committed.unwrap_err().code(), Code::PathNotFound);
        assert_eq!(files(inner.as_ref()).await, ["_gristmill/train.manifest"], "published too late");
        output.withdraw().await.unwrap();
        assert_eq!(files(inner.as_ref()).await, Vec::<String>::new());
    }
}

/// A store in which calls go wrong, from the one of that number on.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn ShardStore>,
    from: usize,
    mode: Mode,
    /// None before it is armed.
    calls: Mutex<Option<usize>>,
}

/// Which calls go wrong, and how.
#[derive(Debug, Clone, Copy)]
struct Mode {
    /// How many in a row: with more than one, those that clean up after the first are among them.
    count: usize,
    /// They are done, and their answers get lost.
    are_done: bool,
}

impl Failing {
    async fn call<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let Some(number) = *self.calls.lock() else { return call.await };
        *self.calls.lock() = Some(number + 1);
        if number < self.from || number - self.from >= self.mode.count {
            return call.await;
        }
        if self.mode.are_done { call.await.and(Err(down())) } else { Err(down()) }
    }
}

#[async_trait]
impl ShardStore for Failing {
    fn location(&self) -> &Location {
        self.inner.location()
    }
    async fn first_entry(&self) -> Result<Option<String>> {
        self.call(self.inner.first_entry()).await
    }
    async fn files(&self, folder: &str) -> Result<Vec<String>> {
        self.call(self.inner.files(folder)).await
    }
    async fn create(&self, path: &str, attempt: &Attempt) -> Result<Box<dyn ShardUpload>> {
        self.call(self.inner.create(path, attempt)).await
    }
    async fn publish(&self, shard: &StagedShard) -> Result<()> {
        self.call(self.inner.publish(shard)).await
    }
    async fn flush(&self, folders: &[String]) -> Result<()> {
        self.call(self.inner.flush(folders)).await
    }
    async fn discard_job(&self, job: &str, folders: &[String]) -> Result<usize> {
        self.call(self.inner.discard_job(job, folders)).await
    }
    async fn leftovers(&self) -> Result<Vec<Leftover>> {
        self.call(self.inner.leftovers()).await
    }
    async fn discard(&self, leftover: &Leftover) -> Result<()> {
        self.call(self.inner.discard(leftover)).await
    }
    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.call(self.inner.put(path, bytes)).await
    }
    async fn put_new(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.call(self.inner.put_new(path, bytes)).await
    }
    async fn get(&self, path: &str) -> Result<Bytes> {
        self.call(self.inner.get(path)).await
    }
    async fn read(&self, path: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.call(self.inner.read(path)).await
    }
    async fn stat(&self, path: &str) -> Result<Option<FileStat>> {
        self.call(self.inner.stat(path)).await
    }
    async fn delete(&self, path: &str) -> Result<()> {
        self.call(self.inner.delete(path)).await
    }
    async fn remove_empty_folders(&self) -> Result<()> {
        self.call(self.inner.remove_empty_folders()).await
    }
}

/// How a job ends in which the call of that number goes wrong; whether there was one.
async fn check_failure(inner: &Arc<dyn ShardStore>, from: usize, mode: Mode) -> bool {
    let failing = Arc::new(Failing { inner: Arc::clone(inner), from, mode, calls: Mutex::default() });
    let output = folder(&(Arc::clone(&failing) as Arc<dyn ShardStore>), DEAD).await;
    // Looking whether the location is empty writes nothing, and its failure leaves nothing.
    *failing.calls.lock() = Some(0);
    let at = format!("{mode:?} from {from}");
    let (ended, withdrawn) = attempt_job(&output, inner).await;
    let set = ["channels.json", "manifest.json", "test.manifest", "train.manifest"];
    let set = set.map(|name| format!("_gristmill/{name}"));
    let set: Vec<String> = set.into_iter().chain(["train/1.csv".to_owned()]).collect();
    if ended.is_err() && withdrawn.is_ok() {
        assert_eq!(files(inner.as_ref()).await, Vec::<String>::new(), "{at}: withdrawn");
    }
    collect(inner).await;
    let found = files(inner.as_ref()).await;
    // A manifest whose answer got lost, and that could not be withdrawn, is one.
    if ended.is_ok() || found.contains(&MANIFEST.to_owned()) {
        assert_eq!(found, set, "{at}: a whole set");
    } else {
        assert_eq!(found, Vec::<String>::new(), "{at}: collected");
        check_free(inner).await;
    }
    failing.calls.lock().is_some_and(|calls| calls > from)
}

/// A job from its claim to its end, and its withdrawal if it fails.
async fn attempt_job(output: &JobFolder, inner: &Arc<dyn ShardStore>) -> (Result<()>, Result<()>) {
    let job = async {
        output.claim().await?;
        let shard = stage(inner.as_ref(), DEAD, "train/1.csv").await;
        output.commit(&description(DEAD, std::slice::from_ref(&shard)), &[shard]).await
    };
    match job.await {
        Ok(()) => (Ok(()), Ok(())),
        Err(error) => (Err(error), output.withdraw().await),
    }
}

#[tokio::test]
async fn whatever_goes_wrong_there_is_a_whole_set_or_nothing() {
    let counts = [1, 2, 3, usize::MAX];
    let modes = counts.into_iter().flat_map(|count| [false, true].map(|are_done| Mode { count, are_done }));
    for mode in modes {
        let mut from = 0;
        for (_folder, store) in stores() {
            from = 0;
            while check_failure(&store, from, mode).await {
                drop_set(&store).await;
                from += 1;
            }
        }
        // Claim, look at the manifest; record, look at the claim; publish, flush; three side files, leftovers; look at
        // the claim, manifest; remove claim and record.
        assert_eq!(from, 14, "{mode:?}");
    }
}

/// Removes the training set that is there, whoever made it.
async fn drop_set(store: &Arc<dyn ShardStore>) {
    for path in files(store.as_ref()).await {
        store.delete(&path).await.unwrap();
    }
    store.remove_empty_folders().await.unwrap();
}
