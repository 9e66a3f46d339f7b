//! Joins that keep rows of their build side are partitioned, where a plan is cut into tasks.
//!
//! ```text
//! HashJoinExec: mode=CollectLeft, join_type=Left   ─▶   HashJoinExec: mode=Partitioned, join_type=Left
//! ```
//!
//! A build side that every task has whole would be kept once per task. Ballista knows that, and partitions such a join
//! when it cuts the plan into stages, after the optimizer: the operators above were planned for the one partition the
//! join had, and then give a result per partition. Decided right after joins are selected, the rest of the optimizer
//! plans for the partitions that there will be.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use std::sync::Arc;

/// DataFusion's rule that decides how joins run, which this one comes after.
pub(super) const AFTER: &str = "join_selection";

/// See the module.
#[derive(Debug)]
pub(super) struct PartitionOuterJoins;

impl PhysicalOptimizerRule for PartitionOuterJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match node.downcast_ref::<HashJoinExec>() {
            Some(join) if *join.partition_mode() == PartitionMode::CollectLeft && keeps_build_rows(join) => {
                let partitioned =
                    join.builder().with_partition_mode(PartitionMode::Partitioned).build_exec()?;
                Ok(Transformed::yes(partitioned))
            }
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "partition_outer_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether rows of the build side, which is the left one, come out once for the whole join.
fn keeps_build_rows(join: &HashJoinExec) -> bool {
    matches!(
        join.join_type(),
        JoinType::Left | JoinType::Full | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark
    ) && !join.null_aware
}
