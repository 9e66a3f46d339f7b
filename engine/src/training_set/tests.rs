use super::TrainingSet;
use crate::config::Config;
use crate::error::{Code, Error};
use crate::manifest::MANIFEST;
use crate::session::Engine;
use crate::storage::Location;
use futures::TryStreamExt;
use gristmill_proto::manifest::Manifest;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    engine: Engine,
}

impl Bench {
    /// Runs `statement`, in which `OUT` stands for the location.
    async fn new(statement: &str) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
            engine: Engine::embedded(Arc::new(Config::default())).unwrap(),
        };
        let session = bench.engine.session();
        let sql = statement.replace("OUT", &format!("'{}'", bench.out().display()));
        let result = session.execute(&session.parse(&sql).unwrap()[0]).await.unwrap();
        result.stream.try_collect::<Vec<_>>().await.unwrap();
        bench
    }

    async fn training_set() -> Self {
        let rows = "SELECT value FROM generate_series(1, 100)";
        let clauses = "STORED AS CSV SPLIT (train 0.8, test 0.2)";
        Self::new(&format!("CREATE TRAINING SET t LOCATION OUT {clauses} AS {rows}")).await
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn add_file(&self, path: &str) {
        let path = self.out().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    fn edit_manifest(&self, edit: impl FnOnce(&mut Manifest)) {
        let path = self.out().join(MANIFEST);
        let mut manifest = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        edit(&mut manifest);
        std::fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    }

    async fn verify(&self) -> Result<(), Error> {
        let location = Location::parse(self.out().to_str().unwrap()).unwrap();
        TrainingSet::open(self.engine.stores(), &location).await.unwrap().verify(2).await.map(drop)
    }

    async fn check_fails(&self, named: &[&str]) {
        let error = self.verify().await.unwrap_err();
        assert_eq!(error.code(), Code::VerificationFailed, "{error}");
        assert!(named.iter().all(|name| error.message().contains(name)), "{named:?}: {error}");
        assert!(error.hint().is_some(), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_a_trainer_would_read_fails_verification() {
    for path in ["train/extra.csv", "train/.hidden", "test/below/x"] {
        let bench = Bench::training_set().await;
        bench.verify().await.unwrap();
        bench.add_file("notes.txt");
        bench.add_file("_gristmill/notes.txt");
        bench.verify().await.expect("no trainer reads these");
        bench.add_file(path);
        bench.check_fails(&[path]).await;
    }
}

#[tokio::test]
async fn a_file_beside_the_data_that_was_changed_or_removed_fails_verification() {
    for path in ["_gristmill/channels.json", "_gristmill/train.statistics.json"] {
        let bench = Bench::training_set().await;
        std::fs::write(bench.out().join(path), "{}").unwrap();
        bench.check_fails(&["file", path, "2 bytes"]).await;
        std::fs::remove_file(bench.out().join(path)).unwrap();
        bench.check_fails(&["file", path, "missing"]).await;
    }
}

#[tokio::test]
async fn the_files_of_a_copy_are_those_of_its_manifest() {
    let bench = Bench::new("COPY (SELECT 1 AS x) TO OUT STORED AS CSV").await;
    bench.verify().await.unwrap();
    bench.add_file("extra.csv");
    bench.check_fails(&["extra.csv"]).await;
}

#[tokio::test]
async fn totals_that_are_not_the_sum_of_their_shards_fail_verification() {
    let edits: [fn(&mut Manifest); 3] = [
        |manifest| manifest.splits[1].rows += 1,
        |manifest| manifest.splits[1].bytes = u64::MAX,
        |manifest| manifest.shards.retain(|shard| shard.split != "test"),
    ];
    for edit in edits {
        let bench = Bench::training_set().await;
        bench.edit_manifest(edit);
        bench.check_fails(&[MANIFEST, "\"test\""]).await;
    }
}

#[tokio::test]
async fn a_shard_of_a_split_that_is_not_there_fails_verification() {
    let bench = Bench::training_set().await;
    bench.edit_manifest(|manifest| manifest.splits.truncate(1));
    bench.check_fails(&[MANIFEST, "\"test\"", "test/part-"]).await;
}
