use super::{ShuffleClause, SplitClause, Statement, StatementKind, TrainingSetName, split_script};
use crate::error::Code;

const FULL: &str = "CREATE TRAINING SET Late LOCATION 's3://ml/late' STORED AS csv LABEL \"Late\" \
    SPLIT (train 0.8, test .2) BY KEY (L_OrderKey, \"b c\") SHUFFLE SEED 42 OPTIONS ('shards' '16', seed 7) \
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
    let splits = vec![("train".to_owned(), 0.8), ("test".to_owned(), 0.2)];
    let key = vec!["l_orderkey".to_owned(), "b c".to_owned()];
    assert_eq!(create.split, Some(SplitClause { splits, key }));
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
        code("CREATE TRAINING SET a LOCATION 'x' STORED AS CSV SPLIT (a 1) BY TIME (t) AS SELECT 1"),
        Code::Unsupported
    );
    assert_eq!(code("CREATE TRAINING SET a LOCATION 'x' STORED AS CSV AS SELECT 1 1 1"), Code::Syntax);
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
