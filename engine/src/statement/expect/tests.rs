use super::{Comparison, Condition, Literal, Measure, Requirement, Rule, RuleKind};
use crate::error::{Code, Error, Result};
use crate::statement::{Statement, StatementKind};

fn parse(rules: &str) -> Result<Vec<Rule>> {
    let sql = format!("CREATE TRAINING SET a LOCATION 'x' EXPECT ({rules}) STORED AS CSV AS SELECT 1");
    match Statement::parse(&sql)?.kind {
        StatementKind::CreateTrainingSet(create) => Ok(create.expect),
        other => panic!("{other:?}"),
    }
}

fn rule(text: &str) -> RuleKind {
    let mut rules = parse(text).unwrap();
    assert_eq!(rules.len(), 1, "{text}");
    rules.remove(0).kind
}

fn error(rules: &str) -> Error {
    parse(rules).unwrap_err()
}

fn measured(measure: Measure, columns: &[&str], condition: Condition<f64>) -> RuleKind {
    RuleKind::Measured {
        measure,
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        condition,
        filter: None,
    }
}

fn values(column: &str, condition: Condition<Literal>) -> RuleKind {
    let requirement = Requirement::Values(condition);
    RuleKind::Rows { column: column.to_owned(), requirement, filter: None, threshold: None }
}

const ALL: Condition<f64> = Condition::Compare(Comparison::Eq, 1.0);

#[test]
fn a_rule_about_all_rows_has_a_measure_columns_and_a_condition() {
    assert_eq!(
        rule("RowCount > 100"),
        measured(Measure::RowCount, &[], Condition::Compare(Comparison::Gt, 100.0))
    );
    assert_eq!(
        rule("RowCount between -1 and 1.5e3"),
        measured(Measure::RowCount, &[], Condition::Between(-1.0, 1500.0))
    );
    assert_eq!(
        rule("Completeness \"A b\" >= .9"),
        measured(Measure::Completeness, &["A b"], Condition::Compare(Comparison::GtEq, 0.9))
    );
    assert_eq!(
        rule("ColumnCorrelation a \"b\" not between 0 and 1"),
        measured(Measure::ColumnCorrelation, &["a", "b"], Condition::NotBetween(0.0, 1.0))
    );
    assert_eq!(rule("Mean x in [1, 2]"), measured(Measure::Mean, &["x"], Condition::In(vec![1.0, 2.0])));
    assert_eq!(rule("ColumnCount != 3"), RuleKind::ColumnCount(Condition::Compare(Comparison::NotEq, 3.0)));
}

#[test]
fn rules_that_begin_with_is_ask_for_all_rows() {
    assert_eq!(rule("IsComplete Late"), measured(Measure::Completeness, &["late"], ALL));
    assert_eq!(rule("isunique \"a\" b"), measured(Measure::Uniqueness, &["a", "b"], ALL));
    assert_eq!(rule("IsPrimaryKey \"a\" \"b\""), measured(Measure::PrimaryKey, &["a", "b"], ALL));
}

#[test]
fn values_are_numbers_text_and_keywords() {
    let text = |text: &str| Literal::Text(text.to_owned());
    assert_eq!(
        rule("ColumnValues c in [\"a\", 'it''s', NULL, empty, WHITESPACES_ONLY, -1.50, true]"),
        values(
            "c",
            Condition::In(vec![
                text("a"),
                text("it's"),
                Literal::Null,
                Literal::Empty,
                Literal::WhitespacesOnly,
                Literal::Number("-1.50".to_owned()),
                Literal::Boolean(true),
            ])
        )
    );
    assert_eq!(
        rule("ColumnValues c != NULL"),
        values("c", Condition::Compare(Comparison::NotEq, Literal::Null))
    );
}

#[test]
fn a_rule_about_each_row_may_have_a_filter_and_a_threshold() {
    let pattern = Requirement::Pattern { pattern: "a\"\\d+".to_owned(), matches: false };
    assert_eq!(
        rule("ColumnValues c not matches \"a\"\"\\d+\" where 'b > 1' with threshold > 0.9"),
        RuleKind::Rows {
            column: "c".to_owned(),
            requirement: pattern,
            filter: Some("b > 1".to_owned()),
            threshold: Some(Condition::Compare(Comparison::Gt, 0.9)),
        }
    );
}

#[test]
fn a_rule_keeps_its_text_on_one_line() {
    let rules =
        parse("\n  RowCount  !=  1 -- few\n, CustomSql\n 'select \"n\", ''x'' from primary' = 0 ").unwrap();
    assert_eq!(rules[0].text, "RowCount != 1");
    assert_eq!(rules[1].text, "CustomSql 'select \"n\", ''x'' from primary' = 0");
}

#[test]
fn what_cannot_be_read_is_named() {
    for (rules, says) in [
        ("RowCount > 1, IsComplet \"a\"", "rule IsComplet \"a\": there is no rule \"IsComplet\""),
        ("IsComplete", "rule IsComplete: expected a column, found \")\""),
        ("RowCount, IsComplete a", "rule RowCount: expected a condition"),
        ("Completeness \"a\" > many, RowCount > 1", "rule Completeness \"a\" > many: expected a number"),
        ("ColumnValues a in (1, 2)", "rule ColumnValues a in (1, 2): expected [ after IN"),
        ("ColumnValues a between 1, 2", "rule ColumnValues a between 1: expected AND between the ends"),
        ("RowCount not > 1", "rule RowCount not > 1: expected BETWEEN or IN after NOT"),
        ("CustomSql \"select 1\"", "rule CustomSql \"select 1\": expected a condition"),
        ("IsUnique a where b > 1", "rule IsUnique a where b > 1: expected a condition in quotes"),
        (", RowCount > 1", "rule : expected the name of a rule"),
    ] {
        let error = error(rules);
        assert_eq!(error.code(), Code::Syntax, "{rules}");
        assert!(error.message().contains(says), "{rules}: {error}");
    }
}

#[test]
fn what_dqdl_has_and_this_does_not_is_explained() {
    assert!(error("(RowCount > 1) or (IsUnique a)").hint().unwrap().contains("one after the other"));
    assert!(error("IsUnique a and IsUnique b > 1").hint().unwrap().contains("one after the other"));
    assert!(error("IsComplet a").hint().unwrap().contains("did you mean \"IsComplete\""));
}

#[test]
fn the_clause_is_given_once() {
    let sql = "CREATE TRAINING SET a LOCATION 'x' STORED AS CSV EXPECT (RowCount > 1) EXPECT (RowCount > 1) AS SELECT 1";
    assert!(Statement::parse(sql).unwrap_err().message().contains("EXPECT is given twice"));
}

#[test]
fn a_rule_whose_ends_are_swapped_or_hold_nothing_is_refused() {
    for rule in [
        "Mean x between 3 and 1",
        "RowCount between 5 and 2",
        "RowCount not between 5 and 2",
        "ColumnValues x between 1.5 and -2",
        "ColumnValues x between \"2024-02-01\" and \"2024-01-31\"",
        "ColumnValues x > 1 with threshold between 1 and 0.9",
    ] {
        let error = error(rule);
        assert_eq!(error.code(), Code::Syntax, "{rule}");
        assert!(error.message().contains(rule.split(" with").next().unwrap()), "{rule}: {error}");
        assert!(error.hint().unwrap().contains("swap the ends"), "{rule}: {}", error.report());
    }
    for rule in [
        "Mean x between 3 and 3",
        "RowCount between 5 and 6",
        "RowCount between 5.5 and 6",
        "ColumnLength x between 2 and 2.5",
        "ColumnValues x between \"2024-02-01\" and \"2024-02-01\"",
    ] {
        assert!(error(rule).report().contains("can never hold"), "{rule}: {}", error(rule).report());
    }
}

#[test]
fn a_rule_that_some_value_keeps_is_read() {
    for rule in [
        "Mean x between 5 and 6",
        "RowCount between 5 and 7",
        "RowCount between 5.5 and 6.5",
        "RowCount not between 5 and 5",
        "ColumnValues x between \"9\" and \"10\"",
        "ColumnValues x between \"b\" and \"a\"",
        "ColumnValues x between 9007199254740992 and 9007199254740992.5",
        "ColumnValues x between \"2024-01-31\" and \"2024-02-01\"",
    ] {
        parse(rule).expect(rule);
    }
}
