//! Jobs on a store that fails all the time: each ends in a whole training set or in nothing.

use crate::config;
use futures::{StreamExt, stream};
use gristmill_engine::commit::Garbage;
use gristmill_engine::config::{ByteSize, Config, S3Config};
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::training_set::TrainingSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tests::engines::Engine;
use tests::s3::{Action, Rule, Server, When};
use tests::training_set::OnDisk;
use tests::wait;

const JOBS: u64 = 200;
/// How many of them run at a time.
const IN_FLIGHT: usize = 32;
const ROWS: u64 = 500;
/// What jobs write, one after the other.
const FORMATS: [&str; 5] = ["CSV", "PARQUET", "JSONL", "TFRECORD", "MDS"];
/// The shards of every 21st job are uploads of several parts.
const PART_BYTES: u64 = 5 << 20;
const LONG_ROWS: u64 = 21;
/// Of a hundred requests, so many go wrong.
const PERCENT: u64 = 5;
/// How long the store may take to answer, and how long it takes when it is slow.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(1_500);
const SLOW: Duration = Duration::from_secs(2);
/// Nothing here takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// A job, with a bucket of its own: so the faults it meets depend on its own requests alone.
struct Job {
    bucket: String,
    seed: u64,
}

impl Job {
    fn new(seed: u64) -> Self {
        Self { bucket: format!("job-{seed:03}"), seed }
    }

    /// Makes the bucket, with the input in it and its faults.
    fn prepare(&self, server: &Server, inputs: &Path) {
        let folder = server.bucket(&self.bucket).join("in");
        std::fs::create_dir_all(&folder).unwrap();
        let input = if self.seed.is_multiple_of(LONG_ROWS) { "long.parquet" } else { "short.parquet" };
        std::fs::copy(inputs.join(input), folder.join("rows.parquet")).unwrap();
        let action = Action::OneOf(vec![
            Action::Status(500),
            Action::LoseAnswer,
            Action::Status(503),
            Action::Drop,
            Action::Slow(SLOW),
        ]);
        let when = When::Percent { percent: PERCENT, seed: self.seed };
        server.faults().add_for(&self.bucket, Rule { operation: None, path_end: "", when, action });
    }

    fn sql(&self) -> String {
        format!(
            "CREATE TRAINING SET s LOCATION 's3://{0}/out' STORED AS {1}
             SPLIT (train 0.8, test 0.2) BY KEY (value) OPTIONS ('shards' '1')
             AS SELECT * FROM 's3://{0}/in/rows.parquet'",
            self.bucket,
            FORMATS[self.seed as usize % FORMATS.len()]
        )
    }

    fn location(&self) -> Location {
        Location::parse(&format!("s3://{}/out", self.bucket)).unwrap()
    }

    async fn collect(&self, stores: &Stores) {
        let store = stores.shards(&self.location()).unwrap();
        let garbage = Garbage::idle_for(store, Duration::ZERO, SystemTime::now()).await.unwrap();
        garbage.remove().await.unwrap();
    }

    /// What is in the bucket beside the input.
    fn left(&self, server: &Server) -> Vec<String> {
        server.keys(&self.bucket).into_iter().filter(|key| !key.starts_with("in/")).collect()
    }

    /// That a trainer who looks for a manifest finds nothing, and `training-set gc` what there is: shards that are visible
    /// are on record. A set whose manifest could not be withdrawn is whole.
    async fn check_failed(&self, server: &Server, stores: &Stores) {
        let left = self.left(server);
        let is_there = |name: &str| left.iter().any(|key| key == &format!("out/_gristmill/{name}"));
        if is_there("manifest.json") {
            return self.check_set(stores).await;
        }
        let visible = left.iter().any(|key| !key.starts_with("out/_gristmill/"));
        assert!(!visible || is_there("publishing.json"), "{}: {left:?}", self.bucket);
    }

    /// That the set is there, whole.
    async fn check_set(&self, stores: &Stores) {
        let set = TrainingSet::open(stores, &self.location()).await.unwrap();
        let report =
            set.verify(2).await.unwrap_or_else(|error| panic!("{}: {}", self.bucket, error.report()));
        let rows: u64 = set.manifest().splits.iter().map(|split| split.rows).sum();
        assert_eq!((report.shards, rows), (2, ROWS), "{}", self.bucket);
    }

    /// That no claim, no record and no note is beside it.
    async fn check_alone(&self, server: &Server) {
        let on_disk = OnDisk::open(&server.root().join(&self.bucket).join("out"));
        assert_eq!(on_disk.row_count(), ROWS);
    }
}

/// Retries that are used up now and then.
fn failing_config(server: &Server) -> Config {
    let s3 = S3Config { max_retries: 1, request_timeout: REQUEST_TIMEOUT, ..server.config() };
    let mut config = Config { s3, ..config() };
    config.sql.target_partitions = 2;
    config.write.part_bytes = ByteSize::from_bytes(PART_BYTES);
    config
}

/// Parquet files of `ROWS` rows, of 64 bytes and of 32 KiB each.
async fn write_inputs(folder: &Path) {
    for (name, times) in [("short", 1), ("long", 512)] {
        let text = format!("repeat(encode(sha256(CAST(value AS VARCHAR)), 'hex'), {times})");
        let to = folder.join(name).with_extension("parquet");
        let copy = format!(
            "COPY (SELECT value, {text} AS text FROM generate_series(1, {ROWS})) TO '{}' STORED AS PARQUET",
            to.display()
        );
        crate::engine().script(&copy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_jobs_on_a_failing_store_end_in_a_whole_set_or_in_nothing() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    write_inputs(folder.path()).await;
    let jobs: Vec<Job> = (0..JOBS).map(Job::new).collect();
    jobs.iter().for_each(|job| job.prepare(&server, folder.path()));

    let engine = Arc::new(Engine::embedded(failing_config(&server)));
    let running = stream::iter(jobs).map(|job| {
        let (engine, sql) = (Arc::clone(&engine), job.sql());
        async move { (job, tokio::spawn(async move { engine.run(&sql).await.map(drop) }).await.unwrap()) }
    });
    let ended: Vec<_> = wait::within("all jobs", LIMIT, running.buffer_unordered(IN_FLIGHT).collect()).await;
    let Engine::Embedded(session) = engine.as_ref() else { panic!("not embedded") };
    wait::within("what failed jobs clean up", LIMIT, session.settle()).await;
    let injected = server.faults().injected();
    server.faults().clear();

    let stores = session.engine().stores();
    let failed: Vec<&Job> = ended.iter().filter(|(_, result)| result.is_err()).map(|(job, _)| job).collect();
    let left = failed.iter().filter(|job| !job.left(&server).is_empty()).count();
    let checks = stream::iter(&ended).for_each_concurrent(IN_FLIGHT, |(job, result)| {
        let server = &server;
        async move {
            // Before anything is cleaned up.
            match result {
                Ok(()) => job.check_set(stores).await,
                Err(_) => job.check_failed(server, stores).await,
            }
            job.collect(stores).await;
            // A job that could not withdraw a manifest whose answer got lost has failed, and left a whole set.
            if result.is_ok() || !job.left(server).is_empty() {
                job.check_set(stores).await;
                job.check_alone(server).await;
            }
        }
    });
    wait::within("all checks", LIMIT, checks).await;
    let open = server.open_uploads();
    assert_eq!(open.first(), None, "{} parts are left", open.len());
    let (done, failed) = (ended.len() - failed.len(), failed.len());
    eprintln!(
        "{injected} faults: {done} jobs done, {failed} failed, {left} of those left something to collect"
    );
    assert!(done > 0 && failed > 0 && injected > JOBS, "{injected} faults, {failed} jobs failed");
}
