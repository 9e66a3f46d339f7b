//! The grammar of `SPLIT` and `SAMPLE`.

use super::{expect, expected, name, parser_error, refuse_empty, take_words};
use crate::error::{Code, Error, Result};
use crate::statement::{Gap, SplitClause, SplitMethod};
use datafusion::arrow::compute::kernels::cast_utils::parse_interval_month_day_nano;
use datafusion::sql::parser::DFParser;
use datafusion::sql::sqlparser::tokenizer::Token;

/// What may follow `INTERVAL '7'`.
const UNITS: [&str; 7] = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"];

const EXAMPLE: &str = "such as SPLIT (train 0.8, test 0.2)";

pub(super) fn split(parser: &mut DFParser<'_>) -> Result<SplitClause> {
    expect(parser, &Token::LParen, "( after SPLIT")?;
    let without = "or leave SPLIT out: all rows go to \"train\"";
    refuse_empty(parser, "SPLIT () names no split", &format!("{EXAMPLE}; {without}"))?;
    let mut splits = Vec::new();
    loop {
        let name = name(parser, "the name of a split")?;
        splits.push((name, amount(parser)?));
        if !parser.parser.consume_token(&Token::Comma) {
            break;
        }
    }
    expect(parser, &Token::RParen, ", or ) after a split").map_err(|error| error.with_hint(EXAMPLE))?;
    Ok(SplitClause { splits, method: method(parser)? })
}

pub(super) fn sample(parser: &mut DFParser<'_>) -> Result<f64> {
    number(parser, "the fraction of a sample", "such as SAMPLE 0.01 for one row of a hundred")
}

fn method(parser: &mut DFParser<'_>) -> Result<SplitMethod> {
    let method = if take_words(parser, &["BY", "KEY"]) {
        SplitMethod::Key(columns(parser, "a key column")?)
    } else if take_words(parser, &["BY", "TIME"]) {
        let column = one_column(parser, "the time column")?;
        SplitMethod::Time { column, gap: gap(parser)? }
    } else if take_words(parser, &["BY", "COLUMN"]) {
        SplitMethod::Column(one_column(parser, "the column of split names")?)
    } else if take_words(parser, &["STRATIFIED", "ON"]) {
        SplitMethod::Stratified(columns(parser, "a class column")?)
    } else if take_words(parser, &["STRATIFIED"]) {
        return Err(expected(parser, "ON after STRATIFIED").with_hint("write STRATIFIED ON (column, …)"));
    } else if take_words(parser, &["BY"]) {
        let found = parser.parser.peek_token();
        return Err(Error::new(Code::Unsupported, format!("SPLIT … BY {found} is not supported")).with_hint(
            "use BY KEY (column, …), BY TIME (column), BY COLUMN (column), STRATIFIED ON (column, …), or nothing to split \
             by the whole row",
        ));
    } else {
        return Ok(SplitMethod::Row);
    };
    if take_words(parser, &["BY"]) || take_words(parser, &["STRATIFIED"]) {
        return Err(Error::new(
            Code::Unsupported,
            "SPLIT takes one of BY and STRATIFIED ON, and found a second",
        )
        .with_hint(
            "to keep rows of a key together use BY KEY alone; to keep classes alike use STRATIFIED ON alone",
        ));
    }
    Ok(method)
}

/// The number behind the name of a split, if there is one.
fn amount(parser: &mut DFParser<'_>) -> Result<Option<f64>> {
    match parser.parser.peek_token().token {
        Token::Comma | Token::RParen => Ok(None),
        _ => number(parser, "the fraction of a split", EXAMPLE).map(Some),
    }
}

fn number(parser: &mut DFParser<'_>, what: &str, example: &str) -> Result<f64> {
    let negative = parser.parser.consume_token(&Token::Minus);
    let Token::Number(text, _) = parser.parser.peek_token().token else {
        return Err(expected(parser, what).with_hint(example));
    };
    parser.parser.next_token();
    let value: f64 = text.parse().map_err(|error| {
        Error::new(Code::SplitFractions, format!("\"{text}\" is not a fraction")).with_source(error)
    })?;
    if parser.parser.peek_token().token == Token::Mod {
        let message = format!("{what} is no percentage, found \"{text} %\"");
        return Err(Error::new(Code::SplitFractions, message).with_hint(format!("write {}", value / 100.0)));
    }
    Ok(if negative { -value } else { value })
}

pub(super) fn columns(parser: &mut DFParser<'_>, what: &str) -> Result<Vec<String>> {
    expect(parser, &Token::LParen, &format!("( before {what}"))?;
    let mut columns = vec![name(parser, what)?];
    while parser.parser.consume_token(&Token::Comma) {
        columns.push(name(parser, what)?);
    }
    expect(parser, &Token::RParen, &format!(") after {what}"))?;
    Ok(columns)
}

fn one_column(parser: &mut DFParser<'_>, what: &str) -> Result<String> {
    expect(parser, &Token::LParen, &format!("( before {what}"))?;
    let column = name(parser, what)?;
    expect(parser, &Token::RParen, &format!(") after {what}"))?;
    Ok(column)
}

fn gap(parser: &mut DFParser<'_>) -> Result<Option<Gap>> {
    if !take_words(parser, &["GAP"]) {
        return Ok(None);
    }
    if !take_words(parser, &["INTERVAL"]) {
        return Err(expected(parser, "INTERVAL '…' after GAP"));
    }
    let mut text = parser.parser.parse_literal_string().map_err(parser_error)?;
    if let Some(unit) = UNITS.iter().find(|unit| take_words(parser, &[**unit])) {
        text = format!("{text} {}", unit.to_lowercase());
    }
    let bad = |what: &str| {
        Error::new(Code::SplitFractions, format!("GAP INTERVAL '{text}' {what}"))
            .with_hint("a gap is some time, such as GAP INTERVAL '7 days' or GAP INTERVAL '12 hours'")
    };
    let interval =
        parse_interval_month_day_nano(&text).map_err(|error| bad("is not an interval").with_source(error))?;
    let parts = [i64::from(interval.months), i64::from(interval.days), interval.nanoseconds];
    if parts.iter().any(|part| *part < 0) || parts.iter().all(|part| *part == 0) {
        return Err(bad("is not above zero"));
    }
    Ok(Some(Gap { text, interval }))
}
