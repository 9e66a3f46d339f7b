//! `gristmill_split(seed, fractions, key, ...)`: which split a row belongs to.

use std::sync::{Arc, LazyLock};

use arrow::array::UInt8Array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, planned_literal, result_of, types};
use crate::hash::HashDomain;
use crate::split::Fractions;

const USAGE: Usage =
    Usage { name: "gristmill_split", syntax: "gristmill_split(seed, '0.8,0.1,0.1', key, ...)" };

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the index of the split that a key falls in, counted from 0. Equal keys fall in the same split.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT * FROM orders WHERE gristmill_split(42, '0.8,0.2', o_orderkey) = 0")
    .with_argument("seed", "An integer literal.")
    .with_argument("fractions", "A text literal: the fraction of each split, with commas, adding up to 1.")
    .with_argument("key", "One or more expressions of any type but union.")
    .with_related_udf("split_hash")
    .build()
});

/// Index of the split that the key columns fall in.
///
/// **Shape** `gristmill_split(seed, fractions, key, ...)` → UInt8, never null; one index per row.
///
/// **Errors** at planning: as `split_hash`, and fractions that [`Fractions`] refuses.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillSplit {
    signature: Signature,
}

impl Default for GristmillSplit {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

fn fractions(value: &ScalarValue) -> Result<Fractions> {
    match value.try_as_str().flatten() {
        Some(text) => text.parse().map_err(|error| USAGE.error(error)),
        None => Err(USAGE.expected("fractions", "text", value)),
    }
}

impl ScalarUDFImpl for GristmillSplit {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [seed, fractions, keys @ ..] = arg_types else {
            return Err(USAGE.error("a seed, fractions and at least one key are needed"));
        };
        USAGE.check_seed_type(seed)?;
        USAGE.check_type("fractions", "text", fractions, DataType::is_string)?;
        USAGE.check_key_types(keys)?;
        Ok(DataType::UInt8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&types(&args))?;
        if let Some(seed) = planned_literal(&args, 0) {
            USAGE.seed(seed)?;
        }
        if let Some(value) = planned_literal(&args, 1) {
            fractions(value)?;
        }
        Ok(Arc::new(Field::new(self.name(), data_type, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seed, text, keys @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("a seed, fractions and at least one key are needed"));
        };
        let seed = USAGE.seed(USAGE.literal("seed", seed)?)?;
        let fractions = fractions(USAGE.literal("fractions", text)?)?;
        let hashes = USAGE.hash_keys(seed, HashDomain::Split, keys, args.number_rows)?;
        let splits = UInt8Array::from_iter_values(hashes.into_iter().map(|hash| fractions.assign(hash)));
        result_of(keys, Arc::new(splits))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
