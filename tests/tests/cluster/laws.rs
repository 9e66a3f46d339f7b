//! The laws of training sets, in this process and on a cluster at once: both must make the same.

use crate::shared;
use gristmill_engine::config::Config;
use tests::engines::Engine;
use tests::laws::{Way, check};
use tokio::runtime::Runtime;

#[test]
fn a_training_set_is_the_same_in_one_process_and_on_a_cluster() {
    let runtime = Runtime::new().unwrap();
    let cluster = runtime.block_on(shared::cluster());
    let engines = runtime.block_on(async {
        let mut config = Config::default();
        config.scratch.dir = tests::paths::target_tmp().join("scratch");
        [Engine::embedded(config), cluster.client().await, cluster.client().await]
    });
    let way = |number: usize, partitions, batch_size, scattered| Way {
        engine: &engines[number],
        partitions,
        batch_size,
        scattered,
    };
    check(&runtime, 6, &[way(0, 1, 8192, false), way(1, 4, 7, true), way(2, 1, 8192, true)]);
}
