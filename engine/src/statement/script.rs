//! A script into its statements.

use crate::error::{Code, Error, Result};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

/// The statements of `sql`, split at semicolons that are not inside text, names or comments.
///
/// A piece that holds only white space and comments is left out.
///
/// # Errors
/// `Syntax` when the text cannot be read as tokens, such as a quote that is never closed.
pub fn split_script(sql: &str) -> Result<Vec<String>> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| {
        Error::new(Code::Syntax, format!("{}{}", error.message, error.location))
            .with_hint("a quote or comment may not be closed")
    })?;
    let mut offsets = Offsets::new(sql);
    let mut statements = Vec::new();
    let mut start = 0;
    let mut has_words = false;
    for token in &tokens {
        match token.token {
            Token::SemiColon => {
                let end = offsets.byte_of(token.span.start);
                push(&mut statements, &sql[start..end], has_words);
                start = end + 1;
                has_words = false;
            }
            Token::EOF | Token::Whitespace(_) => {}
            _ => has_words = true,
        }
    }
    push(&mut statements, &sql[start..], has_words);
    Ok(statements)
}

fn push(statements: &mut Vec<String>, text: &str, has_words: bool) {
    if has_words {
        statements.push(text.trim().to_owned());
    }
}

/// Turns the tokenizer's line and column (both from 1, columns in characters) into byte offsets, forwards only.
struct Offsets<'a> {
    sql: &'a str,
    line: u64,
    line_start: usize,
}

impl<'a> Offsets<'a> {
    fn new(sql: &'a str) -> Self {
        Self { sql, line: 1, line_start: 0 }
    }

    fn byte_of(&mut self, location: Location) -> usize {
        while self.line < location.line {
            let Some(length) = self.sql[self.line_start..].find('\n') else { break };
            self.line_start += length + 1;
            self.line += 1;
        }
        let column = usize::try_from(location.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let rest = &self.sql[self.line_start..];
        self.line_start + rest.char_indices().nth(column).map_or(rest.len(), |(offset, _)| offset)
    }
}
