//! `EXPECT ( rule [, …] )`: what the rows of a training set must keep, in the words of AWS Glue's Data Quality
//! Definition Language (DQDL).
//!
//! **Source** the DQDL reference of AWS Glue, and its grammar in `awslabs/dqdl`.

mod grammar;
#[cfg(test)]
mod tests;

pub(super) use grammar::rules;

/// One rule, and its text as the user wrote it, on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The text.
    pub text: String,
    /// What it asks for.
    pub kind: RuleKind,
}

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// `ColumnCount > 3`.
    ColumnCount(Condition<f64>),
    /// `ColumnExists "a"`.
    ColumnExists(String),
    /// A number that is measured over all rows.
    Measured {
        /// What is measured.
        measure: Measure,
        /// Of which columns; none for [`Measure::RowCount`].
        columns: Vec<String>,
        /// What it must be.
        condition: Condition<f64>,
        /// Which rows it is about, as an SQL expression; none means all.
        filter: Option<String>,
    },
    /// Something that every row must keep, or as many of them as `threshold` says.
    Rows {
        /// The column.
        column: String,
        /// What it must be in a row.
        requirement: Requirement,
        /// Which rows it is about, as an SQL expression; none means all.
        filter: Option<String>,
        /// What the share of rows that keep it must be; none means all.
        threshold: Option<Condition<f64>>,
    },
    /// `CustomSql "select … from primary" = 0`.
    CustomSql {
        /// The query, which gives one number.
        query: String,
        /// What it must be.
        condition: Condition<f64>,
    },
}

/// A number that is measured over all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The number of rows.
    RowCount,
    /// The share of rows that are not null.
    Completeness,
    /// The share of rows whose value no other row has.
    Uniqueness,
    /// The share of values that one row only has.
    UniqueValueRatio,
    /// The share of rows that are not null in any column and equal to no other row in all of them.
    PrimaryKey,
    /// How many values there are.
    DistinctValuesCount,
    /// The arithmetic mean.
    Mean,
    /// The sum.
    Sum,
    /// The standard deviation of a population.
    StandardDeviation,
    /// Shannon's entropy of the values, in nats.
    Entropy,
    /// Pearson's correlation of two columns.
    ColumnCorrelation,
}

/// What a column must be in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Requirement {
    /// `ColumnValues "a" > 0`.
    Values(Condition<Literal>),
    /// `ColumnValues "a" [not] matches "pattern"`.
    Pattern {
        /// The regular expression, which is to match the whole value.
        pattern: String,
        /// Whether it is to match.
        matches: bool,
    },
    /// `ColumnLength "a" = 5`, in characters.
    Length(Condition<f64>),
    /// `ColumnDataType "a" = "Integer"`: whether the value can be cast.
    DataType {
        /// The type's name.
        name: String,
        /// Whether it is to be castable.
        castable: bool,
    },
}

/// What a value is compared with. The ends of `between` do not belong to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition<T> {
    /// `= x`, `> x`, …
    Compare(Comparison, T),
    /// `between low and high`.
    Between(T, T),
    /// `not between low and high`.
    NotBetween(T, T),
    /// `in [x, …]`.
    In(Vec<T>),
    /// `not in [x, …]`.
    NotIn(Vec<T>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

/// A value in the rule `ColumnValues`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A number, as it was written.
    Number(String),
    /// Text, or a date.
    Text(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `NULL`.
    Null,
    /// `EMPTY`: the text of no characters.
    Empty,
    /// `WHITESPACES_ONLY`: text of one or more characters that are all white space.
    WhitespacesOnly,
}
