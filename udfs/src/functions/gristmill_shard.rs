//! `gristmill_shard(order, shards)`: the shard that a place in the shuffled order falls in.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, UInt32Array};
use arrow::datatypes::{DataType, Field, FieldRef, UInt64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, integer, planned_literal, result_of, rows_of, types};

const USAGE: Usage = Usage { name: "gristmill_shard", syntax: "gristmill_shard(order, shards)" };

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the shard, counted from 0, that a place in the shuffled order falls in: \
         floor(order * shards / 2^64). Shards are ranges of the order, of equal width.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_shard(gristmill_order(42, 0, a, b), 16) FROM t")
    .with_argument("order", "An unsigned 64-bit integer, from gristmill_order with part 0.")
    .with_argument("shards", "How many shards there are, an integer literal from 1 to 4294967295.")
    .with_related_udf("gristmill_order")
    .build()
});

/// Shard of a place in the shuffled order: `floor(order · shards / 2^64)`.
///
/// **Shape** `gristmill_shard(order, shards)` → UInt32; null where `order` is null.
///
/// **Errors** at planning: an order that is no UInt64, shards that are no integer from 1 to 2^32 − 1.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillShard {
    signature: Signature,
}

impl Default for GristmillShard {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

fn shard_count(value: &ScalarValue) -> Result<u32> {
    match integer(value).map(u32::try_from) {
        Some(Ok(shards)) if shards > 0 => Ok(shards),
        _ => Err(USAGE.expected("shards", "an integer from 1 to 4294967295", value)),
    }
}

fn shard(order: u64, shards: u32) -> u32 {
    // Below `shards`, as order is below 2^64: the cast keeps every bit.
    ((u128::from(order) * u128::from(shards)) >> 64) as u32
}

impl ScalarUDFImpl for GristmillShard {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [order, shards] = arg_types else {
            return Err(USAGE.error("two arguments are needed"));
        };
        USAGE.check_type("order", "UInt64", order, |data_type| *data_type == DataType::UInt64)?;
        USAGE.check_type("shards", "an integer from 1 to 4294967295", shards, DataType::is_integer)?;
        Ok(DataType::UInt32)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&types(&args))?;
        if let Some(shards) = planned_literal(&args, 1) {
            shard_count(shards)?;
        }
        let nullable = args.arg_fields.first().is_none_or(|order| order.is_nullable());
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [order, shards] = args.args.as_slice() else {
            return Err(USAGE.error("two arguments are needed"));
        };
        let shards = shard_count(USAGE.literal("shards", shards)?)?;
        let orders =
            order.cast_to(&DataType::UInt64, None)?.to_array(rows_of(&args.args, args.number_rows))?;
        let place = |order| shard(order, shards);
        let placed: UInt32Array = orders.as_primitive::<UInt64Type>().unary(place);
        result_of(&args.args, Arc::new(placed))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
