//! Laws of a training set: what must hold for any rows, on any engine, however the work is divided.
//!
//! Each case is a small random table with nulls, duplicates, special floats and odd texts. It is written as Parquet
//! twice, in one file and in several with the rows in another order, and made into training sets in several ways.

mod sample;

use crate::engines::Engine;
use crate::training_set::OnDisk;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use sample::{Cell, Key, Row, Sample, samples};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::runtime::Runtime;

/// The same cases on every run: a law that breaks now and then would tell nobody anything.
const SEED: u64 = 0x6772_6973_746d_696c;
/// A failing case is made smaller for at most so long.
const SHRINK_LIMIT_MS: u32 = 60_000;

/// How a training set is made: none of this may make a difference to what is in it.
#[derive(Debug)]
pub struct Way<'a> {
    /// Where.
    pub engine: &'a Engine,
    /// `datafusion.execution.target_partitions`.
    pub partitions: usize,
    /// `datafusion.execution.batch_size`.
    pub batch_size: usize,
    /// Whether the table is in several files, in another order.
    pub scattered: bool,
}

/// Splits that look at more than the row, samples and copies; with the rows they are of.
const OTHER_SPLITS: [(&str, &str); 6] = [
    ("SPLIT (a 0.5, b 0.3, c 0.2) BY TIME (t)", "t IS NOT NULL"),
    ("SPLIT (a 0.5, b 0.3, c 0.2) BY TIME (t) GAP INTERVAL '1 day' SHUFFLE", "t IS NOT NULL"),
    ("SPLIT (a 0.5, b 0.3, c 0.2) STRATIFIED ON (k)", "true"),
    ("SPLIT (fold 3) STRATIFIED ON (x, s) SAMPLE 0.7 SHUFFLE", "true"),
    ("SAMPLE 0.6", "true"),
    (
        "LABEL k SPLIT (train 0.7, test 0.3) SHUFFLE OPTIONS ('oversample' '1=2.5, 2=1.5', 'undersample' '3=0.5')",
        "true",
    ),
];

/// Shards that must be equal to one row, with the rows they are of. The first are so because the tables are small.
const BALANCED: [(&str, &str); 4] = [
    ("SPLIT (a 0.5, b 0.3, c 0.2) SHUFFLE OPTIONS ('shards' '4')", "true"),
    (
        "SPLIT (a 0.5, b 0.3, c 0.2) BY TIME (t) SHUFFLE OPTIONS ('shards' '4', 'balance' 'exact')",
        "t IS NOT NULL",
    ),
    ("SPLIT (fold 2) STRATIFIED ON (k) SAMPLE 0.7 SHUFFLE OPTIONS ('shards' '3', 'balance' 'exact')", "true"),
    (
        "LABEL k SPLIT (train 0.7, test 0.3) BY KEY (s) SHUFFLE
         OPTIONS ('shards' '7', 'balance' 'exact', 'oversample' '1=2.5, 2=1.5', 'undersample' '3=0.5')",
        "true",
    ),
];

/// For each row, how often it is in each split.
type Placement = BTreeMap<Row, BTreeMap<String, usize>>;

/// Checks all laws on `cases` random tables.
///
/// # Panics
/// One is broken; the message has the smallest table found that breaks it.
pub fn check(runtime: &Runtime, cases: u32, ways: &[Way<'_>]) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_time: SHRINK_LIMIT_MS,
        rng_seed: RngSeed::Fixed(SEED),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&samples(), |sample| {
        runtime.block_on(check_sample(&sample, ways));
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, sample)) => panic!("seed {SEED:#x}: {reason}\nfor {sample:#?}"),
        Err(TestError::Abort(reason)) => panic!("seed {SEED:#x}: {reason}"),
    }
}

async fn check_sample(sample: &Sample, ways: &[Way<'_>]) {
    let folder = tempfile::tempdir().expect("a folder");
    sample.write(folder.path());
    let mut plain = Vec::new();
    let mut others: [Vec<Placement>; OTHER_SPLITS.len()] = Default::default();
    let (mut shuffled, mut statistics) = (BTreeSet::new(), BTreeSet::new());
    let mut parquet = BTreeSet::new();
    let mut balanced: [BTreeSet<Vec<(String, u64, String)>>; BALANCED.len()] = Default::default();
    for (number, way) in ways.iter().enumerate() {
        prepare(way, folder.path()).await;
        let out = |name: &str| folder.path().join(format!("{name}-{number}"));
        let seed = format!("OPTIONS ('seed' '{}')", sample.seed);
        let set = create(way, sample, &out("plain"), "CSV", &seed).await;
        let placement = csv_placement(&set, sample);
        check_rows(&placement, sample);
        check_keys(&placement, sample);

        let shuffle = format!("SHUFFLE SEED {} OPTIONS ('shards' '3')", sample.seed);
        let set = create(way, sample, &out("shuffled"), "CSV", &shuffle).await;
        assert_eq!(csv_placement(&set, sample), placement, "a shuffle changed the splits");
        shuffled.insert(set.shards());
        statistics.insert(set.statistics());

        let set = create(way, sample, &out("parquet"), "PARQUET", &shuffle).await;
        assert_eq!(parquet_placement(&set), placement, "a format changed the splits");
        parquet.insert(set.shards());
        plain.push(placement);
        for (split, placements) in others.iter_mut().enumerate() {
            let out = out(&format!("other-{split}"));
            placements.push(parquet_placement(&create_other(way, OTHER_SPLITS[split], &out).await));
        }
        for (number, shards) in balanced.iter_mut().enumerate() {
            let set = create_other(way, BALANCED[number], &out(&format!("balanced-{number}"))).await;
            check_sizes(&set);
            shards.insert(set.shards());
        }
    }
    check_times(&others[0][0]);
    check_classes(&others[2][0]);
    for ((clauses, _), placements) in OTHER_SPLITS.iter().zip(&others) {
        assert!(placements.windows(2).all(|pair| pair[0] == pair[1]), "the way changed {clauses}");
    }
    assert!(plain.windows(2).all(|pair| pair[0] == pair[1]), "the way changed the splits");
    for ((clauses, _), shards) in BALANCED.iter().zip(&balanced) {
        assert_eq!(shards.len(), 1, "the way changed the bytes of {clauses}: {shards:#?}");
    }
    assert_eq!(shuffled.len(), 1, "the way changed the bytes of CSV: {shuffled:#?}");
    assert_eq!(statistics.len(), 1, "the way changed statistics: {statistics:#?}");
    assert_eq!(parquet.len(), 1, "the way changed the bytes of Parquet: {parquet:#?}");
}

async fn prepare(way: &Way<'_>, folder: &Path) {
    let table = folder.join(if way.scattered { "scattered" } else { "whole" });
    let script = format!(
        "SET datafusion.execution.target_partitions = {};
         SET datafusion.execution.batch_size = {};
         CREATE OR REPLACE EXTERNAL TABLE sample STORED AS PARQUET LOCATION '{}/'",
        way.partitions,
        way.batch_size,
        table.display()
    );
    way.engine.script(&script).await;
}

async fn create(way: &Way<'_>, sample: &Sample, out: &Path, format: &str, clauses: &str) -> OnDisk {
    let by = match sample.key {
        Key::WholeRow => String::new(),
        key => format!("BY KEY ({})", key.columns().join(", ")),
    };
    let sql = format!(
        "CREATE TRAINING SET sample LOCATION '{}' STORED AS {format} LABEL m
         SPLIT (train 0.6, validation 0.25, test 0.15) {by} {clauses} AS SELECT {} FROM sample",
        out.display(),
        sample.columns().join(", ")
    );
    way.engine.script(&sql).await;
    OnDisk::open(out)
}

async fn create_other(way: &Way<'_>, (clauses, filter): (&str, &str), out: &Path) -> OnDisk {
    let sql = format!(
        "CREATE TRAINING SET sample LOCATION '{}' STORED AS PARQUET {clauses} AS SELECT k, x, s, m, t FROM sample
         WHERE {filter}",
        out.display(),
    );
    way.engine.script(&sql).await;
    OnDisk::open(out)
}

/// Positions of columns in the rows of [`OTHER_SPLITS`].
const CLASS: usize = 0;
const TIME: usize = 4;

/// The first of [`OTHER_SPLITS`]: the rows before a cut are the oldest, and the cut is the time of the row that has the
/// fraction's rows before it.
fn check_times(placement: &Placement) {
    let counts = placement.iter().flat_map(|(row, splits)| {
        splits.iter().flat_map(|(split, count)| std::iter::repeat_n((&row[TIME], split), *count))
    });
    let mut rows: Vec<_> = counts.collect();
    rows.sort();
    let cut =
        |fraction: f64| rows.get((fraction * rows.len() as f64).round() as usize).map(|(time, _)| *time);
    let cuts = [cut(0.5), cut(0.8)];
    for (time, split) in &rows {
        let reached = cuts.iter().filter(|cut| cut.is_some_and(|cut| *time >= cut)).count();
        assert_eq!(split.as_str(), ["a", "b", "c"][reached], "{time:?} of {rows:?}");
    }
}

/// The third of [`OTHER_SPLITS`]: each class is within one row of each fraction.
fn check_classes(placement: &Placement) {
    let mut classes: BTreeMap<&Cell, BTreeMap<&str, usize>> = BTreeMap::new();
    for (row, splits) in placement {
        for (split, count) in splits {
            *classes.entry(&row[CLASS]).or_default().entry(split).or_default() += count;
        }
    }
    for (class, splits) in classes {
        let rows = splits.values().sum::<usize>() as f64;
        for (split, fraction) in [("a", 0.5), ("b", 0.3), ("c", 0.2)] {
            let found = splits.get(split).copied().unwrap_or_default() as f64;
            assert!((found - fraction * rows).abs() < 1.0, "{class:?}: {found} of {rows} rows in {split}");
        }
    }
}

fn csv_placement(set: &OnDisk, sample: &Sample) -> Placement {
    // The label comes first.
    let columns = sample.columns_label_first();
    let mut placement = Placement::new();
    for split in set.splits() {
        for fields in set.csv_rows(&split) {
            assert_eq!(fields.len(), columns.len(), "{fields:?}");
            let cells = fields.into_iter().zip(&columns).map(|(field, column)| Cell::from_csv(field, column));
            add(&mut placement, cells.collect(), &split);
        }
    }
    placement
}

fn parquet_placement(set: &OnDisk) -> Placement {
    let mut placement = Placement::new();
    for split in set.splits() {
        for file in set.files(&split) {
            sample::read(&file).into_iter().for_each(|row| add(&mut placement, row, &split));
        }
    }
    placement
}

fn add(placement: &mut Placement, row: Row, split: &str) {
    *placement.entry(row).or_default().entry(split.to_owned()).or_default() += 1;
}

/// Disjoint and exhaustive: every row is there as often as in the table, with the values it has there.
fn check_rows(placement: &Placement, sample: &Sample) {
    let mut expected: BTreeMap<Row, usize> = BTreeMap::new();
    sample.rows_label_first().into_iter().for_each(|row| *expected.entry(row).or_default() += 1);
    let found: BTreeMap<Row, usize> =
        placement.iter().map(|(row, splits)| (row.clone(), splits.values().sum())).collect();
    assert_eq!(found, expected, "rows were lost, doubled or changed");
}

/// The shards of a split differ by one row at most, those that are not there for want of rows included.
fn check_sizes(set: &OnDisk) {
    let shards = set.manifest.placement.shards.expect("a number of shards") as usize;
    for split in set.splits() {
        let own = set.manifest.shards.iter().filter(|shard| shard.split == split);
        let mut sizes: Vec<u64> = own.map(|shard| shard.rows).collect();
        assert!(sizes.len() <= shards, "{split}: {sizes:?}");
        sizes.resize(shards, 0);
        let (smallest, largest) =
            (sizes.iter().min().expect("a shard"), sizes.iter().max().expect("a shard"));
        assert!(largest - smallest <= 1, "{split}: {sizes:?}");
    }
}

/// A key is in one split.
fn check_keys(placement: &Placement, sample: &Sample) {
    let mut splits_of: BTreeMap<Row, BTreeSet<&String>> = BTreeMap::new();
    for (row, splits) in placement {
        splits_of.entry(sample.key_of(row)).or_default().extend(splits.keys());
    }
    let straddling = splits_of.iter().find(|(_, splits)| splits.len() > 1);
    assert!(straddling.is_none(), "a key is in two splits: {straddling:?}");
}
