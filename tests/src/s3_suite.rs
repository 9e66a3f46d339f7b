//! Statements that read from and write to S3, when all goes well and when it does not.

use crate::engines::Engine;
use crate::s3::{Action, Operation, Rule, Server, When};
use crate::training_set::OnDisk;
use crate::{data, wait};
use gristmill_engine::{Code, Error};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Rows of `orders` at scale factor 0.01.
const ORDERS: u64 = 15_000;
/// Nothing here takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// A bucket with a table in it, and a session that knows the table.
#[derive(Debug)]
struct Bench<'a> {
    engine: &'a Engine,
    server: &'a Server,
    bucket: &'static str,
    folder: PathBuf,
}

impl<'a> Bench<'a> {
    async fn new(engine: &'a Engine, server: &'a Server, bucket: &'static str) -> Self {
        let folder = server.bucket(bucket);
        std::fs::create_dir_all(folder.join("in")).expect("a folder");
        let orders = data::tpch_small().await.join("orders.parquet");
        std::fs::copy(orders, folder.join("in/orders.parquet")).expect("a copy");
        let create = "CREATE OR REPLACE EXTERNAL TABLE orders STORED AS PARQUET LOCATION";
        engine.script(&format!("{create} 's3://{bucket}/in/'")).await;
        Self { engine, server, bucket, folder }
    }

    /// A training set of three splits, below `out`.
    fn create(&self, clauses: &str, query: &str) -> String {
        format!(
            "CREATE TRAINING SET s LOCATION 's3://{}/out' STORED AS CSV LABEL o_totalprice
             SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (o_orderkey) {clauses} AS SELECT {query} FROM orders",
            self.bucket
        )
    }

    async fn run(&self, sql: &str) -> Result<(), Error> {
        wait::within(sql, LIMIT, self.engine.run(sql)).await.map(drop)
    }

    /// The training set is whole, and nothing else is in the bucket or on its way there.
    async fn check_whole(&self) {
        let set = OnDisk::open(&self.folder.join("out"));
        assert_eq!(set.row_count(), ORDERS);
        self.check_uploads().await;
    }

    /// The bucket is as it was before the statement.
    async fn check_nothing(&self) {
        wait::until("an empty location", LIMIT, || {
            (self.server.keys(self.bucket) == ["in/orders.parquet"]).then_some(())
        })
        .await;
        self.check_uploads().await;
    }

    /// No upload is left. A task that is being dropped aborts its own in the background, so this takes a moment.
    async fn check_uploads(&self) {
        let gone = || self.server.open_uploads().is_empty().then_some(());
        wait::until("uploads that are aborted", LIMIT, gone).await;
    }
}

/// Reads a table from S3, writes a training set there, describes and drops it.
pub async fn check_round_trip(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "round-trip").await;
    let count = engine.script("SELECT count(*) FROM orders").await.value();
    assert_eq!(count, ORDERS.to_string());
    bench.run(&bench.create("SHUFFLE SEED 7 OPTIONS ('shards' '2')", "*")).await.expect("a training set");
    bench.check_whole().await;
    engine.script("DESCRIBE TRAINING SET 's3://round-trip/out'").await;
    let again = engine.fail(&bench.create("", "*")).await;
    assert_eq!(again.code(), Code::LocationNotEmpty, "{}", again.report());
    bench.check_whole().await;
    engine.script("DROP TRAINING SET 's3://round-trip/out'").await;
    bench.check_nothing().await;
}

/// What SageMaker is given beside the shards: a manifest file per split, and the channels of a training job.
pub async fn check_side_files(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "side-files").await;
    bench.run(&bench.create("OPTIONS ('shards' '2')", "*")).await.expect("a training set");
    let read = |name: &str| -> Value {
        let text = std::fs::read(bench.folder.join("out/_gristmill").join(name)).expect(name);
        serde_json::from_slice(&text).expect("JSON")
    };
    let splits = ["train", "validation", "test"];
    for split in splits {
        let prefix = json!({ "prefix": format!("s3://side-files/out/{split}/") });
        let expected = json!([prefix, "part-00000-of-00002.csv", "part-00001-of-00002.csv"]);
        assert_eq!(read(&format!("{split}.manifest")), expected);
    }
    let channels = splits.map(|split| csv_channel(split, &format!("s3://side-files/out/{split}/")));
    assert_eq!(read("channels.json"), Value::Array(channels.to_vec()));
}

/// What SageMaker's `CreateTrainingJob` calls a `Channel`.
fn csv_channel(name: &str, uri: &str) -> Value {
    json!({
        "ChannelName": name,
        "ContentType": "text/csv;label_size=1",
        "CompressionType": "None",
        "InputMode": "File",
        "DataSource": { "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": uri,
            "S3DataDistributionType": "FullyReplicated",
        } },
    })
}

/// Writes shards of several parts, the last one smaller.
pub async fn check_multipart(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "multipart").await;
    let columns = "orders.*, repeat(o_comment, 40) AS long";
    bench.run(&bench.create("OPTIONS ('shards' '1')", columns)).await.expect("a training set");
    bench.check_whole().await;
    let set = OnDisk::open(&bench.folder.join("out"));
    assert!(set.manifest.shards.iter().any(|shard| shard.bytes > 8 << 20), "{:#?}", set.manifest.shards);
}

/// A job that fails after it has begun to write leaves nothing.
pub async fn check_failing_job(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "failing").await;
    let error = engine.fail(&bench.create("", "*, 1 / (o_orderkey - 60000) AS x")).await;
    assert_eq!(error.code(), Code::BadRow, "{}", error.report());
    bench.check_nothing().await;
}

/// A store that is slow, fails and hangs up now and then is no reason to fail.
pub async fn check_transient_faults(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "transient").await;
    let actions = [
        (None, 12, Action::Status(503)),
        (Some(Operation::UploadPart), 30, Action::Status(500)),
        (Some(Operation::Get), 20, Action::Drop),
    ];
    // The first rule that fits decides, so those about one operation come first.
    for (seed, (operation, percent, action)) in (1..).zip(actions.into_iter().rev()) {
        let when = When::Percent { percent, seed };
        server.faults().add(Rule { operation, path_end: "", when, action });
    }
    let result = bench.run(&bench.create("", "*")).await;
    let injected = server.faults().injected();
    server.faults().clear();
    result.unwrap_or_else(|error| panic!("after {injected} faults: {}", error.report()));
    assert!(injected > 0, "no fault was injected");
    bench.check_whole().await;
}

/// A request that was done, but whose answer never came, must not count as failed, nor as done twice.
pub async fn check_lost_answers(engine: &Engine, server: &Server) {
    let cases = [
        ("lost-complete", Operation::CompleteUpload, ""),
        ("lost-claim", Operation::Put, "/claim.json"),
        ("lost-manifest", Operation::Put, "/manifest.json"),
    ];
    for (bucket, operation, path_end) in cases {
        let bench = Bench::new(engine, server, bucket).await;
        let rule =
            Rule { operation: Some(operation), path_end, when: When::First(1), action: Action::LoseAnswer };
        server.faults().add(rule);
        let result = bench.run(&bench.create("", "*")).await;
        server.faults().clear();
        result.unwrap_or_else(|error| panic!("{bucket}: {}", error.report()));
        bench.check_whole().await;
    }
}

/// A store that takes no manifest any more fails the job, and nothing is left of it.
pub async fn check_failing_commit(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "no-commit").await;
    let when = When::Always;
    let rule = |operation, path_end| Rule {
        operation: Some(operation),
        path_end,
        when,
        action: Action::Status(403),
    };
    server.faults().add(rule(Operation::Put, "/manifest.json"));
    let result = bench.run(&bench.create("", "*")).await;
    server.faults().clear();
    let error = result.expect_err("a job without a manifest");
    assert_eq!(error.code(), Code::AccessDenied, "{}", error.report());
    bench.check_nothing().await;
}

/// A bucket that does not exist is named, at once.
pub async fn check_missing_bucket(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "present").await;
    let read = "CREATE EXTERNAL TABLE absent STORED AS PARQUET LOCATION 's3://absent-bucket/in/'";
    let write = bench.create("", "*").replace("s3://present/", "s3://absent-bucket/");
    for sql in [read, &write] {
        let error = wait::within(sql, LIMIT, engine.fail(sql)).await;
        assert_eq!(error.code(), Code::PathNotFound, "{sql}\n{}", error.report());
        assert!(error.message().contains("absent-bucket") && error.hint().is_some(), "{}", error.report());
    }
    bench.check_nothing().await;
}

/// An input that is replaced while it is read fails the job, whatever was read of it.
pub async fn check_changed_input(engine: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "changed").await;
    let gate = server.faults().hold(Operation::UploadPart);
    let sql = bench.create("", "*");
    let replace = async {
        gate.wait_for(1, LIMIT).await;
        let other = data::tpch_small().await.join("nation.parquet");
        std::fs::copy(other, bench.folder.join("in/orders.parquet")).expect("a copy");
        gate.open();
    };
    let (error, ()) = tokio::join!(engine.fail(&sql), replace);
    server.faults().clear();
    assert_eq!(error.code(), Code::InputChanged, "{}", error.report());
    assert!(error.message().contains("in/orders.parquet") && error.hint().is_some(), "{}", error.report());
    bench.check_nothing().await;
}

/// Of two jobs that want the same place, one gets it and the other is refused.
pub async fn check_race(engine: &Engine, other: &Engine, server: &Server) {
    let bench = Bench::new(engine, server, "race").await;
    let rival = Bench::new(other, server, "race").await;
    let sql = bench.create("", "*");
    let outcomes = tokio::join!(bench.run(&sql), rival.run(&sql));
    let refused = match outcomes {
        (Ok(()), Err(refused)) | (Err(refused), Ok(())) => refused,
        outcomes => panic!("not one of two: {outcomes:?}"),
    };
    assert_eq!(refused.code(), Code::LocationNotEmpty, "{}", refused.report());
    bench.check_whole().await;
}
