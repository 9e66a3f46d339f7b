use super::super::tests::{batch, default_format};
use super::super::{Columns, Companion, FormatKind};
use super::*;
use arrow::array::*;
use arrow::datatypes::{Float32Type, Schema};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

/// The shard, its index and its list.
struct Shard {
    bytes: Vec<u8>,
    index: String,
    list: String,
}

/// A shard of `columns`, of which so many are labels, and the next a key.
fn shard(columns: Vec<(&str, ArrayRef)>, labels: usize, key: bool) -> Result<Shard> {
    let batch = batch(columns);
    let columns = Columns::new(batch.schema(), ColumnRoles { labels, key, ..ColumnRoles::default() })?;
    let mut encoder = default_format(FormatKind::ImageRecordIo).encoder(&columns)?;
    let mut bytes = Vec::new();
    // In two batches, so that offsets and ids go on.
    encoder.encode(&batch.slice(0, 1), &mut bytes)?;
    let first = std::mem::take(&mut bytes);
    encoder.encode(&batch.slice(1, batch.num_rows() - 1), &mut bytes)?;
    let companions = encoder.finish(&mut bytes)?.companions;
    let [index, list] = companions.try_into().unwrap();
    assert_eq!((index.extension, list.extension), ("idx", "lst"));
    let text = |companion: Companion| String::from_utf8(companion.bytes).unwrap();
    Ok(Shard { bytes: [first, bytes].concat(), index: text(index), list: text(list) })
}

fn images(images: &[Option<&[u8]>]) -> (&'static str, ArrayRef) {
    ("image", Arc::new(images.iter().copied().collect::<BinaryViewArray>()))
}

fn label(values: &[f64]) -> (&'static str, ArrayRef) {
    ("label", Arc::new(Float64Array::from(values.to_vec())))
}

fn check_bad(columns: Vec<(&str, ArrayRef)>, key: bool, words: &str) {
    let Err(error) = shard(columns, 1, key) else { panic!("no error") };
    assert_eq!(error.code(), Code::BadRow);
    assert!(error.message().contains(words), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn one_label_stands_in_the_header() {
    let key: ArrayRef = Arc::new(Int32Array::from(vec![7, 9]));
    let path: ArrayRef = Arc::new(StringArray::from(vec![Some("dog/1.jpg"), None]));
    let pixels = images(&[Some(b"jpeg!"), Some(b"")]);
    let shard = shard(vec![label(&[1.0, 0.5]), ("k", key), pixels, ("path", path)], 1, true).unwrap();
    let first = "0a23d7ce1d000000 00000000 0000803f 0700000000000000 0000000000000000 6a70656721 000000";
    let second = "0a23d7ce18000000 00000000 0000003f 0900000000000000 0000000000000000";
    assert_eq!(hex::encode(shard.bytes), format!("{first}{second}").replace(' ', ""));
    assert_eq!(shard.index, "7\t0\n9\t40\n");
    assert_eq!(shard.list, "7\t1\tdog/1.jpg\n9\t0.5\t9\n");
}

#[test]
fn several_labels_stand_behind_the_header_and_rows_are_numbered() {
    let other: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let shard = shard(vec![label(&[2.0, 3.0]), ("b", other), images(&[Some(b"abcd"), Some(b"")])], 2, false);
    let shard = shard.unwrap();
    let first =
        "0a23d7ce24000000 02000000 00000000 0000000000000000 0000000000000000 00000040 0000803f 61626364";
    let second = "0a23d7ce20000000 02000000 00000000 0100000000000000 0000000000000000 00004040 00000000";
    assert_eq!(hex::encode(shard.bytes), format!("{first}{second}").replace(' ', ""));
    assert_eq!(shard.index, "0\t0\n1\t44\n");
    assert_eq!(shard.list, "0\t2\t1\t0\n1\t3\t0\t1\n");
}

#[test]
fn a_list_of_labels_may_differ_in_length() {
    let rows = [Some(vec![Some(2.0), Some(5.0)]), Some(vec![Some(1.0)])];
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows));
    let shard = shard(vec![("boxes", lists), images(&[Some(b""), Some(b"")])], 1, false).unwrap();
    assert_eq!(shard.list, "0\t2\t5\t0\n1\t1\t1\n");
    assert_eq!(shard.bytes[8], 2);
    assert_eq!(shard.bytes[48..56], [0, 0, 0, 0, 0, 0, 0x80, 0x3f]);
}

#[test]
fn rows_that_mxnet_cannot_read_are_refused() {
    let good = || images(&[Some(b"a"), Some(b"b")]);
    check_bad(vec![label(&[0.0, 1.0]), images(&[Some(b"a"), None])], false, "column \"image\" has a null");
    let null: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None]));
    check_bad(vec![("l", null.clone()), good()], false, "column \"l\" has a null");
    check_bad(vec![label(&[0.0, 1.0]), ("k", null), good()], true, "column \"k\" has a null");
    let negative: ArrayRef = Arc::new(Int8Array::from(vec![1, -1]));
    check_bad(vec![label(&[0.0, 1.0]), ("k", negative), good()], true, "column \"k\" has a negative key");
    let path: ArrayRef = Arc::new(StringArray::from(vec!["a", "b\tc"]));
    check_bad(vec![label(&[0.0, 1.0]), good(), ("p", path)], false, "path \"b\\tc\" has a tab");
    let empty = ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(1.0)]), Some(vec![])]);
    check_bad(vec![("l", Arc::new(empty)), good()], false, "column \"l\" has a list without labels");
}

#[test]
fn columns_without_a_place_are_refused() {
    let check = |types: &[DataType], labels, code, words: &str| {
        let fields =
            types.iter().enumerate().map(|(at, one)| Field::new(format!("c{at}"), one.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = Columns::new(schema, ColumnRoles { labels, ..ColumnRoles::default() }).unwrap();
        let error = default_format(FormatKind::ImageRecordIo).check(&columns).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(words) && error.hint().is_some(), "{error}");
    };
    let (float, text, image) = (DataType::Float32, DataType::Utf8View, DataType::BinaryView);
    check(std::slice::from_ref(&image), 0, Code::Unsupported, "without a label");
    check(&[float.clone(), text.clone()], 1, Code::Unsupported, "without an image");
    let wrong = Code::UnsupportedColumnType;
    check(&[text.clone(), image.clone()], 1, wrong, "column \"c0\"");
    check(&[float.clone(), image.clone(), float.clone()], 1, wrong, "column \"c2\"");
    check(&[float.clone(), image.clone(), DataType::LargeBinary], 1, wrong, "column \"c2\"");
    check(&[float, text.clone(), image, text], 1, wrong, "column \"c3\"");
}

/// Record number by record number what a reader gets: the parts of each, with the magic between them.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(word(0), 0xced7_230a);
        let (part, length) = (word(4) >> 29, (word(4) & 0x1fff_ffff) as usize);
        record.extend_from_slice(&bytes[8..8 + length]);
        match part {
            0 | 3 => records.push(std::mem::take(&mut record)),
            _ => record.extend_from_slice(&[0x0a, 0x23, 0xd7, 0xce]),
        }
        bytes = &bytes[8 + length.next_multiple_of(4)..];
    }
    records
}

fn image() -> impl Strategy<Value = Vec<u8>> {
    let magic = vec(prop_oneof![Just(vec![0x0a, 0x23, 0xd7, 0xce]), vec(any::<u8>(), 0..5)], 0..40);
    magic.prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_image_comes_back_at_its_offset(rows in vec((image(), any::<f32>(), any::<u64>()), 1..20)) {
        let pixels: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| &row.0)));
        let labels: ArrayRef = Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.1)));
        let keys: ArrayRef = Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.2)));
        let shard = shard(vec![("l", labels), ("k", keys), ("i", pixels)], 1, true).unwrap();
        let expected: Vec<Vec<u8>> = rows.iter().map(|(pixels, label, key)| {
            let head = [[0; 4], label.to_le_bytes()].concat();
            [&head[..], &key.to_le_bytes(), &[0; 8], pixels].concat()
        }).collect();
        prop_assert_eq!(&records(&shard.bytes), &expected);
        for (line, record) in shard.index.lines().zip(&expected) {
            let (key, offset) = line.split_once('\t').unwrap();
            let id = u64::from_le_bytes(record[8..16].try_into().unwrap());
            prop_assert_eq!(key.parse::<u64>().unwrap(), id);
            prop_assert_eq!(&records(&shard.bytes[offset.parse().unwrap()..])[0], record);
        }
    }
}
