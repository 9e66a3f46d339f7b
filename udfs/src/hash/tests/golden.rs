//! Every hash that `tests/golden_hash.py` computed from its own reading of the specification.

use std::collections::BTreeMap;

use super::super::*;
use super::golden_cases::{cases, order_cases};

const GOLDEN: &str = include_str!("../../../tests/golden_hash.tsv");

fn golden() -> impl Iterator<Item = (&'static str, HashDomain, u64, u64)> {
    GOLDEN.lines().filter_map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        let ["hash", case, domain, seed, hash] = fields.as_slice() else { return None };
        let domain = match *domain {
            "split" => HashDomain::Split,
            "order_high" => HashDomain::OrderHigh,
            "order_low" => HashDomain::OrderLow,
            "sample" => HashDomain::Sample,
            "balance" => HashDomain::Balance,
            "stratum" => HashDomain::Stratum,
            other => panic!("unknown domain {other}"),
        };
        Some((*case, domain, seed.parse().unwrap(), u64::from_str_radix(hash, 16).unwrap()))
    })
}

#[test]
fn hashes_are_the_golden_ones_in_every_physical_type() {
    let cases: BTreeMap<_, _> = cases().into_iter().chain(order_cases()).collect();
    for (case, domain, seed, expected) in golden() {
        for columns in &cases[case] {
            let hashes = hash_rows(seed, domain, columns).unwrap();
            let types: Vec<_> = columns.iter().map(|column| column.data_type()).collect();
            assert_eq!(hashes, vec![expected], "{case} as {types:?}, domain {domain:?}, seed {seed}");
        }
    }
}

#[test]
fn every_case_has_a_golden_hash_and_no_two_the_same() {
    let mut hashes = BTreeMap::new();
    for (case, _, _, hash) in
        golden().filter(|(_, domain, seed, _)| *domain == HashDomain::Split && *seed == 42)
    {
        assert_eq!(hashes.insert(hash, case), None, "{case}");
    }
    let mut golden: Vec<_> = hashes.into_values().collect();
    let mut ours: Vec<_> = cases().into_iter().map(|(case, _)| case).collect();
    golden.sort_unstable();
    ours.sort_unstable();
    assert_eq!(golden, ours);
}
