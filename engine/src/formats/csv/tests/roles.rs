//! Weights, categorical features and vectors.

use super::super::super::tests::{default_format, with_options};
use super::super::super::{ColumnRoles, Columns, Format, FormatKind, encode_all};
use super::{batch, csv, csv_with};
use crate::error::{Code, Error};
use arrow::array::*;
use arrow::datatypes::*;
use std::sync::Arc;

/// Pairs; the second row is a null.
fn vectors() -> ArrayRef {
    let rows = vec![Some(vec![Some(0.5), Some(1.0)]), None, Some(vec![None, Some(-2.25)])];
    Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2))
}

fn integers() -> ArrayRef {
    Arc::new(Int64Array::from(vec![1, 2, 3]))
}

fn columns(roles: ColumnRoles, names: &[(&str, ArrayRef)]) -> Columns {
    Columns::new(batch(names.to_vec()).schema(), roles).unwrap()
}

fn labels(labels: usize) -> ColumnRoles {
    ColumnRoles { labels, ..ColumnRoles::default() }
}

#[test]
fn a_vector_is_a_field_for_each_element() {
    let header = [("header", "true")];
    assert_eq!(
        csv_with(&header, vec![("a", integers()), ("v", vectors()), ("b", integers())]),
        "a,v_0,v_1,b\n1,0.5,1.0,1\n2,,,2\n3,,-2.25,3\n"
    );
    assert_eq!(csv(vec![("v", vectors())]), "0.5,1.0\n,\n,-2.25\n");
    assert_eq!(csv(vec![("v", vectors().slice(1, 2))]), ",\n,-2.25\n");
}

#[test]
fn a_vector_of_one_element_alone_is_no_empty_line() {
    let rows = vec![Some(vec![Some(7)]), None, Some(vec![None])];
    let array = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(rows, 1);
    assert_eq!(csv(vec![("v", Arc::new(array))]), "7\n\"\"\n\"\"\n");
}

#[test]
fn a_weight_needs_one_label_before_it() {
    let names = [("y", integers()), ("z", integers()), ("w", integers()), ("x", integers())];
    let format = default_format(FormatKind::Csv);
    let weighted = |labels| columns(ColumnRoles { labels, weight: true, ..ColumnRoles::default() }, &names);
    assert!(format.check(&weighted(1)).is_ok());
    for labels in [0, 2] {
        let error = format.check(&weighted(labels)).unwrap_err();
        assert_eq!(error.code(), Code::BadOption);
        assert!(error.message().contains("option 'weight'"), "{error}");
    }
}

#[test]
fn a_vector_is_no_label() {
    let error = default_format(FormatKind::Csv).check(&columns(labels(1), &[("y", vectors())])).unwrap_err();
    assert_eq!(error.code(), Code::UnsupportedColumnType);
}

fn categorical(names: &str) -> Arc<dyn Format> {
    with_options(FormatKind::Csv, &[("categorical", names)])
}

#[test]
fn categorical_features_are_listed_by_their_fields() {
    let names = [("y", integers()), ("v", vectors()), ("c", integers()), ("d", integers())];
    let columns = columns(labels(1), &names);
    let format = categorical("d, c");
    format.check(&columns).unwrap();
    let [file] = format.split_files(&columns, &[]).unwrap().try_into().unwrap();
    assert_eq!(file.path, "categorical_index.json");
    assert_eq!(file.bytes, r#"{"cat_index_list":[3,4]}"#);
    assert!(default_format(FormatKind::Csv).split_files(&columns, &[]).unwrap().is_empty());
}

#[test]
fn what_is_no_feature_is_not_categorical() {
    let names = [("y", integers()), ("c", integers())];
    let refusal =
        |text: &str, roles| -> Error { categorical(text).check(&columns(roles, &names)).unwrap_err() };
    for (text, roles, code) in [
        ("c,d", labels(1), Code::UnknownTargetColumn),
        ("y", labels(1), Code::BadOption),
        ("c", labels(0), Code::BadOption),
        ("c", labels(2), Code::BadOption),
    ] {
        let error = refusal(text, roles);
        assert_eq!(error.code(), code, "{error}");
        let named = format!("column \"{}\"", text.rsplit(',').next().unwrap());
        assert!(error.message().contains(&named), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn csv_of_vectors_is_the_csv_of_their_elements() {
    let elements = |element: usize| -> ArrayRef {
        let list = vectors();
        let list = list.as_fixed_size_list();
        let values = list.values().as_primitive::<Float32Type>();
        let value = |row: usize| {
            let at = row * 2 + element;
            (list.is_valid(row) && values.is_valid(at)).then(|| values.value(at))
        };
        Arc::new((0..3).map(value).collect::<Float32Array>())
    };
    let expanded = batch(vec![("v_0", elements(0)), ("v_1", elements(1)), ("a", integers())]);
    let format = with_options(FormatKind::Csv, &[("header", "true"), ("delimiter", ";")]);
    let expected =
        encode_all(format.as_ref(), &Columns::features_only(expanded.schema()), &[expanded]).unwrap();
    let written =
        csv_with(&[("header", "true"), ("delimiter", ";")], vec![("v", vectors()), ("a", integers())]);
    assert_eq!(written.into_bytes(), expected);
}
