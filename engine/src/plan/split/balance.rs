//! Balancing: how often rows of the split to train on are written.

use super::{SplitRows, call, columns, made, split_column};
use crate::error::Result;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, NullHandling, ScalarValue, UnnestOptions};
use datafusion::functions_nested::expr_fn::range;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, lit, when};
use gristmill_udfs::functions::GristmillCopies;

const COPY: &str = "__gristmill_copy";

/// Factors of the rows of one split, by label. A row of another split, label or without one is written once.
#[derive(Debug)]
pub(in crate::plan) struct Balance {
    pub(in crate::plan) label: Column,
    /// The index of the split to train on.
    pub(in crate::plan) train: usize,
    /// A label as text, and how often its rows are written on average.
    pub(in crate::plan) factors: Vec<(String, f64)>,
}

impl Balance {
    /// `rows` as often as they are to be written; of their columns only those of `row` are left.
    ///
    /// # Errors
    /// Those of building a plan.
    pub(in crate::plan) fn plan(&self, rows: SplitRows, row: &[Column], seed: u64) -> Result<SplitRows> {
        let with_split = columns(row).into_iter().chain([rows.split.alias(split_column())]);
        let builder = LogicalPlanBuilder::from(rows.plan).project(with_split)?;
        let arguments = [vec![lit(seed), self.factor()?], columns(row)].concat();
        let copies = call(GristmillCopies::default(), arguments);
        if self.factors.iter().all(|(_, factor)| *factor <= 1.0) {
            let plan = builder.filter(copies.gt(lit(0_i64)))?.build()?;
            return Ok(SplitRows { plan, split: made(split_column()), copy: None });
        }
        let numbers = range(lit(0_i64), copies, lit(1_i64)).alias(COPY);
        let options = UnnestOptions::new().with_null_handling(NullHandling::Drop);
        let plan = builder
            .project(columns(row).into_iter().chain([made(split_column()), numbers]))?
            .unnest_column_with_options(Column::new_unqualified(COPY), options)?
            .build()?;
        Ok(SplitRows { plan, split: made(split_column()), copy: Some(made(COPY)) })
    }

    /// How often a row is written on average.
    fn factor(&self) -> Result<Expr> {
        let train = lit(ScalarValue::UInt8(Some(self.train as u8)));
        let label = cast(Expr::Column(self.label.clone()), DataType::Utf8);
        let mut case = when(made(split_column()).not_eq(train), lit(1.0));
        for (text, factor) in &self.factors {
            case = case.when(label.clone().eq(lit(text.as_str())), lit(*factor));
        }
        Ok(case.otherwise(lit(1.0))?)
    }
}
