use crate::config::Config;
use crate::session::Engine;
use crate::storage::Location;
use crate::training_set::TrainingSet;
use futures::TryStreamExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_copy_to_one_file_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "").unwrap();
    let session = Engine::embedded(Arc::new(Config::default())).unwrap().session();
    let to = folder.path().join("x.csv");
    let sql = format!("COPY (SELECT value FROM generate_series(1, 10000000000)) TO '{}'", to.display());
    let result = session.execute(&session.parse(&sql).unwrap()[0]).await.unwrap();
    let writing = async {
        while names(folder.path()).len() == 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        rows = result.stream.try_collect::<Vec<_>>() => panic!("an endless copy ended: {rows:?}"),
        () = writing => {}
    }
    tokio::time::timeout(LIMIT, session.settle()).await.unwrap();
    assert_eq!(names(folder.path()), ["mine.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_roll_are_all_finished_and_hold_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = Engine::embedded(Arc::new(Config::default())).unwrap().session();
    let sql = format!(
        "SET datafusion.execution.target_partitions = 1;
         CREATE TRAINING SET t LOCATION '{}' STORED AS CSV OPTIONS ('target_shard_bytes' '40KiB')
         AS SELECT value FROM generate_series(1, 100000)",
        at.display()
    );
    for statement in session.parse(&sql).unwrap() {
        session.execute(&statement).await.unwrap().stream.try_collect::<Vec<_>>().await.unwrap();
    }
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    let shards = &set.manifest().shards;
    assert!(shards.len() > 5, "{shards:#?}");
    for (roll, shard) in shards.iter().enumerate() {
        assert_eq!(shard.path, format!("train/part-00000-{roll:05}.csv"));
    }
    assert_eq!(set.manifest().splits[0].rows, 100_000);
    set.verify(2).await.unwrap();
}

/// A task fails while others are about to open their shards.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_has_left_nothing_when_its_error_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = Engine::embedded(Arc::new(Config::default())).unwrap().session();
    let sql = format!(
        "CREATE TRAINING SET t LOCATION '{}' STORED AS CSV AS
         SELECT 1 / (value - 20000) AS x FROM generate_series(1, 100000)",
        at.display()
    );
    let partitions = &session.parse("SET datafusion.execution.target_partitions = 8").unwrap()[0];
    session.execute(partitions).await.unwrap();
    for attempt in 0..200 {
        let result = session.execute(&session.parse(&sql).unwrap()[0]).await.unwrap();
        result.stream.try_collect::<Vec<_>>().await.unwrap_err();
        assert!(!at.exists(), "attempt {attempt} left {:?}", names(&at));
    }
}
