//! Everything a user can get wrong: one error each, which names the thing, quotes the user's text, gives a hint and has
//! a page; and nothing is left.

use crate::engines::Engine;
use crate::{data, paths};
use gristmill_engine::statement::split_script;
use gristmill_engine::{Code, Error};
use std::path::Path;

/// A script that must fail.
#[derive(Debug)]
pub struct Mistake {
    /// What is wrong.
    pub name: &'static str,
    /// The script; one of its statements fails, and those after it are not run.
    pub script: String,
    /// The code of the error.
    pub code: Code,
    /// What the message or the hint must say.
    pub says: Vec<String>,
}

/// All mistakes that need no particular store or cluster. Training sets go to `out`; `inputs` gets damaged files.
///
/// # Panics
/// The files cannot be written.
#[allow(clippy::too_many_lines, reason = "a table")]
pub async fn mistakes(inputs: &Path, out: &Path) -> Vec<Mistake> {
    let data = data::tpch_small().await;
    damage(data, inputs);
    let orders = table("orders", "PARQUET", &data.join("orders.parquet"), "");
    let create = |clauses: &str, query: &str| {
        format!("CREATE TRAINING SET s LOCATION '{}' {clauses} AS SELECT {query}", out.display())
    };
    let on_orders = |clauses: &str, query: &str| {
        format!("{orders}; {}", create(clauses, &format!("{query} FROM orders")))
    };
    let mistake = |name, script, code, says: &[&str]| {
        let says = says.iter().map(|text| (*text).to_owned()).collect();
        Mistake { name, script, code, says }
    };
    let nested = table("nested", "PARQUET", &paths::tests("slt/fixtures/nested.parquet"), "");
    let fields = "OPTIONS ('format.has_header' 'true')";
    let extra = table(
        "extra (id BIGINT, name VARCHAR)",
        "CSV",
        &paths::tests("slt/fixtures/extra_field.csv"),
        fields,
    );
    let truncated = table("cut", "PARQUET", &inputs.join("truncated.parquet"), "");
    let damaged = table("hurt", "PARQUET", &inputs.join("damaged.parquet"), "");
    let named = |file: &Path| create("STORED AS CSV", &format!("* FROM '{}'", file.display()));
    let declared = table("cut (o_orderkey BIGINT)", "PARQUET", &inputs.join("truncated.parquet"), "");
    let long_name = format!("STORED AS CSV SPLIT (train 0.5, {} 0.5)", "x".repeat(65));
    vec![
        mistake(
            "unknown label",
            on_orders("STORED AS CSV LABEL o_totalprize", "o_orderkey, o_totalprice"),
            Code::UnknownTargetColumn,
            &["o_totalprize", "LABEL", "did you mean \"o_totalprice\""],
        ),
        mistake(
            "unknown key",
            on_orders(
                "STORED AS CSV SPLIT (train 0.5, test 0.5) BY KEY (o_custkee)",
                "o_orderkey, o_custkey",
            ),
            Code::UnknownTargetColumn,
            &["o_custkee", "SPLIT", "did you mean \"o_custkey\""],
        ),
        mistake(
            "fractions",
            on_orders("STORED AS CSV SPLIT (train 0.8, test 0.3)", "o_orderkey"),
            Code::SplitFractions,
            &["train 0.8, test 0.3"],
        ),
        mistake(
            "unknown time column",
            on_orders("STORED AS CSV SPLIT (a 0.5, b 0.5) BY TIME (o_orderdat)", "o_orderkey, o_orderdate"),
            Code::UnknownTargetColumn,
            &["o_orderdat", "SPLIT", "did you mean \"o_orderdate\""],
        ),
        mistake(
            "time of text",
            on_orders("STORED AS CSV SPLIT (a 0.5, b 0.5) BY TIME (o_clerk)", "o_orderkey"),
            Code::UnsupportedColumnType,
            &["o_clerk", "BY TIME", "cast it"],
        ),
        mistake(
            "no time",
            on_orders(
                "STORED AS CSV SPLIT (a 0.5, b 0.5) BY TIME (t)",
                "o_orderkey, nullif(o_orderdate, DATE '1996-01-02') AS t",
            ),
            Code::BadRow,
            &["\"t\" has a null", "IS NOT NULL"],
        ),
        mistake(
            "name of no split",
            on_orders("STORED AS CSV SPLIT (o, f) BY COLUMN (s)", "o_orderkey, lower(o_orderstatus) AS s"),
            Code::BadRow,
            &["\"p\" in column \"s\" names no split", "o, f"],
        ),
        mistake(
            "no name",
            on_orders("STORED AS CSV SPLIT (a, b) BY COLUMN (s)", "o_orderkey, CAST(NULL AS VARCHAR) AS s"),
            Code::BadRow,
            &["\"s\" has a null", "IS NOT NULL"],
        ),
        mistake(
            "fractions beside a column",
            on_orders("STORED AS CSV SPLIT (a 0.5, b) BY COLUMN (s)", "o_orderkey AS s"),
            Code::SplitFractions,
            &["a 0.5"],
        ),
        mistake(
            "folds and a half",
            on_orders("STORED AS CSV SPLIT (fold 2.5)", "o_orderkey"),
            Code::SplitFractions,
            &["fold 2.5"],
        ),
        mistake(
            "classes that differ each time",
            on_orders("STORED AS CSV SPLIT (a 1) STRATIFIED ON (r)", "o_orderkey, random() > 0.5 AS r"),
            Code::Unsupported,
            &["random", "STRATIFIED ON", "COPY"],
        ),
        mistake(
            "sample of everything and more",
            on_orders("STORED AS CSV SAMPLE 1.5", "o_orderkey"),
            Code::SplitFractions,
            &["SAMPLE 1.5"],
        ),
        mistake(
            "balance without a label",
            on_orders("STORED AS CSV OPTIONS ('undersample' '1=0.5')", "o_orderkey"),
            Code::BadOption,
            &["undersample", "LABEL"],
        ),
        mistake(
            "balance of no value",
            on_orders("STORED AS CSV LABEL o_orderkey OPTIONS ('oversample' 'F=2')", "o_orderkey"),
            Code::BadOption,
            &["\"F\"", "\"o_orderkey\""],
        ),
        mistake(
            "nested column",
            format!("{nested}; {}", create("STORED AS CSV", "id, tags FROM nested")),
            Code::UnsupportedColumnType,
            &["tags", "CSV"],
        ),
        mistake(
            "row with too many fields",
            format!("{extra}; {}", create("STORED AS CSV", "* FROM extra")),
            Code::BadRow,
            &["extra_field.csv"],
        ),
        mistake("truncated Parquet", truncated, Code::CorruptInput, &["truncated.parquet"]),
        mistake(
            "damaged Parquet",
            format!("{damaged}; {}", create("STORED AS CSV", "* FROM hurt")),
            Code::CorruptInput,
            &["damaged.parquet"],
        ),
        mistake(
            "truncated Parquet, named in the query",
            named(&inputs.join("truncated.parquet")),
            Code::CorruptInput,
            &["truncated.parquet"],
        ),
        mistake(
            "truncated Parquet of a table with columns",
            format!("{declared}; {}", create("STORED AS CSV", "* FROM cut")),
            Code::CorruptInput,
            &["\"cut\"", "truncated.parquet"],
        ),
        mistake(
            "row with too many fields, named in the query",
            named(&paths::tests("slt/fixtures/extra_field.csv")),
            Code::BadRow,
            &["extra_field.csv"],
        ),
        mistake("no such file", named(&inputs.join("nope.parquet")), Code::PathNotFound, &["nope.parquet"]),
        mistake(
            "name of a split",
            on_orders(&long_name, "o_orderkey"),
            Code::SplitFractions,
            &["64 letters"],
        ),
        mistake("unknown table", create("STORED AS CSV", "* FROM ordres"), Code::UnknownName, &["ordres"]),
        mistake(
            "unknown column",
            on_orders("STORED AS CSV", "o_ordekey"),
            Code::UnknownName,
            &["o_ordekey", "did you mean"],
        ),
        mistake(
            "two columns of one name",
            on_orders("STORED AS CSV", "*, o_orderkey"),
            Code::UnknownName,
            &["two columns named \"o_orderkey\"", "AS"],
        ),
        mistake(
            "a number of shards that is none",
            on_orders("STORED AS CSV OPTIONS ('shards' '-3')", "o_orderkey"),
            Code::BadOption,
            &["'shards'", "\"-3\"", "1 to 100000"],
        ),
        mistake(
            "a negative seed",
            on_orders("STORED AS CSV SHUFFLE SEED -1", "o_orderkey"),
            Code::Syntax,
            &["SHUFFLE SEED", "\"-1\"", "0 to 18446744073709551615"],
        ),
        mistake(
            "a rule that can never hold",
            on_orders("STORED AS CSV EXPECT (RowCount between 5 and 2)", "o_orderkey"),
            Code::Syntax,
            &["RowCount between 5 and 2", "swap the ends"],
        ),
        mistake(
            "unknown option",
            on_orders("STORED AS CSV OPTIONS ('shrads' '4')", "o_orderkey"),
            Code::BadOption,
            &["shrads"],
        ),
        mistake(
            "a row that fails after others were written",
            on_orders("STORED AS CSV", "o_orderkey, 1 / (o_orderkey - 60000) AS x"),
            Code::BadRow,
            &["divide by zero"],
        ),
    ]
}

/// Makes every mistake on `engine`.
///
/// # Panics
/// Lists every one whose error is not what it has to be, or that left something.
pub async fn check<F: Future<Output = Engine>>(connect: impl Fn() -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut failures = Vec::new();
    for mistake in mistakes(folder.path(), &out).await {
        let error = first_error(&connect().await, &mistake.script).await;
        let failure = match error {
            None => Some("did not fail".to_owned()),
            Some(error) => mistake.differs(&error).or_else(|| left_in(&out)),
        };
        failures.extend(failure.map(|failure| format!("{}: {failure}", mistake.name)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The error that ends `script`.
pub async fn first_error(engine: &Engine, script: &str) -> Option<Error> {
    for sql in split_script(script).expect("a script") {
        if let Err(error) = engine.run(&sql).await {
            return Some(error);
        }
    }
    None
}

impl Mistake {
    /// What is wrong about `error`, for people.
    #[must_use]
    pub fn differs(&self, error: &Error) -> Option<String> {
        let report = error.report();
        if error.code() != self.code {
            return Some(format!("expected {}, found\n{report}", self.code));
        }
        let said = report.to_lowercase();
        if let Some(missing) = self.says.iter().find(|text| !said.contains(&text.to_lowercase())) {
            return Some(format!("does not say {missing:?}\n{report}"));
        }
        (error.hint().is_none_or(str::is_empty)).then(|| format!("has no hint\n{report}"))
    }
}

/// What is in `out` although the statement failed.
fn left_in(out: &Path) -> Option<String> {
    let left = paths::files_below(out);
    if !left.is_empty() {
        return Some(format!("left {left:?}"));
    }
    out.exists().then(|| format!("left the empty folder {}", out.display()))
}

fn table(name: &str, format: &str, path: &Path, rest: &str) -> String {
    format!("CREATE EXTERNAL TABLE {name} STORED AS {format} LOCATION '{}' {rest}", path.display())
}

/// A file without its end, and one that is whole but for the bytes of its first pages.
fn damage(data: &Path, inputs: &Path) {
    let mut bytes = std::fs::read(data.join("nation.parquet")).expect("a Parquet file");
    let half = bytes.len() / 2;
    std::fs::write(inputs.join("truncated.parquet"), &bytes[..half]).expect("a file");
    bytes[4..half].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(inputs.join("damaged.parquet"), &bytes).expect("a file");
}
