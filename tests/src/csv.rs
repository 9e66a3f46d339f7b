//! RFC 4180 by the letter, independent of any reader or writer under test.

/// The rows of `text`. A field that is empty and not quoted is `None`.
///
/// # Panics
/// `text` is not RFC 4180: a quote inside an unquoted field, text after a closing quote, an open quote at the end.
#[must_use]
pub fn parse(text: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut rest = text;
    while !rest.is_empty() || !row.is_empty() {
        let (field, after) = field(rest);
        row.push(field);
        if let Some(next) = after.strip_prefix(',') {
            rest = next;
            continue;
        }
        rows.push(std::mem::take(&mut row));
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after);
        assert!(rest.len() < after.len() || after.is_empty(), "text after a closing quote: {after:.40?}");
    }
    rows
}

/// The first field of `text`, and what comes after it.
fn field(text: &str) -> (Option<String>, &str) {
    let Some(mut quoted) = text.strip_prefix('"') else {
        let end = text.find([',', '\n', '\r']).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        assert!(!field.contains('"'), "a quote inside of {field:?}");
        return ((!field.is_empty()).then(|| field.to_owned()), rest);
    };
    let mut field = String::new();
    loop {
        let (part, after) = quoted.split_once('"').expect("a quote that is never closed");
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                quoted = more;
            }
            None => return (Some(field), after),
        }
    }
}
