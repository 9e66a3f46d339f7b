use super::ColumnRule;
use crate::error::{Code, Result};
use crate::formats::{Columns, FormatDefaults, FormatKind, FormatOptions, JsonTimestamps};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::sync::Arc;

type Fields<'a> = &'a [(&'a str, DataType)];

fn check(rule: ColumnRule, kind: FormatKind, fields: Fields<'_>) -> Result<()> {
    let defaults = FormatDefaults { json_timestamps: JsonTimestamps::Sql, ..FormatDefaults::TRAINING_SET };
    let options = FormatOptions::take(kind, &mut [].into(), defaults)?;
    rule.check("a", &options, &columns(fields))
}

fn columns(fields: Fields<'_>) -> Columns {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Columns::features_only(Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>())))
}

fn check_type(rule: ColumnRule, kind: FormatKind, fields: Fields<'_>, named: &str) {
    check_refused(rule, kind, fields, (Code::UnsupportedColumnType, named));
}

fn check_names(rule: ColumnRule, kind: FormatKind, fields: Fields<'_>, named: &str) {
    check_refused(rule, kind, fields, (Code::BadOption, named));
}

fn check_refused(rule: ColumnRule, kind: FormatKind, fields: Fields<'_>, (code, named): (Code, &str)) {
    let error = check(rule, kind, fields).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(named) && error.hint().is_some(), "{named}: {error}");
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

fn vector(item: DataType) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", item, true)), 2)
}

fn moment(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, zone.map(Into::into))
}

const TEXT: DataType = DataType::Utf8View;
const WHOLE: DataType = DataType::Int64;
const REAL: DataType = DataType::Float64;

#[test]
fn a_time_series_has_a_start_and_a_list_of_numbers() {
    const RULE: ColumnRule = ColumnRule::TimeSeries;
    for kind in [FormatKind::Jsonl, FormatKind::Parquet] {
        check_names(RULE, kind, &[("target", list(REAL))], "\"start\"");
        check_names(RULE, kind, &[("start", TEXT)], "\"target\"");
        check_type(RULE, kind, &[("start", DataType::Date32), ("target", list(REAL))], "\"start\" is Date32");
        check_type(RULE, kind, &[("start", TEXT), ("target", REAL)], "\"target\"");
        check_type(RULE, kind, &[("start", TEXT), ("target", list(TEXT))], "\"target\"");
        check(RULE, kind, &[("start", moment(None)), ("target", vector(DataType::Float32)), ("id", TEXT)])
            .unwrap();
    }
}

#[test]
fn what_goes_with_a_time_series_is_checked_where_it_is_there() {
    let with = |name, data_type| [("start", TEXT), ("target", list(REAL)), (name, data_type)];
    let check_type =
        |fields: Fields<'_>, named| check_type(ColumnRule::TimeSeries, FormatKind::Jsonl, fields, named);
    check_type(&with("cat", list(REAL)), "\"cat\"");
    check_type(&with("cat", TEXT), "\"cat\"");
    check_type(&with("dynamic_feat", list(REAL)), "\"dynamic_feat\"");
    for (name, data_type) in
        [("cat", WHOLE), ("cat", list(DataType::UInt8)), ("dynamic_feat", list(vector(DataType::Float32)))]
    {
        check(ColumnRule::TimeSeries, FormatKind::Jsonl, &with(name, data_type)).unwrap();
    }
}

#[test]
fn a_time_zone_is_refused_where_it_would_be_written() {
    let fields = [("start", moment(Some("UTC"))), ("target", list(REAL))];
    check_type(ColumnRule::TimeSeries, FormatKind::Parquet, &fields, "\"start\"");
    check(ColumnRule::TimeSeries, FormatKind::Jsonl, &fields).unwrap();
}

#[test]
fn timestamps_that_a_user_wants_in_iso_form_are_refused() {
    let mut given = [("timestamp_format".to_owned(), "iso".to_owned())].into();
    let options = FormatOptions::take(FormatKind::Jsonl, &mut given, FormatDefaults::TRAINING_SET).unwrap();
    let check = |start| {
        let columns = columns(&[("start", start), ("target", list(REAL))]);
        ColumnRule::TimeSeries.check("a", &options, &columns)
    };
    let error = check(moment(None)).unwrap_err();
    assert!(error.message().contains("'timestamp_format'") && error.hint().is_some(), "{error}");
    check(TEXT).unwrap();
}

#[test]
fn pairs_are_two_lists_of_tokens_and_a_number() {
    const RULE: ColumnRule = ColumnRule::Pairs;
    let tokens = || list(DataType::Int32);
    let with = |in0, in1, label| [("in0", in0), ("in1", in1), ("label", label)];
    check_names(RULE, FormatKind::Jsonl, &[("in0", tokens()), ("label", WHOLE)], "\"in1\"");
    check_names(RULE, FormatKind::Jsonl, &with(tokens(), tokens(), WHOLE)[..2], "\"label\"");
    check_type(RULE, FormatKind::Jsonl, &with(WHOLE, tokens(), WHOLE), "\"in0\" is Int64");
    check_type(RULE, FormatKind::Jsonl, &with(tokens(), list(REAL), WHOLE), "\"in1\"");
    check_type(RULE, FormatKind::Jsonl, &with(tokens(), tokens(), TEXT), "\"label\" is Utf8");
    check(RULE, FormatKind::Jsonl, &with(tokens(), vector(WHOLE), REAL)).unwrap();
}

#[test]
fn an_access_is_an_entity_and_an_address() {
    const RULE: ColumnRule = ColumnRule::Accesses;
    check_names(RULE, FormatKind::Csv, &[("who", TEXT)], "two columns");
    check_names(RULE, FormatKind::Csv, &[("who", TEXT), ("ip", TEXT), ("at", TEXT)], "the statement has 3");
    check_type(RULE, FormatKind::Csv, &[("who", REAL), ("ip", TEXT)], "\"who\" is Float64");
    check_type(RULE, FormatKind::Csv, &[("who", TEXT), ("ip", WHOLE)], "\"ip\" is Int64");
    check(RULE, FormatKind::Csv, &[("who", TEXT), ("ip", TEXT)]).unwrap();
    check(RULE, FormatKind::Csv, &[("who", WHOLE), ("ip", TEXT)]).unwrap();
}

#[test]
fn an_image_comes_with_one_attribute() {
    const KIND: FormatKind = FormatKind::AugmentedManifest;
    let image = || ("source-ref", TEXT);
    check_names(ColumnRule::Image, KIND, &[("image-ref", TEXT), ("class", WHOLE)], "\"source-ref\"");
    check_names(ColumnRule::Image, KIND, &[image()], "an attribute that is the label");
    check_names(
        ColumnRule::Image,
        KIND,
        &[image(), ("class", WHOLE), ("id", WHOLE)],
        "source-ref, class, id",
    );
    check_names(ColumnRule::Image, KIND, &[image(), ("mask-ref", TEXT)], "mask-ref");
    check_names(ColumnRule::ImageAndMask, KIND, &[image(), ("class", WHOLE)], "a mask-ref");
    check(ColumnRule::Image, KIND, &[("class", WHOLE), image(), ("class-metadata", TEXT)]).unwrap();
    check(ColumnRule::ImageAndMask, KIND, &[image(), ("streets-ref", TEXT)]).unwrap();
}

#[test]
fn a_labelled_text_has_a_source_and_a_label() {
    const RULE: ColumnRule = ColumnRule::Text;
    const KIND: FormatKind = FormatKind::AugmentedManifest;
    check_names(RULE, KIND, &[("text", TEXT), ("label", WHOLE)], "\"source\"");
    check_names(RULE, KIND, &[("source", TEXT), ("label", WHOLE), ("id", WHOLE)], "source, label, id");
    check_type(RULE, KIND, &[("source", WHOLE), ("label", WHOLE)], "\"source\"");
    check_type(RULE, KIND, &[("source", TEXT), ("label", REAL)], "\"label\"");
    check(RULE, KIND, &[("source", TEXT), ("label", list(WHOLE))]).unwrap();
    check(RULE, FormatKind::BlazingText, &[("text", TEXT)]).unwrap();
}
