//! A table of text: the first column to the left, figures to the right.

use std::fmt;

/// Rows under a header, with a title.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<const N: usize>(title: impl Into<String>, header: [&str; N]) -> Self {
        Self { title: title.into(), rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// Adds a row; one that is shorter than the header ends in empty fields.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|field| field.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, width) in widths.iter().enumerate() {
                let field = row.get(column).map_or("", String::as_str);
                let padding = " ".repeat(width - field.chars().count());
                if column == 0 {
                    line = format!("  {field}{padding}");
                } else {
                    line.push_str(&format!("  {padding}{field}"));
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `a / b` as people compare: `1.07 ×`; a dash where there is nothing to compare with.
pub(crate) fn ratio(a: f64, b: f64) -> String {
    let ratio = a / b;
    if ratio.is_finite() { format!("{ratio:.2} ×") } else { "–".to_owned() }
}

/// Seconds as milliseconds.
pub(crate) fn ms(seconds: f64) -> String {
    if seconds.is_finite() { format!("{:.1}", seconds * 1e3) } else { "–".to_owned() }
}

/// Bytes as MiB.
pub(crate) fn mib(bytes: f64) -> String {
    format!("{:.0}", bytes / f64::from(1 << 20))
}

/// Bytes per second as MB/s, of 10^6 bytes.
pub(crate) fn mb_per_s(bytes: f64, seconds: f64) -> String {
    format!("{:.0}", bytes / 1e6 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new("t", ["query", "ms"]);
        table.push(vec!["q1".to_owned(), "1234.5".to_owned()]);
        assert_eq!(table.to_string(), "t\n  query      ms\n  q1     1234.5\n");
    }

    #[test]
    fn a_ratio_to_nothing_is_a_dash() {
        assert_eq!(ratio(3.0, 2.0), "1.50 ×");
        assert_eq!(ratio(3.0, 0.0), "–");
        assert_eq!(ratio(f64::NAN, 2.0), "–");
    }
}
