//! Statements on S3, on a cluster; one at a time, as they share a server.

use crate::shared;
use tests::engines::Engine;
use tests::s3::Server;
use tests::s3_suite;

async fn check<F: AsyncFnOnce(&Engine, &Server)>(check: F) {
    let cluster = shared::cluster().await;
    let (_use, server) = cluster.server().await;
    check(&cluster.client().await, server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_goes_from_s3_to_s3_and_away_again() {
    check(s3_suite::check_round_trip).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sagemaker_is_given_names_the_bucket_and_the_shards() {
    check(s3_suite::check_side_files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_leaves_nothing_in_the_bucket() {
    check(s3_suite::check_failing_job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_now_and_then_is_asked_again() {
    check(s3_suite::check_transient_faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_no_failure() {
    check(s3_suite::check_lost_answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_leaves_nothing_in_the_bucket() {
    check(s3_suite::check_failing_commit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_is_named() {
    check(s3_suite::check_missing_bucket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_while_it_is_read_fails_the_job() {
    check(s3_suite::check_changed_input).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_jobs_for_one_place_one_wins() {
    let cluster = shared::cluster().await;
    let (_use, server) = cluster.server().await;
    s3_suite::check_race(&cluster.client().await, &cluster.client().await, server).await;
}
