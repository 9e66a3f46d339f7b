//! `gristmill_balanced_shard(shards, before, rank, until)`: the shard of a row by its rank.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, integer, result_of, rows_of};
use crate::split::PlacementError;

const USAGE: Usage = Usage {
    name: "gristmill_balanced_shard",
    syntax: "gristmill_balanced_shard(shards, before, rank, until)",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the shard, counted from 0, of the row of a rank: rows are dealt out one to each shard in turn, \
         (before + rank - 1) % shards. No two shards differ by more than one row.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_balanced_shard(4, 0, arrow_cast(3, 'UInt64'), 10)")
    .with_argument("shards", "How many shards there are, an integer literal from 1 to 4294967295.")
    .with_argument("before", "How many rows are in the ranges before the row's, a 64-bit integer.")
    .with_argument("rank", "The place of the row in its range, an unsigned 64-bit integer from 1.")
    .with_argument("until", "How many rows are in the row's range and those before it, a 64-bit integer.")
    .with_related_udf("gristmill_shard")
    .build()
});

/// Shard of a row by rank: `(before + rank − 1) mod shards`.
///
/// **Shape** `gristmill_balanced_shard(shards, before, rank, until)` → UInt32, never null.
///
/// **Errors** [`PlacementError::OtherRows`] for a rank that is none of the range's; at planning, wrong types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillBalancedShard {
    signature: Signature,
}

impl Default for GristmillBalancedShard {
    fn default() -> Self {
        let types = vec![DataType::Int64, DataType::Int64, DataType::UInt64, DataType::Int64];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

fn shard_count(value: &ScalarValue) -> Result<u32> {
    match integer(value).map(u32::try_from) {
        Some(Ok(shards)) if shards > 0 => Ok(shards),
        _ => Err(USAGE.expected("shards", "an integer from 1 to 4294967295", value)),
    }
}

/// Where a row is: all numbers of rows, the rank from 1.
#[derive(Debug, Clone, Copy)]
struct Place {
    before: u64,
    rank: u64,
    until: u64,
}

impl Place {
    /// None for a row that was not there when rows were counted.
    fn shard(self, shards: u32) -> Option<u32> {
        let place = self.before.checked_add(self.rank.checked_sub(1)?)?;
        // Below `shards`: the cast keeps every bit.
        (place < self.until).then_some((place % u64::from(shards)) as u32)
    }
}

impl ScalarUDFImpl for GristmillBalancedShard {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [shards, numbers @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("four arguments are needed"));
        };
        let shards = shard_count(USAGE.literal("shards", shards)?)?;
        let length = rows_of(numbers, args.number_rows);
        let arrays = numbers.iter().map(|value| value.to_array(length)).collect::<Result<Vec<_>>>()?;
        let [before, rank, until] = arrays.as_slice() else {
            return Err(USAGE.error("four arguments are needed"));
        };
        if arrays.iter().any(|numbers| numbers.null_count() > 0) {
            return Err(other_rows());
        }
        let rank = rank.as_primitive::<UInt64Type>().values();
        let [before, until] = [before, until].map(|numbers| numbers.as_primitive::<Int64Type>().values());
        let placed = (0..length).map(|row| {
            let place = Place {
                before: before[row].cast_unsigned(),
                rank: rank[row],
                until: until[row].cast_unsigned(),
            };
            place.shard(shards).ok_or_else(other_rows)
        });
        result_of(numbers, Arc::new(UInt32Array::from(placed.collect::<Result<Vec<_>>>()?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn other_rows() -> DataFusionError {
    PlacementError::OtherRows { clause: "option 'balance'" }.into()
}
