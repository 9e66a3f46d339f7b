use super::super::tests::{batch, default_format};
use super::super::{FormatKind, encode_all};
use super::*;
use arrow::array::*;
use arrow::datatypes::Schema;
use proptest::prelude::*;

fn encode(labels: usize, columns: Vec<(&str, ArrayRef)>) -> Result<String> {
    let batch = batch(columns);
    let roles = ColumnRoles { labels, ..ColumnRoles::default() };
    let columns = Columns::new(batch.schema(), roles)?;
    let bytes = encode_all(default_format(FormatKind::BlazingText).as_ref(), &columns, &[batch])?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn texts(values: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

fn integers(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

#[test]
fn labels_come_first_with_their_prefix() {
    let text = texts(vec![Some("linux ready for prime time"), Some("")]);
    let columns = vec![("y", integers(vec![Some(4), Some(-1)])), ("t", text.clone())];
    assert_eq!(encode(1, columns).unwrap(), "__label__4 linux ready for prime time\n__label__-1 \n");
    let columns =
        vec![("y", integers(vec![Some(4), None])), ("z", texts(vec![Some("x"), Some("é")])), ("t", text)];
    assert_eq!(
        encode(2, columns).unwrap(),
        "__label__4 __label__x linux ready for prime time\n__label__é \n"
    );
}

#[test]
fn without_labels_a_line_is_the_text() {
    let text = texts(vec![Some("a b"), Some("__label__1 c")]);
    assert_eq!(encode(0, vec![("t", text)]).unwrap(), "a b\n__label__1 c\n");
}

fn check_bad_row(label: Option<&str>, text: Option<&str>, column: &str) {
    let error = encode(1, vec![("y", texts(vec![label])), ("t", texts(vec![text]))]).unwrap_err();
    assert_eq!(error.code(), Code::BadRow);
    assert!(error.message().contains(&format!("column \"{column}\"")), "{error}");
}

#[test]
fn rows_that_would_be_read_as_something_else_are_refused() {
    check_bad_row(Some("a"), Some("two\nlines"), "t");
    check_bad_row(Some("a"), Some("two\rlines"), "t");
    check_bad_row(Some("a"), Some("a nul \0"), "t");
    check_bad_row(Some("a"), Some("of __label__b"), "t");
    check_bad_row(Some("a"), None, "t");
    check_bad_row(None, Some("text"), "y");
    check_bad_row(Some(""), Some("text"), "y");
    check_bad_row(Some("two words"), Some("text"), "y");
}

#[test]
fn there_is_one_column_of_text() {
    let check = |types: &[DataType]| {
        let fields: Vec<_> = (0..)
            .zip(types)
            .map(|(index, data_type)| Field::new(format!("c{index}"), data_type.clone(), true))
            .collect();
        let roles = ColumnRoles { labels: 1, ..ColumnRoles::default() };
        let columns = Columns::new(Arc::new(Schema::new(fields)), roles).unwrap();
        default_format(FormatKind::BlazingText).check(&columns).map_err(|error| error.code())
    };
    assert_eq!(check(&[DataType::Int32, DataType::Utf8View]), Ok(()));
    assert_eq!(check(&[DataType::Float64, DataType::Utf8]), Err(Code::UnsupportedColumnType));
    assert_eq!(check(&[DataType::Int32, DataType::Int32]), Err(Code::UnsupportedColumnType));
    assert_eq!(check(&[DataType::Int32]), Err(Code::Unsupported));
    assert_eq!(check(&[DataType::Int32, DataType::Utf8, DataType::Utf8]), Err(Code::Unsupported));
}

proptest! {
    #[test]
    fn a_row_is_refused_or_is_one_line_with_its_label(label in "\\PC{0,8}|[ a-z\n]{0,4}", text in "(\\PC|[\n\r ]){0,40}") {
        let columns = vec![("y", texts(vec![Some(&label)])), ("t", texts(vec![Some(&text)]))];
        match encode(1, columns) {
            Err(error) => prop_assert_eq!(error.code(), Code::BadRow),
            Ok(lines) => {
                let read = lines.strip_suffix('\n').unwrap().strip_prefix("__label__").unwrap();
                prop_assert!(!read.contains('\n'));
                prop_assert_eq!(read.split_once(' '), Some((label.as_str(), text.as_str())));
            }
        }
    }
}
