//! `gristmill_stratum_split(fractions, sample, class, rank, rows)`: the split of a row by its rank in its class.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, UInt8Array};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, result_of, rows_of};
use crate::split::{Fractions, PlacementError, Strata};

const USAGE: Usage = Usage {
    name: "gristmill_stratum_split",
    syntax: "gristmill_stratum_split('0.8,0.1,0.1', sample, class, rank, rows)",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the index of the split, counted from 0, of the row of a rank in its class: each split gets its \
         fraction of the class, to within one row. Null for a row that is not sampled.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_stratum_split('0.8,0.2', 1.0, gristmill_stratum(42, 'a'), arrow_cast(1, 'UInt64'), 5)")
    .with_argument("fractions", "A text literal: the fraction of each split, with commas, adding up to 1.")
    .with_argument("sample", "A float literal above 0 and at most 1: the fraction of each class that is kept.")
    .with_argument("class", "The number of the class, from gristmill_stratum, which decides how it is rounded.")
    .with_argument("rank", "The place of the row in its class, an unsigned 64-bit integer from 1.")
    .with_argument("rows", "How many rows the class has, a 64-bit integer.")
    .with_related_udf("gristmill_stratum")
    .build()
});

/// Index of the split of a row by rank; [`Strata`] is the rule.
///
/// **Shape** `gristmill_stratum_split(fractions, sample, class, rank, rows)` → UInt8, null for rows that are not sampled.
///
/// **Errors** [`PlacementError::OtherRows`] for a rank that is none of the class's; at planning, wrong types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillStratumSplit {
    signature: Signature,
}

impl Default for GristmillStratumSplit {
    fn default() -> Self {
        let types =
            vec![DataType::Utf8, DataType::Float64, DataType::UInt64, DataType::UInt64, DataType::Int64];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

fn strata(fractions: &ScalarValue, sample: &ScalarValue) -> Result<Strata> {
    let fractions: Fractions = match fractions.try_as_str().flatten() {
        Some(text) => text.parse().map_err(|error| USAGE.error(error))?,
        None => return Err(USAGE.expected("fractions", "text", fractions)),
    };
    match sample {
        ScalarValue::Float64(Some(part)) if *part > 0.0 && *part <= 1.0 => Ok(Strata::new(&fractions, *part)),
        _ => Err(USAGE.expected("sample", "a float above 0 and at most 1", sample)),
    }
}

/// The split of the row, its rank counted from 1.
fn place(strata: &Strata, class: u64, rank: Option<u64>, rows: Option<i64>) -> Result<Option<u8>> {
    let (Some(rank), Some(rows)) = (rank.and_then(|rank| rank.checked_sub(1)), rows.map(i64::cast_unsigned))
    else {
        return Err(other_rows());
    };
    if rank >= rows {
        return Err(other_rows());
    }
    Ok(strata.assign(rank, rows, class))
}

fn other_rows() -> DataFusionError {
    PlacementError::OtherRows { clause: "SPLIT STRATIFIED ON" }.into()
}

impl ScalarUDFImpl for GristmillStratumSplit {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [fractions, sample, rows @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("five arguments are needed"));
        };
        let strata = strata(USAGE.literal("fractions", fractions)?, USAGE.literal("sample", sample)?)?;
        let length = rows_of(rows, args.number_rows);
        let arrays = rows.iter().map(|value| value.to_array(length)).collect::<Result<Vec<_>>>()?;
        let [class, rank, count] = arrays.as_slice() else {
            return Err(USAGE.error("five arguments are needed"));
        };
        let (class, rank) = (class.as_primitive::<UInt64Type>(), rank.as_primitive::<UInt64Type>());
        let count = count.as_primitive::<Int64Type>();
        let splits = (0..length)
            .map(|row| {
                let rank = rank.is_valid(row).then(|| rank.value(row));
                place(&strata, class.value(row), rank, count.is_valid(row).then(|| count.value(row)))
            })
            .collect::<Result<UInt8Array>>()?;
        result_of(rows, Arc::new(splits))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
