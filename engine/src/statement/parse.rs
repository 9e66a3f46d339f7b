//! The grammar of one statement.

mod split;

use super::expect::{Rule, rules};
use super::{
    CreateTrainingSet, ShuffleClause, SplitClause, SplitMethod, Statement, StatementKind, TrainingSetName,
};
use crate::error::{Code, Error, Result};
use crate::suggest;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParser, DFParserBuilder, ExplainStatement, Statement as SqlStatement};
use datafusion::sql::sqlparser::ast::Value;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Word};
use std::collections::BTreeMap;

/// What a clause begins with.
const CLAUSES: [&str; 9] =
    ["LOCATION", "STORED AS", "LABEL", "SPLIT", "SAMPLE", "SHUFFLE", "EXPECT", "OPTIONS", "AS"];

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
    if let Some(error) = misspelt(parser) {
        return Err(error);
    }
    match parser.parse_statement().map_err(syntax)? {
        SqlStatement::CopyTo(copy) => Ok(StatementKind::Copy(Box::new(copy))),
        SqlStatement::Explain(explain) if analyzes_copy(&explain) => Err(analyzed_write("COPY")),
        SqlStatement::Explain(explain) => Ok(explained(explain)),
        other => Ok(StatementKind::Sql(Box::new(other))),
    }
}

/// The error for a statement that would be one on training sets if its words were spelt right.
fn misspelt(parser: &DFParser<'_>) -> Option<Error> {
    let word = |index| match parser.parser.peek_nth_token(index).token {
        Token::Word(Word { value, quote_style: None, .. }) => value.to_uppercase(),
        _ => String::new(),
    };
    let (verb, first, second) = (word(0), word(1), word(2));
    let is_verb = ["CREATE", "DROP", "DESCRIBE", "DESC", "SHOW"].contains(&verb.as_str());
    let right = if verb == "SHOW" { "SETS" } else { "SET" };
    if !is_verb || !suggest::is_close(&first, "TRAINING") || !suggest::is_close(&second, right) {
        return None;
    }
    let place = parser.parser.peek_nth_token(1).span.start;
    let message = format!("there is no statement {verb} {first} {second}{place}");
    Some(Error::new(Code::Syntax, message).with_hint(format!("did you mean {verb} TRAINING {right}?")))
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
            let seed = take_words(parser, &["SEED"]).then(|| seed(parser)).transpose()?;
            once(&mut self.shuffle, ShuffleClause { seed }, "SHUFFLE")
        } else if take_words(parser, &["EXPECT"]) {
            let rules = rules(parser)?;
            once(&mut self.expect, rules, "EXPECT")
        } else if take_words(parser, &["OPTIONS"]) {
            let options = options(parser)?;
            once(&mut self.options, options, "OPTIONS")
        } else {
            Err(self.unknown(parser))
        }
    }

    /// The error for what is no clause.
    fn unknown(&self, parser: &DFParser<'_>) -> Error {
        let error =
            expected(parser, "LOCATION, STORED AS, LABEL, SPLIT, SAMPLE, SHUFFLE, EXPECT, OPTIONS or AS");
        let Token::Word(Word { value, .. }) = parser.parser.peek_token().token else { return error };
        let mut known = CLAUSES.to_vec();
        if matches!(&self.split, Some(SplitClause { method: SplitMethod::Row, .. })) {
            known.extend(["BY", "STRATIFIED"]);
        }
        match suggest::hint(&value, &known) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// The number behind `SHUFFLE SEED`.
fn seed(parser: &mut DFParser<'_>) -> Result<u64> {
    let sign = if parser.parser.consume_token(&Token::Minus) { "-" } else { "" };
    let found = parser.parser.next_token();
    let number = match &found.token {
        Token::Number(text, _) if sign.is_empty() => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        let message =
            format!("SHUFFLE SEED takes a whole number, found \"{sign}{found}\"{}", found.span.start);
        Error::new(Code::Syntax, message).with_hint(format!("0 to {}, such as SHUFFLE SEED 42", u64::MAX))
    })
}

fn once<T>(slot: &mut Option<T>, value: T, clause: &str) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(Code::Syntax, format!("{clause} is given twice"))),
    }
}

fn options(parser: &mut DFParser<'_>) -> Result<BTreeMap<String, String>> {
    expect(parser, &Token::LParen, "( after OPTIONS")?;
    refuse_empty(
        parser,
        "OPTIONS () has no option",
        "such as OPTIONS ('shards' '16'); or leave OPTIONS out",
    )?;
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

/// Refuses a list that ends before its first item.
pub(super) fn refuse_empty(parser: &DFParser<'_>, message: &str, hint: &str) -> Result<()> {
    let next = parser.parser.peek_token();
    if next.token != Token::RParen {
        return Ok(());
    }
    Err(Error::new(Code::Syntax, format!("{message}{}", next.span.start)).with_hint(hint))
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
