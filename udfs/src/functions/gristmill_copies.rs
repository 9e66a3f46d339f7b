//! `gristmill_copies(seed, factor, column, ...)`: how often a row is written.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, planned_literal, result_of, rows_of, types};
use crate::hash::HashDomain;
use crate::split::threshold;

const USAGE: Usage =
    Usage { name: "gristmill_copies", syntax: "gristmill_copies(seed, factor, column, ...)" };

/// The largest factor: a row becomes at most so many.
pub const MOST_COPIES: f64 = 1000.0;

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the whole part of the factor, and one more for the rows whose hash falls in its fractional part.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_copies(42, 2.5, o_orderkey) FROM orders")
    .with_argument("seed", "An integer literal.")
    .with_argument("factor", "A float from 0 to 1000, which may differ from row to row.")
    .with_argument("column", "The columns of the row.")
    .with_related_udf("gristmill_sample")
    .build()
});

/// How often a row is written, so that rows of one factor are written `factor` times on average.
///
/// **Shape** `gristmill_copies(seed, factor, column, ...)` → Int64, never null; one per row.
///
/// **Errors** a factor that is null or outside 0 to [`MOST_COPIES`]; at planning, as `split_hash`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillCopies {
    signature: Signature,
}

impl Default for GristmillCopies {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

fn copies(factor: f64, hash: u64) -> Result<i64> {
    if !(0.0..=MOST_COPIES).contains(&factor) {
        return Err(bad_factor(&factor));
    }
    let extra = u128::from(hash) < threshold(factor.fract());
    Ok(factor as i64 + i64::from(extra))
}

fn bad_factor(found: &dyn std::fmt::Display) -> DataFusionError {
    USAGE.error(format_args!("factor must be a float from 0 to {MOST_COPIES}, not {found}"))
}

impl ScalarUDFImpl for GristmillCopies {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [seed, factor, columns @ ..] = arg_types else {
            return Err(USAGE.error("a seed, a factor and at least one column are needed"));
        };
        USAGE.check_seed_type(seed)?;
        USAGE.check_type("factor", "a float", factor, |data_type| *data_type == DataType::Float64)?;
        USAGE.check_key_types(columns)?;
        Ok(DataType::Int64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&types(&args))?;
        if let Some(seed) = planned_literal(&args, 0) {
            USAGE.seed(seed)?;
        }
        Ok(Arc::new(Field::new(self.name(), data_type, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seed, rows @ ..] = args.args.as_slice() else {
            return Err(USAGE.error("a seed, a factor and at least one column are needed"));
        };
        let [factor, columns @ ..] = rows else {
            return Err(USAGE.error("a seed, a factor and at least one column are needed"));
        };
        let seed = USAGE.seed(USAGE.literal("seed", seed)?)?;
        let length = rows_of(rows, args.number_rows);
        let factors = factor.cast_to(&DataType::Float64, None)?.to_array(length)?;
        let factors = factors.as_primitive::<Float64Type>();
        if factors.null_count() > 0 {
            return Err(bad_factor(&"null"));
        }
        // One where the columns are literals.
        let hashes = USAGE.hash_keys(seed, HashDomain::Balance, columns, length)?;
        let hashes = hashes.iter().cycle();
        let counts = factors.values().iter().zip(hashes).map(|(factor, hash)| copies(*factor, *hash));
        result_of(rows, Arc::new(Int64Array::from(counts.collect::<Result<Vec<_>>>()?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
