//! The README's first command, and what can be asked about its training set.

use crate::program;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::process::{Finished, Program};
use tests::s3::Server;
use tests::training_set::OnDisk;

const LIMIT: Duration = Duration::from_secs(180);
/// Rows of `lineitem` at the demo's scale factor.
const ROWS: u64 = 60_175;

/// A demo in a folder of its own.
fn demo() -> (Program, PathBuf, Finished) {
    let program = program();
    let finished = program.run(&["demo", "--dir", "it"], LIMIT);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let set = program.folder().join("it/late_delivery");
    (program, set, finished)
}

/// The numbers of `12,345 train + 6,789 test = 19,134 rows`.
fn numbers(line: &str) -> Vec<u64> {
    let words = line.split_whitespace().map(|word| word.replace(',', ""));
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn the_demo_says_how_many_rows_each_split_has_and_they_add_up() {
    let (_program, set, finished) = demo();
    let sum = finished
        .stdout
        .lines()
        .find(|line| line.contains(" = "))
        .unwrap_or_else(|| panic!("{}", finished.stdout));
    let numbers = numbers(sum);
    assert_eq!(numbers.len(), 4, "{sum}");
    assert_eq!((numbers[..3].iter().sum::<u64>(), numbers[3]), (ROWS, ROWS), "{sum}");
    let set = OnDisk::open(&set);
    let rows: Vec<u64> = set.manifest.splits.iter().map(|split| split.rows).collect();
    assert_eq!(rows, numbers[..3]);
    assert_eq!(set.splits(), ["train", "validation", "test"]);
    // The label is first and is 0 or 1; nothing is missing, as XGBoost would take it for missing without a word.
    let labels = set.csv_rows("train").into_iter().map(|row| row[0].clone().unwrap());
    assert!(labels.clone().all(|label| label == "0" || label == "1"));
    assert!(labels.filter(|label| label == "1").count() > 1_000);
}

#[test]
fn the_training_set_of_the_demo_verifies_until_a_byte_is_changed() {
    let (program, set, _) = demo();
    let location = set.to_str().unwrap();
    let verified = program.run(&["training-set", "verify", location], LIMIT);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    let shard = OnDisk::open(&set).files("validation").remove(0);
    change_a_byte(&shard);
    let failed = program.run(&["training-set", "verify", location], LIMIT);
    assert_eq!(failed.code, Some(1));
    let name = shard.file_name().unwrap().to_str().unwrap();
    for part in ["error[GM0015]", "validation/", name, "hint: "] {
        assert!(failed.stderr.contains(part), "does not say {part}\n{}", failed.stderr);
    }
}

fn change_a_byte(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn channels_and_description_come_from_the_manifest_alone() {
    let (program, set, _) = demo();
    let location = set.to_str().unwrap();
    OnDisk::open(&set).files("train").iter().for_each(|shard| std::fs::remove_file(shard).unwrap());
    let channels = program.run(&["training-set", "channels", location], LIMIT);
    assert_eq!(channels.code, Some(0), "{}", channels.stderr);
    let channels: serde_json::Value = serde_json::from_str(&channels.stdout).unwrap();
    let names: Vec<&str> =
        channels.as_array().unwrap().iter().filter_map(|it| it["ChannelName"].as_str()).collect();
    assert_eq!(names, ["train", "validation", "test"]);
    assert!(channels.to_string().contains("text/csv;label_size=1"), "{channels}");
    let shown = program.run(&["training-set", "show", location], LIMIT);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    for part in ["late_delivery", "l_orderkey", "42", "CREATE TRAINING SET"] {
        assert!(shown.stdout.contains(part), "does not say {part}\n{}", shown.stdout);
    }
}

#[test]
fn a_place_without_a_training_set_is_exit_code_1() {
    let program = program();
    for command in ["show", "verify", "channels"] {
        let finished = program.run(&["training-set", command, "/no/such/place"], LIMIT);
        assert_eq!(finished.code, Some(1));
        assert!(finished.stderr.contains("error[GM0014]"), "{}", finished.stderr);
        assert!(finished.stderr.contains("/no/such/place"), "{}", finished.stderr);
    }
}

#[test]
fn tpch_data_goes_to_s3_and_is_read_from_there() {
    let server = Server::start();
    let bucket = server.bucket("tpch");
    let program = server.settings().into_iter().fold(program(), |program, (key, value)| {
        program.with(&format!("GRISTMILL_{}", key.replace('.', "__").to_uppercase()), value)
    });
    let made = ["tpch", "--scale", "0.001", "--tables", "orders,nation", "--output", "s3://tpch/sf"];
    assert_eq!(program.run(&made, LIMIT).code, Some(0));
    assert_eq!(tests::paths::files_below(&bucket), ["sf/nation.parquet", "sf/orders.parquet"]);
    let script = "CREATE EXTERNAL TABLE orders STORED AS PARQUET LOCATION 's3://tpch/sf/orders.parquet';
                  SELECT count(*) AS n FROM orders";
    let counted = program.run(&["run", "-q", "--format", "csv", "-c", script], LIMIT);
    assert_eq!((counted.code, counted.stdout.as_str()), (Some(0), "n\n1500\n"), "{}", counted.stderr);
    assert_eq!(server.open_uploads(), Vec::<String>::new());
}
