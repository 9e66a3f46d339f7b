//! The SQL functions, one a file. Each is known by its name alone: every parameter is an argument, so an executor
//! that has the function under the same name runs the same thing.

mod arguments;
mod gristmill_balanced_shard;
mod gristmill_copies;
mod gristmill_named_split;
mod gristmill_order;
mod gristmill_sample;
mod gristmill_shard;
mod gristmill_split;
mod gristmill_stratum;
mod gristmill_stratum_split;
mod gristmill_time_split;
mod split_hash;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

pub use gristmill_balanced_shard::GristmillBalancedShard;
pub use gristmill_copies::{GristmillCopies, MOST_COPIES};
pub use gristmill_named_split::GristmillNamedSplit;
pub use gristmill_order::GristmillOrder;
pub use gristmill_sample::GristmillSample;
pub use gristmill_shard::GristmillShard;
pub use gristmill_split::GristmillSplit;
pub use gristmill_stratum::GristmillStratum;
pub use gristmill_stratum_split::GristmillStratumSplit;
pub use gristmill_time_split::GristmillTimeSplit;
pub use split_hash::SplitHash;

/// Every function of this crate; a session that plans or runs Gristmill's statements registers all of them.
pub fn all_functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(SplitHash::default())),
        Arc::new(ScalarUDF::from(GristmillSplit::default())),
        Arc::new(ScalarUDF::from(GristmillOrder::default())),
        Arc::new(ScalarUDF::from(GristmillShard::default())),
        Arc::new(ScalarUDF::from(GristmillBalancedShard::default())),
        Arc::new(ScalarUDF::from(GristmillSample::default())),
        Arc::new(ScalarUDF::from(GristmillNamedSplit::default())),
        Arc::new(ScalarUDF::from(GristmillTimeSplit::default())),
        Arc::new(ScalarUDF::from(GristmillStratum::default())),
        Arc::new(ScalarUDF::from(GristmillStratumSplit::default())),
        Arc::new(ScalarUDF::from(GristmillCopies::default())),
    ]
}
