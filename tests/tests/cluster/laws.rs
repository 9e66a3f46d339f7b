//! The laws of training sets, in this process and on clusters of different sizes at once: all must make the same.

use crate::{program, shared};
use gristmill_engine::config::Config;
use tests::engines::Engine;
use tests::laws::{Way, check};
use tests::process::{Cluster, ClusterOptions};
use tests::training_set::OnDisk;
use tokio::runtime::Runtime;

fn embedded() -> Engine {
    let mut config = Config::default();
    config.scratch.dir = tests::paths::target_tmp().join("scratch");
    Engine::embedded(config)
}

/// One executor of one core.
async fn small_cluster() -> Cluster {
    let options = ClusterOptions { executors: 1, vcores: 1, ..ClusterOptions::default() };
    tokio::task::spawn_blocking(move || Cluster::start(&program(), &options)).await.unwrap()
}

#[test]
fn a_training_set_is_the_same_in_one_process_and_on_any_number_of_executors() {
    let runtime = Runtime::new().unwrap();
    let (two, one) = runtime.block_on(async { (shared::cluster().await, small_cluster().await) });
    let engines =
        runtime.block_on(async { [embedded(), two.client().await, two.client().await, one.client().await] });
    let way = |number: usize, partitions, batch_size, scattered| Way {
        engine: &engines[number],
        partitions,
        batch_size,
        scattered,
    };
    let ways = [way(0, 1, 8192, false), way(1, 4, 7, true), way(2, 1, 8192, true), way(3, 3, 100, true)];
    check(&runtime, 6, &ways);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_the_demo_makes_the_same_bytes_in_one_process_and_on_any_number_of_executors() {
    let (two, one) = (shared::cluster().await, small_cluster().await);
    let folder = tempfile::tempdir().unwrap();
    let job = std::fs::read_to_string(tests::paths::repository().join("examples/late_delivery.sql")).unwrap();
    let data = format!("'{}/", tests::data::tpch_small().await.display());
    let mut shards = Vec::new();
    let engines = [("embedded", embedded()), ("one", one.client().await), ("two", two.client().await)];
    for (name, engine) in engines {
        let out = folder.path().join(name);
        let job = job.replace("'gristmill-demo/data/", &data);
        engine.script(&job.replace("gristmill-demo/late_delivery", out.to_str().unwrap())).await;
        shards.push(OnDisk::open(&out).shards());
    }
    assert_eq!(shards[0], shards[1]);
    assert_eq!(shards[0], shards[2]);
}
