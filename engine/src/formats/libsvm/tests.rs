use super::super::features::tests::{dense_vector, pairs, vectors};
use super::super::tests::{batch, default_format, with_options};
use super::super::{FormatKind, MissingLabels, encode_all};
use super::*;
use arrow::array::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::Arc;

const LABEL: ColumnRoles =
    ColumnRoles { labels: 1, weight: false, group: false, key: false, missing_labels: MissingLabels::Kept };

fn write(options: &[(&str, &str)], roles: ColumnRoles, arrays: &[ArrayRef]) -> Result<String> {
    let batch = batch(arrays.iter().map(|array| ("c", Arc::clone(array))).collect());
    let columns = Columns::new(batch.schema(), roles)?;
    let bytes = encode_all(with_options(FormatKind::Libsvm, options).as_ref(), &columns, &[batch])?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<Float64Array>())
}

fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<Int64Array>())
}

#[test]
fn a_row_is_a_label_and_numbered_values_from_zero() {
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let columns = [flags.clone(), floats(&[Some(0.5), Some(-2.0)]), integers(&[Some(7), Some(0)]), flags];
    assert_eq!(write(&[], LABEL, &columns).unwrap(), "1 0:0.5 1:7 2:1\n0 0:-2.0 1:0 2:0\n");
    let one_based = write(&[("one_based", "true")], LABEL, &columns).unwrap();
    assert_eq!(one_based, "1 1:0.5 2:7 3:1\n0 1:-2.0 2:0 3:0\n");
}

#[test]
fn missing_values_are_left_out_and_zeros_unless_told_to() {
    let columns = [
        integers(&[Some(1); 3]),
        floats(&[None, Some(f64::NAN), Some(-0.0)]),
        integers(&[Some(0), None, None]),
    ];
    assert_eq!(write(&[], LABEL, &columns).unwrap(), "1 1:0\n1\n1 0:-0.0\n");
    assert_eq!(write(&[("zeros", "false")], LABEL, &columns).unwrap(), "1\n1\n1\n");
}

#[test]
fn weight_and_group_have_their_places() {
    let roles = ColumnRoles { weight: true, group: true, ..LABEL };
    let columns = [integers(&[Some(1)]), floats(&[Some(0.25)]), integers(&[Some(12)]), integers(&[Some(3)])];
    assert_eq!(write(&[], roles, &columns).unwrap(), "1:0.25 qid:12 0:3\n");
    let group = ColumnRoles { group: true, ..LABEL };
    let fractional_group = [columns[0].clone(), columns[1].clone(), columns[3].clone()];
    assert_eq!(write(&[], group, &fractional_group).unwrap_err().code(), Code::UnsupportedColumnType);
    assert_eq!(
        write(&[], group, &[columns[0].clone(), columns[2].clone(), columns[3].clone()]).unwrap(),
        "1 qid:12 0:3\n"
    );
}

#[test]
fn lists_and_sparse_vectors_are_expanded() {
    let label = integers(&[Some(1), Some(0), Some(0)]);
    let list = pairs(&[Some([Some(1.0), None]), None, Some([Some(0.0), Some(2.0)])]);
    let sparse = vectors(5, &[Some(vec![(1, 3.0), (4, 0.0)]), Some(vec![]), None]);
    let last = integers(&[Some(9), None, Some(8)]);
    let size = [("sparse_size", "5")];
    let columns = [label, list, sparse, last];
    assert_eq!(write(&size, LABEL, &columns).unwrap(), "1 0:1.0 3:3.0 6:0.0 7:9\n0\n0 0:0.0 1:2.0 7:8\n");
    assert_eq!(write(&[], LABEL, &columns[..3]).unwrap(), "1 0:1.0 3:3.0 6:0.0\n0\n0 0:0.0 1:2.0\n");
    assert_eq!(write(&[], LABEL, &columns).unwrap_err().code(), Code::BadOption);
    let sliced: Vec<_> = columns.iter().map(|array| array.slice(2, 1)).collect();
    assert_eq!(write(&size, LABEL, &sliced).unwrap(), "0 0:0.0 1:2.0 7:8\n");
    assert_eq!(
        write(&[], LABEL, &[integers(&[Some(1)]), dense_vector(&[0.0, 2.5])]).unwrap(),
        "1 0:0.0 1:2.5\n"
    );
}

#[test]
fn values_that_no_reader_takes_are_refused() {
    let (good, null) = (integers(&[Some(1)]), integers(&[None]));
    let of = |value| floats(&[Some(value)]);
    let weighted = ColumnRoles { weight: true, ..LABEL };
    let grouped = ColumnRoles { group: true, ..LABEL };
    for (roles, columns, words) in [
        (LABEL, vec![null.clone(), good.clone()], "a null"),
        (LABEL, vec![of(f64::NAN), good.clone()], "NaN"),
        (LABEL, vec![of(f64::INFINITY), good.clone()], "infinite"),
        (LABEL, vec![good.clone(), of(f64::NEG_INFINITY)], "infinite"),
        (weighted, vec![good.clone(), null.clone(), good.clone()], "a null"),
        (grouped, vec![good.clone(), null, good.clone()], "a null"),
        (grouped, vec![good.clone(), integers(&[Some(-1)]), good], "negative"),
    ] {
        let error = write(&[], roles, &columns).unwrap_err();
        assert_eq!(error.code(), Code::BadRow);
        assert!(error.message().starts_with("column \"c\"") && error.message().contains(words), "{error}");
    }
}

#[test]
fn it_takes_exactly_one_label() {
    let columns = vec![integers(&[Some(1)]); 3];
    for labels in [0, 2] {
        let error = write(&[], ColumnRoles { labels, ..ColumnRoles::default() }, &columns).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported);
        assert!(error.hint().unwrap().contains("LABEL"), "{}", error.report());
    }
}

#[test]
fn names_say_how_it_is_compressed() {
    assert_eq!(default_format(FormatKind::Libsvm).extension(), "libsvm");
    assert_eq!(with_options(FormatKind::Libsvm, &[("compression", "gzip")]).extension(), "libsvm.gz");
}

/// Label and entries of a line, by the grammar of the reader.
fn parse(line: &str) -> (f64, Vec<(u64, f64)>) {
    let mut words = line.split(' ');
    let label = words.next().unwrap().parse().unwrap();
    let entry = |word: &str| {
        let (index, value) = word.split_once(':').unwrap();
        (index.parse().unwrap(), value.parse().unwrap())
    };
    (label, words.map(entry).collect())
}

proptest! {
    #[test]
    fn every_value_comes_back(rows in vec((any::<i32>(), of(-1e30..1e30_f64), vec(any::<f32>(), 0..3)), 1..400)) {
        let finite = |row: &Vec<f32>| row.iter().map(|value| f64::from(*value)).filter(|value| value.is_finite()).enumerate()
            .map(|(index, value)| (index as i32 * 2, value)).collect::<Vec<_>>();
        let sparse: Vec<_> = rows.iter().map(|row| Some(finite(&row.2))).collect();
        let label: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int32Array>());
        let columns = [label, floats(&rows.iter().map(|row| row.1).collect::<Vec<_>>()), vectors(5, &sparse)];
        let text = write(&[], LABEL, &columns).unwrap();
        prop_assert_eq!(text.lines().count(), rows.len());
        for ((line, row), sparse) in text.lines().zip(&rows).zip(sparse) {
            let scalar = row.1.map(|value| (0, value));
            let entries = sparse.into_iter().flatten().map(|(index, value)| (1 + index as u64, value));
            prop_assert_eq!(parse(line), (f64::from(row.0), scalar.into_iter().chain(entries).collect::<Vec<_>>()));
        }
    }
}
