//! What a training set is made of, in this process.

use crate::engine;
use tests::files_suite;

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_a_fixed_number_of_shards_sort_as_their_numbers() {
    files_suite::check_shard_names(&engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_roll_near_their_target_size() {
    files_suite::check_rolling_shards(&engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_splits_take_one_read_of_the_columns_they_need() {
    files_suite::check_one_read(&engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_an_exchange_only_where_the_statement_asks_for_one() {
    files_suite::check_plans(&engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_training_set_leaves_foreign_files_alone() {
    files_suite::check_drop(&engine()).await;
}
