//! Which shard and position a row has: expressions over the row alone, so that every partitioning, retry and engine comes
//! to the same answer.

use super::{Layout, PlacementColumns};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, ScalarUDF, lit};
use gristmill_udfs::functions::{GristmillOrder, GristmillShard};

/// What placement is computed from.
pub(super) struct PlacementInput {
    pub(super) seed: u64,
    /// Index of the split.
    pub(super) split: Expr,
    /// All columns of the query, in its order.
    pub(super) row: Vec<Column>,
    /// Which copy of a row it is, where rows are repeated: each copy has a place of its own.
    pub(super) copy: Option<Expr>,
}

impl PlacementInput {
    /// One expression per placement column of `layout`, named.
    pub(super) fn expressions(&self, layout: &Layout) -> Vec<Expr> {
        match layout {
            Layout::SingleFile { .. } => vec![],
            Layout::Rolling { .. } => vec![self.split()],
            Layout::Sharded { shards, shuffled, .. } => {
                let mut expressions = vec![self.split(), self.shard(*shards)];
                if *shuffled {
                    expressions.push(self.order(PlacementColumns::OrderHigh));
                    expressions.push(self.order(PlacementColumns::OrderLow));
                }
                expressions
            }
        }
    }

    fn split(&self) -> Expr {
        self.split.clone().alias(PlacementColumns::Split.name())
    }

    fn shard(&self, shards: u32) -> Expr {
        let order = self.order_hash(0);
        call(GristmillShard::default(), vec![order, lit(shards)]).alias(PlacementColumns::Shard.name())
    }

    fn order(&self, column: PlacementColumns) -> Expr {
        let part = i64::from(column == PlacementColumns::OrderLow);
        self.order_hash(part).alias(column.name())
    }

    fn order_hash(&self, part: i64) -> Expr {
        let mut arguments = vec![lit(self.seed), lit(part)];
        arguments.extend(self.row.iter().cloned().map(Expr::Column));
        arguments.extend(self.copy.clone());
        call(GristmillOrder::default(), arguments)
    }
}

fn call(function: impl Into<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    function.into().call(arguments)
}
