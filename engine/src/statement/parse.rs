//! The grammar of one statement.

mod split;

use super::expect::{Rule, rules};
use super::{CreateTrainingSet, ShuffleClause, SplitClause, Statement, StatementKind, TrainingSetName};
use crate::error::{Code, Error, Result};
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParser, DFParserBuilder, ExplainStatement, Statement as SqlStatement};
use datafusion::sql::sqlparser::ast::Value;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Word};
use std::collections::BTreeMap;

/// How deeply expressions may nest, as in DataFusion's default.
const RECURSION_LIMIT: usize = 50;

pub(super) fn statement(text: &str) -> Result<Statement> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let dialect = GenericDialect {};
    let mut parser = DFParserBuilder::new(text)
        .with_dialect(&dialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .build()
        .map_err(syntax)?;
    let kind = kind(&mut parser)?;
    if parser.parser.peek_token().token != Token::EOF {
        let found = parser.parser.peek_token();
        return Err(Error::new(
            Code::Syntax,
            format!("expected the end of the statement, found \"{found}\"{}", found.span.start),
        )
        .with_hint("separate statements with a semicolon"));
    }
    Ok(Statement { text: text.to_owned(), kind })
}

fn kind(parser: &mut DFParser<'_>) -> Result<StatementKind> {
    if take_words(parser, &["CREATE", "TRAINING", "SET"]) {
        return Ok(StatementKind::CreateTrainingSet(Box::new(create(parser)?)));
    }
    if take_words(parser, &["EXPLAIN", "CREATE", "TRAINING", "SET"]) {
        return Ok(StatementKind::ExplainTrainingSet(Box::new(create(parser)?)));
    }
    if take_words(parser, &["EXPLAIN", "ANALYZE", "CREATE", "TRAINING", "SET"])
        || take_words(parser, &["EXPLAIN", "ANALYZE", "VERBOSE", "CREATE", "TRAINING", "SET"])
    {
        return Err(analyzed_write("CREATE TRAINING SET"));
    }
    if take_words(parser, &["DROP", "TRAINING", "SET"]) {
        return Ok(StatementKind::DropTrainingSet(reference(parser)?));
    }
    if take_words(parser, &["DESCRIBE", "TRAINING", "SET"])
        || take_words(parser, &["DESC", "TRAINING", "SET"])
    {
        return Ok(StatementKind::DescribeTrainingSet(reference(parser)?));
    }
    if take_words(parser, &["SHOW", "TRAINING", "SETS"]) {
        return Ok(StatementKind::ShowTrainingSets);
    }
    match parser.parse_statement().map_err(syntax)? {
        SqlStatement::CopyTo(copy) => Ok(StatementKind::Copy(Box::new(copy))),
        SqlStatement::Explain(explain) if analyzes_copy(&explain) => Err(analyzed_write("COPY")),
        SqlStatement::Explain(explain) => Ok(explained(explain)),
        other => Ok(StatementKind::Sql(Box::new(other))),
    }
}

/// A copy is explained as it would be written, which is not DataFusion's way.
fn explained(explain: ExplainStatement) -> StatementKind {
    match *explain.statement {
        SqlStatement::CopyTo(copy) => StatementKind::ExplainCopy(Box::new(copy)),
        statement => {
            let explain = ExplainStatement { statement: Box::new(statement), ..explain };
            StatementKind::Sql(Box::new(SqlStatement::Explain(explain)))
        }
    }
}

/// Whether running that statement runs a `COPY`, and not only plans it.
fn analyzes_copy(explain: &ExplainStatement) -> bool {
    let mut analyze = explain.options.analyze;
    let mut statement = explain.statement.as_ref();
    while let SqlStatement::Explain(inner) = statement {
        analyze |= inner.options.analyze;
        statement = inner.statement.as_ref();
    }
    analyze && matches!(statement, SqlStatement::CopyTo(_))
}

/// `EXPLAIN ANALYZE` runs what it explains, and DataFusion would write with its own sink: files that are seen before
/// they are whole, and that stay when it fails.
fn analyzed_write(statement: &str) -> Error {
    Error::new(Code::Unsupported, format!("EXPLAIN ANALYZE of {statement} is not supported: it would write"))
        .with_hint("use EXPLAIN without ANALYZE, or EXPLAIN ANALYZE of the query alone")
}

fn create(parser: &mut DFParser<'_>) -> Result<CreateTrainingSet> {
    let name = name(parser, "a name after CREATE TRAINING SET")?;
    let mut clauses = Clauses::default();
    while !take_words(parser, &["AS"]) {
        clauses.read(parser)?;
    }
    let query = parser.parser.parse_query().map_err(parser_error)?;
    let missing = |clause: &str| {
        Error::new(Code::Syntax, format!("CREATE TRAINING SET {name} has no {clause}"))
            .with_hint("CREATE TRAINING SET name LOCATION 's3://…' STORED AS CSV [LABEL …] [SPLIT …] [SAMPLE …] [SHUFFLE …] [EXPECT …] AS SELECT …")
    };
    Ok(CreateTrainingSet {
        location: clauses.location.ok_or_else(|| missing("LOCATION"))?,
        format: clauses.format.ok_or_else(|| missing("STORED AS"))?,
        labels: clauses.labels.unwrap_or_default(),
        split: clauses.split,
        sample: clauses.sample,
        shuffle: clauses.shuffle,
        expect: clauses.expect.unwrap_or_default(),
        options: clauses.options.unwrap_or_default(),
        query,
        name,
    })
}

/// The clauses between the name and `AS`, in any order, each at most once.
#[derive(Default)]
struct Clauses {
    location: Option<String>,
    format: Option<String>,
    labels: Option<Vec<String>>,
    split: Option<SplitClause>,
    sample: Option<f64>,
    shuffle: Option<ShuffleClause>,
    expect: Option<Vec<Rule>>,
    options: Option<BTreeMap<String, String>>,
}

impl Clauses {
    fn read(&mut self, parser: &mut DFParser<'_>) -> Result<()> {
        if take_words(parser, &["LOCATION"]) {
            let location = parser.parser.parse_literal_string().map_err(parser_error)?;
            once(&mut self.location, location, "LOCATION")
        } else if take_words(parser, &["STORED", "AS"]) {
            let format = name(parser, "a format after STORED AS")?;
            once(&mut self.format, format, "STORED AS")
        } else if take_words(parser, &["LABEL"]) {
            let labels = match parser.parser.peek_token().token {
                Token::LParen => split::columns(parser, "a label column")?,
                _ => vec![name(parser, "a column after LABEL")?],
            };
            once(&mut self.labels, labels, "LABEL")
        } else if take_words(parser, &["SPLIT"]) {
            let split = split::split(parser)?;
            once(&mut self.split, split, "SPLIT")
        } else if take_words(parser, &["SAMPLE"]) {
            let sample = split::sample(parser)?;
            once(&mut self.sample, sample, "SAMPLE")
        } else if take_words(parser, &["SHUFFLE"]) {
            let seed = if take_words(parser, &["SEED"]) {
                Some(parser.parser.parse_literal_uint().map_err(parser_error)?)
            } else {
                None
            };
            once(&mut self.shuffle, ShuffleClause { seed }, "SHUFFLE")
        } else if take_words(parser, &["EXPECT"]) {
            let rules = rules(parser)?;
            once(&mut self.expect, rules, "EXPECT")
        } else if take_words(parser, &["OPTIONS"]) {
            let options = options(parser)?;
            once(&mut self.options, options, "OPTIONS")
        } else {
            Err(expected(parser, "LOCATION, STORED AS, LABEL, SPLIT, SAMPLE, SHUFFLE, EXPECT, OPTIONS or AS"))
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T, clause: &str) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(Code::Syntax, format!("{clause} is given twice"))),
    }
}

fn options(parser: &mut DFParser<'_>) -> Result<BTreeMap<String, String>> {
    expect(parser, &Token::LParen, "( after OPTIONS")?;
    let mut options = BTreeMap::new();
    loop {
        let key = parser.parse_option_key().map_err(syntax)?.to_lowercase();
        let value = option_text(parser.parse_option_value().map_err(syntax)?);
        if options.insert(key.clone(), value).is_some() {
            return Err(Error::new(Code::BadOption, format!("option \"{key}\" is given twice")));
        }
        if !parser.parser.consume_token(&Token::Comma) {
            break;
        }
    }
    expect(parser, &Token::RParen, ") after the options")?;
    Ok(options)
}

/// An option's value as text.
pub(crate) fn option_text(value: Value) -> String {
    match value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) | Value::Number(text, _) => text,
        other => other.to_string(),
    }
}

fn reference(parser: &mut DFParser<'_>) -> Result<TrainingSetName> {
    if let Token::SingleQuotedString(location) = parser.parser.peek_token().token {
        parser.parser.next_token();
        return Ok(TrainingSetName::Location(location));
    }
    Ok(TrainingSetName::Name(name(parser, "the name or 'location' of a training set")?))
}

/// A name, folded to lower case unless it is quoted, as DataFusion does with every name.
pub(super) fn name(parser: &mut DFParser<'_>, what: &str) -> Result<String> {
    match parser.parser.peek_token().token {
        Token::Word(Word { value, quote_style, .. }) => {
            parser.parser.next_token();
            Ok(if quote_style.is_some() { value } else { value.to_lowercase() })
        }
        _ => Err(expected(parser, what)),
    }
}

pub(super) fn expect(parser: &mut DFParser<'_>, token: &Token, what: &str) -> Result<()> {
    if parser.parser.consume_token(token) { Ok(()) } else { Err(expected(parser, what)) }
}

pub(super) fn expected(parser: &DFParser<'_>, what: &str) -> Error {
    let found = parser.parser.peek_token();
    Error::new(Code::Syntax, format!("expected {what}, found \"{found}\"{}", found.span.start))
}

/// Takes `words` if they all come next, whatever their case; takes nothing otherwise.
pub(super) fn take_words(parser: &mut DFParser<'_>, words: &[&str]) -> bool {
    let all =
        words.iter().enumerate().all(|(index, expected)| match parser.parser.peek_nth_token(index).token {
            Token::Word(Word { value, quote_style: None, .. }) => value.eq_ignore_ascii_case(expected),
            _ => false,
        });
    if all {
        words.iter().for_each(|_| {
            parser.parser.next_token();
        });
    }
    all
}

fn syntax(error: DataFusionError) -> Error {
    Error::from_datafusion(error)
}

fn parser_error(error: ParserError) -> Error {
    Error::from_datafusion(DataFusionError::SQL(Box::new(error), None))
}
