use super::super::{JsonExtension, JsonNan, JsonNulls, JsonTimestamps};
use super::*;

fn take_all(kind: FormatKind, given: &[(&str, &str)]) -> Result<FormatOptions> {
    let mut options = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    FormatOptions::take(kind, &mut options, FormatDefaults::TRAINING_SET)
}

fn check_refused(kind: FormatKind, given: &[(&str, &str)], words: &str) {
    let error = take_all(kind, given).unwrap_err();
    assert_eq!(error.code(), Code::BadOption);
    assert!(error.message().contains(words), "{error}");
    assert!(error.hint().is_some());
}

fn csv(header: bool, delimiter: &str) -> FormatOptions {
    FormatOptions::Csv(CsvOptions {
        header,
        delimiter: Delimiter::parse(delimiter).unwrap(),
        compression: Compression::None,
        categorical: Vec::new(),
    })
}

#[test]
fn defaults_depend_on_the_statement() {
    let mut none = BTreeMap::new();
    let copy = FormatOptions::take(FormatKind::Csv, &mut none, FormatDefaults::COPY).unwrap();
    assert_eq!(copy, csv(true, ","));
    assert_eq!(take_all(FormatKind::Csv, &[]).unwrap(), csv(false, ","));
}

#[test]
fn both_spellings_of_an_option_are_read_in_any_case() {
    for key in ["header", "has_header", "format.has_header", "Format.Has_Header"] {
        assert_eq!(take_all(FormatKind::Csv, &[(key, "TRUE")]).unwrap(), csv(true, ","));
    }
    assert_eq!(take_all(FormatKind::Csv, &[("format.delimiter", "|")]).unwrap(), csv(false, "|"));
    assert_eq!(take_all(FormatKind::Csv, &[("delimiter", "\\t")]).unwrap(), csv(false, "\t"));
    assert_eq!(take_all(FormatKind::Csv, &[("compression", "none")]).unwrap(), csv(false, ","));
}

#[test]
fn options_of_others_stay() {
    let given = [("shards", "16"), ("header", "true"), ("compression", "none")];
    let mut options = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    FormatOptions::take(FormatKind::Csv, &mut options, FormatDefaults::TRAINING_SET).unwrap();
    assert_eq!(options.into_keys().collect::<Vec<_>>(), ["shards"]);
}

#[test]
fn bad_values_are_refused_by_name() {
    check_refused(FormatKind::Csv, &[("header", "maybe")], "option 'header' has the value 'maybe'");
    check_refused(FormatKind::Csv, &[("compression", "lzma")], "option 'compression' has the value 'lzma'");
    check_refused(FormatKind::Csv, &[("header", "true"), ("format.has_header", "true")], "same option");
    check_refused(FormatKind::Parquet, &[("compression", "lzo")], "'lzo'");
    check_refused(FormatKind::Parquet, &[("compression", "zstd(23)")], "'zstd(23)'");
    check_refused(FormatKind::Parquet, &[("row_group_rows", "0")], "'row_group_rows' has the value '0'");
    check_refused(FormatKind::Parquet, &[("dictionary", "yes")], "'dictionary' has the value 'yes'");
}

#[test]
fn a_delimiter_is_one_character_that_no_number_or_date_contains() {
    for text in ["", ",,", "\"", "\n", "\r", "\0", "a", "7", ".", "-", "+", ":", "é"] {
        check_refused(FormatKind::Csv, &[("delimiter", text)], "option 'delimiter'");
    }
    for text in [",", ";", "|", "\t", " ", "^", "\u{1}"] {
        assert_eq!(take_all(FormatKind::Csv, &[("delimiter", text)]).unwrap(), csv(false, text));
    }
}

#[test]
fn parquet_options_are_read() {
    for (text, canonical) in [
        ("ZSTD", "zstd(3)"),
        ("zstd( 9 )", "zstd(9)"),
        ("lz4_raw", "lz4_raw"),
        ("uncompressed", "none"),
        ("Snappy", "snappy"),
    ] {
        let options = take_all(FormatKind::Parquet, &[("format.compression", text)]).unwrap();
        let FormatOptions::Parquet(options) = options else { panic!("not Parquet") };
        assert_eq!(String::from(options.compression), canonical);
    }
    let given = [("row_group_rows", "5"), ("dictionary", "false")];
    let FormatOptions::Parquet(options) = take_all(FormatKind::Parquet, &given).unwrap() else {
        panic!("not Parquet")
    };
    assert_eq!((options.row_group_rows.get(), options.dictionary), (5, Some(false)));
    assert_eq!(ParquetOptions::default().row_group_rows.get(), 1_048_576);
}

#[test]
fn the_types_of_tensors_and_the_size_of_vectors_are_read() {
    let given = [("dtype", "FLOAT64"), ("label_dtype", "int32"), ("sparse_size", "9")];
    let (features, labels) = (TensorType::Float64, TensorType::Int32);
    let expected = RecordioOptions { features, labels, sparse_size: NonZeroU32::new(9) };
    assert_eq!(take_all(FormatKind::Recordio, &given).unwrap(), FormatOptions::Recordio(expected));
    let labels = RecordioOptions { features, labels: features, sparse_size: None };
    assert_eq!(take_all(FormatKind::Recordio, &given[..1]).unwrap(), FormatOptions::Recordio(labels));
    check_refused(FormatKind::Recordio, &[("dtype", "float16")], "option 'dtype' has the value 'float16'");
    check_refused(FormatKind::Libsvm, &[("sparse_size", "0")], "option 'sparse_size' has the value '0'");
    check_refused(FormatKind::Libsvm, &[("zeros", "no")], "option 'zeros' has the value 'no'");
}

#[test]
fn json_options_are_read() {
    let given = [("nulls", "OMIT"), ("nan", "string"), ("timestamp_format", "sql"), ("extension", "json")];
    let FormatOptions::Jsonl(options) = take_all(FormatKind::Jsonl, &given).unwrap() else {
        panic!("not JSON Lines")
    };
    assert_eq!(options.nulls, JsonNulls::Omit);
    assert_eq!(options.nan, JsonNan::String);
    assert_eq!(options.timestamp_format, JsonTimestamps::Sql);
    assert_eq!(options.extension, JsonExtension::Json);
    for key in ["nulls", "nan", "timestamp_format", "extension"] {
        check_refused(FormatKind::Jsonl, &[(key, "xml")], &format!("option '{key}' has the value 'xml'"));
    }
}

#[test]
fn categorical_columns_are_names_with_commas_between() {
    let options = take_all(FormatKind::Csv, &[("categorical", " a,b c ")]).unwrap();
    let FormatOptions::Csv(options) = options else { panic!("not CSV") };
    assert_eq!(options.categorical, ["a", "b c"]);
    check_refused(FormatKind::Csv, &[("categorical", "a,,b")], "option 'categorical'");
}

#[test]
fn options_survive_a_plan() {
    for options in [
        csv(true, "\t"),
        take_all(FormatKind::Csv, &[("categorical", "a,b")]).unwrap(),
        take_all(FormatKind::Parquet, &[("compression", "zstd(7)")]).unwrap(),
        take_all(FormatKind::Jsonl, &[("nan", "string"), ("compression", "gzip")]).unwrap(),
        take_all(FormatKind::AugmentedManifest, &[]).unwrap(),
        take_all(FormatKind::BlazingText, &[]).unwrap(),
    ] {
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<FormatOptions>(&text).unwrap(), options, "{text}");
    }
    let wrong = r#"{"csv":{"header":false,"delimiter":"\""}}"#;
    assert!(serde_json::from_str::<FormatOptions>(wrong).is_err());
}

#[test]
fn every_option_that_is_named_in_a_hint_is_known() {
    for kind in FormatKind::ALL {
        for name in FormatOptions::names(*kind) {
            let mut options = BTreeMap::from([((*name).to_owned(), "?".to_owned())]);
            // It is taken, or its value is refused.
            let taken = FormatOptions::take(*kind, &mut options, FormatDefaults::TRAINING_SET);
            assert!(options.is_empty() || taken.is_err(), "{kind} {name}");
        }
    }
}
