//! `gristmill_stratum(seed, column, ...)`: a number for the class of a row.

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

const USAGE: Usage = Usage { name: "gristmill_stratum", syntax: "gristmill_stratum(seed, column, ...)" };

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns a number for the class that rows of equal values in some columns make up. A null is a value like others.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_stratum(42, o_orderstatus), count(*) FROM orders GROUP BY 1")
    .with_argument("seed", "An integer literal.")
    .with_argument("column", "One or more expressions of any type but union.")
    .with_related_udf("gristmill_stratum_split")
    .build()
});

/// Hash of the class columns in the domain `Stratum`. A class is known by it: rows of two classes are taken for one with
/// a chance of one in 2^64 a pair.
///
/// **Shape** `gristmill_stratum(seed, column, ...)` → UInt64, never null; one per row.
///
/// **Errors** at planning: as `split_hash`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillStratum {
    signature: Signature,
}

impl Default for GristmillStratum {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for GristmillStratum {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [seed, columns @ ..] = arg_types else {
            return Err(USAGE.error("a seed and at least one column are needed"));
        };
        USAGE.check_seed_type(seed)?;
        USAGE.check_key_types(columns)?;
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
        let [seed, columns @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("a seed and at least one column are needed"));
        };
        let seed = USAGE.seed(USAGE.literal("seed", seed)?)?;
        let hashes = USAGE.hash_keys(seed, HashDomain::Stratum, columns, args.number_rows)?;
        result_of(columns, Arc::new(UInt64Array::from(hashes)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
