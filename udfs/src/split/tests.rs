use proptest::prelude::*;

use super::*;

/// Written by `tests/golden_hash.py` from its own reading of the specification.
const GOLDEN: &str = include_str!("../../tests/golden_hash.tsv");

fn check_refused(text: &str, expected: FractionsError) {
    assert_eq!(text.parse::<Fractions>(), Err(expected));
}

#[test]
fn thresholds_are_the_golden_ones() {
    let lines: Vec<_> = GOLDEN.lines().filter_map(|line| line.strip_prefix("split\t")).collect();
    assert_eq!(lines.len(), 9);
    for line in lines {
        let (fractions, thresholds) = line.split_once('\t').unwrap();
        let ours: Fractions = fractions.parse().unwrap();
        let ours: Vec<_> = ours.thresholds().iter().map(|threshold| format!("{threshold:x}")).collect();
        assert_eq!(ours.join(","), thresholds, "{fractions}");
    }
}

#[test]
fn a_threshold_belongs_to_the_next_split() {
    let fractions: Fractions = "0.5,0.25,0.25".parse().unwrap();
    let hashes = [0, (1 << 63) - 1, 1 << 63, 0xbfff_ffff_ffff_ffff, 0xc000_0000_0000_0000, u64::MAX];
    assert_eq!(hashes.map(|hash| fractions.assign(hash)), [0, 0, 1, 1, 2, 2]);
}

#[test]
fn the_last_split_takes_what_rounding_leaves() {
    let fractions: Fractions = "0.3333333333,0.3333333333,0.3333333333".parse().unwrap();
    assert_eq!(fractions.assign(u64::MAX), 2);
    let fractions: Fractions = "1,0.0000000001".parse().unwrap();
    assert_eq!(fractions.assign(u64::MAX), 0);
}

#[test]
fn up_to_256_splits_have_an_index() {
    let fractions = Fractions::new(vec![1.0 / 256.0; 256]).unwrap();
    assert_eq!(fractions.assign(u64::MAX), 255);
    assert_eq!(Fractions::new(vec![1.0 / 257.0; 257]), Err(FractionsError::TooMany { count: 257 }));
}

#[test]
fn what_is_no_whole_is_refused() {
    check_refused("", FractionsError::Empty);
    check_refused(" ", FractionsError::Empty);
    check_refused("0.8,0.1", FractionsError::WrongSum { sum: 0.9 });
    check_refused("0.5,0.5,", FractionsError::NotANumber { text: String::new() });
    check_refused("0.5, half", FractionsError::NotANumber { text: "half".to_owned() });
    check_refused("1,0", FractionsError::OutOfRange { fraction: 0.0 });
    check_refused("1.5,-0.5", FractionsError::OutOfRange { fraction: 1.5 });
    check_refused("inf", FractionsError::OutOfRange { fraction: f64::INFINITY });
    assert!(matches!("NaN".parse::<Fractions>(), Err(FractionsError::OutOfRange { .. })));
}

fn any_fractions() -> impl Strategy<Value = Fractions> {
    prop::collection::vec(1_u32..1000, 1..10).prop_map(|weights| {
        let total: u32 = weights.iter().sum();
        Fractions::new(weights.iter().map(|weight| f64::from(*weight) / f64::from(total)).collect()).unwrap()
    })
}

proptest! {
    #[test]
    fn text_reads_back_as_the_same_fractions(fractions in any_fractions()) {
        prop_assert_eq!(fractions.to_string().parse(), Ok(fractions));
    }

    #[test]
    fn a_hash_falls_between_the_thresholds_of_its_split(fractions in any_fractions(), hash: u64) {
        let split = usize::from(fractions.assign(hash));
        let hash = u128::from(hash);
        prop_assert!(hash < fractions.thresholds()[split]);
        prop_assert!(split == 0 || hash >= fractions.thresholds()[split - 1]);
    }

    #[test]
    fn each_split_is_as_wide_as_its_fraction(fractions in any_fractions()) {
        let mut start = 0;
        for (fraction, end) in fractions.as_slice().iter().zip(fractions.thresholds()) {
            let width = (end - start) as f64 / 2f64.powi(64);
            prop_assert!((width - fraction).abs() < 1e-9);
            start = *end;
        }
    }
}

#[test]
fn a_class_is_cut_at_its_rounded_fractions() {
    let check = |sample, rows: u64, dither, expected: &[Option<u8>]| {
        let strata = Strata::new(&"0.8,0.2".parse().unwrap(), sample);
        let found: Vec<_> = (0..rows).map(|rank| strata.assign(rank, rows, dither)).collect();
        assert_eq!(found, expected, "{sample} of {rows}");
    };
    const HALF: u64 = 1 << 63;
    check(1.0, 5, HALF, &[Some(0), Some(0), Some(0), Some(0), Some(1)]);
    // 0.8 of a row: the dither says whether it is rounded up.
    check(1.0, 1, 0, &[Some(1)]);
    check(1.0, 1, HALF, &[Some(0)]);
    // 1.6 of 2 rows.
    check(1.0, 2, 0, &[Some(0), Some(1)]);
    check(1.0, 2, HALF, &[Some(0), Some(0)]);
    // Of 4 rows 3.2 and 0.8, of half of them 1.6 and 0.4: the first ones of each split.
    check(0.5, 4, 0, &[Some(0), None, None, None]);
    check(0.5, 4, HALF, &[Some(0), Some(0), None, Some(1)]);
}

#[test]
fn the_largest_class_does_not_overflow() {
    let strata = Strata::new(&"0.5,0.5".parse().unwrap(), 1.0);
    assert_eq!(strata.assign(u64::MAX - 1, u64::MAX, u64::MAX), Some(1));
    assert_eq!(strata.assign(0, u64::MAX, 0), Some(0));
}

proptest! {
    #[test]
    fn each_class_is_within_one_row_of_each_fraction(
        parts in prop::collection::vec(1_u32..100, 1..8),
        rows in 0_u64..300,
        dither: u64,
        sample in 0.01..=1.0_f64,
    ) {
        let whole = f64::from(parts.iter().sum::<u32>());
        let fractions: Vec<f64> = parts.iter().map(|part| f64::from(*part) / whole).collect();
        let strata = Strata::new(&Fractions::new(fractions.clone()).unwrap(), sample);
        let splits: Vec<_> = (0..rows).map(|rank| strata.assign(rank, rows, dither)).collect();
        for (split, fraction) in fractions.iter().enumerate() {
            let found = splits.iter().filter(|found| **found == Some(split as u8)).count() as f64;
            let ideal = sample * fraction * rows as f64;
            // Fractions are rounded to 64 bits; 300 of them add up to far less than this.
            prop_assert!((found - ideal).abs() < 1.0 + 1e-9, "{found} rows of {ideal} in split {split}");
        }
    }

    #[test]
    fn a_sampled_row_is_in_its_split_and_in_every_larger_sample(
        parts in prop::collection::vec(1_u32..100, 1..8),
        rows in 1_u64..300,
        dither: u64,
        samples in (0.01..=1.0_f64, 0.01..=1.0_f64),
    ) {
        let whole = f64::from(parts.iter().sum::<u32>());
        let fractions = parts.iter().map(|part| f64::from(*part) / whole).collect();
        let fractions = Fractions::new(fractions).unwrap();
        let [smaller, larger, all] = [samples.0.min(samples.1), samples.0.max(samples.1), 1.0]
            .map(|sample| Strata::new(&fractions, sample));
        for rank in 0..rows {
            let [smaller, larger, all] = [&smaller, &larger, &all].map(|strata| strata.assign(rank, rows, dither));
            prop_assert!(all.is_some());
            prop_assert!(larger.is_none() || larger == all);
            prop_assert!(smaller.is_none() || smaller == larger);
        }
    }

    #[test]
    fn samples_of_small_classes_together_keep_the_fractions(seed: u64) {
        let strata = Strata::new(&"0.8,0.2".parse().unwrap(), 0.5);
        let dithers = (0..1000_u64).map(|class| seed.wrapping_add(class * (u64::MAX / 1000)));
        let splits: Vec<_> = dithers.map(|dither| strata.assign(0, 1, dither)).collect();
        let count = |split| splits.iter().filter(|found| **found == Some(split)).count();
        prop_assert!((398..=402).contains(&count(0)), "{} of 1000", count(0));
        prop_assert!((98..=102).contains(&count(1)), "{} of 1000", count(1));
    }

    #[test]
    fn small_classes_together_keep_the_fractions(seed: u64) {
        let strata = Strata::new(&"0.8,0.2".parse().unwrap(), 1.0);
        // Dithers spread evenly, as those of a hash are.
        let dithers = (0..1000_u64).map(|class| seed.wrapping_add(class * (u64::MAX / 1000)));
        let first = dithers.filter(|dither| strata.assign(0, 1, *dither) == Some(0)).count();
        prop_assert!((798..=802).contains(&first), "{first} of 1000");
    }
}
