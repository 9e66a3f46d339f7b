use crate::error::{Code, Result};
use crate::formats::tests::{batch, with_options};
use crate::formats::{ColumnRoles, Columns, FormatKind, encode_all};
use arrow::array::{ArrayRef, BinaryArray, Int64Array, ListArray, StringArray};
use arrow::datatypes::Float32Type;
use std::sync::Arc;

fn encode(key: bool, columns: Vec<(&str, ArrayRef)>) -> Result<Vec<u8>> {
    let batch = batch(columns);
    let roles = ColumnRoles { key, ..ColumnRoles::default() };
    let columns = Columns::new(batch.schema(), roles)?;
    encode_all(with_options(FormatKind::WebDataset, &[]).as_ref(), &columns, &[batch])
}

/// The members of an archive, each header's sum checked.
fn members(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.split(|b| *b == 0).next().unwrap().to_vec()).unwrap();
    let octal = |bytes: &[u8]| usize::from_str_radix(text(bytes).trim(), 8).unwrap();
    let (mut at, mut found) = (0, Vec::new());
    while tar[at] != 0 {
        let header = &tar[at..at + 512];
        let sum: usize = header.iter().map(|b| usize::from(*b)).sum();
        let field: usize = header[148..156].iter().map(|b| usize::from(*b)).sum();
        assert_eq!(octal(&header[148..156]), sum - field + 8 * 32);
        let (prefix, size) = (text(&header[345..500]), octal(&header[124..136]));
        let slash = if prefix.is_empty() { "" } else { "/" };
        let name = format!("{prefix}{slash}{}", text(&header[..100]));
        found.push((name, tar[at + 512..at + 512 + size].to_vec()));
        at += 512 + size.next_multiple_of(512);
    }
    assert_eq!(tar[at..], [0; 1024]);
    found
}

fn keys(keys: &[&str]) -> Vec<(&'static str, ArrayRef)> {
    let numbers = Int64Array::from_iter_values(0..keys.len() as i64);
    vec![("id", Arc::new(StringArray::from(keys.to_vec()))), ("cls", Arc::new(numbers))]
}

#[test]
fn a_sample_is_a_run_of_members_sorted_by_extension() {
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some("ü"), None]));
    let image: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\xFF\x00"[..], b""]));
    let class: ArrayRef = Arc::new(Int64Array::from(vec![-3, 12]));
    let tar = encode(false, vec![("txt", text), ("jpg", image), ("cls", class)]).unwrap();
    let expected = [
        ("000000000.cls", &b"-3"[..]),
        ("000000000.jpg", b"\xFF\x00"),
        ("000000000.txt", "ü".as_bytes()),
        ("000000001.cls", b"12"),
        ("000000001.jpg", b""),
    ];
    assert_eq!(members(&tar), expected.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
}

#[test]
fn headers_say_the_same_owner_mode_and_time_everywhere() {
    let tar = encode(true, keys(&["a/b"])).unwrap();
    assert_eq!(tar[..8], *b"a/b.cls\0");
    assert_eq!(tar[100..148], *b"0000444\x000000000\x000000000\x0000000000001\x0000000000000\0");
    assert_eq!(tar[156..157], *b"0");
    assert_eq!(tar[257..273], *b"ustar\x0000bigdata\0");
}

#[test]
fn keys_that_readers_would_misread_are_refused() {
    for key in ["", "a.b", "/a", "../a", "a/", "a//b", "."] {
        let error = encode(true, keys(&[key])).unwrap_err();
        assert_eq!(error.code(), Code::BadRow, "{key}");
        assert!(error.message().contains("\"id\""), "{error}");
    }
    assert_eq!(encode(true, keys(&["a", "a"])).unwrap_err().code(), Code::BadRow);
    assert!(encode(true, keys(&["dir.d/a", "b"])).is_ok());
}

#[test]
fn long_names_are_split_at_a_slash_or_refused() {
    let long = format!("{}/{}", "d".repeat(155), "f".repeat(96));
    assert_eq!(members(&encode(true, keys(&[&long])).unwrap())[0].0, format!("{long}.cls"));
    assert_eq!(encode(true, keys(&[&"f".repeat(97)])).unwrap_err().code(), Code::BadRow);
    assert_eq!(encode(true, keys(&[&format!("d{long}")])).unwrap_err().code(), Code::BadRow);
}

#[test]
fn lists_are_numpy_arrays_where_the_name_says_so_and_json_elsewhere() {
    let lists = ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(1.5), Some(-2.0)])]);
    let lists: ArrayRef = Arc::new(lists);
    let found = members(&encode(false, vec![("v.npy", lists.clone()), ("json", lists)]).unwrap());
    assert_eq!(found[0].1, b"[1.5,-2.0]");
    let npy = &found[1].1;
    assert_eq!(npy[..10], *b"\x93NUMPY\x01\x00\x76\x00");
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    assert_eq!(npy[10..128], *format!("{header:<117}\n").as_bytes());
    assert_eq!(npy[128..], [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0]);
}

#[test]
fn names_that_are_no_extension_are_refused() {
    for name in ["Jpg", "a b", "", ".a", "a.", "__key__", "ü"] {
        let error = encode(false, vec![(name, Arc::new(Int64Array::from(vec![1])))]).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported, "{name}");
    }
}
