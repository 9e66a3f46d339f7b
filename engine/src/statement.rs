//! SQL text into statements: DataFusion's own, and those about training sets.
//!
//! Parsing knows grammar only. What a name refers to is decided where a statement is planned.

use crate::error::Result;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::sql::parser::{CopyToStatement, Statement as SqlStatement};
use datafusion::sql::sqlparser::ast::Query;
use expect::Rule;
use std::collections::BTreeMap;

pub mod expect;
mod parse;
mod script;
#[cfg(test)]
mod tests;

pub(crate) use parse::option_text;
pub use script::split_script;

/// One statement and the text it was parsed from.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The user's text, without the semicolon.
    pub text: String,
    /// What it asks for.
    pub kind: StatementKind,
}

/// What a statement asks for.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// Anything DataFusion runs by itself.
    Sql(Box<SqlStatement>),
    /// `COPY … TO …`.
    Copy(Box<CopyToStatement>),
    /// `CREATE TRAINING SET …`.
    CreateTrainingSet(Box<CreateTrainingSet>),
    /// `EXPLAIN CREATE TRAINING SET …`.
    ExplainTrainingSet(Box<CreateTrainingSet>),
    /// `EXPLAIN COPY … TO …`.
    ExplainCopy(Box<CopyToStatement>),
    /// `DROP TRAINING SET …`.
    DropTrainingSet(TrainingSetName),
    /// `DESCRIBE TRAINING SET …`.
    DescribeTrainingSet(TrainingSetName),
    /// `SHOW TRAINING SETS`.
    ShowTrainingSets,
}

/// How a statement refers to a training set that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrainingSetName {
    /// By the name it was created with in this session.
    Name(String),
    /// By its location, as text.
    Location(String),
}

/// `CREATE TRAINING SET name LOCATION '…' STORED AS … [LABEL …] [SPLIT …] [SAMPLE …] [SHUFFLE …] [EXPECT …]
/// [OPTIONS …] AS query`.
#[derive(Debug, Clone)]
pub struct CreateTrainingSet {
    /// The name, as this session will know it.
    pub name: String,
    /// Where it goes, as the user wrote it.
    pub location: String,
    /// The format's name, as the user wrote it.
    pub format: String,
    /// The target columns; none where there is none.
    pub labels: Vec<String>,
    /// The splits; none means one split, `train`.
    pub split: Option<SplitClause>,
    /// `SAMPLE`: the fraction of keys to take; none means all.
    pub sample: Option<f64>,
    /// Whether and how rows are shuffled.
    pub shuffle: Option<ShuffleClause>,
    /// The rules that the rows must keep.
    pub expect: Vec<Rule>,
    /// `OPTIONS`, keys in lower case.
    pub options: BTreeMap<String, String>,
    /// The rows.
    pub query: Box<Query>,
}

/// `SPLIT (name [fraction], …) [BY … | STRATIFIED ON …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitClause {
    /// Names in the order given, each with the number behind it.
    pub splits: Vec<(String, Option<f64>)>,
    /// What decides.
    pub method: SplitMethod,
}

/// What decides which split a row is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitMethod {
    /// The whole row.
    Row,
    /// `BY KEY (column, …)`.
    Key(Vec<String>),
    /// `BY TIME (column) [GAP INTERVAL '…']`: the oldest rows are in the first split.
    Time {
        /// The time column.
        column: String,
        /// What is left out after a cut.
        gap: Option<Gap>,
    },
    /// `BY COLUMN (column)`: the column has the name of the split.
    Column(String),
    /// `STRATIFIED ON (column, …)`: every class has the same fractions.
    Stratified(Vec<String>),
}

/// `GAP INTERVAL '7 days'`: more than nothing, and no part of it is negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// As the user wrote it.
    pub text: String,
    /// What it means.
    pub interval: IntervalMonthDayNano,
}

impl SplitMethod {
    /// The columns that decide; none when the whole row does.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        match self {
            SplitMethod::Row => &[],
            SplitMethod::Key(columns) | SplitMethod::Stratified(columns) => columns,
            SplitMethod::Time { column, .. } | SplitMethod::Column(column) => std::slice::from_ref(column),
        }
    }
}

/// `SHUFFLE [SEED n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShuffleClause {
    /// The seed; none means 0.
    pub seed: Option<u64>,
}

impl Statement {
    /// Parses one statement.
    ///
    /// # Errors
    /// `Syntax` when it does not parse, with the place.
    pub fn parse(text: &str) -> Result<Statement> {
        parse::statement(text)
    }

    /// The first words of the statement, for lists and logs: at most 80 characters on one line.
    #[must_use]
    pub fn title(&self) -> String {
        const LONGEST: usize = 80;
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}
