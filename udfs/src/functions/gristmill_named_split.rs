//! `gristmill_named_split(names, column, value)`: the split that a row names.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, UInt8Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::scalar_doc_sections::DOC_SECTION_HASHING;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::{Usage, result_of, rows_of, types};
use crate::split::PlacementError;

const USAGE: Usage = Usage {
    name: "gristmill_named_split",
    syntax: "gristmill_named_split('train,test', 'name of the column', column)",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_HASHING,
        "Returns the index, counted from 0, of a name in a list. A null and a name that is not in it are errors.",
        USAGE.syntax,
    )
    .with_sql_example("SELECT gristmill_named_split('train,test', 'part', 'test')")
    .with_argument("names", "A text literal: names with commas between them.")
    .with_argument("column", "A text literal: what errors call the third argument.")
    .with_argument("value", "Text: one of the names.")
    .with_related_udf("gristmill_split")
    .build()
});

/// Index of the split that a row names.
///
/// **Shape** `gristmill_named_split(names, column, value)` → UInt8, never null; one per row.
///
/// **Errors** [`PlacementError::NullName`], [`PlacementError::UnknownName`]; at planning, wrong types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GristmillNamedSplit {
    signature: Signature,
}

impl Default for GristmillNamedSplit {
    fn default() -> Self {
        let types = vec![DataType::Utf8, DataType::Utf8, DataType::Utf8];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

fn text<'a>(argument: &str, value: &'a ScalarValue) -> Result<&'a str> {
    value.try_as_str().flatten().ok_or_else(|| USAGE.expected(argument, "text", value))
}

fn split_of(names: &[&str], column: &str, value: Option<&str>) -> Result<u8> {
    let Some(value) = value else {
        return Err(PlacementError::NullName { column: column.to_owned() }.into());
    };
    let index = names.iter().position(|name| *name == value).and_then(|index| u8::try_from(index).ok());
    index.ok_or_else(|| {
        let (column, value) = (column.to_owned(), value.to_owned());
        PlacementError::UnknownName { column, value, names: names.join(", ") }.into()
    })
}

impl ScalarUDFImpl for GristmillNamedSplit {
    fn name(&self) -> &str {
        USAGE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types(&args))?, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [names, column, value] = args.args.as_slice() else {
            return Err(USAGE.error("three arguments are needed"));
        };
        let names: Vec<&str> = text("names", USAGE.literal("names", names)?)?.split(',').collect();
        let column = text("column", USAGE.literal("column", column)?)?;
        let values = std::slice::from_ref(value);
        let array = value.to_array(rows_of(values, args.number_rows))?;
        let array = array.as_string::<i32>();
        let splits = (0..array.len())
            .map(|row| split_of(&names, column, array.is_valid(row).then(|| array.value(row))))
            .collect::<Result<Vec<u8>>>()?;
        result_of(values, Arc::new(UInt8Array::from(splits)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
