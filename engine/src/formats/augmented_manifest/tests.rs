use super::super::tests::{batch, default_format, features};
use super::super::{FormatKind, encode_all};
use super::*;
use arrow::array::*;
use arrow::datatypes::Schema;

fn encode(columns: Vec<(&str, ArrayRef)>) -> Result<String> {
    let batch = batch(columns);
    let format = default_format(FormatKind::AugmentedManifest);
    let bytes = encode_all(format.as_ref(), &features(&batch.schema()), &[batch])?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

#[test]
fn a_line_is_what_the_documentation_shows() {
    let member = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let metadata: ArrayRef = Arc::new(StructArray::from(vec![
        (member("class-name", DataType::Utf8), text("cat")),
        (member("confidence", DataType::Float64), Arc::new(Float64Array::from(vec![0.0])) as ArrayRef),
        (member("type", DataType::Utf8), text("groundtruth/image-classification")),
        (member("human-annotated", DataType::Utf8), text("yes")),
        (member("creation-date", DataType::Utf8), text("2018-10-18T22:18:13.527256")),
    ]));
    let columns =
        vec![("source-ref", text("s3://b/1.jpg")), ("class", text("0")), ("class-metadata", metadata)];
    assert_eq!(
        encode(columns).unwrap(),
        concat!(
            r#"{"source-ref":"s3://b/1.jpg","class":"0","class-metadata":{"class-name":"cat","confidence":0.0,"#,
            r#""type":"groundtruth/image-classification","human-annotated":"yes","#,
            r#""creation-date":"2018-10-18T22:18:13.527256"}}"#,
            "\n"
        )
    );
}

#[test]
fn what_names_no_object_is_refused_with_its_column_and_value() {
    for wrong in ["", "1.jpg", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "https://b/k", "S3://b/k"]
    {
        let error = encode(vec![("source-ref", text(wrong))]).unwrap_err();
        assert_eq!(error.code(), Code::BadRow);
        let named = format!("column \"source-ref\" has the value '{wrong}'");
        assert!(error.message().contains(&named), "{error}");
    }
    let null: ArrayRef = Arc::new(StringArray::new_null(1));
    assert_eq!(encode(vec![("source-ref", null)]).unwrap_err().code(), Code::BadRow);
}

#[test]
fn only_columns_that_end_in_ref_are_references() {
    let line = encode(vec![("ref", text("x")), ("a-refs", text("y"))]).unwrap();
    assert_eq!(line, "{\"ref\":\"x\",\"a-refs\":\"y\"}\n");
}

#[test]
fn a_reference_is_text() {
    let schema = Schema::new(vec![Field::new("source-ref", DataType::Int64, true)]);
    let error =
        default_format(FormatKind::AugmentedManifest).check(&features(&Arc::new(schema))).unwrap_err();
    assert_eq!(error.code(), Code::UnsupportedColumnType);
    assert!(error.message().contains("\"source-ref\""), "{error}");
}

#[test]
fn a_channel_has_sixteen_attributes_at_most() {
    let check = |count: usize| {
        let fields: Vec<_> =
            (0..count).map(|index| Field::new(format!("c{index}"), DataType::Int64, true)).collect();
        let columns = features(&Arc::new(Schema::new(fields)));
        default_format(FormatKind::AugmentedManifest).check(&columns)
    };
    assert!(check(16).is_ok());
    assert_eq!(check(17).unwrap_err().code(), Code::Unsupported);
}
