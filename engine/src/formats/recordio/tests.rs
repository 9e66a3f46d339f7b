use super::super::features::tests::{Entries, dense_vector, pairs, vectors};
use super::super::tests::{batch, with_options};
use super::super::{FormatKind, MissingLabels, encode_all};
use super::*;
use arrow::array::*;
use decode::{Record, records};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::Arc;

mod decode;

/// What no reader may find inside of a frame, as a float.
const MARK: f32 = -1_804_698_880.0;
const LABEL: ColumnRoles =
    ColumnRoles { labels: 1, weight: false, group: false, key: false, missing_labels: MissingLabels::Kept };
const NONE: ColumnRoles = ColumnRoles { labels: 0, ..LABEL };

fn write(options: &[(&str, &str)], roles: ColumnRoles, arrays: &[ArrayRef]) -> Result<Vec<u8>> {
    let batch = batch(arrays.iter().map(|array| ("c", Arc::clone(array))).collect());
    let columns = Columns::new(batch.schema(), roles)?;
    encode_all(with_options(FormatKind::Recordio, options).as_ref(), &columns, &[batch])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(options: &[(&str, &str)], roles: ColumnRoles, arrays: &[ArrayRef], expected: &str) {
    assert_eq!(hex(&write(options, roles, arrays).unwrap()), expected.replace([' ', '\n'], ""));
}

fn floats(values: &[f32]) -> ArrayRef {
    Arc::new(Float32Array::from(values.to_vec()))
}

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn dense_rows_are_what_the_sagemaker_sdk_writes() {
    let expected = "0a23d7ce 2c000000 0a160a06 76616c75 6573120c 120a0a08 0000c03f 000000c0
        12120a06 76616c75 65731208 12060a04 0000803f";
    check(&[], LABEL, &[integers(&[1]), floats(&[1.5]), floats(&[-2.0])], expected);
    check(&[], LABEL, &[integers(&[1]), pairs(&[Some([Some(1.5), Some(-2.0)])])], expected);
    let doubles = [("dtype", "float64"), ("label_dtype", "int32")];
    let expected = "0a23d7ce 31000000 0a1e0a06 76616c75 65731214 1a120a10 00000000 0000f83f 00000000 000000c0
        120f0a06 76616c75 65731205 3a030a01 01000000";
    check(&doubles, LABEL, &[integers(&[1]), floats(&[1.5]), floats(&[-2.0])], expected);
}

#[test]
fn sparse_rows_are_what_the_sagemaker_sdk_writes() {
    let expected = "0a23d7ce 33000000 0a1d0a06 76616c75 65731213 12110a08 00004040 0000a040 12020104 1a010512
        120a0676 616c7565 73120812 060a0400 00000000";
    let sparse = vectors(5, &[Some(vec![(1, 3.0), (4, 5.0)])]);
    check(&[("sparse_size", "5")], LABEL, &[floats(&[0.0]), sparse], expected);
    let split = [floats(&[0.0]), floats(&[0.0]), floats(&[3.0]), vectors(3, &[Some(vec![(2, 5.0)])])];
    check(&[("sparse_size", "3")], LABEL, &split, expected);
}

#[test]
fn a_sparse_row_of_zeros_has_one_entry() {
    let expected = "0a23d7ce 2e000000 0a18 0a0676616c756573 120e 120c 0a0400000000 120100 1a0105
        1212 0a0676616c756573 1208 1206 0a0400000000 0000";
    for row in [Some(vec![]), None] {
        check(&[("sparse_size", "5")], LABEL, &[floats(&[0.0]), vectors(5, &[row])], expected);
    }
}

#[test]
fn without_a_label_there_is_none() {
    let expected = "0a23d7ce 14000000 0a12 0a0676616c756573 1208 1206 0a04 0000803f";
    check(&[], NONE, &[floats(&[1.0])], expected);
}

#[test]
fn a_row_that_holds_the_mark_is_moved() {
    let expected = "0a23d7ce 16000000 1a00 0a12 0a0676616c756573 1208 1206 0a04 0a23d7ce 0000
        0a23d7ce 14000000 0a12 0a0676616c756573 1208 1206 0a04 0000803f";
    check(&[], NONE, &[floats(&[MARK, 1.0])], expected);
}

#[test]
fn a_moved_row_keeps_its_key() {
    let keyed = ColumnRoles { key: true, ..LABEL };
    let bytes = write(&[], keyed, &[floats(&[1.0, 2.0]), text(&["a", "β"]), floats(&[MARK, 3.0])]).unwrap();
    let read = records(&bytes);
    assert_eq!(read.iter().map(|row| row.uid.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "β"]);
    assert_eq!(read[0].values, [f64::from(MARK)]);
}

#[test]
fn a_row_with_the_mark_at_every_alignment_is_refused() {
    let words: [[u8; 4]; 7] = [
        [0x0a, 0x23, 0xd7, 0xce],
        [0, 0x0a, 0x23, 0xd7],
        [0xce, 0, 0, 0],
        [0, 0, 0x0a, 0x23],
        [0xd7, 0xce, 0, 0],
        [0, 0, 0, 0x0a],
        [0x23, 0xd7, 0xce, 0],
    ];
    let columns: Vec<_> = words.iter().map(|word| floats(&[f32::from_le_bytes(*word)])).collect();
    assert_eq!(write(&[], NONE, &columns).unwrap_err().code(), Code::BadRow);
}

#[test]
fn a_missing_feature_is_nan_in_a_dense_row_and_no_entry_in_a_sparse_one() {
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(2.0)]));
    let list = pairs(&[None, Some([None, Some(4.0)])]);
    let dense = records(&write(&[], NONE, &[missing.clone(), list.clone()]).unwrap());
    assert_eq!(format!("{:?}", dense[0].values), "[NaN, NaN, NaN]");
    assert_eq!(format!("{:?}", dense[1].values), "[2.0, NaN, 4.0]");
    let vectors = vectors(2, &[Some(vec![(1, 0.0)]), Some(vec![(0, 7.0)])]);
    let sparse = records(&write(&[("sparse_size", "2")], NONE, &[missing, list, vectors]).unwrap());
    assert_eq!((&sparse[0].keys[..], &sparse[0].values[..]), (&[4][..], &[0.0][..]));
    assert_eq!((&sparse[1].keys[..], &sparse[1].values[..]), (&[0, 2, 3][..], &[2.0, 4.0, 7.0][..]));
    assert_eq!(sparse[0].shape, [5]);
}

#[test]
fn a_dense_vector_among_sparse_ones_has_all_entries() {
    let bytes = write(&[("sparse_size", "3")], NONE, &[dense_vector(&[1.0, 0.0, 2.0])]).unwrap();
    let read = &records(&bytes)[0];
    assert_eq!((&read.keys[..], &read.values[..]), (&[0, 1, 2][..], &[1.0, 0.0, 2.0][..]));
}

#[test]
fn integer_tensors_hold_integers_only() {
    let options = [("dtype", "int32")];
    let bytes = write(&options, LABEL, &[integers(&[-1]), integers(&[i64::from(i32::MIN)])]).unwrap();
    let read = &records(&bytes)[0];
    assert_eq!((&read.labels[..], &read.values[..]), (&[-1.0][..], &[f64::from(i32::MIN)][..]));
    let fraction = write(&options, LABEL, &[integers(&[1]), floats(&[0.5])]).unwrap_err();
    assert_eq!(fraction.code(), Code::UnsupportedColumnType);
    assert_eq!(write(&options, NONE, &[integers(&[1 << 31])]).unwrap_err().code(), Code::BadRow);
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    assert_eq!(write(&options, NONE, &[null]).unwrap_err().code(), Code::BadRow);
}

#[test]
fn labels_and_keys_are_in_every_row() {
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    let keyed = ColumnRoles { key: true, ..NONE };
    let error = write(&[], LABEL, &[null.clone(), floats(&[1.0])]).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::BadRow, "column \"c\" has a null"));
    assert_eq!(write(&[], keyed, &[null, floats(&[1.0])]).unwrap_err().code(), Code::UnsupportedColumnType);
    let null: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    assert_eq!(write(&[], keyed, &[null, floats(&[1.0])]).unwrap_err().code(), Code::BadRow);
}

#[test]
fn the_size_of_sparse_vectors_has_to_be_known() {
    let error = write(&[], NONE, &[vectors(5, &[])]).unwrap_err();
    assert_eq!(error.code(), Code::BadOption);
    assert!(error.hint().unwrap().contains("'sparse_size'"));
}

/// Floats of any bits, some of which are the mark or a part of it.
fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => any::<f32>(),
        1 => Just(MARK),
        1 => Just(f32::from_le_bytes([0, 0, 0x0a, 0x23])),
        1 => Just(f32::from_le_bytes([0xd7, 0xce, 0, 0])),
    ]
}

fn any_entries() -> impl Strategy<Value = Option<Entries>> {
    let entries = prop::collection::btree_map(0..300, any_float().prop_map(f64::from), 0..9);
    of(entries.prop_map(|entries| entries.into_iter().collect()))
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #[test]
    fn every_dense_row_comes_back(rows in vec(vec(any_float(), 5), 1..200), labels in 0..3_usize, keyed in any::<bool>()) {
        let mut columns: Vec<_> = (0..5).map(|index| floats(&rows.iter().map(|row| row[index]).collect::<Vec<_>>())).collect();
        let keys: Vec<_> = (0..rows.len()).map(|row| "k".repeat(row % 5)).collect();
        if keyed {
            columns.insert(labels, text(&keys.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let bytes = write(&[], ColumnRoles { labels, key: keyed, ..NONE }, &columns).unwrap();
        let read = records(&bytes);
        prop_assert_eq!(read.len(), rows.len());
        for ((read, row), key) in read.iter().zip(rows).zip(keys) {
            let row: Vec<_> = row.into_iter().map(f64::from).collect();
            prop_assert_eq!(bits(&read.labels), bits(&row[..labels]));
            prop_assert_eq!(bits(&read.values), bits(&row[labels..]));
            prop_assert!(!keyed || read.uid.as_deref() == Some(key.as_str()));
        }
    }

    #[test]
    fn every_sparse_row_comes_back(rows in vec((any_float(), any_entries()), 1..40)) {
        let scalar: Vec<_> = rows.iter().map(|row| row.0).collect();
        let sparse: Vec<_> = rows.iter().map(|row| row.1.clone()).collect();
        let bytes = write(&[("sparse_size", "300")], NONE, &[vectors(300, &sparse), floats(&scalar)]).unwrap();
        for (read, (scalar, entries)) in records(&bytes).iter().zip(rows) {
            let mut expected = entries.unwrap_or_default();
            if scalar != 0.0 {
                expected.push((300, f64::from(scalar)));
            }
            if expected.is_empty() {
                expected.push((0, 0.0));
            }
            let Record { keys, values, shape, .. } = read;
            prop_assert_eq!(keys, &expected.iter().map(|entry| entry.0 as u64).collect::<Vec<_>>());
            prop_assert_eq!(bits(values), bits(&expected.iter().map(|entry| entry.1).collect::<Vec<_>>()));
            prop_assert_eq!(&shape[..], &[301]);
        }
    }
}
