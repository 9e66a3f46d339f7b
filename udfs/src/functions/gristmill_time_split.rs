//! `gristmill_time_split(column, time, cut, end, ...)`: the split of a row by its time.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, UInt8Array};
use arrow::compute::kernels::cmp::{gt_eq, lt};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, result_of, rows_of};
use crate::split::PlacementError;

const USAGE: Usage = Usage {
    name: "gristmill_time_split",
    syntax: "gristmill_time_split('name of the column', time, cut, end of the gap, ...)",
};

/// A split's index is one byte, and between two splits there is one cut.
const MOST_CUTS: usize = 255;

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns how many cut points a time has reached: the index of its split, counted from 0. Null for a time from \
         the last cut it has reached to before the end of that cut's gap. A null time is an error.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_time_split('day', DATE '2024-03-09', DATE '2024-03-01', DATE '2024-03-08')")
    .with_argument("column", "A text literal: what errors call the time.")
    .with_argument("time", "A date, timestamp or integer.")
    .with_argument("cut", "Where a split begins, of the type of the time; null where none begins. Cuts do not fall.")
    .with_argument("end", "Where the gap behind the cut ends; the cut itself when there is no gap.")
    .with_related_udf("gristmill_split")
    .build()
});

/// Index of the split of a row by its time.
///
/// **Shape** `gristmill_time_split(column, time, cut, end, ...)` → UInt8, null in a gap; one per row.
///
/// **Errors** [`PlacementError::NullTime`]; at planning, cuts of another type than the time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillTimeSplit {
    signature: Signature,
}

impl Default for GristmillTimeSplit {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for GristmillTimeSplit {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [column, time, cuts @ ..] = arg_types else {
            return Err(USAGE.error("the name of a column and a time are needed"));
        };
        USAGE.check_type("column", "text", column, DataType::is_string)?;
        if !cuts.len().is_multiple_of(2) || cuts.len() / 2 > MOST_CUTS {
            return Err(USAGE.error(format_args!("at most {MOST_CUTS} cuts, each with an end, are needed")));
        }
        for cut in cuts {
            USAGE.check_type("cut", "of the type of the time", cut, |data_type| data_type == time)?;
        }
        Ok(DataType::UInt8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [column, values @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("the name of a column and a time are needed"));
        };
        let length = rows_of(values, args.number_rows);
        let arrays = values.iter().map(|value| value.to_array(length)).collect::<Result<Vec<_>>>()?;
        let Some((time, cuts)) = arrays.split_first() else {
            return Err(USAGE.error("the name of a column and a time are needed"));
        };
        if time.null_count() > 0 {
            let name = USAGE.literal("column", column)?.try_as_str().flatten().unwrap_or_default();
            return Err(PlacementError::NullTime { column: name.to_owned() }.into());
        }
        let mut splits: Vec<Option<u8>> = vec![Some(0); length];
        for (pair, index) in cuts.chunks_exact(2).zip(1_u8..) {
            let (reached, in_gap) = (gt_eq(time, &pair[0])?, lt(time, &pair[1])?);
            for (row, split) in splits.iter_mut().enumerate() {
                if reached.is_valid(row) && reached.value(row) {
                    *split = if in_gap.is_valid(row) && in_gap.value(row) { None } else { Some(index) };
                }
            }
        }
        result_of(values, Arc::new(UInt8Array::from(splits)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
