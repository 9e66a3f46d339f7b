use super::TaskWriter;
use crate::config::{S3Config, WriteConfig};
use crate::error::{Code, Result};
use crate::formats::{ColumnRoles, Columns, FormatDefaults, FormatKind, FormatOptions, format};
use crate::plan::{Layout, WriteSpec};
use crate::storage::{Attempt, Location, ShardStore, Stores};
use crate::write::ShardRecord;
use crate::write::shard_writer::ShardTarget;
use datafusion::arrow::array::{RecordBatch, StringArray, UInt8Array, UInt32Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

struct Bench {
    _folder: TempDir,
    store: Arc<dyn ShardStore>,
    pool: Arc<dyn MemoryPool>,
    writer: TaskWriter,
}

impl Bench {
    /// A writer of the splits `train` and `test`, with one text column.
    fn new(layout: Layout) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::parse(folder.path().join("out").to_str().unwrap()).unwrap();
        let store = Stores::new(&S3Config::default(), &WriteConfig::default()).shards(&location).unwrap();
        let defaults = FormatDefaults::TRAINING_SET;
        let spec = Arc::new(WriteSpec {
            job: "j".to_owned(),
            location: location.to_string(),
            format: FormatOptions::take(FormatKind::Csv, &mut BTreeMap::new(), defaults).unwrap(),
            splits: vec!["train".to_owned(), "test".to_owned()],
            data_columns: 1,
            roles: ColumnRoles::default(),
            layout,
            keep_order: false,
            statistics: false,
        });
        let target = ShardTarget {
            store: Arc::clone(&store),
            attempt: Attempt::untracked("j", "a"),
            format: format(&spec.format),
            columns: Columns::features_only(Arc::new(Schema::new(vec![Field::new(
                "x",
                DataType::Utf8,
                false,
            )]))),
            statistics: false,
        };
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1));
        let memory = MemoryConsumer::new("test").register(&pool);
        Self { _folder: folder, store, pool, writer: TaskWriter::new(spec, target, 7, memory) }
    }

    /// Writes one row for each split and shard given.
    async fn write(&mut self, rows: &[(u8, u32)]) -> Result<()> {
        let text = rows.iter().map(|(split, shard)| format!("{split}-{shard}"));
        let batch = RecordBatch::try_from_iter([
            ("x", Arc::new(StringArray::from_iter_values(text)) as _),
            ("split", Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.0))) as _),
            ("shard", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.1))) as _),
        ]);
        self.writer.write(&batch.unwrap()).await
    }
}

fn facts(records: &[ShardRecord]) -> Vec<(&str, u64)> {
    records.iter().map(|record| (record.path.as_str(), record.rows)).collect()
}

const SHARDED: Layout = Layout::Sharded { shards: 2, ordered: false, shuffled: false };

#[tokio::test]
async fn every_row_goes_to_its_shard() {
    let mut bench = Bench::new(SHARDED);
    bench.write(&[(1, 1), (0, 0), (1, 1), (0, 1)]).await.unwrap();
    bench.write(&[(0, 1), (0, 1)]).await.unwrap();
    let expected = [
        ("test/part-00001-of-00002.csv", 2),
        ("train/part-00000-of-00002.csv", 1),
        ("train/part-00001-of-00002.csv", 3),
    ];
    assert_eq!(facts(&bench.writer.finish().await.unwrap()), expected);
}

#[tokio::test]
async fn rows_are_dealt_out_in_turn_and_a_split_is_finished_when_the_next_begins() {
    let mut bench = Bench::new(Layout::Sharded { shards: 2, ordered: false, shuffled: true });
    bench.write(&[(0, 1), (0, 1), (0, 1)]).await.unwrap();
    bench.write(&[(0, 1), (1, 1)]).await.unwrap();
    bench.write(&[(1, 1)]).await.unwrap();
    assert_eq!(bench.writer.open.keys().collect::<Vec<_>>(), [&(1, 0), &(1, 1)]);
    let expected = [
        ("test/part-00000-of-00002.csv", 1),
        ("test/part-00001-of-00002.csv", 1),
        ("train/part-00000-of-00002.csv", 2),
        ("train/part-00001-of-00002.csv", 2),
    ];
    assert_eq!(facts(&bench.writer.finish().await.unwrap()), expected);
}

#[tokio::test]
async fn a_row_for_a_shard_that_is_not_there_is_refused() {
    for row in [(2, 0), (0, 2), (0, u32::MAX)] {
        let error = Bench::new(SHARDED).write(&[(0, 0), row]).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{row:?}: {error}");
    }
}

#[tokio::test]
async fn what_open_shards_hold_is_reserved_until_they_are_finished() {
    let mut bench = Bench::new(SHARDED);
    bench.write(&[(0, 0), (0, 1)]).await.unwrap();
    assert_eq!(bench.pool.reserved(), "0-0\n0-1\n".len(), "more than the pool has is no failure");
    bench.write(&[(0, 0)]).await.unwrap();
    assert_eq!(bench.pool.reserved(), "0-0\n0-1\n0-0\n".len());
    bench.writer.finish().await.unwrap();
    assert_eq!(bench.pool.reserved(), 0);
}

#[tokio::test]
async fn full_shards_roll_and_come_back_in_order() {
    let mut bench = Bench::new(Layout::Rolling { target_bytes: 1 });
    for _ in 0..5 {
        bench.write(&[(0, 0), (1, 0)]).await.unwrap();
    }
    let records = bench.writer.finish().await.unwrap();
    let path = |split, roll| format!("{split}/part-00007-{roll:05}.csv");
    let expected: Vec<String> =
        ["test", "train"].iter().flat_map(|split| (0..5).map(move |roll| path(split, roll))).collect();
    assert_eq!(records.iter().map(|record| &record.path).collect::<Vec<_>>(), Vec::from_iter(&expected));
}

#[tokio::test]
async fn shards_that_are_being_finished_are_given_up_with_their_task() {
    let mut bench = Bench::new(Layout::Rolling { target_bytes: 1 });
    bench.write(&[(0, 0), (1, 0)]).await.unwrap();
    let Bench { _folder, store, pool, writer } = bench;
    drop(writer);
    store.discard_job("j", &["train".to_owned(), "test".to_owned()]).await.unwrap();
    while pool.reserved() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.first_entry().await.unwrap(), None);
}
