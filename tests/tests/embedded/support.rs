//! What the other tests rely on.

use tests::csv::parse;

fn check(text: &str, expected: &[&[Option<&str>]]) {
    let expected: Vec<Vec<Option<String>>> =
        expected.iter().map(|row| row.iter().map(|field| field.map(str::to_owned)).collect()).collect();
    assert_eq!(parse(text), expected, "{text:?}");
}

#[test]
fn fields_rows_quotes_and_nothing_are_told_apart() {
    check("", &[]);
    check("1,b\n", &[&[Some("1"), Some("b")]]);
    check("a\r\nb", &[&[Some("a")], &[Some("b")]]);
    check(",\"\",\n", &[&[None, Some(""), None]]);
    check("\"a,\"\"b\"\"\nc\",d\n", &[&[Some("a,\"b\"\nc"), Some("d")]]);
    check("\n", &[&[None]]);
    check("a,", &[&[Some("a"), None]]);
}
