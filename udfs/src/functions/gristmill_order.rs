//! `gristmill_order(seed, part, column, ...)`: a row's place in the shuffled order.

use std::sync::{Arc, LazyLock};

use arrow::array::UInt64Array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, integer, planned_literal, result_of, types};
use crate::hash::HashDomain;

const USAGE: Usage = Usage { name: "gristmill_order", syntax: "gristmill_order(seed, part, column, ...)" };

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns 64 of the 128 bits that order the rows of a shuffled training set.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT * FROM t ORDER BY gristmill_order(42, 0, a, b), gristmill_order(42, 1, a, b)")
    .with_argument("seed", "An integer literal.")
    .with_argument("part", "0 for the high bits, which are compared first, or 1 for the low bits.")
    .with_argument("column", "The columns of the row.")
    .with_related_udf("gristmill_shard")
    .build()
});

/// Half of a row's pseudo-random place: order by part 0, then by part 1. Different rows are equal in both with a
/// chance of one in 2^128 a pair.
///
/// **Shape** `gristmill_order(seed, part, column, ...)` → UInt64, never null; one per row.
///
/// **Errors** at planning: as `split_hash`, and a part other than 0 and 1.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillOrder {
    signature: Signature,
}

impl Default for GristmillOrder {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

fn domain(value: &ScalarValue) -> Result<HashDomain> {
    match integer(value) {
        Some(0) => Ok(HashDomain::OrderHigh),
        Some(1) => Ok(HashDomain::OrderLow),
        _ => Err(USAGE.expected("part", "0 (high) or 1 (low)", value)),
    }
}

impl ScalarUDFImpl for GristmillOrder {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [seed, part, columns @ ..] = arg_types else {
            return Err(USAGE.error("a seed, a part and at least one column are needed"));
        };
        USAGE.check_seed_type(seed)?;
        USAGE.check_type("part", "0 (high) or 1 (low)", part, DataType::is_integer)?;
        USAGE.check_key_types(columns)?;
        Ok(DataType::UInt64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&types(&args))?;
        if let Some(seed) = planned_literal(&args, 0) {
            USAGE.seed(seed)?;
        }
        if let Some(part) = planned_literal(&args, 1) {
            domain(part)?;
        }
        Ok(Arc::new(Field::new(self.name(), data_type, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seed, part, columns @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("a seed, a part and at least one column are needed"));
        };
        let seed = USAGE.seed(USAGE.literal("seed", seed)?)?;
        let domain = domain(USAGE.literal("part", part)?)?;
        let hashes = USAGE.hash_keys(seed, domain, columns, args.number_rows)?;
        result_of(columns, Arc::new(UInt64Array::from(hashes)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
