//! `SPLIT … BY TIME`: the oldest rows are in the first split.
//!
//! ```text
//! Cross join
//!   Aggregate: the first time that more than round(cumulative fraction · rows) rows have reached, for each cut
//!     Window: rows from each time on        (in the reverse of that order)
//!       Window: rows until each time        (in the order of time)
//!         Aggregate: rows of each time
//!           <the query's time column>
//!   <the query>
//! ```
//!
//! Rows until a time and rows from it on together are all rows and those of that time: the total is known without a
//! third look at the query, and everything that holds more than a batch is a sort or an aggregate, which spill.

use super::{SplitInput, SplitRows, call, made, refuse_volatile, without_order};
use crate::error::{Code, Error, Result};
use crate::statement::Gap;
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, TimeUnit};
use datafusion::common::{Column, ExprSchema, ScalarValue};
use datafusion::functions::math::expr_fn::round;
use datafusion::functions_aggregate::expr_fn::{count, min};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, bitwise_xor, cast, lit, when,
};
use gristmill_udfs::functions::GristmillTimeSplit;

const TIME: &str = "__gristmill_time";
/// How many rows have a time.
const ROWS: &str = "__gristmill_rows";
/// How many rows have that time or an older one.
const ROWS_UNTIL: &str = "__gristmill_rows_until";
/// How many rows have that time or a newer one.
const ROWS_FROM: &str = "__gristmill_rows_from";
const DAY_NANOSECONDS: i64 = 86_400_000_000_000;

impl SplitInput<'_> {
    /// The rows with their split by `time`, without those in a gap.
    pub(super) fn by_time(&self, plan: LogicalPlan, time: &Column, gap: Option<&Gap>) -> Result<SplitRows> {
        refuse_volatile(&plan, "SPLIT BY TIME")?;
        let data_type = plan.schema().data_type(time)?.clone();
        let gap = self.checked_gap(&data_type, gap)?;
        let rows = self.sampled(plan.clone())?;
        let cuts = self.splits.names.len() - 1;
        let mut arguments = vec![lit(self.placing_name()), Expr::Column(time.clone())];
        arguments.extend((0..cuts).flat_map(|index| [made(&cut(index)), made(&end(index))]));
        let split = call(GristmillTimeSplit::default(), arguments);
        // Without a cut there is nothing to find out, and no row to join.
        let joined = match cuts {
            0 => LogicalPlanBuilder::from(rows),
            _ => LogicalPlanBuilder::from(self.cut_points(plan, time, gap)?).cross_join(rows)?,
        };
        let placed = if gap.is_some() { joined.filter(split.clone().is_not_null())? } else { joined };
        Ok(SplitRows { plan: placed.build()?, split, copy: None })
    }

    /// The gap for a time column of that type.
    fn checked_gap(&self, data_type: &DataType, gap: Option<&Gap>) -> Result<Option<IntervalMonthDayNano>> {
        let is_date = matches!(data_type, DataType::Date32 | DataType::Date64);
        if !(is_date || data_type.is_integer() || matches!(data_type, DataType::Timestamp(..))) {
            let hint = "cast it to a date, a timestamp or an integer in the query";
            return Err(self.unsupported("BY TIME", data_type, hint));
        }
        let Some(Gap { text, interval }) = gap else { return Ok(None) };
        let name = self.placing_name();
        let bad = |hint: &str| {
            let message =
                format!("GAP INTERVAL '{text}' does not fit the time column \"{name}\" of type {data_type}");
            Err(Error::new(Code::SplitFractions, message).with_hint(hint))
        };
        if data_type.is_integer() {
            return bad("a gap is between dates or timestamps: cast the column, as in to_timestamp(seconds)");
        }
        if years(interval) > longest_gap_years(data_type) {
            return bad("the gap is longer than there are times of that type");
        }
        if !is_date {
            return Ok(Some(*interval));
        }
        let (Ok(days), 0) =
            (i32::try_from(interval.nanoseconds / DAY_NANOSECONDS), interval.nanoseconds % DAY_NANOSECONDS)
        else {
            return bad("a gap between dates is of whole days");
        };
        match interval.days.checked_add(days) {
            Some(days) => Ok(Some(IntervalMonthDayNano::new(interval.months, days, 0))),
            None => bad("the gap is too long"),
        }
    }

    /// One row: for each cut its time, null when no row is newer, and the end of its gap.
    fn cut_points(
        &self,
        plan: LogicalPlan,
        time: &Column,
        gap: Option<IntervalMonthDayNano>,
    ) -> Result<LogicalPlan> {
        let data_type = plan.schema().data_type(time)?.clone();
        // Rows until a time rise, and their complements fall: an order that no optimizer takes for the first one
        // reversed, which it would read backwards, with all rows in memory.
        let reversed = bitwise_xor(made(ROWS_UNTIL), lit(-1_i64));
        let times = LogicalPlanBuilder::from(without_order(plan)?)
            .project([Expr::Column(time.clone()).alias(TIME)])?
            .filter(made(TIME).is_not_null())?
            .aggregate([made(TIME)], [count(lit(1_i64)).alias(ROWS)])?
            .window([running_rows(made(TIME))?.alias(ROWS_UNTIL)])?
            .window([running_rows(reversed)?.alias(ROWS_FROM)])?;
        let total = cast(made(ROWS_UNTIL) + made(ROWS_FROM) - made(ROWS), DataType::Float64);
        let until = cast(made(ROWS_UNTIL), DataType::Float64);
        let mut cumulative = 0.0;
        let mut cuts = Vec::new();
        for (index, fraction) in self.inner_fractions().iter().enumerate() {
            cumulative += fraction;
            let before = round(vec![total.clone() * lit(cumulative)]);
            cuts.push(min(when(until.clone().gt(before), made(TIME)).end()?).alias(cut(index)));
        }
        let points = (0..cuts.len()).flat_map(|index| {
            let gap_end = match gap {
                None => made(&cut(index)),
                Some(gap) => {
                    let gap = lit(ScalarValue::IntervalMonthDayNano(Some(gap)));
                    cast(made(&cut(index)) + gap, data_type.clone())
                }
            };
            [made(&cut(index)), gap_end.alias(end(index))]
        });
        let points: Vec<Expr> = points.collect();
        Ok(times.aggregate(Vec::<Expr>::new(), cuts)?.project(points)?.build()?)
    }

    /// The fractions of all splits but the last.
    fn inner_fractions(&self) -> &[f64] {
        let fractions = self.splits.fractions.as_ref().map_or(&[][..], |fractions| fractions.as_slice());
        fractions.split_last().map_or(&[], |(_, inner)| inner)
    }
}

/// The sum of the rows up to here, in the order of `key`.
fn running_rows(key: Expr) -> Result<Expr> {
    let sum = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(sum_udaf()), vec![made(ROWS)]);
    let frame = WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::CurrentRow,
    );
    Ok(Expr::from(sum).order_by(vec![key.sort(true, false)]).window_frame(frame).build()?)
}

/// How long a gap is, about.
fn years(gap: &IntervalMonthDayNano) -> f64 {
    let days = f64::from(gap.days) + gap.nanoseconds as f64 / DAY_NANOSECONDS as f64;
    f64::from(gap.months) / 12.0 + days / 365.25
}

/// What no two times of a type are apart: 2^64 nanoseconds, or what calendars go up to.
fn longest_gap_years(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 584.0,
        _ => 10_000.0,
    }
}

fn cut(index: usize) -> String {
    format!("__gristmill_cut_{index}")
}

fn end(index: usize) -> String {
    format!("__gristmill_end_{index}")
}
