//! Statistics and constraints as SageMaker Model Monitor reads a baseline, with more in a field of our own.
//!
//! **Source** *Schema for Statistics (statistics.json file)* and *Schema for Constraints (constraints.json file)* in the
//! SageMaker Developer Guide: `model-monitor-byoc-statistics`, `model-monitor-byoc-constraints`. The first lets a
//! container add statistics. Standard deviations are those of a population, and buckets are equally wide from the
//! minimum to the maximum, as Deequ makes them, which Model Monitor's own container runs.

use super::column::{ColumnStatistics, ValueStatistics};
use super::kind::{ColumnKind, InferredType};
use super::numbers::NumberStatistics;
use super::quantiles::{CAPACITY, Distribution, SHRINK};
use super::shard::ShardStatistics;
use super::text::TextStatistics;
use super::top_values::TopValues;
use crate::formats::type_name;
use arrow::datatypes::{Field, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many buckets show a distribution.
const BUCKETS: usize = 10;

/// `statistics.json` of one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Of the layout: 0.
    pub version: f64,
    /// Of all rows.
    pub dataset: DatasetStatistics,
    /// Of each column, in the order of the shards.
    pub features: Vec<Feature>,
}

/// Statistics of all rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetStatistics {
    /// How many there are.
    pub item_count: u64,
}

/// Statistics of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its type, as Model Monitor has it.
    pub inferred_type: InferredType,
    /// Of numbers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub numerical_statistics: Option<NumericalStatistics>,
    /// Of text, dates and times.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub string_statistics: Option<StringStatistics>,
    /// What Model Monitor has no place for.
    pub gristmill: FeatureDetails,
}

/// How many rows have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Common {
    /// Rows with a value.
    pub num_present: u64,
    /// Rows without one.
    pub num_missing: u64,
}

/// Statistics of numbers. Those that do not exist, or are larger than a double can be, are null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumericalStatistics {
    /// How many rows have a value.
    pub common: Common,
    /// The mean.
    pub mean: Option<f64>,
    /// The sum.
    pub sum: Option<f64>,
    /// The standard deviation of the population.
    pub std_dev: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// How they are distributed.
    pub distribution: NumericalDistribution,
}

/// How numbers are distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumericalDistribution {
    /// By a sketch.
    pub kll: Kll,
}

/// A KLL sketch and what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kll {
    /// Equally wide, from the minimum to the maximum.
    pub buckets: Vec<Bucket>,
    /// What it holds.
    pub sketch: Sketch,
}

/// How many numbers lie from one bound to the next. The upper one belongs to the last bucket only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The lower bound.
    pub lower_bound: f64,
    /// The upper bound.
    pub upper_bound: f64,
    /// How many, by the sketch.
    pub count: f64,
}

/// What a KLL sketch holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    /// How it was made.
    pub parameters: SketchParameters,
    /// Numbers of which those of the level n stand for 2^n.
    pub data: Vec<Vec<f64>>,
}

/// How a sketch was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SketchParameters {
    /// How much smaller a level is than the one above.
    pub c: f64,
    /// How many numbers the largest level holds.
    pub k: f64,
}

/// Statistics of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StringStatistics {
    /// How many rows have a value.
    pub common: Common,
    /// How many different values there are, about; exact up to 64.
    pub distinct_count: u64,
    /// How they are distributed.
    pub distribution: StringDistribution,
}

/// How text is distributed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StringDistribution {
    /// By value.
    pub categorical: Categorical,
}

/// How often values are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categorical {
    /// The most frequent first.
    pub buckets: Vec<ValueCount>,
}

/// A value, and how often it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value; at most 64 bytes of it.
    pub value: String,
    /// How often.
    pub count: u64,
}

/// Statistics for which Model Monitor has no place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeatureDetails {
    /// The Arrow type.
    pub r#type: String,
    /// Whether the column is the target.
    pub is_label: bool,
    /// Rows with a value.
    pub present: u64,
    /// Rows without one.
    pub missing: u64,
    /// How many numbers are NaN. They are present, and in no other statistic.
    pub nan: u64,
    /// How many numbers are infinite; as with NaN.
    pub infinite: u64,
    /// How many different values there are, about.
    pub distinct: Option<u64>,
    /// The smallest number, date or time, as text.
    pub min: Option<String>,
    /// The median, about.
    pub median: Option<String>,
    /// The largest.
    pub max: Option<String>,
    /// Of dates (in days) and times (in microseconds), as those of numbers.
    pub buckets: Option<Vec<Bucket>>,
    /// The lengths of the shortest and the longest text, in bytes.
    pub length_bytes: Option<[u64; 2]>,
    /// How often each value is there, of columns with at most 64 of them; of text with more, the most frequent.
    pub values: Option<Vec<ValueCount>>,
    /// Whether `values` are all there are, with exact counts.
    pub values_are_exact: bool,
}

impl Statistics {
    /// Of the rows of a split, whose first columns are so many labels.
    #[must_use]
    pub fn of(split: &ShardStatistics, schema: &Schema, labels: usize) -> Self {
        let columns = schema.fields().iter().zip(&split.columns).enumerate();
        let features = columns.map(|(index, (field, column))| {
            let mut feature = feature(field, column, split.rows);
            feature.gristmill.is_label = index < labels;
            feature
        });
        let features = features.collect();
        Self { version: 0.0, dataset: DatasetStatistics { item_count: split.rows }, features }
    }

    /// `constraints.json` that rows like these meet.
    #[must_use]
    pub fn constraints(&self) -> Value {
        json!({
            "version": 0.0,
            "features": self.features.iter().map(Feature::constraints).collect::<Vec<_>>(),
            "monitoring_config": {
                "evaluate_constraints": "Enabled",
                "emit_metrics": "Enabled",
                "datatype_check_threshold": 1.0,
                "domain_content_threshold": 1.0,
                "distribution_constraints": {
                    "perform_comparison": "Enabled",
                    "comparison_threshold": 0.1,
                    "comparison_method": "Robust",
                },
            },
        })
    }
}

impl Feature {
    fn constraints(&self) -> Value {
        let FeatureDetails { present, missing, .. } = self.gristmill;
        let all = present + missing;
        let mut constraints = json!({
            "name": self.name,
            "inferred_type": self.inferred_type,
            "completeness": if all == 0 { 1.0 } else { present as f64 / all as f64 },
        });
        if let Some(numbers) = &self.numerical_statistics {
            let is_non_negative = numbers.min.is_some_and(|min| min >= 0.0);
            constraints["num_constraints"] = json!({ "is_non_negative": is_non_negative });
        }
        if self.string_statistics.is_some()
            && self.gristmill.values_are_exact
            && let Some(values) = &self.gristmill.values
        {
            let domains: Vec<_> = values.iter().map(|value| &value.value).collect();
            constraints["string_constraints"] = json!({ "domains": domains });
        }
        constraints
    }
}

fn feature(field: &Field, column: &ColumnStatistics, rows: u64) -> Feature {
    let kind = ColumnKind::of(field.data_type());
    let common = Common { num_present: rows.saturating_sub(column.missing), num_missing: column.missing };
    let mut feature = Feature {
        name: field.name().clone(),
        inferred_type: kind.inferred_type(),
        numerical_statistics: None,
        string_statistics: None,
        gristmill: FeatureDetails {
            r#type: type_name(field.data_type()),
            present: common.num_present,
            missing: common.num_missing,
            ..FeatureDetails::default()
        },
    };
    match &column.values {
        ValueStatistics::Numbers(numbers) => add_numbers(&mut feature, kind, common, numbers),
        ValueStatistics::Booleans { falses, trues } => {
            add_numbers(&mut feature, kind, common, &NumberStatistics::of_booleans(*falses, *trues));
        }
        ValueStatistics::Text(text) => add_text(&mut feature, common, text),
        ValueStatistics::Opaque => {}
    }
    feature
}

fn add_numbers(feature: &mut Feature, kind: ColumnKind, common: Common, numbers: &NumberStatistics) {
    let distribution = Distribution::of(&numbers.quantiles);
    let moments = &numbers.moments;
    let finite = |number: f64| Some(number).filter(|number| number.is_finite() && moments.count > 0);
    let buckets = buckets(&distribution, numbers);
    let details = &mut feature.gristmill;
    details.nan = numbers.nan;
    details.infinite = numbers.infinite;
    // An estimate may be above what there can be.
    let distinct = numbers.distinct_count().min(details.present);
    details.distinct = Some(distinct);
    details.min = finite(moments.min).map(|number| kind.text(number));
    details.median = distribution.quantile(0.5).map(|number| kind.text(number));
    details.max = finite(moments.max).map(|number| kind.text(number));
    details.values = numbers.values.as_ref().map(value_counts);
    details.values_are_exact = details.values.is_some();
    if feature.inferred_type == InferredType::String {
        details.buckets = Some(buckets);
        let categorical = Categorical { buckets: details.values.clone().unwrap_or_default() };
        feature.string_statistics = Some(StringStatistics {
            common,
            distinct_count: distinct,
            distribution: StringDistribution { categorical },
        });
        return;
    }
    let parameters = SketchParameters { c: SHRINK, k: CAPACITY as f64 };
    let data = numbers.quantiles.levels().map(|(numbers, _)| numbers).collect();
    feature.numerical_statistics = Some(NumericalStatistics {
        common,
        mean: finite(moments.mean),
        sum: finite(moments.sum),
        std_dev: finite(moments.std_dev()),
        min: finite(moments.min),
        max: finite(moments.max),
        distribution: NumericalDistribution { kll: Kll { buckets, sketch: Sketch { parameters, data } } },
    });
}

fn add_text(feature: &mut Feature, common: Common, text: &TextStatistics) {
    let values = value_counts(&text.values);
    let details = &mut feature.gristmill;
    let distinct = text.distinct_count().min(details.present);
    details.distinct = Some(distinct);
    details.length_bytes = text.lengths.map(|(shortest, longest)| [shortest, longest]);
    details.values = Some(values.clone());
    details.values_are_exact = text.values.is_exact();
    feature.string_statistics = Some(StringStatistics {
        common,
        distinct_count: distinct,
        distribution: StringDistribution { categorical: Categorical { buckets: values } },
    });
}

fn value_counts(values: &TopValues) -> Vec<ValueCount> {
    let count = |(value, count): (&str, u64)| ValueCount { value: value.to_owned(), count };
    values.values().into_iter().map(count).collect()
}

/// Buckets whose counts are whole and add up to the count of all numbers.
fn buckets(distribution: &Distribution, numbers: &NumberStatistics) -> Vec<Bucket> {
    let (min, max, all) = (numbers.moments.min, numbers.moments.max, numbers.moments.count);
    if all == 0 {
        return Vec::new();
    }
    let range = max - min;
    let bound = |index: usize| {
        let share = index as f64 / BUCKETS as f64;
        match index {
            BUCKETS => max,
            // The widest range of all is no double.
            _ if range.is_infinite() => min * (1.0 - share) + max * share,
            _ => min + range * share,
        }
    };
    let up_to = |index: usize| {
        let share = if index == BUCKETS { 1.0 } else { distribution.share_below(bound(index)) };
        (share * all as f64).round()
    };
    let bucket = |index: usize| Bucket {
        lower_bound: bound(index),
        upper_bound: bound(index + 1),
        count: up_to(index + 1) - up_to(index),
    };
    (0..BUCKETS).map(bucket).collect()
}

#[cfg(test)]
mod tests;
