//! Which split, shard and position a row has: expressions over the row alone, so that every partitioning, retry and
//! engine comes to the same answer.

use super::{Layout, PlacementColumns};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, ScalarUDF, lit};
use gristmill_udfs::functions::{GristmillOrder, GristmillShard, GristmillSplit};

/// What placement is computed from.
pub(super) struct PlacementInput<'a> {
    pub(super) seed: u64,
    /// Fractions of the splits, in order.
    pub(super) fractions: &'a [f64],
    /// The key columns, in order.
    pub(super) key: Vec<Column>,
    /// All columns of the query, in its order.
    pub(super) row: Vec<Column>,
}

impl PlacementInput<'_> {
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
        let expression = if self.fractions.len() == 1 {
            lit(ScalarValue::UInt8(Some(0)))
        } else {
            let fractions = self.fractions.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
            let mut arguments = vec![lit(self.seed), lit(fractions)];
            arguments.extend(columns(&self.key));
            call(GristmillSplit::default(), arguments)
        };
        expression.alias(PlacementColumns::Split.name())
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
        arguments.extend(columns(&self.row));
        call(GristmillOrder::default(), arguments)
    }
}

fn columns(columns: &[Column]) -> impl Iterator<Item = Expr> + '_ {
    columns.iter().cloned().map(Expr::Column)
}

fn call(function: impl Into<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    function.into().call(arguments)
}
