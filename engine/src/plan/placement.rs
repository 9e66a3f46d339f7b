//! Which shard and position a row has: a function of the row alone, or of its rank among the rows of its split, so that
//! every partitioning, retry and engine comes to the same answer.

use super::split::{call, made, split_column};
use super::{Layout, PlacementColumns};
use crate::error::Result;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, lit};
use gristmill_udfs::functions::{GristmillOrder, GristmillShard};

mod by_rank;

use by_rank::Ranked;

/// What decides the shard of a row, where the number of shards is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShardBy {
    /// Its hash: in one pass, with sizes as chance has them.
    Hash,
    /// The hash of its group, so that groups stay whole.
    Group,
    /// Its rank, which the one task that writes all rows counts, in one pass.
    Rank,
    /// Its rank, which any number of tasks find, in two passes.
    CountedRank,
}

/// What placement is computed from.
pub(super) struct PlacementInput {
    pub(super) seed: u64,
    /// Index of the split.
    pub(super) split: Expr,
    /// All columns of the query, in its order.
    pub(super) row: Vec<Column>,
    /// Which copy of a row it is, where rows are repeated: each copy has a place of its own.
    pub(super) copy: Option<Expr>,
    /// The column whose groups stay together: their hash comes first in the order.
    pub(super) group: Option<Column>,
}

impl PlacementInput {
    /// The rows of `plan`, and their placement columns for `layout`.
    ///
    /// # Errors
    /// `Unsupported` for a query that has to be read twice and cannot.
    pub(super) fn place(
        &self,
        plan: LogicalPlan,
        layout: &Layout,
        by: ShardBy,
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        let (Layout::Sharded { shards, shuffled, .. }, ShardBy::CountedRank) = (layout, by) else {
            return Ok((plan, self.expressions(layout)));
        };
        let Ranked { plan, shard, order } = self.by_rank(plan, *shards)?;
        let mut expressions = vec![made(split_column()), shard.alias(PlacementColumns::Shard.name())];
        if *shuffled {
            let [high, low] = order;
            expressions.push(high.alias(PlacementColumns::OrderHigh.name()));
            expressions.push(low.alias(PlacementColumns::OrderLow.name()));
        }
        Ok((plan, expressions))
    }

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
        if let (0, Some(group)) = (part, &self.group) {
            arguments.push(Expr::Column(group.clone()));
            return call(GristmillOrder::default(), arguments);
        }
        arguments.extend(self.row.iter().cloned().map(Expr::Column));
        arguments.extend(self.copy.clone());
        call(GristmillOrder::default(), arguments)
    }
}
