//! `split_hash(seed, key, ...)`: the hash that decides a row's split.

use std::sync::{Arc, LazyLock};

use arrow::array::UInt64Array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, planned_literal, result_of, types};
use crate::hash::HashDomain;

const USAGE: Usage = Usage { name: "split_hash", syntax: "split_hash(seed, key, ...)" };

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the 64-bit hash that decides which split of a training set a key falls in. Equal keys have equal \
         hashes, whatever their type, on every machine and in every version.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT * FROM orders WHERE split_hash(42, o_orderkey) % 100 = 0")
    .with_argument("seed", "An integer literal. Another seed gives independent hashes.")
    .with_argument("key", "One or more expressions of any type but union.")
    .build()
});

/// Hash of the key columns in the domain `Split`.
///
/// **Shape** `split_hash(seed, key, ...)` → UInt64, never null; one hash per row.
///
/// **Errors** at planning: no key, a seed that is no integer or null, a key type without a canonical encoding.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SplitHash {
    signature: Signature,
}

impl Default for SplitHash {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for SplitHash {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [seed, keys @ ..] = arg_types else {
            return Err(USAGE.error("a seed and at least one key are needed"));
        };
        USAGE.check_seed_type(seed)?;
        USAGE.check_key_types(keys)?;
        Ok(DataType::UInt64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&types(&args))?;
        if let Some(seed) = planned_literal(&args, 0) {
            USAGE.seed(seed)?;
        }
        Ok(Arc::new(Field::new(self.name(), data_type, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seed, keys @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("a seed and at least one key are needed"));
        };
        let seed = USAGE.seed(USAGE.literal("seed", seed)?)?;
        let hashes = USAGE.hash_keys(seed, HashDomain::Split, keys, args.number_rows)?;
        result_of(keys, Arc::new(UInt64Array::from(hashes)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
