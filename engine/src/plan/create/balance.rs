//! `'undersample'` and `'oversample'`: how often the rows of a label are in the split `train`.

use super::splits::Splits;
use crate::error::{Code, Error, Result};
use crate::plan::DEFAULT_SPLIT;
use crate::plan::split::Balance;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, ScalarValue};
use gristmill_udfs::functions::MOST_COPIES;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The options as the user wrote them: a number by the text of a label.
#[derive(Debug, Default)]
pub(super) struct BalanceOptions {
    undersample: Vec<(String, f64)>,
    oversample: Vec<(String, f64)>,
}

/// The options with each label as its values are written, for the manifest.
#[derive(Debug, Default)]
pub(super) struct BalanceFacts {
    pub(super) undersample: BTreeMap<String, f64>,
    pub(super) oversample: BTreeMap<String, f64>,
}

impl BalanceFacts {
    /// How often a row is there at most.
    pub(super) fn most_copies(&self) -> f64 {
        self.oversample.values().copied().fold(1.0, f64::max)
    }

    /// How the rows of `train`, one of `splits`, are balanced by `label`; none when nothing is.
    pub(super) fn balance(&self, splits: &Splits, label: &Column) -> Option<Balance> {
        let train = splits.names.iter().position(|name| name == DEFAULT_SPLIT)?;
        let factors = self.undersample.iter().chain(&self.oversample);
        let factors: Vec<(String, f64)> = factors.map(|(label, factor)| (label.clone(), *factor)).collect();
        (!factors.is_empty()).then(|| Balance { label: label.clone(), train, factors })
    }
}

impl BalanceOptions {
    /// Takes both options.
    ///
    /// # Errors
    /// `BadOption` for what is no list of labels and numbers, or a number that is out of range.
    pub(super) fn take(options: &mut BTreeMap<String, String>) -> Result<Self> {
        Ok(Self {
            undersample: take_factors(options, "undersample", f64::MIN_POSITIVE..=1.0)?,
            oversample: take_factors(options, "oversample", 1.0..=MOST_COPIES)?,
        })
    }

    /// The options for the one label, with the text that its values have.
    ///
    /// # Errors
    /// `BadOption` without a label or a split `train`, and for a text that is no value of the label.
    pub(super) fn resolve(&self, splits: &Splits, labels: &[FieldRef]) -> Result<BalanceFacts> {
        let Some(option) = self.first_option() else { return Ok(BalanceFacts::default()) };
        let [label] = labels else {
            return Err(Error::new(
                Code::BadOption,
                format!("option '{option}' needs a LABEL of one column"),
            )
            .with_hint("it goes by the values of the label: name it with LABEL column"));
        };
        if !splits.names.iter().any(|name| name == DEFAULT_SPLIT) {
            let message = format!("option '{option}' needs a split named {DEFAULT_SPLIT}");
            return Err(Error::new(Code::BadOption, message)
                .with_hint("only the rows to train on are balanced, never those to evaluate on"));
        }
        let label = Label { name: label.name(), data_type: label.data_type() };
        let undersample = label.resolve("undersample", &self.undersample)?;
        let oversample = label.resolve("oversample", &self.oversample)?;
        match undersample.keys().find(|label| oversample.contains_key(*label)) {
            Some(both) => Err(given_twice("undersample' and 'oversample", both)),
            None => Ok(BalanceFacts { undersample, oversample }),
        }
    }

    fn first_option(&self) -> Option<&'static str> {
        if !self.undersample.is_empty() {
            Some("undersample")
        } else if !self.oversample.is_empty() {
            Some("oversample")
        } else {
            None
        }
    }
}

struct Label<'a> {
    name: &'a str,
    data_type: &'a DataType,
}

impl Label<'_> {
    fn resolve(&self, option: &str, factors: &[(String, f64)]) -> Result<BTreeMap<String, f64>> {
        let mut resolved = BTreeMap::new();
        for (text, factor) in factors {
            let text = self.text_of(text).ok_or_else(|| {
                let Label { name, data_type } = self;
                let message = format!(
                    "option '{option}': \"{text}\" is no value of the label \"{name}\" of type {data_type}"
                );
                Error::new(Code::BadOption, message)
                    .with_hint("write values as the label has them, such as '1=0.5'")
            })?;
            if resolved.insert(text.clone(), *factor).is_some() {
                return Err(given_twice(option, &text));
            }
        }
        Ok(resolved)
    }

    /// The text of the value that `text` stands for: of a label of floats, `1` stands for `1.0`.
    fn text_of(&self, text: &str) -> Option<String> {
        let value = ScalarValue::Utf8(Some(text.to_owned())).cast_to(self.data_type).ok()?;
        let shown = value.cast_to(&DataType::Utf8).ok()?;
        shown.try_as_str().flatten().map(str::to_owned)
    }
}

fn given_twice(option: &str, label: &str) -> Error {
    Error::new(Code::BadOption, format!("option '{option}': label \"{label}\" is given twice"))
        .with_hint("give each label one number")
}

fn take_factors(
    options: &mut BTreeMap<String, String>,
    key: &str,
    range: RangeInclusive<f64>,
) -> Result<Vec<(String, f64)>> {
    let Some(text) = options.remove(key) else { return Ok(Vec::new()) };
    let bad = |part: &str| {
        let message = format!("option '{key}' has \"{part}\", which is no label and number");
        let example = if key == "undersample" {
            "the fraction of a label's rows to keep, above 0 and at most 1: '0=0.1, 2=0.5'".to_owned()
        } else {
            format!("how often a label's rows are written, from 1 to {MOST_COPIES}: '1=3, 2=1.5'")
        };
        Error::new(Code::BadOption, message).with_hint(example)
    };
    text.split(',')
        .map(|part| {
            let (label, number) = part.rsplit_once('=').ok_or_else(|| bad(part))?;
            let number: f64 = number.trim().parse().map_err(|error| bad(part).with_source(error))?;
            if range.contains(&number) { Ok((label.trim().to_owned(), number)) } else { Err(bad(part)) }
        })
        .collect()
}
