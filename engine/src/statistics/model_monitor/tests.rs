use super::Statistics;
use crate::statistics::ShardAccumulator;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn of(columns: Vec<(&str, ArrayRef)>, labels: usize) -> Statistics {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut accumulator = ShardAccumulator::new(&batch.schema(), labels);
    accumulator.push(&batch).unwrap();
    Statistics::of(&accumulator.finish(), &batch.schema(), labels)
}

fn check(array: impl arrow::array::Array + 'static, statistics: &Value, constraints: &Value) {
    let found = of(vec![("x", Arc::new(array))], 0);
    assert_eq!(&serde_json::to_value(&found).unwrap()["features"][0], statistics);
    assert_eq!(&found.constraints()["features"][0], constraints);
}

/// Ten buckets of those bounds, all empty but for `counts`.
fn buckets(bounds: [f64; 11], counts: &[(usize, f64)]) -> Value {
    let count =
        |index: usize| counts.iter().find(|(place, _)| *place == index).map_or(0.0, |(_, count)| *count);
    let bucket = |index: usize| json!({ "lower_bound": bounds[index], "upper_bound": bounds[index + 1], "count": count(index) });
    (0..10).map(bucket).collect()
}

#[test]
fn files_have_the_layout_of_model_monitor() {
    let statistics = of(vec![("x", Arc::new(Int64Array::from(vec![1])))], 0);
    let found = serde_json::to_value(&statistics).unwrap();
    assert_eq!((&found["version"], &found["dataset"]), (&json!(0.0), &json!({ "item_count": 1 })));
    assert_eq!(
        statistics.constraints()["monitoring_config"],
        json!({
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
            },
        })
    );
    assert_eq!(serde_json::from_value::<Statistics>(found).unwrap(), statistics);
}

#[test]
fn a_column_of_numbers_has_numerical_statistics() {
    let bounds = [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0];
    check(
        Int64Array::from(vec![Some(3), Some(1), None, Some(2)]),
        &json!({
            "name": "x",
            "inferred_type": "Integral",
            "numerical_statistics": {
                "common": { "num_present": 3, "num_missing": 1 },
                "mean": 2.0,
                "sum": 6.0,
                // The square root of two thirds.
                "std_dev": 0.816_496_580_927_726,
                "min": 1.0,
                "max": 3.0,
                "distribution": { "kll": {
                    "buckets": buckets(bounds, &[(0, 1.0), (5, 1.0), (9, 1.0)]),
                    "sketch": { "parameters": { "c": 2.0 / 3.0, "k": 200.0 }, "data": [[1.0, 2.0, 3.0]] },
                } },
            },
            "gristmill": {
                "type": "Int64", "is_label": false, "present": 3, "missing": 1, "nan": 0, "infinite": 0,
                "distinct": 3, "min": "1", "median": "2", "max": "3", "buckets": null, "length_bytes": null,
                "values": null, "values_are_exact": false,
            },
        }),
        &json!({
            "name": "x", "inferred_type": "Integral", "completeness": 0.75,
            "num_constraints": { "is_non_negative": true },
        }),
    );
}

#[test]
fn a_column_of_text_has_string_statistics_and_its_values_as_the_domain() {
    check(
        StringArray::from(vec!["b", "a", "b"]),
        &json!({
            "name": "x",
            "inferred_type": "String",
            "string_statistics": {
                "common": { "num_present": 3, "num_missing": 0 },
                "distinct_count": 2,
                "distribution": { "categorical": { "buckets": [
                    { "value": "b", "count": 2 }, { "value": "a", "count": 1 },
                ] } },
            },
            "gristmill": {
                "type": "Utf8", "is_label": false, "present": 3, "missing": 0, "nan": 0, "infinite": 0,
                "distinct": 2, "min": null, "median": null, "max": null, "buckets": null,
                "length_bytes": [1, 1],
                "values": [{ "value": "b", "count": 2 }, { "value": "a", "count": 1 }],
                "values_are_exact": true,
            },
        }),
        &json!({
            "name": "x", "inferred_type": "String", "completeness": 1.0,
            "string_constraints": { "domains": ["b", "a"] },
        }),
    );
}

#[test]
fn text_of_many_values_has_no_domain() {
    let values = StringArray::from_iter_values((0..1_000).map(|row| row.to_string()));
    let statistics = of(vec![("x", Arc::new(values))], 0);
    assert_eq!(statistics.constraints()["features"][0].get("string_constraints"), None);
}

#[test]
fn a_date_is_text_to_model_monitor_and_has_a_range_of_our_own() {
    let statistics = of(vec![("x", Arc::new(Date32Array::from(vec![9_568, 9_570, 9_577])))], 0);
    let feature = &serde_json::to_value(&statistics).unwrap()["features"][0];
    assert_eq!(
        (&feature["inferred_type"], &feature["string_statistics"]["distinct_count"]),
        (&json!("String"), &json!(3))
    );
    let details = &feature["gristmill"];
    assert_eq!((&details["min"], &details["max"]), (&json!("1996-03-13"), &json!("1996-03-22")));
    assert_eq!(details["median"], json!("1996-03-15"));
    assert_eq!(details["buckets"][0]["count"], json!(1.0));
}

#[test]
fn a_boolean_is_a_whole_number_with_two_values() {
    let statistics = of(vec![("x", Arc::new(BooleanArray::from(vec![true, false, true, true])))], 1);
    let feature = &serde_json::to_value(&statistics).unwrap()["features"][0];
    assert_eq!(
        (&feature["inferred_type"], &feature["gristmill"]["is_label"]),
        (&json!("Integral"), &json!(true))
    );
    let numbers = &feature["numerical_statistics"];
    // The square root of 0.75 · 0.25.
    assert_eq!((&numbers["mean"], &numbers["std_dev"]), (&json!(0.75), &json!(0.433_012_701_892_219_3)));
    // One zero, and three ones: one of them for itself, one for two.
    assert_eq!(numbers["distribution"]["kll"]["sketch"]["data"], json!([[0.0, 1.0], [1.0]]));
    assert_eq!(
        feature["gristmill"]["values"],
        json!([{ "value": "true", "count": 3 }, { "value": "false", "count": 1 }])
    );
}

#[test]
fn a_column_without_numbers_has_nulls_and_one_of_bytes_is_unknown() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"x"[..]]));
    let statistics = of(vec![("f", Arc::new(Float64Array::from(vec![f64::NAN]))), ("b", bytes)], 0);
    let features = &serde_json::to_value(&statistics).unwrap()["features"];
    let numbers = &features[0]["numerical_statistics"];
    assert_eq!([&numbers["mean"], &numbers["min"], &numbers["sum"]], [&Value::Null; 3]);
    assert_eq!(numbers["distribution"]["kll"]["buckets"], json!([]));
    assert_eq!(features[0]["gristmill"]["nan"], json!(1));
    assert_eq!(
        statistics.constraints()["features"][0]["num_constraints"],
        json!({ "is_non_negative": false })
    );
    assert_eq!(
        statistics.constraints()["features"][1],
        json!({ "name": "b", "inferred_type": "Unknown", "completeness": 1.0 })
    );
}

#[test]
fn buckets_of_the_widest_range_are_finite_and_hold_every_number() {
    let values = Float64Array::from(vec![f64::MIN, 0.0, f64::MAX]);
    let statistics = of(vec![("x", Arc::new(values))], 0);
    let buckets = &statistics.features[0].numerical_statistics.as_ref().unwrap().distribution.kll.buckets;
    assert!(buckets.iter().all(|bucket| bucket.lower_bound.is_finite() && bucket.upper_bound.is_finite()));
    assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<f64>(), 3.0);
}
