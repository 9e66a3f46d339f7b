//! What a training set is made of on disk, and what it took to make it: names and sizes of shards, the plan, what was
//! read, what is dropped.

use crate::data;
use crate::engines::Engine;
use crate::training_set::OnDisk;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use tempfile::TempDir;

/// Rows of `lineitem` at scale factor 0.01.
const ROWS: u64 = 60_175;
const THREE_SPLITS: &str = "SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (l_orderkey)";

/// A session that knows `lineitem`, and a folder for training sets.
#[derive(Debug)]
struct Bench<'a> {
    engine: &'a Engine,
    folder: TempDir,
}

impl<'a> Bench<'a> {
    async fn new(engine: &'a Engine) -> Self {
        engine.parquet("lineitem", &data::tpch_small().await.join("lineitem.parquet")).await;
        Self { engine, folder: tempfile::tempdir().expect("a folder") }
    }

    /// A training set of all of `lineitem`, in a folder of that name.
    async fn create(&self, name: &str, clauses: &str) -> OnDisk {
        let set = self.create_of(name, clauses, "SELECT * FROM lineitem").await;
        assert_eq!(set.row_count(), ROWS);
        set
    }

    async fn create_of(&self, name: &str, clauses: &str, query: &str) -> OnDisk {
        let out = self.folder.path().join(name);
        let sql = format!("CREATE TRAINING SET {name} LOCATION '{}' {clauses} AS {query}", out.display());
        self.engine.script(&sql).await;
        OnDisk::open(&out)
    }
}

/// A fixed number of shards is in their names, with as many digits as make them sort.
pub async fn check_shard_names(engine: &Engine) {
    let bench = Bench::new(engine).await;
    let names = |set: &OnDisk| set.shards().into_iter().map(|(path, ..)| path).collect::<Vec<_>>();
    let parquet = bench.create("parquet", "STORED AS PARQUET OPTIONS ('shards' '2')").await;
    assert_eq!(names(&parquet), ["train/part-00000-of-00002.parquet", "train/part-00001-of-00002.parquet"]);
    let csv = bench.create("csv", &format!("STORED AS CSV {THREE_SPLITS} OPTIONS ('shards' '16')")).await;
    let names = names(&csv);
    assert_eq!(names.len(), 3 * 16);
    for split in ["train", "validation", "test"] {
        for name in ["part-00000-of-00016.csv", "part-00009-of-00016.csv", "part-00015-of-00016.csv"] {
            assert!(names.contains(&format!("{split}/{name}")), "no {split}/{name} in {names:?}");
        }
    }
}

/// The target of shards that roll.
const TARGET_BYTES: u64 = 200_000;
/// 256 lines of `lineitem`, none of which is longer than 200 bytes.
const BATCH_BYTES: u64 = 256 * 200;

/// Without a number of shards, a partition's next shard begins when the one before has reached the target.
pub async fn check_rolling_shards(engine: &Engine) {
    let bench = Bench::new(engine).await;
    let settings =
        "SET datafusion.execution.batch_size = 256; SET datafusion.execution.target_partitions = 2";
    engine.script(settings).await;
    let split = "SPLIT (train 0.7, test 0.3) BY KEY (l_orderkey)";
    let clauses = format!("STORED AS CSV {split} OPTIONS ('target_shard_bytes' '{TARGET_BYTES}')");
    let set = bench.create("rolling", &clauses).await;
    let mut partitions: BTreeMap<(&str, u32), Vec<(u32, u64)>> = BTreeMap::new();
    for shard in &set.manifest.shards {
        let (partition, roll) = rolling_name(&shard.path, &shard.split);
        partitions.entry((&shard.split, partition)).or_default().push((roll, shard.bytes));
    }
    partitions.values().for_each(|shards| check_rolls(shards));
}

/// Numbered from 0, all near the target but the last one, which may be smaller.
fn check_rolls(shards: &[(u32, u64)]) {
    let (last, before) = shards.split_last().expect("a shard");
    assert!(!before.is_empty(), "never rolled: {last:?}");
    assert!((0..).zip(shards).all(|(number, (roll, _))| number == *roll), "{shards:?}");
    let near = TARGET_BYTES..TARGET_BYTES + BATCH_BYTES;
    assert!(before.iter().all(|(_, bytes)| near.contains(bytes)) && last.1 < near.end, "{shards:?}");
}

/// Partition and roll of `train/part-00003-00001.csv`.
fn rolling_name(path: &str, split: &str) -> (u32, u32) {
    let name = path.strip_prefix(split).and_then(|name| name.strip_prefix("/part-"));
    let numbers = name.and_then(|name| name.strip_suffix(".csv")).and_then(|name| name.split_once('-'));
    let number = |text: &str| (text.len() == 5).then(|| text.parse().ok()).flatten();
    let parsed = numbers.and_then(|(partition, roll)| number(partition).zip(number(roll)));
    parsed.unwrap_or_else(|| panic!("not a name of a rolling shard: {path}"))
}

/// However many splits and tasks there are, every column chunk that the query needs is read once, and no other.
pub async fn check_one_read(engine: &Engine) {
    let bench = Bench::new(engine).await;
    let input = bench.folder.path().join("pieces.parquet");
    let copy =
        format!("COPY lineitem TO '{}' STORED AS PARQUET OPTIONS ('row_group_rows' '8000')", input.display());
    // Else a file of this size is not divided among tasks.
    engine.script(&format!("{copy}; SET datafusion.optimizer.repartition_file_min_size = 1")).await;
    engine.parquet("pieces", &input).await;
    let (chunks, expected_bytes) = column_chunks(&input, &["l_orderkey", "l_quantity", "l_comment"]);
    assert_eq!(chunks, 3 * 8, "60,175 rows by 8,000");
    let clauses = ["", "OPTIONS ('shards' '4')", "SHUFFLE SEED 1 OPTIONS ('shards' '4')"];
    for (number, rest) in clauses.into_iter().enumerate() {
        let clauses = format!("STORED AS CSV {THREE_SPLITS} {rest}");
        let query = "SELECT l_orderkey, l_quantity, l_comment FROM pieces";
        let inputs = bench.create_of(&format!("read_{number}"), &clauses, query).await.manifest.inputs;
        assert_eq!((inputs.scanned_bytes, inputs.scanned_rows), (expected_bytes, ROWS), "{clauses}");
        let length = input.metadata().expect("a file").len();
        assert_eq!((inputs.files, inputs.total_bytes), (1, length), "{clauses}");
    }
}

/// How many column chunks of `columns` a Parquet file has, and their bytes, by its footer.
fn column_chunks(file: &Path, columns: &[&str]) -> (usize, u64) {
    let reader = SerializedFileReader::new(File::open(file).expect("a file")).expect("Parquet");
    let chunks = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    let chunks = chunks.filter(|chunk| columns.contains(&chunk.column_path().string().as_str()));
    let sizes = chunks.map(|chunk| u64::try_from(chunk.compressed_size()).expect("a size"));
    sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
}

/// What a plan does, counted.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    reads: usize,
    exchanges: usize,
    sorts: usize,
}

/// Rows go to their splits in one pass over the table: an exchange is there only where `SHUFFLE` or `'shards'` asks for
/// one, and a sort only for `SHUFFLE` or for more shards than a task may write at a time.
pub async fn check_plans(engine: &Engine) {
    // A file that is large enough to be read by two tasks.
    engine.parquet("lineitem", &data::tpch_large().await.join("lineitem.parquet")).await;
    engine.script("SET datafusion.execution.target_partitions = 2").await;
    let check = async |clauses: &str, exchanges, sorts| {
        let plan = plan(engine, &format!("{THREE_SPLITS} {clauses}")).await;
        assert_eq!(plan, Plan { reads: 1, exchanges, sorts }, "{clauses}");
    };
    check("", 0, 0).await;
    check("OPTIONS ('shards' '2')", 1, 0).await;
    check("OPTIONS ('shards' '10', 'balance' 'hash')", 1, 0).await;
    check("OPTIONS ('shards' '11', 'balance' 'hash')", 1, 1).await;
    check("SHUFFLE SEED 1 OPTIONS ('shards' '2')", 1, 1).await;
    // Of 600,572 rows a tenth in ten shards is so few that they are ranked.
    check("SHUFFLE SEED 1 OPTIONS ('shards' '10')", 1, 1).await;
    check("OPTIONS ('shards' '10')", 1, 1).await;
}

async fn plan(engine: &Engine, clauses: &str) -> Plan {
    let sql = format!(
        "EXPLAIN CREATE TRAINING SET s LOCATION '/nowhere' STORED AS CSV {clauses} AS SELECT * FROM lineitem"
    );
    let rows = engine.script(&sql).await.rows();
    let physical = rows.iter().find(|row| row[0] == "physical_plan").expect("a physical plan");
    let nodes = || physical[1].lines().filter_map(|line| line.split_whitespace().next());
    let count = |names: &[&str]| nodes().filter(|node| names.contains(&node.trim_end_matches(':'))).count();
    Plan {
        reads: count(&["DataSourceExec"]),
        exchanges: count(&["RepartitionExec", "CoalescePartitionsExec", "SortPreservingMergeExec"]),
        sorts: count(&["SortExec"]),
    }
}

/// `DROP` removes what the manifest lists and nothing else.
pub async fn check_drop(engine: &Engine) {
    let bench = Bench::new(engine).await;
    bench.create("dropped", &format!("STORED AS CSV {THREE_SPLITS}")).await;
    let out = bench.folder.path().join("dropped");
    let foreign = ["_gristmill/notes.txt", "model.bin", "train/part-99999-99999.csv"];
    for path in foreign {
        std::fs::write(out.join(path), "mine").expect("a file");
    }
    engine.script("DROP TRAINING SET dropped").await;
    assert_eq!(crate::paths::files_below(&out), foreign);
}
