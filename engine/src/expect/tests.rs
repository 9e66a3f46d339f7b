use super::{Expectations, OnViolation};
use crate::config::Config;
use crate::error::{Code, Error};
use crate::session::{Engine, Session};
use crate::statement::expect::{Comparison, Condition};
use crate::storage::Location;
use crate::training_set::TrainingSet;
use futures::TryStreamExt;
use gristmill_proto::manifest::{Expectation, Outcome};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn session() -> Session {
    Engine::embedded(Arc::new(Config::default())).unwrap().session()
}

/// Twelve rows: `id` from 1 to 12, `half` of them twice, text, and a list.
const ROWS: &str = "SELECT value AS id, value / 2 AS half, CAST(value AS VARCHAR) || repeat('y', 100) AS name, [value] AS list \
    FROM generate_series(1, 12)";

async fn create(session: &Session, at: &Path, clauses: &str) -> crate::Result<()> {
    let sql =
        format!("CREATE TRAINING SET t LOCATION '{}' STORED AS PARQUET {clauses} AS {ROWS}", at.display());
    for statement in session.parse(&sql)? {
        session.execute(&statement).await?.stream.try_collect::<Vec<_>>().await?;
    }
    Ok(())
}

async fn failure(clauses: &str) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let error = create(&session(), &at, clauses).await.unwrap_err();
    assert!(!at.exists(), "{clauses} left something");
    error
}

#[tokio::test]
async fn a_rule_that_does_not_hold_leaves_nothing_and_names_what_it_measured() {
    let error = failure("EXPECT (RowCount > 100, IsUnique id, Mean id < 3)").await;
    assert_eq!(error.code(), Code::RuleViolated);
    assert_eq!(
        error.message(),
        "2 of 3 rules of EXPECT do not hold:\n    RowCount > 100: measured 12\n    Mean id < 3: measured 6.5"
    );
    assert!(error.hint().unwrap().contains("on_violation"), "{error:?}");
}

#[tokio::test]
async fn the_first_ten_keys_are_named_in_order() {
    let key = "SPLIT (train 0.5, test 0.5) BY KEY (half)";
    let error = failure(&format!("{key} EXPECT (ColumnValues id > 12)")).await;
    let halves: Vec<String> = (0..=6).map(|half| format!("{{half: {half}}}")).collect();
    assert!(error.message().ends_with(&format!("12 rows break it: {}", halves.join(", "))), "{error}");
    let error = failure(&format!("{} EXPECT (ColumnValues id > 12)", key.replace("half)", "id)"))).await;
    let ids: Vec<String> = (1..=10).map(|id| format!("{{id: {id}}}")).collect();
    assert!(error.message().ends_with(&ids.join(", ")), "{error}");
}

#[tokio::test]
async fn a_row_without_key_is_named_whole_and_cut() {
    let error = failure("EXPECT (ColumnValues id != 7)").await;
    let name = format!("7{}…", "y".repeat(59));
    let row = format!("1 row breaks it: {{id: 7, half: 3, name: {name}, list: [7]}}");
    assert!(error.message().ends_with(&row), "{error}");
}

#[tokio::test]
async fn report_records_what_a_rule_measured() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    let rules = "EXPECT (RowCount > 100, ColumnValues id <= 11) OPTIONS ('on_violation' 'Report')";
    create(&session, &at, &format!("{rules} SPLIT (train 0.5, test 0.5) BY KEY (id)")).await.unwrap();
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    let expected = |rule: &str, measured, broken_rows, offending: &[&str]| Expectation {
        rule: rule.to_owned(),
        outcome: Outcome::Failed,
        measured: Some(measured),
        broken_rows,
        offending: offending.iter().map(|text| (*text).to_owned()).collect(),
    };
    assert_eq!(
        set.manifest().expectations,
        [
            expected("RowCount > 100", 12.0, None, &[]),
            expected("ColumnValues id <= 11", 11.0 / 12.0, Some(1), &["{id: 12}"]),
        ]
    );
    let described = set.describe();
    let rule = described.iter().find(|(name, _)| name == "rule 1").unwrap();
    assert_eq!(rule.1, "failed: RowCount > 100: measured 12");
}

#[tokio::test]
async fn a_rule_that_holds_is_recorded_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("set");
    let session = session();
    create(&session, &at, "EXPECT (RowCount = 12, IsUnique list)").await.unwrap();
    let location = Location::parse(at.to_str().unwrap()).unwrap();
    let set = TrainingSet::open(session.engine().stores(), &location).await.unwrap();
    let found: Vec<_> =
        set.manifest().expectations.iter().map(|rule| (rule.outcome, rule.measured)).collect();
    assert_eq!(found, [(Outcome::Passed, Some(12.0)), (Outcome::Passed, Some(1.0))]);
}

#[tokio::test]
async fn what_a_column_cannot_be_asked_is_refused_before_anything_is_read() {
    for (rule, code, says) in [
        ("Mean name > 1", Code::StatementFailed, "column \"name\" is Utf8"),
        ("IsComplete nam", Code::UnknownTargetColumn, "did you mean \"name\""),
        ("ColumnValues id > \"5\"", Code::StatementFailed, "write a number without quotes"),
        ("ColumnValues name > 5", Code::StatementFailed, "write text in quotes"),
        ("ColumnValues list = 5", Code::StatementFailed, "compared with NULL only"),
        ("ColumnValues id > NULL", Code::StatementFailed, "go with =, !=, in and not in"),
        ("ColumnValues name matches \"(\"", Code::StatementFailed, "\"(\" is not a regular expression"),
        ("ColumnLength id > 5", Code::StatementFailed, "CAST(id AS VARCHAR)"),
        ("ColumnDataType name = \"Text\"", Code::StatementFailed, "there is no type \"Text\""),
        ("IsComplete id where \"nme > 1\"", Code::UnknownName, "nme"),
        ("IsComplete id where \"id + 1\"", Code::StatementFailed, "boolean"),
        ("CustomSql \"select 1, 2\" = 1", Code::StatementFailed, "gives 2 columns"),
        ("CustomSql \"select name from primary\" = 1", Code::StatementFailed, "not a number"),
        ("CustomSql \"select nme from primary\" = 1", Code::UnknownName, "nme"),
        ("CustomSql \"select count(* from primary\" = 1", Code::Syntax, "count(*"),
    ] {
        let error = failure(&format!("EXPECT (RowCount > 0, {rule})")).await;
        assert_eq!(error.code(), code, "{rule}: {error}");
        assert!(error.report().contains(says), "{rule}: {}", error.report());
        assert!(error.message().contains(rule), "{rule}: {error}");
    }
}

#[tokio::test]
async fn a_query_must_give_one_row() {
    let error = failure("EXPECT (CustomSql \"select id from primary\" > 0)").await;
    assert_eq!(error.code(), Code::StatementFailed);
    assert!(error.message().contains("select id") && error.message().contains("12 rows"), "{error}");
}

#[test]
fn rules_are_measured_in_as_few_plans_as_there_can_be() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rules = "RowCount > 1, IsComplete id, Mean id > 0, ColumnValues id > 0, IsUnique id, Uniqueness id > 0, \
        Entropy id > 0, IsPrimaryKey id half, \
        Mean id > 0 where 'id > 1', IsComplete id where 'id > 1', CustomSql \"select 1\" = 1";
    let expectations = runtime.block_on(planned(rules));
    assert_eq!(expectations.tables.len(), 5, "rows, groups of id, of id and half, rows above 1, the query");
    assert_eq!(expectations.rules.len(), 11);
}

async fn planned(rules: &str) -> Expectations {
    use crate::plan::{PlanContext, plan_training_set};
    use crate::statement::{Statement, StatementKind};
    let session = session();
    let text =
        format!("CREATE TRAINING SET t LOCATION '/tmp/x' STORED AS PARQUET EXPECT ({rules}) AS {ROWS}");
    let StatementKind::CreateTrainingSet(create) = Statement::parse(&text).unwrap().kind else {
        panic!("{text}")
    };
    let state = session.context().state();
    let config = Config::default();
    let context = PlanContext { state: &state, write: &config.write, text: &text };
    plan_training_set(context, &create).await.unwrap().expectations
}

#[test]
fn between_leaves_its_ends_out_and_nan_is_nowhere() {
    let between = Condition::Between(1.0, 2.0);
    assert!(between.holds(1.5) && !between.holds(1.0) && !between.holds(2.0) && !between.holds(f64::NAN));
    let outside = Condition::NotBetween(1.0, 2.0);
    assert!(outside.holds(1.0) && outside.holds(2.0) && !outside.holds(1.5) && !outside.holds(f64::NAN));
    assert!(Condition::NotIn(vec![1.0]).holds(f64::NAN) && !Condition::In(vec![1.0]).holds(f64::NAN));
    assert!(Condition::Compare(Comparison::NotEq, 1.0).holds(f64::NAN));
}

#[test]
fn rows_are_to_blame_only_where_more_of_them_would_do() {
    assert!(Condition::Compare(Comparison::Gt, 0.5).wants_more_than(0.5));
    assert!(Condition::Between(0.5, 0.9).wants_more_than(0.5));
    assert!(Condition::In(vec![0.1, 0.9]).wants_more_than(0.5));
    for condition in [
        Condition::Compare(Comparison::Lt, 0.5),
        Condition::Compare(Comparison::NotEq, 1.0),
        Condition::Between(0.5, 0.9),
    ] {
        assert!(!condition.wants_more_than(1.0), "{condition:?}");
    }
}

#[test]
fn the_option_is_fail_or_report() {
    let options = |value: &str| BTreeMap::from([("on_violation".to_owned(), value.to_owned())]);
    assert_eq!(OnViolation::take(&mut options("report")).unwrap(), OnViolation::Report);
    assert_eq!(OnViolation::take(&mut BTreeMap::new()).unwrap(), OnViolation::Fail);
    let error = OnViolation::take(&mut options("warn")).unwrap_err();
    assert_eq!(error.code(), Code::BadOption);
    assert!(error.message().contains("warn"), "{error}");
}
