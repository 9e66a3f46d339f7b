//! A training set as one HTML page: no scripts, no fonts, nothing that is loaded from elsewhere.

use super::{NO_STATISTICS, column_row, column_rows, drift_cells, short::short, split_rows};
use gristmill_engine::one_line;
use gristmill_engine::statistics::{Bucket, Feature, Measured, ValueCount};
use gristmill_engine::training_set::TrainingSet;
use std::fmt::Write;

/// The size of a histogram, in pixels.
const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 80.0;
/// How many values of a column of text have a bar.
const BARS: usize = 12;

const STYLE: &str = "\
body{font:14px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222;background:#fff}\
h1{font-size:1.6rem}h2{margin-top:2.5rem}h3{margin:1.5rem 0 .3rem}\
table{border-collapse:collapse;display:block;overflow-x:auto}\
th,td{padding:.2rem .7rem;text-align:left;border-bottom:1px solid #ddd;vertical-align:top;white-space:pre-wrap}\
.row{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0}figcaption,.note{color:#555;font-size:12px}\
rect{fill:#3b6ea5}text{font-size:10px;fill:#555}";

/// The page.
pub(crate) fn page(set: &TrainingSet, measured: Option<&Measured>) -> String {
    let name = escaped_line(&set.manifest().name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{name}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
    );
    let facts: Vec<Vec<String>> = set.describe().into_iter().map(|(name, value)| vec![name, value]).collect();
    page.push_str(&table(&facts, false));
    match measured {
        None => push(&mut page, format_args!("<p>{NO_STATISTICS}</p>\n")),
        Some(measured) => add_measured(&mut page, set, measured),
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn add_measured(page: &mut String, set: &TrainingSet, measured: &Measured) {
    page.push_str("<h2>Splits</h2>\n");
    page.push_str(&table(&split_rows(set, measured), true));
    for (split, statistics) in &measured.splits {
        push(page, format_args!("<h2>Columns of {}</h2>\n", escaped(split)));
        page.push_str(&table(&column_rows(split, statistics, measured), true));
    }
    page.push_str("<h2>Distributions</h2>\n");
    let columns = measured.splits.first().map_or(&[][..], |(_, statistics)| &statistics.features);
    for (index, feature) in columns.iter().enumerate() {
        let kind = escaped(&feature.gristmill.r#type);
        push(
            page,
            format_args!("<h3>{} <span class=\"note\">{kind}</span></h3>\n", escaped_line(&feature.name)),
        );
        page.push_str("<div class=\"row\">\n");
        for (split, statistics) in &measured.splits {
            if let Some(feature) = statistics.features.get(index) {
                let drift = measured.drift.splits.iter().find(|other| other.name == *split);
                let drift = drift.and_then(|drift| drift.columns.get(index)).map(drift_cells);
                add_figure(page, split, feature, drift);
            }
        }
        page.push_str("</div>\n");
    }
}

fn add_figure(page: &mut String, split: &str, feature: &Feature, drift: Option<[String; 2]>) {
    page.push_str("<figure>\n");
    let details = &feature.gristmill;
    let numbers = feature.numerical_statistics.as_ref();
    let buckets = numbers.map(|numbers| &numbers.distribution.kll.buckets).or(details.buckets.as_ref());
    match (buckets, details.values.as_deref()) {
        (_, Some(values)) if !values.is_empty() => page.push_str(&bars(values)),
        (Some(buckets), _) if !buckets.is_empty() => {
            let ends = [&details.min, &details.max].map(|end| {
                let text = end.as_deref().unwrap_or_default();
                let number = numbers.and_then(|_| text.parse().ok());
                number.map_or_else(|| text.to_owned(), short)
            });
            page.push_str(&histogram(buckets, &ends));
        }
        _ => page.push_str("<p class=\"note\">no values to show</p>\n"),
    }
    let nulls = &column_row(feature)[2];
    push(page, format_args!("<figcaption>{}, {nulls} nulls", escaped(split)));
    if let Some([psi, ks]) = drift {
        let shown = [("PSI", psi), ("KS", ks)];
        for (name, value) in shown.iter().filter(|(_, value)| !value.is_empty()) {
            push(page, format_args!(", {name} {value}"));
        }
    }
    page.push_str("</figcaption>\n</figure>\n");
}

/// One bar a bucket, the bounds of all below.
fn histogram(buckets: &[Bucket], [min, max]: &[String; 2]) -> String {
    let most = buckets.iter().map(|bucket| bucket.count).fold(1.0, f64::max);
    let step = WIDTH / buckets.len() as f64;
    let mut svg = svg_start(HEIGHT + 14.0);
    for (index, bucket) in buckets.iter().enumerate() {
        let height = HEIGHT * bucket.count / most;
        let (x, y) = (index as f64 * step, HEIGHT - height);
        let (from, to) = (short(bucket.lower_bound), short(bucket.upper_bound));
        push(
            &mut svg,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\">\
                 <title>{from} to {to}: {}</title></rect>\n",
                step - 1.0,
                bucket.count
            ),
        );
    }
    let y = HEIGHT + 11.0;
    push(&mut svg, format_args!("<text x=\"0\" y=\"{y}\">{}</text>\n", escaped(min)));
    push(
        &mut svg,
        format_args!("<text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n</svg>\n", escaped(max)),
    );
    svg
}

/// One bar a value, the most frequent on top.
fn bars(values: &[ValueCount]) -> String {
    let shown = &values[..values.len().min(BARS)];
    let most = shown.iter().map(|value| value.count).max().unwrap_or(0).max(1) as f64;
    let mut svg = svg_start(shown.len() as f64 * 14.0);
    for (index, value) in shown.iter().enumerate() {
        let y = index as f64 * 14.0;
        let width = WIDTH / 2.0 * value.count as f64 / most;
        let label: String = value.value.chars().take(18).collect();
        push(
            &mut svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"12\"><title>{}: {}</title></rect>\n",
                WIDTH / 2.0 - 4.0,
                y + 10.0,
                escaped_line(&label),
                WIDTH / 2.0,
                escaped_line(&value.value),
                value.count
            ),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn svg_start(height: f64) -> String {
    format!("<svg role=\"img\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n")
}

/// Facts, whose values may have several lines; or with titles rows of one line each.
fn table(rows: &[Vec<String>], has_titles: bool) -> String {
    let mut html = "<table>\n".to_owned();
    for (index, row) in rows.iter().enumerate() {
        let tag = if has_titles && index == 0 { "th" } else { "td" };
        html.push_str("<tr>");
        for cell in row {
            let cell = if has_titles { escaped_line(cell) } else { escaped(cell) };
            push(&mut html, format_args!("<{tag}>{cell}</{tag}>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
    html
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes everything.
    text.write_fmt(what).unwrap_or_default();
}

/// [`escaped`], and on one line.
fn escaped_line(text: &str) -> String {
    escaped(&one_line(text))
}

/// Text that means itself in HTML, between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{bars, escaped, histogram, table};
    use gristmill_engine::statistics::{Bucket, ValueCount};

    #[test]
    fn no_name_or_value_can_be_markup() {
        assert_eq!(escaped("<script>&\"'"), "&lt;script&gt;&amp;&quot;&#39;");
        let values = [ValueCount { value: "<b>".to_owned(), count: 1 }];
        assert!(!bars(&values).contains("<b>"));
        assert!(bars(&values).contains("&lt;b&gt;: 1"));
    }

    #[test]
    fn a_cell_below_a_title_has_one_line_and_a_fact_has_its_own() {
        let rows = [vec!["a\nb".to_owned()]];
        assert_eq!(table(&rows, true), "<table>\n<tr><th>a\\nb</th></tr>\n</table>\n");
        assert_eq!(table(&rows, false), "<table>\n<tr><td>a\nb</td></tr>\n</table>\n");
    }

    #[test]
    fn the_highest_bar_of_a_histogram_fills_it() {
        let bucket = |from: f64, count: f64| Bucket { lower_bound: from, upper_bound: from + 1.0, count };
        let svg = histogram(&[bucket(0.0, 2.0), bucket(1.0, 4.0)], &["0".to_owned(), "2".to_owned()]);
        assert!(svg.contains("y=\"0.0\" width=\"109.0\" height=\"80.0\"><title>1 to 2: 4</title>"), "{svg}");
        assert!(svg.contains("y=\"40.0\" width=\"109.0\" height=\"40.0\"><title>0 to 1: 2</title>"), "{svg}");
    }
}
