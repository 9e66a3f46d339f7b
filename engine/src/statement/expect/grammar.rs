//! The grammar of `EXPECT`.

use super::{Comparison, Condition, Literal, Measure, Requirement, Rule, RuleKind};
use crate::error::{Code, Error, Result};
use crate::statement::parse::{expect, expected, name, refuse_empty, take_words};
use crate::suggest;
use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::sql::parser::DFParser;
use datafusion::sql::sqlparser::tokenizer::{Token, Word};
use std::cmp::Ordering;

/// The names of the rules, as DQDL writes them.
const NAMES: [&str; 19] = [
    "ColumnCorrelation",
    "ColumnCount",
    "ColumnDataType",
    "ColumnExists",
    "ColumnLength",
    "ColumnValues",
    "Completeness",
    "CustomSql",
    "DistinctValuesCount",
    "Entropy",
    "IsComplete",
    "IsPrimaryKey",
    "IsUnique",
    "Mean",
    "RowCount",
    "StandardDeviation",
    "Sum",
    "UniqueValueRatio",
    "Uniqueness",
];

/// Words that end the columns of a rule.
const AFTER_COLUMNS: [&str; 8] = ["BETWEEN", "IN", "NOT", "MATCHES", "WITH", "WHERE", "AND", "OR"];

const NOT_COMBINED: &str = "rules are not combined: write one after the other, or use CustomSql";

/// Reads `( rule [, …] )`.
pub(in crate::statement) fn rules(parser: &mut DFParser<'_>) -> Result<Vec<Rule>> {
    expect(parser, &Token::LParen, "( after EXPECT")?;
    refuse_empty(parser, "EXPECT () has no rule", "such as EXPECT (RowCount > 0); or leave EXPECT out")?;
    let mut rules = Vec::new();
    loop {
        let start = parser.parser.index();
        let read = kind(parser).and_then(|kind| {
            let ends = matches!(parser.parser.peek_token().token, Token::Comma | Token::RParen);
            if ends { Ok(kind) } else { Err(unexpected_end(parser)) }
        });
        let kind = read.map_err(|error| {
            skip_rule(parser);
            error.context(format!("EXPECT cannot be read at the rule {}", text_since(parser, start)))
        })?;
        rules.push(Rule { text: text_since(parser, start), kind });
        if !parser.parser.consume_token(&Token::Comma) {
            break;
        }
    }
    expect(parser, &Token::RParen, ") after the rules")?;
    Ok(rules)
}

fn unexpected_end(parser: &mut DFParser<'_>) -> Error {
    let error = expected(parser, ", or ) after the rule");
    match parser.parser.peek_token().token {
        Token::Word(Word { value, quote_style: None, .. })
            if value.eq_ignore_ascii_case("and") || value.eq_ignore_ascii_case("or") =>
        {
            error.with_hint(NOT_COMBINED)
        }
        _ => error,
    }
}

/// Goes on to the comma or parenthesis behind the rule.
fn skip_rule(parser: &mut DFParser<'_>) {
    let mut depth = 0_usize;
    loop {
        match parser.parser.peek_token().token {
            Token::EOF => return,
            Token::Comma | Token::RParen if depth == 0 => return,
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        parser.parser.next_token();
    }
}

/// The text of the tokens from `start` on, on one line and without comments.
fn text_since(parser: &DFParser<'_>, start: usize) -> String {
    let mut text = String::new();
    for index in start..parser.parser.index() {
        match &parser.parser.token_at(index).token {
            Token::Whitespace(_) if text.is_empty() || text.ends_with(' ') => {}
            Token::Whitespace(_) => text.push(' '),
            Token::SingleQuotedString(value) => text.push_str(&quoted(value, '\'')),
            Token::Word(Word { value, quote_style: Some(quote), .. }) => {
                text.push_str(&quoted(value, *quote));
            }
            Token::Neq => text.push_str("!="),
            token => text.push_str(&token.to_string()),
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn quoted(value: &str, quote: char) -> String {
    format!("{quote}{}{quote}", value.replace(quote, &format!("{quote}{quote}")))
}

fn kind(parser: &mut DFParser<'_>) -> Result<RuleKind> {
    let Token::Word(Word { value: rule, quote_style: None, .. }) = parser.parser.peek_token().token else {
        let error = expected(parser, "the name of a rule");
        let combined = parser.parser.peek_token().token == Token::LParen;
        return Err(if combined { error.with_hint(NOT_COMBINED) } else { error });
    };
    parser.parser.next_token();
    let one = |parser: &mut DFParser<'_>, measure| measured(parser, measure, 1);
    let any = |parser: &mut DFParser<'_>, measure| measured(parser, measure, usize::MAX);
    match rule.to_ascii_lowercase().as_str() {
        "columncount" => Ok(RuleKind::ColumnCount(count_condition(parser)?)),
        "columnexists" => Ok(RuleKind::ColumnExists(name(parser, "a column")?)),
        "rowcount" => measured(parser, Measure::RowCount, 0),
        "completeness" => one(parser, Measure::Completeness),
        "iscomplete" => all(parser, Measure::Completeness, 1),
        "uniqueness" => any(parser, Measure::Uniqueness),
        "isunique" => all(parser, Measure::Uniqueness, usize::MAX),
        "isprimarykey" => all(parser, Measure::PrimaryKey, usize::MAX),
        "uniquevalueratio" => any(parser, Measure::UniqueValueRatio),
        "distinctvaluescount" => any(parser, Measure::DistinctValuesCount),
        "mean" => one(parser, Measure::Mean),
        "sum" => one(parser, Measure::Sum),
        "standarddeviation" => one(parser, Measure::StandardDeviation),
        "entropy" => one(parser, Measure::Entropy),
        "columncorrelation" => measured(parser, Measure::ColumnCorrelation, 2),
        "columnvalues" => rows(parser, values),
        "columnlength" => rows(parser, |parser| Ok(Requirement::Length(count_condition(parser)?))),
        "columndatatype" => rows(parser, data_type),
        "customsql" => {
            Ok(RuleKind::CustomSql { query: text(parser, "a query")?, condition: number_condition(parser)? })
        }
        _ => {
            let error = Error::new(Code::Syntax, format!("there is no rule \"{rule}\""));
            Err(match suggest::hint(&rule, &NAMES) {
                Some(hint) => error.with_hint(hint),
                None => error,
            })
        }
    }
}

/// A measure of up to `most` columns, and what it must be.
fn measured(parser: &mut DFParser<'_>, measure: Measure, most: usize) -> Result<RuleKind> {
    let columns = columns(parser, most)?;
    let condition = match measure {
        Measure::RowCount | Measure::DistinctValuesCount => count_condition(parser)?,
        _ => number_condition(parser)?,
    };
    Ok(RuleKind::Measured { measure, columns, condition, filter: filter(parser)? })
}

/// A share that must be 1.
fn all(parser: &mut DFParser<'_>, measure: Measure, most: usize) -> Result<RuleKind> {
    let condition = Condition::Compare(Comparison::Eq, 1.0);
    let columns = columns(parser, most)?;
    Ok(RuleKind::Measured { measure, columns, condition, filter: filter(parser)? })
}

/// `where "expression"`, if it comes next.
fn filter(parser: &mut DFParser<'_>) -> Result<Option<String>> {
    take_words(parser, &["WHERE"]).then(|| text(parser, "a condition in quotes after WHERE")).transpose()
}

/// Up to `most` columns, and not less than one; both where it is two.
fn columns(parser: &mut DFParser<'_>, most: usize) -> Result<Vec<String>> {
    let mut columns = Vec::new();
    while columns.len() < most && (columns.is_empty() || most == 2 || is_column(parser)) {
        columns.push(name(parser, "a column")?);
    }
    Ok(columns)
}

fn is_column(parser: &DFParser<'_>) -> bool {
    match parser.parser.peek_token().token {
        Token::Word(Word { quote_style: Some(_), .. }) => true,
        Token::Word(Word { value, .. }) => !AFTER_COLUMNS.iter().any(|word| value.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

fn rows(
    parser: &mut DFParser<'_>,
    requirement: fn(&mut DFParser<'_>) -> Result<Requirement>,
) -> Result<RuleKind> {
    let column = name(parser, "a column")?;
    let requirement = requirement(parser)?;
    let filter = filter(parser)?;
    let threshold = match take_words(parser, &["WITH", "THRESHOLD"]) {
        true => Some(number_condition(parser)?),
        false => None,
    };
    Ok(RuleKind::Rows { column, requirement, filter, threshold })
}

fn values(parser: &mut DFParser<'_>) -> Result<Requirement> {
    let matches = take_words(parser, &["MATCHES"]);
    if matches || take_words(parser, &["NOT", "MATCHES"]) {
        return Ok(Requirement::Pattern { pattern: text(parser, "a regular expression")?, matches });
    }
    Ok(Requirement::Values(condition(parser, literal, order_of_literals)?))
}

fn data_type(parser: &mut DFParser<'_>) -> Result<Requirement> {
    let castable = match parser.parser.next_token().token {
        Token::Eq => true,
        Token::Neq => false,
        other => return Err(Error::new(Code::Syntax, format!("expected = or !=, found \"{other}\""))),
    };
    Ok(Requirement::DataType { name: text(parser, "the name of a type")?, castable })
}

fn number_condition(parser: &mut DFParser<'_>) -> Result<Condition<f64>> {
    condition(parser, parsed_number, f64::partial_cmp)
}

/// What a whole number must be.
fn count_condition(parser: &mut DFParser<'_>) -> Result<Condition<f64>> {
    condition(parser, parsed_number, |low, high| {
        // No whole number is between 5 and 6, as no number is between 5 and 5.
        let is_empty = low <= high && *high <= low.floor() + 1.0;
        if is_empty { Some(Ordering::Equal) } else { low.partial_cmp(high) }
    })
}

fn parsed_number(parser: &mut DFParser<'_>) -> Result<f64> {
    let text = number(parser)?;
    text.parse()
        .map_err(|error| Error::new(Code::Syntax, format!("\"{text}\" is not a number")).with_source(error))
}

/// `order`: that of two operands, where it is known while reading.
fn condition<T>(
    parser: &mut DFParser<'_>,
    operand: fn(&mut DFParser<'_>) -> Result<T>,
    order: fn(&T, &T) -> Option<Ordering>,
) -> Result<Condition<T>> {
    let negated = take_words(parser, &["NOT"]);
    if take_words(parser, &["BETWEEN"]) {
        let low = operand(parser)?;
        if !take_words(parser, &["AND"]) {
            return Err(expected(parser, "AND between the ends"));
        }
        let high = operand(parser)?;
        return match order(&low, &high) {
            Some(Ordering::Greater) => Err(swapped_ends()),
            Some(Ordering::Equal) if !negated => Err(nothing_between()),
            _ if negated => Ok(Condition::NotBetween(low, high)),
            _ => Ok(Condition::Between(low, high)),
        };
    }
    if take_words(parser, &["IN"]) {
        expect(parser, &Token::LBracket, "[ after IN")?;
        let mut operands = vec![operand(parser)?];
        while parser.parser.consume_token(&Token::Comma) {
            operands.push(operand(parser)?);
        }
        expect(parser, &Token::RBracket, "] after the values")?;
        return Ok(if negated { Condition::NotIn(operands) } else { Condition::In(operands) });
    }
    let comparison = match parser.parser.peek_token().token {
        Token::Eq if !negated => Comparison::Eq,
        Token::Neq if !negated => Comparison::NotEq,
        Token::Lt if !negated => Comparison::Lt,
        Token::LtEq if !negated => Comparison::LtEq,
        Token::Gt if !negated => Comparison::Gt,
        Token::GtEq if !negated => Comparison::GtEq,
        _ if negated => return Err(expected(parser, "BETWEEN or IN after NOT")),
        _ => return Err(expected(parser, "a condition, such as > 0.9 or between 0 and 1")),
    };
    parser.parser.next_token();
    Ok(Condition::Compare(comparison, operand(parser)?))
}

fn swapped_ends() -> Error {
    Error::new(Code::Syntax, "its first end is above its second")
        .with_hint("swap the ends: the smaller one comes first")
}

fn nothing_between() -> Error {
    Error::new(Code::Syntax, "it can never hold: nothing lies between its ends").with_hint(
        "the ends do not belong to it: write = for one value, or choose ends that are further apart",
    )
}

/// The order of two numbers or two times. It is not known of other text, which may be compared with anything.
fn order_of_literals(low: &Literal, high: &Literal) -> Option<Ordering> {
    match (low, high) {
        (Literal::Number(low), Literal::Number(high)) => {
            let order = low.parse::<f64>().ok()?.partial_cmp(&high.parse::<f64>().ok()?)?;
            // Two decimals may be the same float.
            (order != Ordering::Equal || low == high).then_some(order)
        }
        (Literal::Text(low), Literal::Text(high)) => {
            let time = |text: &str| string_to_timestamp_nanos(text).ok();
            let order = time(low)?.cmp(&time(high)?);
            // A column of text compares them as text.
            (low.cmp(high) == order).then_some(order)
        }
        _ => None,
    }
}

fn number(parser: &mut DFParser<'_>) -> Result<String> {
    let sign = if parser.parser.consume_token(&Token::Minus) { "-" } else { "" };
    match parser.parser.peek_token().token {
        Token::Number(text, _) => {
            parser.parser.next_token();
            Ok(format!("{sign}{text}"))
        }
        _ => Err(expected(parser, "a number")),
    }
}

fn literal(parser: &mut DFParser<'_>) -> Result<Literal> {
    const WORDS: [(&str, Literal); 5] = [
        ("NULL", Literal::Null),
        ("EMPTY", Literal::Empty),
        ("WHITESPACES_ONLY", Literal::WhitespacesOnly),
        ("TRUE", Literal::Boolean(true)),
        ("FALSE", Literal::Boolean(false)),
    ];
    if let Some((_, literal)) = WORDS.into_iter().find(|(word, _)| take_words(parser, &[word])) {
        return Ok(literal);
    }
    match parser.parser.peek_token().token {
        Token::Number(..) | Token::Minus => Ok(Literal::Number(number(parser)?)),
        _ => Ok(Literal::Text(text(parser, "a number, \"text\" or NULL")?)),
    }
}

/// Text in double quotes, as DQDL has it, or in single quotes, as SQL has it.
fn text(parser: &mut DFParser<'_>, what: &str) -> Result<String> {
    match parser.parser.peek_token().token {
        Token::SingleQuotedString(text) | Token::Word(Word { value: text, quote_style: Some(_), .. }) => {
            parser.parser.next_token();
            Ok(text)
        }
        _ => Err(expected(parser, what)),
    }
}
