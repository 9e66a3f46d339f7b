use super::*;
use arrow::array::*;
use arrow::datatypes::Int32Type;
use std::sync::Arc;

/// The floats of each row.
fn floats(array: impl Array + 'static) -> Result<Vec<Option<Vec<f32>>>> {
    let field = Field::new("x", array.data_type().clone(), true);
    let rows = array.len();
    let lists = ValueLists::new(&(Arc::new(array) as ArrayRef), &field, Kind::Float)?;
    let Values::Floats(values) = &lists.values else { panic!("no floats") };
    (0..rows).map(|row| Ok(lists.range(row, &field)?.map(|range| values[range].to_vec()))).collect()
}

#[test]
fn numbers_of_all_types_become_floats() {
    let check = |found: Result<_>| assert_eq!(found.unwrap(), [Some(vec![1.0]), None]);
    check(floats(BooleanArray::from(vec![Some(true), None])));
    check(floats(UInt64Array::from(vec![Some(1), None])));
    check(floats(Float64Array::from(vec![Some(1.0), None])));
    check(floats(Date32Array::from(vec![Some(1), None])));
    check(floats(Date64Array::from(vec![Some(86_400_000), None])));
    let decimal = Decimal128Array::from(vec![Some(100), None]).with_precision_and_scale(10, 2).unwrap();
    check(floats(decimal));
    let decimal = Decimal256Array::from(vec![Some(arrow::datatypes::i256::from_i128(100)), None]);
    check(floats(decimal.with_precision_and_scale(50, 2).unwrap()));
}

#[test]
fn lists_of_all_kinds_keep_their_lengths_when_sliced() {
    let rows = || vec![Some(vec![Some(9)]), Some(vec![Some(1), Some(2)]), None, Some(vec![])];
    let expected = [Some(vec![1.0, 2.0]), None, Some(vec![])];
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(rows());
    assert_eq!(floats(list.slice(1, 3)).unwrap(), expected);
    let list = LargeListArray::from_iter_primitive::<Int32Type, _, _>(rows());
    assert_eq!(floats(list.slice(1, 3)).unwrap(), expected);
    let rows = vec![Some(vec![Some(9), Some(8)]), Some(vec![Some(1), Some(2)]), None];
    let list = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(rows, 2);
    assert_eq!(floats(list.slice(1, 2)).unwrap(), expected[..2]);
}

#[test]
fn a_null_inside_a_list_is_a_bad_row_that_names_the_column() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None])]);
    let error = floats(list).unwrap_err();
    assert_eq!(error.code(), Code::BadRow);
    assert!(error.message().contains("column \"x\""), "{error}");
}

#[test]
fn types_without_a_kind_are_none() {
    use arrow::datatypes::TimeUnit;
    let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
    for data_type in [
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Time32(TimeUnit::Second),
        DataType::Duration(TimeUnit::Second),
        DataType::Null,
        list(DataType::Null),
        list(list(DataType::Int8)),
        DataType::Struct(vec![Field::new("x", DataType::Int8, true)].into()),
    ] {
        assert_eq!(kind_of(&data_type), None, "{data_type}");
    }
}
