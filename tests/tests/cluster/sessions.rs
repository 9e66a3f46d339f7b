//! Clients and their sessions.

use crate::shared;
use gristmill_engine::Code;

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_do_not_see_each_others_tables_and_settings() {
    let cluster = shared::cluster().await;
    let (one, other) = (cluster.client().await, cluster.client().await);
    one.script("CREATE VIEW mine AS SELECT 1 AS x; SET datafusion.execution.batch_size = 77").await;
    assert_eq!(one.script("SELECT x FROM mine").await.value(), "1");
    let error = other.fail("SELECT x FROM mine").await;
    assert_eq!(error.code(), Code::UnknownName, "{}", error.report());
    other.script("CREATE VIEW mine AS SELECT 2 AS x").await;
    assert_eq!(one.script("SELECT x FROM mine").await.value(), "1");
    assert_ne!(other.script("SHOW datafusion.execution.batch_size").await.rows()[0][1], "77");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_is_found_by_its_location_from_every_session() {
    let cluster = shared::cluster().await;
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("set").display().to_string();
    let (one, other) = (cluster.client().await, cluster.client().await);
    one.parquet("nation", &tests::data::tpch_small().await.join("nation.parquet")).await;
    one.script(&format!("CREATE TRAINING SET s LOCATION '{location}' STORED AS CSV AS SELECT * FROM nation"))
        .await;
    assert_eq!(other.fail("DESCRIBE TRAINING SET s").await.code(), Code::UnknownTrainingSet);
    other.script(&format!("DESCRIBE TRAINING SET '{location}'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_says_that_it_is_alive_and_ready() {
    let cluster = shared::cluster().await;
    for path in ["/healthz", "/readyz"] {
        let (status, _) = cluster.get(path).unwrap();
        assert!(status.contains(" 200 "), "{path}: {status}");
    }
    assert_eq!(cluster.joined(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_the_command_line_prints_what_a_cluster_answers() {
    let cluster = shared::cluster().await;
    let nation = tests::data::tpch_small().await.join("nation.parquet");
    let script = format!(
        "CREATE EXTERNAL TABLE nation STORED AS PARQUET LOCATION '{}'; SELECT count(*) AS n FROM nation",
        nation.display()
    );
    let address = cluster.address();
    let arguments = ["run", "-q", "--format", "csv", "--connect", &address, "-c", &script];
    let finished = crate::program().run(&arguments, std::time::Duration::from_secs(60));
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "n\n25\n"), "{}", finished.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_statement_warns_of_reaches_the_command_line() {
    let address = shared::cluster().await.address();
    tests::warnings::check(&crate::program(), &["--connect", &address]);
}
