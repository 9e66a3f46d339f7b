//! The splits of a statement: their names, fractions, and what decides.

use crate::error::{Code, Error, Result};
use crate::plan::DEFAULT_SPLIT;
use crate::statement::{SplitClause, SplitMethod};
use gristmill_proto::manifest::SplitBy;
use gristmill_udfs::split::Fractions;
use std::collections::HashSet;

/// The largest number of splits.
const MOST_SPLITS: usize = 100;
/// The longest name of a split, in bytes: SageMaker's limit for a channel.
const LONGEST_NAME: usize = 64;

/// The splits, checked.
#[derive(Debug)]
pub(in crate::plan) struct Splits {
    /// Their names, in the order of the statement.
    pub(in crate::plan) names: Vec<String>,
    /// Their fractions; none where a column says which split a row is in.
    pub(in crate::plan) fractions: Option<Fractions>,
    /// What decides which split a row is in.
    pub(in crate::plan) method: SplitMethod,
}

impl Splits {
    /// The splits of `clause`; without one there is one split, `train`.
    ///
    /// # Errors
    /// `SplitFractions` for names and numbers that make no splits.
    pub(super) fn of(clause: Option<&SplitClause>) -> Result<Self> {
        let Some(clause) = clause else {
            let fractions = Some(fractions(&[(DEFAULT_SPLIT.to_owned(), 1.0)])?);
            return Ok(Self { names: vec![DEFAULT_SPLIT.to_owned()], fractions, method: SplitMethod::Row });
        };
        if clause.splits.len() > MOST_SPLITS {
            return Err(too_many(clause.splits.len()));
        }
        let method = clause.method.clone();
        if matches!(method, SplitMethod::Column(_)) {
            refuse_fractions(clause)?;
            let names: Vec<String> = clause.splits.iter().map(|(name, _)| name.clone()).collect();
            check_names(&names)?;
            return Ok(Self { names, fractions: None, method });
        }
        let splits = match clause.splits.as_slice() {
            [(name, Some(folds))] if *folds >= 2.0 => self::folds(name, *folds)?,
            splits => with_fractions(splits)?,
        };
        let names: Vec<String> = splits.iter().map(|(name, _)| name.clone()).collect();
        check_names(&names)?;
        Ok(Self { names, fractions: Some(fractions(&splits)?), method })
    }

    /// Names and fractions.
    pub(super) fn facts(&self) -> Vec<(String, Option<f64>)> {
        let fraction =
            |index: usize| self.fractions.as_ref().and_then(|all| all.as_slice().get(index).copied());
        self.names.iter().enumerate().map(|(index, name)| (name.clone(), fraction(index))).collect()
    }

    /// The fraction of the smallest split; as if they were of one size where a column decides.
    pub(super) fn smallest_fraction(&self) -> f64 {
        match &self.fractions {
            Some(fractions) => fractions.as_slice().iter().copied().fold(1.0, f64::min),
            None => 1.0 / self.names.len() as f64,
        }
    }

    /// What the manifest says decided.
    pub(super) fn by(&self) -> SplitBy {
        match &self.method {
            SplitMethod::Row => SplitBy::Row,
            SplitMethod::Key(columns) => SplitBy::Key { columns: columns.clone() },
            SplitMethod::Time { column, gap } => {
                SplitBy::Time { column: column.clone(), gap: gap.as_ref().map(|gap| gap.text.clone()) }
            }
            SplitMethod::Column(column) => SplitBy::Column { column: column.clone() },
            SplitMethod::Stratified(columns) => SplitBy::Stratum { columns: columns.clone() },
        }
    }
}

/// `SAMPLE`: a fraction in (0, 1].
///
/// # Errors
/// `SplitFractions` for any other number.
pub(super) fn checked_sample(sample: Option<f64>) -> Result<Option<f64>> {
    match sample {
        Some(fraction) if !(fraction > 0.0 && fraction <= 1.0) => {
            let message = format!("SAMPLE {fraction} is not above 0 and at most 1");
            Err(Error::new(Code::SplitFractions, message)
                .with_hint("for 1 % write SAMPLE 0.01; for all rows leave SAMPLE out"))
        }
        sample => Ok(sample),
    }
}

fn too_many(count: usize) -> Error {
    let message = format!("{count} splits are too many: at most {MOST_SPLITS}");
    Error::new(Code::SplitFractions, message).with_hint("leave splits out, or merge some")
}

fn refuse_fractions(clause: &SplitClause) -> Result<()> {
    match clause.splits.iter().find_map(|(name, amount)| amount.map(|amount| (name, amount))) {
        None => Ok(()),
        Some((name, amount)) => {
            let message = format!("SPLIT … BY COLUMN takes no fractions, found \"{name} {amount}\"");
            Err(Error::new(Code::SplitFractions, message)
                .with_hint("the column says which rows are in a split: SPLIT (train, test) BY COLUMN (…)"))
        }
    }
}

/// `name count`: that many splits of one size.
fn folds(name: &str, count: f64) -> Result<Vec<(String, f64)>> {
    if count.fract() != 0.0 {
        let message = format!("SPLIT ({name} {count}): a number of folds is whole");
        return Err(Error::new(Code::SplitFractions, message)
            .with_hint("SPLIT (fold 5) makes the splits fold-0 to fold-4; a fraction is at most 1"));
    }
    if count > MOST_SPLITS as f64 {
        return Err(too_many(count as usize));
    }
    Ok((0..count as usize).map(|fold| (format!("{name}-{fold}"), 1.0 / count)).collect())
}

fn with_fractions(splits: &[(String, Option<f64>)]) -> Result<Vec<(String, f64)>> {
    splits
        .iter()
        .map(|(name, fraction)| match fraction {
            Some(fraction) => Ok((name.clone(), *fraction)),
            None => {
                let message = format!("split \"{name}\" has no fraction");
                Err(Error::new(Code::SplitFractions, message).with_hint(
                    "give each split its fraction, such as (train 0.8, test 0.2); only BY COLUMN goes without",
                ))
            }
        })
        .collect()
}

fn check_names(names: &[String]) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            let message = format!("two splits are named \"{name}\"");
            return Err(Error::new(Code::SplitFractions, message).with_hint("give each a name of its own"));
        }
        let plain = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-');
        if !plain || name.starts_with('_') || name.len() > LONGEST_NAME {
            let message = format!("\"{name}\" cannot name a split");
            return Err(Error::new(Code::SplitFractions, message).with_hint(
                "a split is a folder: use at most 64 letters, digits, - and _, and no _ at the start",
            ));
        }
    }
    Ok(())
}

fn fractions(splits: &[(String, f64)]) -> Result<Fractions> {
    Fractions::new(splits.iter().map(|(_, fraction)| *fraction).collect()).map_err(|error| {
        let shown = splits.iter().map(|(name, fraction)| format!("{name} {fraction}")).collect::<Vec<_>>();
        Error::new(Code::SplitFractions, format!("SPLIT ({}): {error}", shown.join(", ")))
            .with_hint("each fraction is above 0, and together they are 1")
    })
}
