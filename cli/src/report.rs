//! A training set for people: its facts, splits and columns as text, or as a page with histograms.

mod page;
mod short;

pub(crate) use page::page;

use gristmill_engine::one_line;
use gristmill_engine::statistics::{ColumnDrift, Feature, Measured, Statistics};
use gristmill_engine::training_set::TrainingSet;
use indicatif::{HumanBytes, HumanCount};
use short::{percent, short};
use std::borrow::Cow;

/// How many values of a label a line shows.
const VALUES: usize = 5;

/// Where the numbers that are NaN or infinite stand, behind the nulls, in tables of splits that have any.
const NOT_FINITE_AT: usize = 3;

/// What stands for the statistics of a training set that has none.
const NO_STATISTICS: &str = "This training set was written without statistics.";

/// Everything that is known about it, as text.
pub(crate) fn text(set: &TrainingSet, measured: Option<&Measured>) -> String {
    let mut text = pairs(&set.describe());
    text.push('\n');
    let Some(measured) = measured else {
        text.push_str(NO_STATISTICS);
        text.push('\n');
        return text;
    };
    text.push_str(&table(&split_rows(set, measured)));
    for (split, statistics) in &measured.splits {
        let title = format!("\n{split}: {} rows\n", HumanCount(statistics.dataset.item_count));
        text.push_str(&title);
        text.push_str(&table(&column_rows(split, statistics, measured)));
    }
    text
}

/// The splits, under their titles.
fn split_rows(set: &TrainingSet, measured: &Measured) -> Vec<Vec<String>> {
    let mut rows = vec![titles(&["split", "shards", "rows", "bytes", "label"])];
    for split in &set.manifest().splits {
        let statistics = measured.splits.iter().find(|(name, _)| *name == split.name);
        rows.push(vec![
            split.name.clone(),
            HumanCount(split.shards).to_string(),
            HumanCount(split.rows).to_string(),
            HumanBytes(split.bytes).to_string(),
            statistics.map(|(_, statistics)| label_text(statistics)).unwrap_or_default(),
        ]);
    }
    rows
}

/// How the labels of a split are distributed; nothing of those without values.
fn label_text(statistics: &Statistics) -> String {
    let labels = statistics.features.iter().filter(|feature| feature.gristmill.is_label);
    let text = labels.filter_map(|label| {
        let details = &label.gristmill;
        let present = details.present.max(1) as f64;
        let values = details.values.as_deref().unwrap_or_default();
        let mut shown: Vec<String> = values
            .iter()
            .take(VALUES)
            .map(|value| format!("{} {}", value.value, percent(value.count as f64 / present)))
            .collect();
        if values.len() > VALUES {
            shown.push(format!("and {} more", values.len() - VALUES));
        }
        if values.is_empty() {
            let mean = label.numerical_statistics.as_ref().and_then(|numbers| numbers.mean);
            shown.extend(mean.map(|mean| format!("mean {}", short(mean))));
        }
        (!shown.is_empty()).then(|| format!("{}: {}", label.name, shown.join(", ")))
    });
    text.collect::<Vec<_>>().join("; ")
}

/// The columns of a split, under their titles.
fn column_rows(split: &str, statistics: &Statistics, measured: &Measured) -> Vec<Vec<String>> {
    let drift = measured.drift.splits.iter().find(|other| other.name == split);
    let mut rows = vec![titles(&["column", "type", "nulls", "mean", "std", "min", "p50", "max", "distinct"])];
    if drift.is_some() {
        rows[0].extend(titles(&["PSI", "KS"]));
    }
    let not_finite = |feature: &Feature| feature.gristmill.nan + feature.gristmill.infinite;
    let some_are_not = statistics.features.iter().any(|feature| not_finite(feature) > 0);
    if some_are_not {
        rows[0].insert(NOT_FINITE_AT, "not finite".to_owned());
    }
    for (index, feature) in statistics.features.iter().enumerate() {
        let mut row = column_row(feature);
        if some_are_not {
            row.insert(NOT_FINITE_AT, HumanCount(not_finite(feature)).to_string());
        }
        if let Some(column) = drift.and_then(|drift| drift.columns.get(index)) {
            row.extend(drift_cells(column));
        }
        rows.push(row);
    }
    rows
}

fn column_row(feature: &Feature) -> Vec<String> {
    let details = &feature.gristmill;
    let numbers = feature.numerical_statistics.as_ref();
    let all = (details.present + details.missing).max(1);
    let value = |text: &Option<String>| match text {
        Some(text) if numbers.is_some() => text.parse().map_or_else(|_| text.clone(), short),
        Some(text) => text.clone(),
        None => String::new(),
    };
    vec![
        feature.name.clone(),
        details.r#type.clone(),
        percent(details.missing as f64 / all as f64),
        number(numbers.and_then(|numbers| numbers.mean)),
        number(numbers.and_then(|numbers| numbers.std_dev)),
        value(&details.min),
        value(&details.median),
        value(&details.max),
        details.distinct.map(|count| HumanCount(count).to_string()).unwrap_or_default(),
    ]
}

fn drift_cells(column: &ColumnDrift) -> [String; 2] {
    [column.psi, column.ks].map(|value| value.map(|value| format!("{value:.3}")).unwrap_or_default())
}

fn number(value: Option<f64>) -> String {
    value.map(short).unwrap_or_default()
}

fn titles(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Rows as aligned columns, each on one line; what looks like a number stands to the right. The first row is the titles.
fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let is_numeric = |column: usize| {
        let cells = || rows.iter().skip(1).filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty());
        cells().next().is_some()
            && cells().all(|cell| cell.starts_with(|first: char| first.is_ascii_digit() || first == '-'))
    };
    let shape: Vec<(usize, bool)> = (0..columns).map(|column| (width(column), is_numeric(column))).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&shape).map(|(cell, (width, right))| {
            if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Names and values as two columns; a value of several lines is indented below its name.
fn pairs(facts: &[(String, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in facts {
        let indent = format!("\n{:width$}  ", "");
        // A statement may be indented with tabs.
        let shown = |line: &str| line.split('\t').map(one_line).collect::<Vec<_>>().join("\t");
        let lines: Vec<String> = value.lines().map(shown).collect();
        text.push_str(&format!("{name:width$}  {}", lines.join(&indent)));
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{pairs, table, titles};

    #[test]
    fn values_are_aligned_and_long_ones_indented() {
        let facts = [("name", "a"), ("statement", "SELECT 1\nFROM t"), ("label", "")];
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs(&facts), "name       a\nstatement  SELECT 1\n           FROM t\nlabel\n");
        let escape = [("statement".to_owned(), "a\tb\u{1b}[31m".to_owned())];
        assert_eq!(pairs(&escape), "statement  a\tb\\u{1b}[31m\n");
    }

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        let rows = [titles(&["name", "mean"]), titles(&["a", "-1.5"]), titles(&["long name", ""])];
        assert_eq!(table(&rows), "name       mean\na          -1.5\nlong name\n");
        let rows = [titles(&["n", "note"]), titles(&["10", "x"]), titles(&["9", "y"])];
        assert_eq!(table(&rows), " n  note\n10  x\n 9  y\n");
    }

    #[test]
    fn a_name_stays_on_its_line() {
        let rows = [titles(&["name", "n"]), titles(&["a\nb", "1"]), titles(&["\t\u{1b}", "2"])];
        assert_eq!(table(&rows), "name      n\na\\nb      1\n\\t\\u{1b}  2\n");
    }
}
