//! The hash that decides a row's split, next to the one of DataFusion's hash tables, which promises less.

use super::{KernelResult, Sample, Timed};
use crate::table::{Table, ratio};
use arrow::array::RecordBatch;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use gristmill_engine::Result;
use gristmill_udfs::hash::{HashDomain, hash_rows_into};
use gristmill_udfs::split::Fractions;
use std::hint::black_box;

const SEED: u64 = 42;

/// What is hashed, under a name.
const KEYS: [(&str, &[&str]); 6] = [
    ("int64", &["l_orderkey"]),
    ("decimal", &["l_extendedprice"]),
    ("date", &["l_shipdate"]),
    ("short text", &["l_shipmode"]),
    ("comments", &["l_comment"]),
    ("whole rows", &[]),
];

/// Every key by both, and the step from a hash to a split.
pub(super) fn measure(sample: &Sample) -> Result<Vec<KernelResult>> {
    let mut results = Vec::new();
    let mut hashes = Vec::new();
    for (columns, names) in KEYS {
        let batches = sample.project(names)?;
        let by = vec![
            sample.time("gristmill", || hash(&batches, &mut hashes))?,
            sample.time("DataFusion", || hash_with_datafusion(&batches, &mut hashes))?,
        ];
        results.push(KernelResult {
            kernel: "hash",
            columns,
            rows: sample.rows,
            values: sample.values(names),
            by,
        });
    }
    results.push(assign_splits(sample)?);
    Ok(results)
}

fn hash(batches: &[RecordBatch], hashes: &mut Vec<u64>) -> Result<u64> {
    for batch in batches {
        hash_rows_into(SEED, HashDomain::Split, batch.columns(), hashes).map_err(super::broken)?;
        black_box(&*hashes);
    }
    Ok(0)
}

fn hash_with_datafusion(batches: &[RecordBatch], hashes: &mut Vec<u64>) -> Result<u64> {
    let state = RandomState::with_seed(SEED);
    for batch in batches {
        hashes.clear();
        hashes.resize(batch.num_rows(), 0);
        black_box(create_hashes(batch.columns(), &state, hashes)?);
    }
    Ok(0)
}

fn assign_splits(sample: &Sample) -> Result<KernelResult> {
    let fractions = Fractions::new(vec![0.8, 0.1, 0.1]).map_err(super::broken)?;
    // Any hashes do: the step takes the same time for each.
    let hashes: Vec<u64> = (0..sample.rows).map(|row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let mut splits = vec![0_u8; hashes.len()];
    let timed = sample.time("gristmill", || {
        for (split, hash) in splits.iter_mut().zip(&hashes) {
            *split = fractions.assign(*hash);
        }
        black_box(&splits);
        Ok(0)
    })?;
    Ok(KernelResult {
        kernel: "assign",
        columns: "hash to split",
        rows: sample.rows,
        values: sample.rows,
        by: vec![timed],
    })
}

/// A row per key and implementation.
pub(super) fn table(results: &[KernelResult]) -> Table {
    let mut table =
        Table::new("hashing rows, per core", ["key", "by", "ns/value", "(min)", "ns/row", "gristmill to it"]);
    for result in results {
        let own = result.by.first().map_or(f64::NAN, Timed::median);
        for (index, timed) in result.by.iter().enumerate() {
            let ([ns, ns_min], [ns_per_row, _]) = (timed.ns(result.values), timed.ns(result.rows));
            table.push(vec![
                result.columns.to_owned(),
                timed.by.to_owned(),
                ns,
                ns_min,
                ns_per_row,
                if index == 0 { String::new() } else { ratio(own, timed.median()) },
            ]);
        }
    }
    table
}
