//! The laws of training sets, in this process.

use crate::engine;
use tests::laws::{Way, check};
use tokio::runtime::Runtime;

#[test]
fn what_is_in_a_training_set_depends_on_rows_and_seed_alone() {
    let runtime = Runtime::new().unwrap();
    let engines = runtime.block_on(async { [engine(), engine(), engine()] });
    let way = |number: usize, partitions, batch_size, scattered| Way {
        engine: &engines[number],
        partitions,
        batch_size,
        scattered,
    };
    check(&runtime, 24, &[way(0, 1, 8192, false), way(1, 4, 7, true), way(2, 3, 1, false)]);
}
