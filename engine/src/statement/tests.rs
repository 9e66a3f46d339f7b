use super::{
    Gap, ShuffleClause, SplitClause, SplitMethod, Statement, StatementKind, TrainingSetName, split_script,
};
use crate::error::Code;
use datafusion::arrow::datatypes::IntervalMonthDayNano;

const FULL: &str = "CREATE TRAINING SET Late LOCATION 's3://ml/late' STORED AS csv LABEL \"Late\" \
    SPLIT (train 0.8, test .2) BY KEY (L_OrderKey, \"b c\") SAMPLE 0.01 SHUFFLE SEED 42 OPTIONS ('shards' '16', seed 7) \
    AS SELECT 1 AS a;";

fn code(sql: &str) -> Code {
    Statement::parse(sql).unwrap_err().code()
}

#[test]
fn create_training_set_has_every_clause() {
    let StatementKind::CreateTrainingSet(create) = Statement::parse(FULL).unwrap().kind else {
        panic!("kind")
    };
    assert_eq!((create.name.as_str(), create.location.as_str()), ("late", "s3://ml/late"));
    assert_eq!((create.format.as_str(), create.labels.as_slice()), ("csv", &["Late".to_owned()][..]));
    let splits = vec![("train".to_owned(), Some(0.8)), ("test".to_owned(), Some(0.2))];
    let method = SplitMethod::Key(vec!["l_orderkey".to_owned(), "b c".to_owned()]);
    assert_eq!(create.split, Some(SplitClause { splits, method }));
    assert_eq!(create.sample, Some(0.01));
    assert_eq!(create.shuffle, Some(ShuffleClause { seed: Some(42) }));
    assert_eq!(create.options.get("shards").map(String::as_str), Some("16"));
    assert_eq!(create.options.get("seed").map(String::as_str), Some("7"));
}

#[test]
fn a_clause_given_twice_or_missing_is_an_error() {
    assert_eq!(
        code("CREATE TRAINING SET a LOCATION 'x' LOCATION 'y' STORED AS CSV AS SELECT 1"),
        Code::Syntax
    );
    assert_eq!(code("CREATE TRAINING SET a STORED AS CSV AS SELECT 1"), Code::Syntax);
    assert_eq!(
        code("CREATE TRAINING SET a LOCATION 'x' STORED AS CSV SAMPLE 0.5 SAMPLE 0.5 AS SELECT 1"),
        Code::Syntax
    );
    assert_eq!(code("CREATE TRAINING SET a LOCATION 'x' STORED AS CSV AS SELECT 1 1 1"), Code::Syntax);
}

fn parse_split(clause: &str) -> crate::Result<SplitClause> {
    let sql = format!("CREATE TRAINING SET a LOCATION 'x' STORED AS CSV SPLIT {clause} AS SELECT 1");
    match Statement::parse(&sql)?.kind {
        StatementKind::CreateTrainingSet(create) => Ok(create.split.unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_split_is_by_row_key_time_column_or_class() {
    let check = |clause: &str, expected: SplitMethod| {
        assert_eq!(parse_split(&format!("(a 0.5, b 0.5) {clause}")).unwrap().method, expected, "{clause}");
    };
    let gap = |text: &str, days, nanoseconds| {
        let interval = IntervalMonthDayNano::new(0, days, nanoseconds);
        let gap = Some(Gap { text: text.to_owned(), interval });
        SplitMethod::Time { column: "t".to_owned(), gap }
    };
    check("", SplitMethod::Row);
    check("BY KEY (k)", SplitMethod::Key(vec!["k".to_owned()]));
    check("by time (T)", SplitMethod::Time { column: "t".to_owned(), gap: None });
    check("BY TIME (t) GAP INTERVAL '7 days'", gap("7 days", 7, 0));
    check("BY TIME (t) GAP INTERVAL '7' DAY", gap("7 day", 7, 0));
    check("BY TIME (t) GAP INTERVAL '1 hour'", gap("1 hour", 0, 3_600_000_000_000));
    check("BY COLUMN (\"Part\")", SplitMethod::Column("Part".to_owned()));
    check("STRATIFIED ON (c, d)", SplitMethod::Stratified(vec!["c".to_owned(), "d".to_owned()]));
}

#[test]
fn a_split_may_have_no_number() {
    let splits = vec![("a".to_owned(), None), ("b".to_owned(), Some(-1.5))];
    assert_eq!(parse_split("(a, b -1.5)").unwrap().splits, splits);
}

#[test]
fn a_split_that_is_none_says_what_was_expected() {
    let check = |clause: &str, code: Code, says: &str| {
        let error = parse_split(clause).unwrap_err();
        assert_eq!(error.code(), code, "{clause}");
        assert!(error.report().contains(says), "{clause}: {}", error.report());
    };
    check("(a x)", Code::Syntax, "expected the fraction of a split, found \"x\"");
    check("(a 1) BY SIZE (t)", Code::Unsupported, "SPLIT … BY SIZE is not supported");
    check("(a 1) BY TIME (t, u)", Code::Syntax, "expected ) after the time column");
    check("(a 1) BY TIME", Code::Syntax, "expected ( before the time column");
    check("(a 1) BY TIME (t) GAP '7 days'", Code::Syntax, "expected INTERVAL '…' after GAP");
    check(
        "(a 1) BY TIME (t) GAP INTERVAL 'soon'",
        Code::SplitFractions,
        "GAP INTERVAL 'soon' is not an interval",
    );
    check("(a 1) BY TIME (t) GAP INTERVAL '0 days'", Code::SplitFractions, "is not above zero");
    check("(a 1) BY TIME (t) GAP INTERVAL '-1 day'", Code::SplitFractions, "is not above zero");
    check("(a 1) BY KEY (k) STRATIFIED ON (c)", Code::Unsupported, "found a second");
    check("(a 1) STRATIFIED ON (c) BY KEY (k)", Code::Unsupported, "BY KEY alone");
    check("()", Code::Syntax, "SPLIT () names no split");
    check("(a 0.5 b 0.5)", Code::Syntax, "expected , or ) after a split, found \"b\"");
    check("(a=0.5, b=0.5)", Code::Syntax, "such as SPLIT (train 0.8, test 0.2)");
    check("(a 80%, b 20%)", Code::SplitFractions, "write 0.8");
    check("(a 1) SAMPLE 1 %", Code::SplitFractions, "write 0.01");
    check("(a 1) STRATIFIED BY (c)", Code::Syntax, "expected ON after STRATIFIED, found \"BY\"");
    check("(a 1) STRATIFED ON (c)", Code::Syntax, "did you mean \"STRATIFIED\"");
    check("(a 1) SAMPLE much", Code::Syntax, "expected the fraction of a sample, found \"much\"");
}

#[test]
fn a_training_set_is_named_or_located() {
    let named = Statement::parse("drop training set Late").unwrap().kind;
    assert!(matches!(named, StatementKind::DropTrainingSet(TrainingSetName::Name(name)) if name == "late"));
    let located = Statement::parse("DESCRIBE TRAINING SET 's3://b/x'").unwrap().kind;
    assert!(
        matches!(located, StatementKind::DescribeTrainingSet(TrainingSetName::Location(at)) if at == "s3://b/x")
    );
}

#[test]
fn other_statements_are_datafusions() {
    for sql in
        ["SELECT 1", "SHOW TABLES", "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x'", "EXPLAIN SELECT 1"]
    {
        assert!(matches!(Statement::parse(sql).unwrap().kind, StatementKind::Sql(_)), "{sql}");
    }
    assert!(matches!(Statement::parse("COPY t TO 'x' STORED AS CSV").unwrap().kind, StatementKind::Copy(_)));
}

#[test]
fn a_write_is_explained_but_not_analyzed() {
    let create = "CREATE TRAINING SET a LOCATION 'x' STORED AS CSV AS SELECT 1";
    let copy = "COPY t TO 'x' STORED AS CSV";
    for sql in [
        format!("EXPLAIN ANALYZE {create}"),
        format!("explain analyze verbose {create}"),
        format!("EXPLAIN ANALYZE {copy}"),
        format!("EXPLAIN (ANALYZE) {copy}"),
        format!("EXPLAIN EXPLAIN ANALYZE {copy}"),
    ] {
        let error = Statement::parse(&sql).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported, "{sql}");
        assert!(error.message().contains("EXPLAIN ANALYZE of C") && error.hint().is_some(), "{sql}: {error}");
    }
    for sql in [format!("EXPLAIN {create}"), format!("EXPLAIN {copy}"), "EXPLAIN ANALYZE SELECT 1".to_owned()]
    {
        Statement::parse(&sql).expect(&sql);
    }
}

#[test]
fn a_script_is_split_outside_of_text_names_and_comments() {
    let script = "-- first; not\nSELECT 'a;b' AS \"c;d\"; /* ; */ SELECT 'Größe;' ;\n;\nSELECT 2 -- end;";
    let statements = split_script(script).unwrap();
    assert_eq!(statements.len(), 3);
    assert_eq!(statements[1], "/* ; */ SELECT 'Größe;'");
    assert_eq!(split_script("SELECT 'open").unwrap_err().code(), Code::Syntax);
}

#[test]
fn a_seed_is_a_whole_number_of_64_bits() {
    let seed = |seed: &str| {
        Statement::parse(&format!(
            "CREATE TRAINING SET a LOCATION 'x' STORED AS CSV SHUFFLE SEED {seed} AS SELECT 1"
        ))
    };
    seed("18446744073709551615").unwrap();
    for text in ["-1", "1.5", "x", "18446744073709551616"] {
        let error = seed(text).unwrap_err();
        assert!(
            error.message().contains(&format!("SHUFFLE SEED takes a whole number, found \"{text}\"")),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("0 to 18446744073709551615"), "{text}");
    }
}

#[test]
fn a_misspelt_clause_or_statement_is_suggested() {
    for (sql, says) in [
        ("CREATE TRAINING SET a LOCATION 'x' STORED AS CSV LABLE b AS SELECT 1", "did you mean \"LABEL\"?"),
        ("CREATE TRANING SET a LOCATION 'x' STORED AS CSV AS SELECT 1", "did you mean CREATE TRAINING SET?"),
        (
            "CREATE TRAINING SETS a LOCATION 'x' STORED AS CSV AS SELECT 1",
            "did you mean CREATE TRAINING SET?",
        ),
        ("DROP TRAINING SETS a", "did you mean DROP TRAINING SET?"),
        ("show training set", "did you mean SHOW TRAINING SETS?"),
        ("DESCRIBE TRAINNG SET a", "did you mean DESCRIBE TRAINING SET?"),
    ] {
        let error = Statement::parse(sql).unwrap_err();
        assert_eq!(error.code(), Code::Syntax, "{sql}");
        assert!(error.hint().unwrap().starts_with(says), "{sql}: {}", error.report());
    }
    for sql in ["DESCRIBE training", "SHOW TRAINING", "DROP TABLE training", "CREATE TABLE set AS SELECT 1"] {
        let other = Statement::parse(sql).map(|statement| statement.kind);
        assert!(matches!(other, Ok(StatementKind::Sql(_))), "{sql}");
    }
}
