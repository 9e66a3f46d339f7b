//! Shards by rank: those of a split differ by at most one row.
//!
//! The rank of a row is its place in the order of splits and, in a split, of the shuffle. Rows are dealt out by it, one to each
//! shard in turn. Where one task writes all rows in that order it only has to count. Otherwise they are ranked within
//! ranges of split and hash, by as many tasks as there are ranges, behind the rows of the ranges before, which a second plan
//! over the same rows counts:
//!
//! ```text
//! Right join on the range
//!   Window: rows until each range
//!     Aggregate: rows of each range
//!       <the rows>
//!   Window: row_number of the row in its range
//!     <the rows>
//! ```
//!
//! A range is known by one number that is never null. A split of its own could be a constant, which the optimizer leaves out of
//! sorts, and an executor that has only a part of the plan takes for missing.

use super::PlacementInput;
use crate::error::Result;
use crate::plan::PlacementColumns;
use crate::plan::split::{call, columns, made, refuse_volatile, without_order};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{JoinType, NullEquality, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{Sort, WindowFunction};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, cast, lit,
};
use gristmill_udfs::functions::{GristmillBalancedShard, GristmillShard};

/// How many ranges the hash is divided into: more than a cluster has cores, few enough to be held by every task.
const RANGES: u32 = 4096;
/// What the rows of a range are ranked in the order of.
const ORDER: [PlacementColumns; 2] = [PlacementColumns::OrderHigh, PlacementColumns::OrderLow];
const RANGE: &str = "__gristmill_range";
/// The place of the row in its range, from 1.
const RANK: &str = "__gristmill_rank";
const COUNTED_RANGE: &str = "__gristmill_counted_range";
const RANGE_ROWS: &str = "__gristmill_range_rows";
/// How many rows are in the ranges before.
const ROWS_BEFORE: &str = "__gristmill_rows_before";
/// How many are in the range and those before.
const ROWS_UNTIL: &str = "__gristmill_rows_until";

/// Rows with their split, and what places them in it.
pub(super) struct Ranked {
    pub(super) plan: LogicalPlan,
    pub(super) shard: Expr,
    /// Two numbers that rows of a shard are in the order of.
    pub(super) order: [Expr; 2],
}

impl PlacementInput {
    /// The rows of `plan`, ranked.
    ///
    /// # Errors
    /// `Unsupported` for a query that cannot be read twice.
    pub(super) fn by_rank(&self, plan: LogicalPlan, shards: u32) -> Result<Ranked> {
        let plan = self.ranked_in_ranges(plan)?;
        let arguments = vec![lit(i64::from(shards)), made(ROWS_BEFORE), made(RANK), made(ROWS_UNTIL)];
        let shard = call(GristmillBalancedShard::default(), arguments);
        let place = cast(made(ROWS_BEFORE), DataType::UInt64) + made(RANK);
        // Rows that are equal can be in several shards, which come one after the other all the same.
        Ok(Ranked { plan, order: [cast(shard.clone(), DataType::UInt64), place], shard })
    }

    /// The rows with their range, their rank in it, and how many rows there are before it and with it.
    fn ranked_in_ranges(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        refuse_volatile(&plan, "option 'balance' 'exact'")?;
        let plan = without_order(plan)?;
        let counts = self.range_counts(plan.clone())?;
        let keys = [self.split(), self.range().alias(RANGE)].into_iter().chain(self.order_columns());
        let order = ORDER.map(|column| ascending(column.name())).to_vec();
        let rank = row_number().partition_by(vec![made(RANGE)]).order_by(order).build()?.alias(RANK);
        let ranked = LogicalPlanBuilder::from(plan)
            .project(columns(&self.row).into_iter().chain(keys))?
            .window([rank])?
            .build()?;
        let joined = LogicalPlanBuilder::from(counts).join_detailed(
            ranked,
            // A row whose range was not counted must fail, not vanish.
            JoinType::Right,
            (vec![COUNTED_RANGE], vec![RANGE]),
            None,
            NullEquality::NullEqualsNothing,
        )?;
        Ok(joined.build()?)
    }

    /// One row for each range that has rows: how many there are before it, and with it.
    fn range_counts(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let counts = LogicalPlanBuilder::from(plan)
            .project([self.range().alias(COUNTED_RANGE)])?
            .aggregate([made(COUNTED_RANGE)], [count(lit(1_i64)).alias(RANGE_ROWS)])?
            .window([rows_until()?.alias(ROWS_UNTIL)])?;
        let before = (made(ROWS_UNTIL) - made(RANGE_ROWS)).alias(ROWS_BEFORE);
        Ok(counts.project([made(COUNTED_RANGE), before, made(ROWS_UNTIL)])?.build()?)
    }

    /// Ranges follow each other in the order of splits and of the shuffle.
    fn range(&self) -> Expr {
        let range = call(GristmillShard::default(), vec![self.order_hash(0), lit(RANGES)]);
        cast(self.split.clone(), DataType::UInt32) * lit(RANGES) + range
    }

    fn order_columns(&self) -> [Expr; 2] {
        ORDER.map(|column| self.order(column))
    }
}

fn ascending(name: &str) -> Sort {
    made(name).sort(true, false)
}

/// How many rows are in a range and those before.
fn rows_until() -> Result<Expr> {
    let sum = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(sum_udaf()), vec![made(RANGE_ROWS)]);
    let start = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
    let frame = WindowFrame::new_bounds(WindowFrameUnits::Rows, start, WindowFrameBound::CurrentRow);
    Ok(Expr::from(sum).order_by(vec![ascending(COUNTED_RANGE)]).window_frame(frame).build()?)
}
