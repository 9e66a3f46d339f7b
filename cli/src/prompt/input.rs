//! Whether what is typed is complete.

/// Whether Enter runs `text`: a command, nothing at all, or statements of which the last one has its semicolon.
pub(super) fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    trimmed.is_empty() || trimmed.starts_with('\\') || is_leave_word(trimmed) || ends_with_semicolon(trimmed)
}

/// The words other prompts are left with.
pub(super) fn is_leave_word(text: &str) -> bool {
    let word = text.trim().trim_end_matches(';').trim_end();
    word.eq_ignore_ascii_case("exit") || word.eq_ignore_ascii_case("quit")
}

/// Whether the last thing outside of comments is a semicolon, and no quote or comment is open.
fn ends_with_semicolon(text: &str) -> bool {
    let mut is_ended = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = match first {
            '\'' | '"' | '`' => {
                is_ended = false;
                match after.find(first) {
                    Some(end) => &after[end + 1..],
                    None => return false,
                }
            }
            '-' if after.starts_with('-') => after.find('\n').map_or("", |end| &after[end..]),
            '/' if after.starts_with('*') => match after[1..].find("*/") {
                Some(end) => &after[end + 3..],
                None => return false,
            },
            ';' => {
                is_ended = true;
                after
            }
            _ => {
                is_ended = is_ended && first.is_whitespace();
                after
            }
        };
    }
    is_ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_complete_when_its_last_statement_has_a_semicolon() {
        let check = |text: &str, expected| assert_eq!(is_complete(text), expected, "{text:?}");
        check("SELECT 1", false);
        check("SELECT 1;", true);
        check("SELECT 1; ", true);
        check("SELECT 1; SELECT 2", false);
        check("SELECT 1; -- one", true);
        check("SELECT 1 -- ;", false);
        check("SELECT 1 -- not yet\n;", true);
        check("SELECT 1; /* still ; */", true);
        check("SELECT 1; /* open", false);
        check("SELECT ';", false);
        check("SELECT ';';", true);
        check("SELECT 'it''s;", false);
        check("SELECT 'it''s';", true);
        check("SELECT \"a;b\" FROM t;", true);
        check("SELECT 'ü' ;", true);
        check("/*/ ;", false);
    }

    #[test]
    fn commands_and_nothing_need_no_semicolon() {
        for text in ["", "  ", "\\q", "\\?", "exit", "QUIT;"] {
            assert!(is_complete(text), "{text:?}");
        }
    }
}
