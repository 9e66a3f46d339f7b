use super::super::tests::{features, with_options};
use super::super::{FormatKind, encode_all};
use super::*;
use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

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
        (DataType::Binary, "octet_length(\"Wide one\")"),
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

/// An array of one of many types whose values come from integers.
fn any_array(kind: usize, values: &[Option<i64>]) -> ArrayRef {
    let numbers: ArrayRef = Arc::new(values.iter().copied().collect::<Int64Array>());
    let floats = || values.iter().map(|value| value.map(|value| f64::from_bits(value.cast_unsigned())));
    let wrapped = |data_type: &DataType| arrow::compute::cast(&numbers, data_type).unwrap();
    match kind {
        0 => Arc::new(values.iter().map(|value| value.map(|value| value % 2 == 0)).collect::<BooleanArray>()),
        1 => numbers,
        2 => Arc::new(floats().collect::<Float64Array>()),
        3 => Arc::new(floats().map(|value| value.map(|value| value as f32)).collect::<Float32Array>()),
        4 => wrapped(&DataType::Int8),
        5 => wrapped(&DataType::UInt32),
        6 => wrapped(&DataType::Decimal128(38, 4)),
        7 => wrapped(&DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Int64))),
        8 => Arc::new(NullArray::new(values.len())),
        9 => pairs(&floats().map(|value| value.map(|value| [Some(value), None])).collect::<Vec<_>>()),
        10 | 11 => {
            let entry = |value: i64| (value.rem_euclid(7) as i32 - i32::from(kind == 11), value as f64);
            vectors(
                6 + i32::from(kind == 10),
                &values.iter().map(|value| value.map(|value| vec![entry(value)])).collect::<Vec<_>>(),
            )
        }
        12 => wrapped(&DataType::Utf8View),
        13 => wrapped(&DataType::Timestamp(TimeUnit::Microsecond, None)),
        _ => wrapped(&DataType::Float16),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_batch_is_written_or_refused(
        kinds in vec(0..15_usize, 1..5),
        rows in vec(of(prop_oneof![any::<i64>(), -3..100_i64]), 0..20),
        (labels, weight, group, key) in (0..3_usize, any::<bool>(), any::<bool>(), any::<bool>()),
        (size, tensor) in (of(0..9_u32), 0..3_usize),
    ) {
        let columns: Vec<_> = kinds.iter().map(|kind| ("c", any_array(*kind, &rows))).collect();
        let batch = super::super::tests::batch(columns);
        let roles = super::super::ColumnRoles { labels, weight, group, key };
        let Ok(with_roles) = super::super::Columns::new(batch.schema(), roles) else { return Ok(()) };
        let size = size.map(|size| (size + 1).to_string());
        let mut options: Vec<_> = size.iter().map(|size| ("sparse_size", size.as_str())).collect();
        for (columns, kind) in [
            (with_roles.clone(), FormatKind::Libsvm),
            (with_roles, FormatKind::Recordio),
            (features(&batch.schema()), FormatKind::Recordio),
        ] {
            if kind == FormatKind::Recordio {
                options.push(("dtype", ["float32", "float64", "int32"][tensor]));
            }
            let format = with_options(kind, &options);
            options.retain(|option| option.0 != "dtype");
            if let Err(error) = format.check(&columns) {
                prop_assert!(error.hint().is_some(), "{}", error.report());
            } else if let Err(error) = encode_all(format.as_ref(), &columns, std::slice::from_ref(&batch)) {
                prop_assert_eq!(error.code(), Code::BadRow, "{}", error.report());
            }
        }
    }
}
