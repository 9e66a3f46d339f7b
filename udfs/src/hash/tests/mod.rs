mod golden;
mod golden_cases;
mod laws;
mod samples;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};

use super::*;

fn integers(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

#[test]
fn no_columns_are_refused() {
    assert_eq!(hash_rows(1, HashDomain::Split, &[]), Err(HashError::NoColumns));
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let columns = [integers(&[1, 2]), integers(&[1, 2]), integers(&[1])];
    let expected = HashError::UnequalColumns { index: 2, rows: 1, expected: 2 };
    assert_eq!(hash_rows(1, HashDomain::Split, &columns), Err(expected));
}

#[test]
fn no_rows_give_no_hashes() {
    assert_eq!(hash_rows(1, HashDomain::Split, &[integers(&[])]), Ok(vec![]));
}

#[test]
fn a_buffer_that_is_used_again_holds_the_new_hashes_only() {
    let mut hashes = vec![7; 5];
    let columns = [integers(&[1, 2])];
    hash_rows_into(1, HashDomain::Split, &columns, &mut hashes).unwrap();
    assert_eq!(Ok(hashes), hash_rows(1, HashDomain::Split, &columns));
}
