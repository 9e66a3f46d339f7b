mod memory;

use super::s3::{S3Shards, UploadLimits};
use super::*;
use crate::config::{S3Config, WriteConfig};
use crate::error::Code;
use futures::{FutureExt, TryStreamExt};
use memory::Memory;
use object_store::memory::InMemory;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use tempfile::TempDir;

// Locations.

fn check_location(text: &str, expected: &str, object_path: &str) {
    let location = Location::parse(text).unwrap();
    assert_eq!(location.to_string(), expected, "{text:?}");
    assert_eq!(location.object_path().as_ref(), object_path, "{text:?}");
    assert_eq!(Location::parse(expected).unwrap(), location, "{expected:?} reads back");
    let decoded = object_store::path::Path::from_url_path(location.url().path()).unwrap();
    assert_eq!(&decoded, location.object_path(), "the URL of {text:?} decodes to its path");
}

#[test]
fn a_location_is_normalised_and_taken_literally() {
    check_location("s3://b/x/y", "s3://b/x/y", "x/y");
    check_location("s3a://b/x/", "s3://b/x", "x");
    check_location("S3://My.Bucket_1/", "s3://My.Bucket_1/", "");
    check_location("s3://b", "s3://b/", "");
    check_location("s3://b/a b%20c/é?#", "s3://b/a b%20c/é?#", "a b%20c/é?#");
    check_location("/", "/", "");
    check_location("/x//y/", "/x/y", "x/y");
    check_location("/x/./y/../z", "/x/z", "x/z");
    check_location("/../x", "/x", "x");
    check_location("/a b%20c/é?#*", "/a b%20c/é?#*", "a b%20c/é?#*");
    check_location("/odd/s4://x", "/odd/s4:/x", "odd/s4:/x");
    check_location("file:///x/y/", "/x/y", "x/y");
    check_location("file:///a%20b c?#", "/a b c?#", "a b c?#");
}

#[test]
fn a_relative_path_starts_in_the_working_directory() {
    let here = std::env::current_dir().unwrap();
    for (text, expected) in
        [("x/y", here.join("x/y")), (".", here.clone()), ("../x", here.with_file_name("x"))]
    {
        assert_eq!(Location::parse(text).unwrap().local_path().unwrap(), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_location_is_refused_with_its_text() {
    let table = [
        ("gs://b/x", Code::Unsupported),
        ("https://s3.amazonaws.com/b", Code::Unsupported),
        ("", Code::BadOption),
        ("s3://", Code::BadOption),
        ("s3:///x", Code::BadOption),
        ("s3://b:9000/x", Code::BadOption),
        ("s3://b/x//y", Code::BadOption),
        ("s3://b/x/../y", Code::BadOption),
        ("file://host/x", Code::BadOption),
        ("/x\ny", Code::BadOption),
    ];
    for (text, code) in table {
        let error = Location::parse(text).unwrap_err();
        assert_eq!(error.code(), code, "{text:?}");
        assert!(error.message().contains(&format!("{text:?}")), "{error}");
    }
}

#[test]
fn joining_stays_below_the_location() {
    let location = Location::parse("s3://b/x").unwrap();
    assert_eq!(location.join("y/z 1").unwrap().to_string(), "s3://b/x/y/z 1");
    assert_eq!(location.join("").unwrap(), location);
    for outside in ["..", "../y", "y/../../z", "/y", "y//z"] {
        assert_eq!(location.join(outside).unwrap_err().code(), Code::BadOption, "{outside:?}");
    }
}

// Both kinds of shard store.

fn attempt(job: &str, attempt: &str) -> Attempt {
    Attempt::untracked(job, attempt)
}

fn local() -> (TempDir, Arc<dyn ShardStore>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a b%20c é");
    let location = Location::parse(root.to_str().unwrap()).unwrap();
    let stores = Stores::new(&S3Config::default(), &WriteConfig::default());
    (folder, stores.shards(&location).unwrap())
}

/// It takes parts in order only, so one at a time.
pub(crate) fn object() -> Arc<dyn ShardStore> {
    let limits = UploadLimits { part_bytes: 16, in_flight: 1 };
    let location = Location::parse("s3://b/a b%20c é").unwrap();
    Arc::new(S3Shards::new(location, Arc::new(Memory::default()), limits))
}

async fn stage(store: &dyn ShardStore, path: &str, by: &Attempt, pieces: &[&[u8]]) -> StagedShard {
    let mut upload = store.create(path, by).await.unwrap();
    for piece in pieces {
        upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    upload.finish().await.unwrap()
}

async fn code_of<T: Debug>(result: impl Future<Output = Result<T>>) -> Code {
    result.await.unwrap_err().code()
}

fn folders<const N: usize>(names: [&str; N]) -> [String; N] {
    names.map(str::to_owned)
}

async fn check_publishing(store: &dyn ShardStore) {
    let path = "train/part-0 0%.csv";
    let shard = stage(store, path, &attempt("j", "a"), &[b"one,", &[b'x'; 40], b"", b"two"]).await;
    assert_eq!((shard.bytes, store.size(path).await.unwrap()), (47, None), "staged is not visible");
    let json = serde_json::to_string(&shard).unwrap();
    let shard: StagedShard = serde_json::from_str(&json).unwrap();
    store.publish(&shard).await.unwrap();
    assert_eq!(store.size(path).await.unwrap(), Some(47));
    assert_eq!(store.get(path).await.unwrap(), [b"one,".as_slice(), &[b'x'; 40], b"two"].concat());
    store.publish(&shard).await.expect("publishing twice is fine");
    store.flush(&folders(["train", "not there"])).await.unwrap();
}

async fn check_discarding(store: &dyn ShardStore) {
    let kept = stage(store, "train/2.csv", &attempt("j-2", "a"), &[b"keep"]).await;
    let gone = stage(store, "train/1.csv", &attempt("j", "a"), &[b"x"]).await;
    drop(stage(store, "train/1.csv", &attempt("j", "b"), &[b"y"]).await);
    let train = folders(["not there", "train"]);
    assert_eq!(store.discard_job("j", &train).await.unwrap(), 2);
    assert_eq!(store.discard_job("j", &train).await.unwrap(), 0);
    assert_eq!(code_of(store.publish(&gone)).await, Code::StorageUnavailable);
    store.publish(&kept).await.unwrap();
    assert_eq!(store.get("train/2.csv").await.unwrap(), "keep");
}

async fn check_aborting(store: &dyn ShardStore) {
    let mut upload = store.create("train/1.csv", &attempt("j", "a")).await.unwrap();
    upload.write(Bytes::from(vec![1; 50])).await.unwrap();
    assert!(store.first_entry().await.unwrap().is_some(), "a running job makes the location busy");
    upload.abort().await.unwrap();
    assert_eq!(store.first_entry().await.unwrap(), None);
}

async fn check_files(store: &dyn ShardStore) {
    let path = "_gristmill/manifest.json";
    assert_eq!(store.first_entry().await.unwrap(), None);
    assert_eq!(code_of(store.get(path)).await, Code::PathNotFound);
    assert_eq!(store.read(path).await.err().unwrap().code(), Code::PathNotFound);
    store.put_new(path, Bytes::from("1")).await.unwrap();
    assert_eq!(code_of(store.put_new(path, Bytes::from("2"))).await, Code::LocationNotEmpty);
    assert_eq!(store.get(path).await.unwrap(), "1");
    store.put(path, Bytes::from("3")).await.unwrap();
    let read: Vec<Bytes> = store.read(path).await.unwrap().try_collect().await.unwrap();
    assert_eq!(read.concat(), b"3");
    assert_eq!(code_of(store.put("../x", Bytes::new())).await, Code::BadOption);
    store.delete(path).await.unwrap();
    store.delete(path).await.expect("deleting what is not there is fine");
    store.remove_empty_folders().await.unwrap();
    assert_eq!(store.first_entry().await.unwrap(), None);
}

#[tokio::test]
async fn a_shard_is_visible_once_it_is_published() {
    check_publishing(local().1.as_ref()).await;
    check_publishing(object().as_ref()).await;
}

#[tokio::test]
async fn discarding_a_published_job_removes_nothing() {
    let (_folder, store) = local();
    let shard = stage(store.as_ref(), "train/1.csv", &attempt("j", "a"), &[b"x"]).await;
    store.publish(&shard).await.unwrap();
    assert_eq!(store.discard_job("j", &folders(["train"])).await.unwrap(), 0);
    assert!(store.first_entry().await.unwrap().unwrap().ends_with("train/1.csv"));
}

#[tokio::test]
async fn discarding_a_job_removes_what_it_staged_and_nothing_else() {
    check_discarding(local().1.as_ref()).await;
    check_discarding(object().as_ref()).await;
}

#[tokio::test]
async fn an_aborted_shard_leaves_nothing() {
    check_aborting(local().1.as_ref()).await;
    check_aborting(object().as_ref()).await;
}

async fn check_listing(store: &dyn ShardStore) {
    for path in ["train/2.csv", "train/below/é.csv", "train/.x", "trainer/1.csv", "1.csv"] {
        store.put(path, Bytes::new()).await.unwrap();
    }
    assert_eq!(store.files("train").await.unwrap(), ["train/.x", "train/2.csv", "train/below/é.csv"]);
    assert_eq!(store.files("").await.unwrap().len(), 5);
    assert_eq!(store.files("test").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn the_files_of_a_folder_are_listed_at_any_depth() {
    check_listing(local().1.as_ref()).await;
    check_listing(object().as_ref()).await;
}

#[tokio::test]
async fn an_upload_tells_what_it_holds() {
    for (store, pieces, expected) in [(local().1, [1 << 19, 1 << 19, 3], 3), (object(), [10, 22, 4], 4)] {
        let mut upload = store.create("x", &attempt("j", "a")).await.unwrap();
        for piece in pieces {
            upload.write(Bytes::from(vec![0; piece])).await.unwrap();
        }
        // Parts are sent in the background.
        while upload.buffered_bytes() != expected {
            tokio::task::yield_now().await;
        }
        upload.abort().await.unwrap();
    }
}

#[tokio::test]
async fn parts_go_out_beside_each_other_and_what_an_upload_holds_is_bounded() {
    let (memory, gate) = Memory::gated();
    let limits = UploadLimits { part_bytes: 16, in_flight: 3 };
    let store = S3Shards::new(Location::parse("s3://b/x").unwrap(), Arc::new(memory), limits);
    let mut upload = store.create("y", &attempt("j", "a")).await.unwrap();
    let sent = async |expected| {
        while gate.sent.load(Ordering::Relaxed) < expected {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.sent.load(Ordering::Relaxed), expected);
    };
    // None has arrived, and one is nearly full: nobody is waited for.
    upload.write(Bytes::from(vec![1; 3 * 16 + 15])).await.unwrap();
    sent(3).await;
    assert_eq!(upload.buffered_bytes(), 4 * 16 - 1);
    let mut more = upload.write(Bytes::from(vec![2; 1 + 16]));
    assert!((&mut more).now_or_never().is_none(), "a fourth part goes out beside three others");
    sent(3).await;
    gate.may_arrive.add_permits(1);
    assert!((&mut more).now_or_never().is_none(), "a fifth part goes out beside three others");
    gate.may_arrive.add_permits(1);
    more.await.unwrap();
    sent(5).await;
    assert_eq!(upload.buffered_bytes(), 3 * 16);
    gate.may_arrive.add_permits(100);
    store.publish(&upload.finish().await.unwrap()).await.unwrap();
    assert_eq!(store.get("y").await.unwrap(), [vec![1; 63], vec![2; 17]].concat());
}

#[tokio::test]
async fn files_are_put_read_and_deleted() {
    check_files(local().1.as_ref()).await;
    check_files(object().as_ref()).await;
}

/// The id of a job, as the planner makes them.
const JOB: &str = "0190a3c4d5e67f8090a1b2c3d4e5f607";

async fn check_leftovers(store: &dyn ShardStore) {
    let mut expected = vec![];
    for path in ["1.csv", "_gristmill/train/1.idx", "train/1.csv"] {
        drop(stage(store, path, &attempt(JOB, "a"), &[b"x"]).await);
        expected.push((Some(JOB.to_owned()), path.to_owned(), true));
    }
    let published = stage(store, "train/2.csv", &attempt("j-2", "a"), &[b"keep"]).await;
    store.publish(&published).await.unwrap();
    let mut found = store.leftovers().await.unwrap();
    found.retain(|leftover| leftover.job.as_deref() == Some(JOB));
    found.sort_by(|left, right| left.path.cmp(&right.path));
    let facts = found.iter().map(|it| (it.job.clone(), it.path.clone(), it.is_staged));
    assert_eq!(Vec::from_iter(facts), expected);
    for leftover in &found {
        store.discard(leftover).await.unwrap();
        store.discard(leftover).await.expect("discarding what is gone is fine");
    }
    assert!(store.leftovers().await.unwrap().iter().all(|leftover| leftover.job.as_deref() != Some(JOB)));
    assert_eq!(store.get("train/2.csv").await.unwrap(), "keep");
}

#[tokio::test]
async fn what_a_job_staged_is_found_again_without_it() {
    check_leftovers(local().1.as_ref()).await;
    check_leftovers(object().as_ref()).await;
}

#[tokio::test]
async fn a_leftover_knows_when_it_was_changed() {
    for store in [local().1, object()] {
        let before = SystemTime::now() - std::time::Duration::from_secs(2);
        drop(stage(store.as_ref(), "train/1.csv", &attempt(JOB, "a"), &[b"x"]).await);
        let changed = store.leftovers().await.unwrap()[0].changed;
        assert!(changed >= before && changed <= SystemTime::now(), "{changed:?}");
    }
}

// Local alone.

#[tokio::test]
async fn leftovers_are_told_by_names_that_only_we_give() {
    let (_folder, store) = local();
    for path in
        [".x.y.z.tmp", "x.tmp", &format!("{JOB}.tmp"), &format!(".x.{JOB}.a"), "train/.nfs0001.a.b.tmp"]
    {
        store.put(path, Bytes::from("1")).await.unwrap();
    }
    assert_eq!(store.leftovers().await.unwrap(), Vec::new());
    store.put(".claim.json.gristmill-put.Ab12Cd.tmp", Bytes::from("1")).await.unwrap();
    let found = store.leftovers().await.unwrap();
    assert_eq!((found.len(), &found[0].job, found[0].path.as_str()), (1, &None, "claim.json"));
}

#[tokio::test]
async fn leftovers_of_locations_within_a_location_are_not_its_own() {
    let (_folder, store) = local();
    let path = format!("inner/.1.csv.{JOB}.a.tmp");
    store.put(&path, Bytes::from("1")).await.unwrap();
    assert_eq!(store.leftovers().await.unwrap().len(), 1);
    store.put("inner/_gristmill/claim.json", Bytes::from("{}")).await.unwrap();
    assert_eq!(store.leftovers().await.unwrap(), Vec::new());
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn a_dropped_shard_removes_its_file() {
    let (folder, store) = local();
    let mut upload = store.create("x.csv", &attempt("j", "a")).await.unwrap();
    upload.write(Bytes::from(vec![0; 3 << 20])).await.unwrap();
    assert_eq!(files_below(folder.path()).len(), 1);
    drop(upload);
    assert_eq!(files_below(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn discarding_looks_into_the_given_folders_and_not_below_them() {
    let (_folder, store) = local();
    drop(stage(store.as_ref(), "1.csv", &attempt("j", "a"), &[b"x"]).await);
    drop(stage(store.as_ref(), "below/2.csv", &attempt("j", "a"), &[b"x"]).await);
    assert_eq!(store.discard_job("j", &folders([""])).await.unwrap(), 1);
    assert_eq!(store.files("").await.unwrap(), ["below/.2.csv.j.a.tmp"]);
}

#[tokio::test]
async fn pieces_of_every_size_arrive_in_order() {
    let (_folder, store) = local();
    let sizes = [0, 1, 1 << 20, (1 << 20) - 1, 5, (3 << 20) + 7, 1 << 19, 1 << 19, 2];
    let pieces: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(i, size)| vec![i as u8; *size]).collect();
    let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let shard = stage(store.as_ref(), "x", &attempt("j", "a"), &slices).await;
    store.publish(&shard).await.unwrap();
    assert!(store.get("x").await.unwrap() == pieces.concat(), "the bytes differ");
    let read: Vec<Bytes> = store.read("x").await.unwrap().try_collect().await.unwrap();
    assert!(read.concat() == pieces.concat(), "the bytes read in pieces differ");
}

#[tokio::test]
async fn publishing_does_not_overwrite_the_file_of_another() {
    let (_folder, store) = local();
    let shard = stage(store.as_ref(), "x.csv", &attempt("j", "a"), &[b"mine"]).await;
    store.put("x.csv", Bytes::from("theirs")).await.unwrap();
    assert_eq!(code_of(store.publish(&shard)).await, Code::LocationNotEmpty);
    assert_eq!(store.get("x.csv").await.unwrap(), "theirs");
}

#[tokio::test]
async fn a_location_that_is_a_file_is_that_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let stores = Stores::new(&S3Config::default(), &WriteConfig::default());
    let at_file = stores.shards(&Location::parse(file.to_str().unwrap()).unwrap()).unwrap();
    assert_eq!(at_file.first_entry().await.unwrap().as_deref(), file.to_str());
    let created = at_file.create("train/x.csv", &attempt("j", "a")).await;
    assert_eq!(created.err().unwrap().code(), Code::LocationNotEmpty);
}

#[tokio::test]
async fn below_a_file_there_is_no_file() {
    let (_folder, store) = local();
    let root = store.location().local_path().unwrap();
    std::fs::write(&root, "x").unwrap();
    assert_eq!(code_of(store.get("train/x.csv")).await, Code::PathNotFound);
    assert_eq!(store.read("train/x.csv").await.err().unwrap().code(), Code::PathNotFound);
    assert_eq!(store.stat("train/x.csv").await.unwrap(), None);
}

#[tokio::test]
async fn leftovers_of_a_single_file_lie_beside_it() {
    let (folder, store) = local();
    let job = "0".repeat(32);
    stage(store.as_ref(), "x.csv", &attempt(&job, "a"), &[b"1"]).await;
    stage(store.as_ref(), "y.csv", &attempt(&job, "a"), &[b"1"]).await;
    let stores = Stores::new(&S3Config::default(), &WriteConfig::default());
    let target = stores.shards(&store.location().join("x.csv").unwrap()).unwrap();
    let found = target.leftovers().await.unwrap();
    assert_eq!(found.iter().map(|it| it.job.clone()).collect::<Vec<_>>(), [Some(job.clone())]);
    target.discard(&found[0]).await.unwrap();
    let left = files_below(folder.path());
    assert!(matches!(left.as_slice(), [other] if other.ends_with(format!(".y.csv.{job}.a.tmp"))), "{left:?}");
}

#[tokio::test]
async fn empty_folders_are_no_entries_and_are_removed() {
    let (folder, store) = local();
    let root = store.location().local_path().unwrap();
    std::fs::create_dir_all(root.join("train/x")).unwrap();
    assert_eq!(store.first_entry().await.unwrap(), None);
    store.put("test/y", Bytes::from("1")).await.unwrap();
    store.remove_empty_folders().await.unwrap();
    assert!(!root.join("train").exists() && root.join("test/y").exists());
    store.delete("test/y").await.unwrap();
    store.remove_empty_folders().await.unwrap();
    assert!(!root.exists() && folder.path().exists());
}

#[tokio::test]
async fn ids_that_could_be_mistaken_are_refused() {
    let (_folder, local) = local();
    for store in [local, object()] {
        for (job, id) in [("a.b", "c"), ("a", "b.c"), ("", "c"), ("a/b", "c")] {
            let created = store.create("x", &attempt(job, id)).await;
            assert_eq!(created.err().unwrap().code(), Code::Internal, "{job:?} {id:?}");
        }
    }
}

// The registry.

#[test]
fn a_bucket_has_one_client() {
    use datafusion::execution::object_store::ObjectStoreRegistry;
    let s3 =
        S3Config { endpoint: Some("http://localhost:1".to_owned()), anonymous: true, ..S3Config::default() };
    let stores = Stores::new(&s3, &WriteConfig::default());
    let get = |url: &str| stores.get_store(&url::Url::parse(url).unwrap());
    assert!(Arc::ptr_eq(&get("s3://b/x").unwrap(), &get("s3a://b/y").unwrap()));
    assert!(!Arc::ptr_eq(&get("s3://b/x").unwrap(), &get("s3://c/x").unwrap()));
    assert!(get("file:///x").is_ok());
    let error = crate::Error::from_datafusion(get("gs://b/x").unwrap_err());
    assert_eq!(error.code(), Code::Unsupported);
}

#[test]
fn a_registered_store_is_read_and_not_written() {
    use datafusion::execution::object_store::ObjectStoreRegistry;
    let stores = Stores::new(&S3Config::default(), &WriteConfig::default());
    let location = Location::parse("s3://b/x").unwrap();
    stores.register_store(location.store_url(), Arc::new(InMemory::new()));
    assert_eq!(stores.reader(&location).unwrap().to_string(), "InMemory");
    assert_eq!(stores.shards(&location).unwrap_err().code(), Code::Unsupported);
}
