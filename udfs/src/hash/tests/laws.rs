//! What holds for the hash of any rows.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use proptest::prelude::*;

use super::super::*;
use super::samples::columns_of_every_layout;

fn hashes(column: &ArrayRef) -> Vec<u64> {
    hash_rows(42, HashDomain::Split, std::slice::from_ref(column)).unwrap()
}

fn check_same(expected: &ArrayRef, others: &[ArrayRef]) {
    for other in others {
        assert_eq!(hashes(expected), hashes(other), "{} and {}", expected.data_type(), other.data_type());
    }
}

fn nullable_integers() -> impl Strategy<Value = Vec<Option<i64>>> {
    prop::collection::vec(prop::option::of(-100_i64..100), 1..40)
}

/// Values, and a range within them.
fn values_and_range() -> impl Strategy<Value = (Vec<Option<i64>>, usize, usize)> {
    nullable_integers().prop_flat_map(|values| {
        let rows = values.len();
        (Just(values), 0..rows)
            .prop_flat_map(move |(values, start)| (Just(values), Just(start), 0..=rows - start))
    })
}

proptest! {
    #[test]
    fn a_row_hashes_the_same_in_a_slice((values, start, rows) in values_and_range()) {
        for column in columns_of_every_layout(&values) {
            let sliced = hashes(&column.slice(start, rows));
            prop_assert_eq!(&sliced, &hashes(&column)[start..start + rows], "{}", column.data_type());
        }
    }

    #[test]
    fn a_row_hashes_the_same_in_a_batch_of_its_own((values, start, rows) in values_and_range()) {
        let whole = columns_of_every_layout(&values);
        let part = columns_of_every_layout(&values[start..start + rows]);
        for (whole, part) in whole.iter().zip(&part) {
            prop_assert_eq!(&hashes(part), &hashes(whole)[start..start + rows], "{}", whole.data_type());
        }
    }

    #[test]
    fn a_null_hashes_as_null_whatever_its_layout(values in nullable_integers()) {
        let null = hashes(&(Arc::new(NullArray::new(1)) as ArrayRef))[0];
        for column in columns_of_every_layout(&values) {
            for (hash, value) in hashes(&column).into_iter().zip(&values) {
                let is_null = value.is_none() || column.data_type().is_null();
                prop_assert_eq!(hash == null, is_null, "{}", column.data_type());
            }
        }
    }

    #[test]
    fn integers_hash_the_same_in_every_width(values in nullable_integers()) {
        let column: ArrayRef = Arc::new(Int64Array::from(values));
        check_same(&column, &[DataType::Int8, DataType::Int16, DataType::Int32].map(|t| cast(&column, &t).unwrap()));
    }

    #[test]
    fn floats_hash_the_same_in_every_width(values in prop::collection::vec(any::<f32>(), 1..40)) {
        let column: ArrayRef = Arc::new(Float32Array::from(values));
        check_same(&column, &[cast(&column, &DataType::Float64).unwrap()]);
    }

    #[test]
    fn decimals_hash_the_same_at_every_scale(values in prop::collection::vec(any::<i32>(), 1..40)) {
        let column = Decimal128Array::from_iter_values(values.into_iter().map(i128::from));
        let column: ArrayRef = Arc::new(column.with_precision_and_scale(18, 4).unwrap());
        let types = [DataType::Decimal64(18, 5), DataType::Decimal128(38, 20), DataType::Decimal256(76, 60)];
        check_same(&column, &types.map(|t| cast(&column, &t).unwrap()));
    }

    #[test]
    fn text_hashes_the_same_in_every_layout(values in prop::collection::vec(prop::option::of(".{0,20}"), 1..40)) {
        let column: ArrayRef = Arc::new(StringArray::from(values));
        let dictionary = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8View.into());
        check_same(&column, &[DataType::LargeUtf8, DataType::Utf8View, dictionary].map(|t| cast(&column, &t).unwrap()));
    }

    #[test]
    fn lists_hash_the_same_in_every_layout(values in nullable_integers()) {
        let lists = |value: Option<i64>| value.map(|v| vec![Some(v); v.rem_euclid(4) as usize]);
        let column = ListArray::from_iter_primitive::<Int64Type, _, _>(values.into_iter().map(lists));
        let column: ArrayRef = Arc::new(column);
        let item = Arc::new(Field::new_list_field(DataType::Int32, true));
        let types = [DataType::LargeList(item.clone()), DataType::ListView(item)];
        check_same(&column, &types.map(|t| cast(&column, &t).unwrap()));
    }

    #[test]
    fn what_lies_under_a_null_does_not_matter(rows in prop::collection::vec((any::<i8>(), any::<bool>()), 1..40)) {
        let nulls = NullBuffer::from_iter(rows.iter().map(|(_, valid)| *valid));
        let junk: Vec<i8> = rows.iter().map(|(value, _)| *value).collect();
        let clean = rows.iter().map(|(value, valid)| if *valid { *value } else { 0 }).collect();
        for (junk, clean) in columns_over(junk, &nulls).iter().zip(columns_over(clean, &nulls)) {
            prop_assert_eq!(hashes(junk), hashes(&clean), "{}", clean.data_type());
        }
    }
}

/// Columns with the given values also where they are null.
fn columns_over(values: Vec<i8>, nulls: &NullBuffer) -> Vec<ArrayRef> {
    let rows = values.len();
    let nulls = Some(nulls.clone());
    let text = StringArray::from_iter_values(values.iter().map(|value| value.to_string()));
    let masked_text = StringArray::new(text.offsets().clone(), text.values().clone(), nulls.clone());
    let numbers: ArrayRef = Arc::new(Int8Array::from(values.clone()));
    let item = Arc::new(Field::new_list_field(DataType::Int8, false));
    let lists = ListArray::new(
        item.clone(),
        OffsetBuffer::from_lengths(vec![1; rows]),
        numbers.clone(),
        nulls.clone(),
    );
    let fixed = FixedSizeListArray::new(item, 1, numbers.clone(), nulls.clone());
    let fields = vec![Field::new("number", DataType::Int8, false)];
    let structs = StructArray::new(fields.into(), vec![numbers], nulls.clone());
    let keys = values.iter().map(|value| value.unsigned_abs() / 16).collect::<Vec<_>>();
    let keys = UInt8Array::new(keys.into(), nulls.clone());
    let dictionary = DictionaryArray::new(keys, Arc::new(Int32Array::from_iter_values(0..9)));
    vec![
        Arc::new(Int8Array::new(values.into(), nulls)),
        Arc::new(masked_text),
        Arc::new(lists),
        Arc::new(fixed),
        Arc::new(structs),
        Arc::new(dictionary),
    ]
}
