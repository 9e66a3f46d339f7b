use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, UnionFields, UnionMode};

use super::*;

fn check(array: ArrayRef, expected: &[u8]) {
    let mut bytes = vec![];
    let column = column(array.as_ref(), Floats::AsValues).unwrap();
    (0..array.len()).for_each(|row| column.encode(row, &mut bytes));
    assert_eq!(bytes, expected);
}

#[test]
fn values_follow_their_tag() {
    check(Arc::new(Int32Array::from(vec![Some(-2), None])), b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff\x00");
    check(Arc::new(StringArray::from(vec![Some("ab"), None])), b"\x07ab\x00");
}

#[test]
fn a_dictionary_without_values_is_all_null() {
    let keys = Int32Array::from(vec![None, None]);
    check(Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from(vec![""; 0])))), b"\0\0");
}

fn union() -> DataType {
    let fields = UnionFields::try_new([1], [Field::new("a", DataType::Int8, true)]).unwrap();
    DataType::Union(fields, UnionMode::Dense)
}

fn check_refused(data_type: &DataType) {
    let expected = CanonicalError::UnsupportedType { data_type: union() };
    assert_eq!(check_supported(data_type), Err(expected));
}

#[test]
fn a_union_is_refused_by_name_at_any_depth() {
    check_refused(&union());
    check_refused(&DataType::new_list(union(), true));
    check_refused(&DataType::Struct(vec![Field::new("u", union(), true)].into()));
    check_refused(&DataType::Dictionary(DataType::Int8.into(), union().into()));
}

#[test]
fn every_other_type_is_supported() {
    let types = [
        DataType::Null,
        DataType::Float16,
        DataType::Decimal256(76, 10),
        DataType::FixedSizeBinary(4),
        DataType::Dictionary(DataType::UInt64.into(), DataType::Utf8View.into()),
        DataType::new_large_list(DataType::new_fixed_size_list(DataType::Date64, 3, true), true),
        DataType::RunEndEncoded(
            Field::new("run_ends", DataType::Int64, false).into(),
            Field::new("values", DataType::Binary, true).into(),
        ),
    ];
    for data_type in types {
        assert_eq!(check_supported(&data_type), Ok(()), "{data_type}");
    }
}
