use super::{are_apart, complaints};
use gristmill_proto::manifest::{Balance, Distribution, Manifest, Training};
use serde_json::json;

/// A training set of four shards in each split, with so many rows in those that are there.
fn manifest(balance: Option<Balance>, splits: &[(&str, &[u64])]) -> Manifest {
    let shards: Vec<_> = splits
        .iter()
        .flat_map(|(split, sizes)| sizes.iter().enumerate().map(move |(number, rows)| (split, number, rows)))
        .map(|(split, number, rows)| {
            json!({ "path": format!("{split}/part-{number}"), "split": split, "rows": rows, "bytes": 1,
                    "raw_bytes": 1, "sha256": "" })
        })
        .collect();
    let splits: Vec<_> = splits
        .iter()
        .map(|(name, sizes)| {
            json!({ "name": name, "fraction": null, "shards": sizes.len(), "rows": sizes.iter().sum::<u64>(),
                    "bytes": 1 })
        })
        .collect();
    let placement = json!({ "hash": "h", "seed": 0, "split": { "by": "row" }, "sample": null, "undersample": {},
        "oversample": {}, "shuffled": false, "shards": balance.map(|_| 4), "balance": balance });
    serde_json::from_value(json!({
        "format_version": 1, "created_by": "", "job": "", "name": "", "statement": "", "labels": [], "schema": [],
        "format": { "name": "CSV", "content_type": "", "options": {} }, "placement": placement, "splits": splits,
        "inputs": { "files": 0, "total_bytes": 0, "scanned_bytes": 0, "scanned_rows": 0 }, "shards": shards
    }))
    .unwrap()
}

#[test]
fn there_is_one_sentence_for_each_split_that_needs_one() {
    let splits: &[(&str, &[u64])] =
        &[("even", &[100, 100, 95, 96]), ("odd", &[100, 94, 99, 99]), ("gaps", &[5, 1, 1]), ("few", &[1, 1])];
    assert_eq!(
        complaints(&manifest(Some(Balance::Hash), splits)),
        [
            "the 4 shards of split odd have 94 to 100 rows, more than 5 % apart: OPTIONS ('balance' 'exact') makes them \
             equal to one row",
            "split gaps has 7 rows, and only 3 of its 4 shards have any: OPTIONS ('balance' 'exact') makes them equal to \
             one row",
            "split few has 2 rows, fewer than its 4 shards: 2 of them have a row, the others are not there",
        ]
    );
}

#[test]
fn shards_that_differ_by_a_row_are_as_they_should_be() {
    let exact: &[(&str, &[u64])] = &[("train", &[2, 1, 2, 1])];
    assert_eq!(complaints(&manifest(Some(Balance::Exact), exact)), Vec::<String>::new());
    let empty: &[(&str, &[u64])] = &[("train", &[])];
    assert_eq!(complaints(&manifest(Some(Balance::Exact), empty)), ["split train has no rows"]);
}

#[test]
fn shards_that_rolled_are_told_in_one_sentence() {
    let rolled: &[(&str, &[u64])] =
        &[("train", &[100, 3]), ("test", &[]), ("extra", &[7, 4]), ("even", &[2, 2])];
    let expected = [
        "split test has no rows",
        "shards of train, extra are more than 5 % apart, as each task wrote its own: OPTIONS ('shards' 'n') makes n equal \
         ones",
    ];
    assert_eq!(complaints(&manifest(None, rolled)), expected);
    // Nobody trains on a copy.
    assert_eq!(complaints(&manifest(None, &[("", &[100, 3])])), Vec::<String>::new());
}

#[test]
fn five_percent_are_of_the_larger_shard() {
    assert!(!are_apart(95, 100) && are_apart(94, 100));
    assert!(!are_apart(1, 2) && are_apart(1, 3) && !are_apart(7, 7));
}

#[test]
fn instances_without_a_shard_to_train_on_are_named() {
    let told = |shards: usize, instances: u32, distribution| {
        let mut manifest = manifest(None, &[("train", &vec![5; shards]), ("validation", &[1])]);
        manifest.training = Training { instances, distribution, ..Training::default() };
        complaints(&manifest)
    };
    let expected = "split train has 3 shards with rows for 4 instances, 1 of which have nothing to train on: make \
                    'instances' smaller";
    assert_eq!(told(3, 4, Distribution::ShardedByS3Key), [expected]);
    assert_eq!(told(4, 4, Distribution::ShardedByS3Key), Vec::<String>::new());
    assert_eq!(told(3, 4, Distribution::FullyReplicated), Vec::<String>::new());
}
