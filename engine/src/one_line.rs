//! Names as people see them in a table: a line break in one would end its row, and an escape would reach the terminal.

use std::borrow::Cow;

/// `text` with its control characters written as escapes: `\n`, `\t`, `\u{1b}`.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letter.is_control() { shown.extend(letter.escape_debug()) } else { shown.push(letter) }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn control_characters_are_escaped_and_nothing_else_is() {
        assert_eq!(one_line("a\r\nb\tc\u{1b}[31m\u{7f}\u{85}"), r"a\r\nb\tc\u{1b}[31m\u{7f}\u{85}");
        assert_eq!(one_line("Größe \"x\" \\ 'y'"), "Größe \"x\" \\ 'y'");
    }
}
