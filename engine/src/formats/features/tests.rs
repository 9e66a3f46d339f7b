use super::*;
use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;

/// One row of sparse vectors: index and value of each entry.
pub(in crate::formats) type Entries = Vec<(i32, f64)>;

/// Sparse vectors as Spark ML has them in memory: `size`, `indices`, `values`.
pub(in crate::formats) fn vectors(size: i32, rows: &[Option<Entries>]) -> ArrayRef {
    let lengths = rows.iter().map(|row| row.as_ref().map_or(0, Vec::len));
    let offsets: OffsetBuffer<i32> = OffsetBuffer::from_lengths(lengths);
    let entries: Vec<_> = rows.iter().flatten().flatten().copied().collect();
    let indices: ArrayRef = Arc::new(Int32Array::from_iter_values(entries.iter().map(|entry| entry.0)));
    let values: ArrayRef = Arc::new(Float64Array::from_iter_values(entries.iter().map(|entry| entry.1)));
    let list = |array: ArrayRef| {
        let item = Arc::new(Field::new_list_field(array.data_type().clone(), true));
        Arc::new(ListArray::new(item, offsets.clone(), array, None)) as ArrayRef
    };
    let parts: [(&str, ArrayRef); 3] = [
        ("size", Arc::new(Int32Array::from(vec![size; rows.len()]))),
        ("indices", list(indices)),
        ("values", list(values)),
    ];
    let (fields, arrays): (Vec<_>, Vec<_>) = parts
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
        .unzip();
    let nulls = rows.iter().map(Option::is_some).collect::<Vec<_>>().into();
    Arc::new(StructArray::new(fields.into(), arrays, Some(nulls)))
}

/// A vector of Spark's Parquet files, with `type` 1: all values, and neither size nor indices.
pub(in crate::formats) fn dense_vector(values: &[f64]) -> ArrayRef {
    let empty = vectors(1, &[Some(Vec::new())]);
    let values =
        ListArray::from_iter_primitive::<Float64Type, _, _>([Some(values.iter().copied().map(Some))]);
    let parts: [(&str, ArrayRef); 4] = [
        ("type", Arc::new(Int8Array::from(vec![1]))),
        ("size", Arc::new(Int32Array::from(vec![None::<i32>]))),
        ("indices", Arc::clone(empty.as_struct().column(1))),
        ("values", Arc::new(values)),
    ];
    Arc::new(StructArray::try_from(parts.to_vec()).unwrap())
}

pub(in crate::formats) fn pairs(rows: &[Option<[Option<f64>; 2]>]) -> ArrayRef {
    let rows = rows.iter().map(|row| row.map(|row| row.to_vec()));
    Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 2))
}

fn column(name: &str, array: &ArrayRef) -> FieldRef {
    Arc::new(Field::new(name, array.data_type().clone(), true))
}

#[test]
fn each_column_starts_where_the_one_before_ends() {
    let (pair, vector) = (pairs(&[]), vectors(5, &[]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![0; 0]));
    let fields = [column("p", &pair), column("v", &vector), column("n", &number), column("w", &vector)];
    let laid_out = Features::new("F", &fields, NonZeroU32::new(5)).unwrap();
    assert_eq!(laid_out.columns.iter().map(|column| column.first).collect::<Vec<_>>(), [0, 2, 7, 8]);
    assert_eq!(laid_out.width, Some(13));
    assert!(laid_out.is_sparse());
    assert_eq!(Features::new("F", &fields[..2], None).unwrap().width, None);
    let error = Features::new("F", &fields, None).unwrap_err();
    assert_eq!(error.code(), Code::BadOption);
    assert!(error.message().contains("\"n\""), "{error}");
}

#[test]
fn what_is_no_number_is_refused_with_what_would_fix_it() {
    let item = || Arc::new(Field::new_list_field(DataType::Utf8, true));
    for (data_type, hint) in [
        (DataType::Utf8View, "CAST(\"Wide one\" AS DOUBLE)"),
        (DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)), "AS DOUBLE"),
        (DataType::Date32, "date_part('epoch', \"Wide one\")"),
        (DataType::Timestamp(TimeUnit::Second, None), "date_part('epoch', \"Wide one\")"),
        (DataType::Time64(TimeUnit::Nanosecond), "date_part('epoch', \"Wide one\")"),
        (DataType::Binary, "octet_length(encode(\"Wide one\", 'hex')) / 2"),
        (DataType::FixedSizeList(item(), 2), "\"Wide one\"[1]"),
        (DataType::List(Arc::new(Field::new_list_field(DataType::Int8, true))), "\"Wide one\"[1]"),
        (DataType::Struct(vec![item()].into()), "\"Wide one\"['item']"),
        (DataType::Duration(TimeUnit::Second), "AS BIGINT"),
    ] {
        let error =
            Features::new("F", &[Arc::new(Field::new("Wide one", data_type, true))], None).unwrap_err();
        assert_eq!(error.code(), Code::UnsupportedColumnType);
        assert!(error.message().contains("\"Wide one\""), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{}", error.report());
    }
}

#[test]
fn no_features_and_too_many_are_refused() {
    let number = |size| {
        let item = Arc::new(Field::new_list_field(DataType::Int8, true));
        Arc::new(Field::new("x", DataType::FixedSizeList(item, size), true))
    };
    for fields in [vec![], vec![number(0)], vec![number(i32::MAX); 3]] {
        assert_eq!(Features::new("F", &fields, None).unwrap_err().code(), Code::Unsupported);
    }
}

fn sparse_row(array: &ArrayRef, size: u32) -> Result<Vec<(u64, f64)>> {
    let feature = Feature { field: column("v", array), shape: Shape::Sparse, first: 0 };
    let vectors = SparseColumn::new(array, &feature, &DataType::Float64, NonZeroU32::new(size))?;
    let values = vectors.values().as_primitive::<Float64Type>().clone();
    Ok(vectors.row(0)?.entries().map(|(index, place)| (index, values.value(place))).collect())
}

#[test]
fn a_vector_is_sparse_or_dense() {
    assert_eq!(sparse_row(&vectors(9, &[Some(vec![(0, 1.5), (8, 2.5)])]), 9).unwrap(), [(0, 1.5), (8, 2.5)]);
    assert_eq!(sparse_row(&vectors(9, &[None]), 9).unwrap(), []);
    assert_eq!(sparse_row(&dense_vector(&[1.5, 0.0]), 2).unwrap(), [(0, 1.5), (1, 0.0)]);
}

#[test]
fn what_is_no_vector_is_a_bad_row() {
    for (array, words) in [
        (vectors(4, &[Some(vec![])]), "size 4, and option 'sparse_size' says 5"),
        (dense_vector(&[1.0; 4]), "size 4, and option 'sparse_size' says 5"),
        (vectors(5, &[Some(vec![(5, 1.0)])]), "do not ascend"),
        (vectors(5, &[Some(vec![(-1, 1.0)])]), "do not ascend"),
        (vectors(5, &[Some(vec![(2, 1.0), (2, 1.0)])]), "do not ascend"),
        (vectors(5, &[Some(vec![(3, 1.0), (2, 1.0)])]), "do not ascend"),
        (vectors(-1, &[Some(vec![])]), "without a size"),
    ] {
        let error = sparse_row(&array, 5).unwrap_err();
        assert_eq!(error.code(), Code::BadRow);
        assert!(error.message().starts_with("column \"v\"") && error.message().contains(words), "{error}");
    }
}
