//! SQL on a cluster: the scripts, TPC-H, and what a user can get wrong.

use crate::shared;

#[tokio::test(flavor = "multi_thread")]
async fn every_script_passes() {
    let cluster = shared::cluster().await;
    tests::scripts::check(async || cluster.client().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_queries_of_tpch_have_the_answers_of_another_engine() {
    let cluster = shared::cluster().await;
    tests::tpch_suite::check(&cluster.client().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_gives_one_error_that_helps_and_leaves_nothing() {
    let cluster = shared::cluster().await;
    tests::bad_input::check(async || cluster.client().await).await;
}
