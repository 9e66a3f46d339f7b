//! The 22 queries of TPC-H against the answers of an independent engine.

use crate::engines::Engine;
use crate::{data, oracle, paths};
use std::fs::read_to_string;

/// Runs all queries at scale factor 0.1 in one session.
///
/// # Panics
/// Lists every query that fails or has another answer.
pub async fn check(engine: &Engine) {
    for create in data::create_tables(data::tpch_large().await) {
        engine.script(&create).await;
    }
    let mut failures = Vec::new();
    for query in 1..=22 {
        if let Err(failure) = check_query(engine, query).await {
            failures.push(format!("Q{query}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{} of 22 queries failed\n{}", failures.len(), failures.join("\n"));
}

async fn check_query(engine: &Engine, query: usize) -> Result<(), String> {
    let file = |path: String| read_to_string(paths::tests(&path)).map_err(|error| format!("{path}: {error}"));
    let sql = file(format!("tpch/queries/q{query:02}.sql"))?;
    let expected = file(format!("tpch/answers/sf0.1/q{query:02}.csv"))?;
    let answer = engine.run(&sql).await.map_err(|error| error.report())?;
    oracle::compare(&answer, &expected)
}
