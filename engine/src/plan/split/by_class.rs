//! `SPLIT … STRATIFIED ON`: every class has the same fractions, to within one row.
//!
//! ```text
//! Right join on the class
//!   Aggregate: rows of each class
//!     <the query's class columns>
//!   Window: row_number of the row in its class, in the order of a hash
//!     <the query>
//! ```
//!
//! A class is known by the hash of its values, so a null is a value like others, and values of any type are sorted,
//! exchanged and joined as one number.

use super::{SplitInput, SplitRows, call, columns, made, refuse_volatile, without_order};
use crate::error::Result;
use datafusion::common::{JoinType, NullEquality};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, lit};
use gristmill_udfs::functions::{GristmillOrder, GristmillStratum, GristmillStratumSplit, SplitHash};

const CLASS: &str = "__gristmill_class";
/// The place of the row in its class, from 1.
const RANK: &str = "__gristmill_rank";
const COUNTED_CLASS: &str = "__gristmill_counted_class";
/// How many rows a class has.
const CLASS_ROWS: &str = "__gristmill_class_rows";
/// What ranks go by. The split's hash first and not the order's, which would put a split's rows into a part of the shards
/// only; then a half of the order's, so that only equal rows are left in no order.
const RANKED_BY: [&str; 2] = ["__gristmill_rank_high", "__gristmill_rank_low"];

impl SplitInput<'_> {
    /// The rows with their split by rank in their class, without those that are not sampled.
    pub(super) fn by_class(&self, plan: LogicalPlan) -> Result<SplitRows> {
        refuse_volatile(&plan, "SPLIT STRATIFIED ON")?;
        let counts = self.class_counts(plan.clone())?;
        let ranked = self.ranked(plan)?;
        let keys = (vec![COUNTED_CLASS], vec![CLASS]);
        let joined = LogicalPlanBuilder::from(counts).join_detailed(
            ranked,
            // A row whose class was not counted must fail, not vanish.
            JoinType::Right,
            keys,
            None,
            NullEquality::NullEqualsNothing,
        )?;
        let fractions = self.splits.fractions.as_ref().map(ToString::to_string).unwrap_or_default();
        let arguments =
            vec![lit(fractions), lit(self.sample.unwrap_or(1.0)), made(CLASS), made(RANK), made(CLASS_ROWS)];
        let split = call(GristmillStratumSplit::default(), arguments);
        let placed = if self.sample.is_some() { joined.filter(split.clone().is_not_null())? } else { joined };
        Ok(SplitRows { plan: placed.build()?, split, copy: None })
    }

    /// One row for each class: its number and how many rows it has.
    fn class_counts(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let counts = LogicalPlanBuilder::from(without_order(plan)?)
            .project([self.class().alias(CLASS)])?
            .aggregate([made(CLASS)], [count(lit(1_i64)).alias(CLASS_ROWS)])?
            .project([made(CLASS).alias(COUNTED_CLASS), made(CLASS_ROWS)])?;
        Ok(counts.build()?)
    }

    /// The rows, with their class and their rank in it.
    fn ranked(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let row = columns(self.row);
        let high = call(SplitHash::default(), [vec![lit(self.seed)], row.clone()].concat());
        let low = call(GristmillOrder::default(), [vec![lit(self.seed), lit(1_i64)], row.clone()].concat());
        let [rank_high, rank_low] = RANKED_BY;
        let keys = [self.class().alias(CLASS), high.alias(rank_high), low.alias(rank_low)];
        let rank = row_number()
            .partition_by(vec![made(CLASS)])
            .order_by(RANKED_BY.map(|key| made(key).sort(true, false)).to_vec())
            .build()?
            .alias(RANK);
        let ranked = LogicalPlanBuilder::from(plan).project(row.into_iter().chain(keys))?.window([rank])?;
        Ok(ranked.build()?)
    }

    fn class(&self) -> Expr {
        call(GristmillStratum::default(), [vec![lit(self.seed)], columns(self.placing)].concat())
    }
}
