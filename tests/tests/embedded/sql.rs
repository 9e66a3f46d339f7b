//! SQL in this process: the scripts, and TPC-H.

use crate::engine;

#[tokio::test(flavor = "multi_thread")]
async fn every_script_passes() {
    tests::scripts::check(async || engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_queries_of_tpch_have_the_answers_of_another_engine() {
    tests::tpch_suite::check(&engine()).await;
}
