//! The laws of training sets, in this process and on a cluster at once: both must make the same.

use crate::shared;
use gristmill_engine::config::Config;
use tests::engines::Engine;
use tests::laws::{Way, check};
use tests::training_set::OnDisk;
use tokio::runtime::Runtime;

fn embedded() -> Engine {
    let mut config = Config::default();
    config.scratch.dir = tests::paths::target_tmp().join("scratch");
    Engine::embedded(config)
}

#[test]
fn a_training_set_is_the_same_in_one_process_and_on_a_cluster() {
    let runtime = Runtime::new().unwrap();
    let cluster = runtime.block_on(shared::cluster());
    let engines = runtime.block_on(async { [embedded(), cluster.client().await, cluster.client().await] });
    let way = |number: usize, partitions, batch_size, scattered| Way {
        engine: &engines[number],
        partitions,
        batch_size,
        scattered,
    };
    check(&runtime, 6, &[way(0, 1, 8192, false), way(1, 4, 7, true), way(2, 1, 8192, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_the_demo_makes_the_same_bytes_in_one_process_and_on_a_cluster() {
    let cluster = shared::cluster().await;
    let folder = tempfile::tempdir().unwrap();
    let job = std::fs::read_to_string(tests::paths::repository().join("examples/late_delivery.sql")).unwrap();
    let data = format!("'{}/", tests::data::tpch_small().await.display());
    let mut shards = Vec::new();
    for (name, engine) in [("embedded", embedded()), ("cluster", cluster.client().await)] {
        let out = folder.path().join(name);
        let job = job.replace("'gristmill-demo/data/", &data);
        engine.script(&job.replace("gristmill-demo/late_delivery", out.to_str().unwrap())).await;
        shards.push(OnDisk::open(&out).shards());
    }
    assert_eq!(shards[0], shards[1]);
}
