//! `gristmill_sample(seed, fraction, key, ...)`: whether a key is in a sample.

use std::sync::{Arc, LazyLock};

use arrow::array::BooleanArray;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, planned_literal, result_of, types};
use crate::hash::HashDomain;
use crate::split::threshold;

const USAGE: Usage = Usage { name: "gristmill_sample", syntax: "gristmill_sample(seed, 0.01, key, ...)" };

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns whether a key is in a sample of a fraction of all keys, which does not depend on its split.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT * FROM orders WHERE gristmill_sample(42, 0.01, o_orderkey)")
    .with_argument("seed", "An integer literal.")
    .with_argument("fraction", "A float literal above 0 and at most 1.")
    .with_argument("key", "One or more expressions of any type but union.")
    .with_related_udf("gristmill_split")
    .build()
});

/// Whether the hash of the key columns in the domain `Sample` is below `round(fraction · 2^64)`.
///
/// **Shape** `gristmill_sample(seed, fraction, key, ...)` → Boolean, never null; one per row.
///
/// **Errors** at planning: as `split_hash`, and a fraction outside (0, 1].
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillSample {
    signature: Signature,
}

impl Default for GristmillSample {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

fn fraction(value: &ScalarValue) -> Result<f64> {
    match value {
        ScalarValue::Float64(Some(fraction)) if *fraction > 0.0 && *fraction <= 1.0 => Ok(*fraction),
        _ => Err(USAGE.expected("fraction", "a float above 0 and at most 1", value)),
    }
}

impl ScalarUDFImpl for GristmillSample {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [seed, fraction, keys @ ..] = arg_types else {
            return Err(USAGE.error("a seed, a fraction and at least one key are needed"));
        };
        USAGE.check_seed_type(seed)?;
        USAGE.check_type("fraction", "a float", fraction, |data_type| *data_type == DataType::Float64)?;
        USAGE.check_key_types(keys)?;
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&types(&args))?;
        if let Some(seed) = planned_literal(&args, 0) {
            USAGE.seed(seed)?;
        }
        if let Some(value) = planned_literal(&args, 1) {
            fraction(value)?;
        }
        Ok(Arc::new(Field::new(self.name(), data_type, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seed, value, keys @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("a seed, a fraction and at least one key are needed"));
        };
        let seed = USAGE.seed(USAGE.literal("seed", seed)?)?;
        let threshold = threshold(fraction(USAGE.literal("fraction", value)?)?);
        let hashes = USAGE.hash_keys(seed, HashDomain::Sample, keys, args.number_rows)?;
        let sampled = hashes.into_iter().map(|hash| u128::from(hash) < threshold).collect::<Vec<_>>();
        result_of(keys, Arc::new(BooleanArray::from(sampled)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
