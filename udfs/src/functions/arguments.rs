//! What the functions have in common: reading parameters from literals, and hashing key arguments.
//!
//! Parameters are checked twice. Planning refuses what is wrong in a literal or in a type; an argument that only
//! becomes a literal later (a cast, a placeholder) is read when the function runs.

use std::fmt::Display;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs};

use crate::canonical::check_supported;
use crate::hash::{HashDomain, hash_rows};

/// How a function is called; every error starts from it.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) name: &'static str,
    pub(super) syntax: &'static str,
}

impl Usage {
    /// An error for the person who wrote the call.
    pub(super) fn error(&self, problem: impl Display) -> DataFusionError {
        DataFusionError::Plan(format!("{}: {problem}; hint: call it as {}", self.name, self.syntax))
    }

    /// The argument's value, which must not differ from row to row.
    pub(super) fn literal<'a>(&self, argument: &str, value: &'a ColumnarValue) -> Result<&'a ScalarValue> {
        match value {
            ColumnarValue::Scalar(scalar) => Ok(scalar),
            ColumnarValue::Array(_) => {
                Err(self.error(format_args!("{argument} must be a literal, not a column")))
            }
        }
    }

    /// A seed: its 64 bits, whether it was signed or not.
    pub(super) fn seed(&self, value: &ScalarValue) -> Result<u64> {
        match integer(value) {
            Some(seed) => match (u64::try_from(seed), i64::try_from(seed)) {
                (Ok(seed), _) => Ok(seed),
                (_, Ok(seed)) => Ok(seed.cast_unsigned()),
                _ => Err(self.expected("seed", "an integer of 64 bits", value)),
            },
            None => Err(self.expected("seed", "an integer", value)),
        }
    }

    /// The error for a literal that is not what the argument takes.
    pub(super) fn expected(&self, argument: &str, expected: &str, value: &ScalarValue) -> DataFusionError {
        if value.is_null() {
            self.error(format_args!("{argument} must be {expected}, not null"))
        } else {
            self.error(format_args!(
                "{argument} must be {expected}, not {value} of type {}",
                value.data_type()
            ))
        }
    }

    /// Refuses a parameter whose type can never be right. `Null` passes: a placeholder has no type until it is bound.
    pub(super) fn check_type(
        &self,
        argument: &str,
        expected: &str,
        data_type: &DataType,
        fits: impl Fn(&DataType) -> bool,
    ) -> Result<()> {
        if fits(data_type) || data_type.is_null() {
            return Ok(());
        }
        Err(self.error(format_args!("{argument} must be {expected}, not {data_type}")))
    }

    /// Refuses a seed of a wrong type.
    pub(super) fn check_seed_type(&self, data_type: &DataType) -> Result<()> {
        self.check_type("seed", "an integer", data_type, DataType::is_integer)
    }

    /// Refuses a call without keys, and keys that have no hash.
    pub(super) fn check_key_types(&self, keys: &[DataType]) -> Result<()> {
        if keys.is_empty() {
            return Err(self.error("at least one key is needed"));
        }
        for (index, key) in keys.iter().enumerate() {
            check_supported(key)
                .map_err(|error| self.error(format_args!("key {} cannot be hashed: {error}", index + 1)))?;
        }
        Ok(())
    }

    /// Hashes the key arguments: a hash per row, or a single one where no key is a column.
    pub(super) fn hash_keys(
        &self,
        seed: u64,
        domain: HashDomain,
        keys: &[ColumnarValue],
        batch_rows: usize,
    ) -> Result<Vec<u64>> {
        let rows = rows_of(keys, batch_rows);
        let arrays = keys.iter().map(|key| key.to_array(rows)).collect::<Result<Vec<_>>>()?;
        Ok(hash_rows(seed, domain, &arrays)?)
    }
}

/// Whether all arguments are literals, so the result is one value for the whole batch.
fn is_constant(arguments: &[ColumnarValue]) -> bool {
    arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)))
}

/// Rows to compute for `arguments`: one where none of them is a column.
pub(super) fn rows_of(arguments: &[ColumnarValue], batch_rows: usize) -> usize {
    if is_constant(arguments) { 1 } else { batch_rows }
}

/// The result of a function of `arguments`: a literal where all of them are.
pub(super) fn result_of(arguments: &[ColumnarValue], array: ArrayRef) -> Result<ColumnarValue> {
    if is_constant(arguments) {
        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(array.as_ref(), 0)?))
    } else {
        Ok(ColumnarValue::Array(array))
    }
}

/// The integer in a literal of any integer type; `None` for null and other types.
pub(super) fn integer(value: &ScalarValue) -> Option<i128> {
    match *value {
        ScalarValue::Int8(value) => value.map(i128::from),
        ScalarValue::Int16(value) => value.map(i128::from),
        ScalarValue::Int32(value) => value.map(i128::from),
        ScalarValue::Int64(value) => value.map(i128::from),
        ScalarValue::UInt8(value) => value.map(i128::from),
        ScalarValue::UInt16(value) => value.map(i128::from),
        ScalarValue::UInt32(value) => value.map(i128::from),
        ScalarValue::UInt64(value) => value.map(i128::from),
        _ => None,
    }
}

/// Argument types of a call being planned.
pub(super) fn types(args: &ReturnFieldArgs<'_>) -> Vec<DataType> {
    args.arg_fields.iter().map(|field| field.data_type().clone()).collect()
}

/// The literal at a position of a call being planned, if it is one already.
pub(super) fn planned_literal<'a>(args: &ReturnFieldArgs<'a>, index: usize) -> Option<&'a ScalarValue> {
    args.scalar_arguments.get(index).copied().flatten()
}
