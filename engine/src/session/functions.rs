//! The one list of functions: planning, scheduler and executors resolve functions by name, so all use this list.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::types::{NativeType, logical_date, logical_int32, logical_string};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    Coercion, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignatureClass,
};
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Spark's variant of a function that DataFusion has too is registered under its name with this before it.
const SPARK_PREFIX: &str = "spark_";

/// Adds to DataFusion's functions ours and Spark's.
///
/// On a name clash DataFusion's function keeps the name and Spark's is `spark_<name>`.
pub(super) fn add_functions(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let scalars = builder.scalar_functions().get_or_insert_with(Vec::new);
    let taken: HashSet<String> = scalars.iter().flat_map(|function| names(function)).collect();
    scalars.extend(gristmill_udfs::all_functions());
    scalars
        .extend(datafusion_spark::all_default_scalar_functions().iter().map(|spark| beside(spark, &taken)));

    let aggregates = builder.aggregate_functions().get_or_insert_with(Vec::new);
    let taken: HashSet<String> = aggregates.iter().map(|function| function.name().to_owned()).collect();
    let spark = datafusion_spark::all_default_aggregate_functions();
    aggregates.extend(spark.into_iter().filter(|function| !taken.contains(function.name())));

    let windows = builder.window_functions().get_or_insert_with(Vec::new);
    let taken: HashSet<String> = windows.iter().map(|function| function.name().to_owned()).collect();
    let spark = datafusion_spark::all_default_window_functions();
    windows.extend(spark.into_iter().filter(|function| !taken.contains(function.name())));
    builder
}

/// Spark's variants of the functions whose names clash, each with the clashing name as an alias: registering them
/// makes a session prefer Spark's. Plans carry the `spark_` name, which every executor knows.
pub(super) fn preferring_spark() -> Vec<ScalarUDF> {
    let taken: HashSet<String> = defaults().iter().flat_map(|function| names(function)).collect();
    datafusion_spark::all_default_scalar_functions()
        .into_iter()
        .filter(|spark| taken.contains(spark.name()))
        .map(|spark| {
            let (name, aliases) = (format!("{SPARK_PREFIX}{}", spark.name()), names(&spark));
            Adapted::new(spark, name, aliases).into()
        })
        .collect()
}

/// DataFusion's own functions, which take their names back when a session stops preferring Spark's.
pub(super) fn defaults() -> Vec<Arc<ScalarUDF>> {
    SessionStateBuilder::new_with_default_features().scalar_functions().take().unwrap_or_default()
}

fn names(function: &ScalarUDF) -> Vec<String> {
    std::iter::once(function.name().to_owned()).chain(function.aliases().iter().cloned()).collect()
}

fn beside(spark: &Arc<ScalarUDF>, taken: &HashSet<String>) -> Arc<ScalarUDF> {
    let clashes = taken.contains(spark.name());
    let free: Vec<String> = spark.aliases().iter().filter(|alias| !taken.contains(*alias)).cloned().collect();
    if !clashes && free.len() == spark.aliases().len() && widened_signature(spark).is_none() {
        return Arc::clone(spark);
    }
    let name = if clashes { format!("{SPARK_PREFIX}{}", spark.name()) } else { spark.name().to_owned() };
    Arc::new(Adapted::new(Arc::clone(spark), name, free).into())
}

/// What Spark lets these functions take, where `datafusion-spark` takes only one exact type.
///
/// An integer literal is 64 bits wide here and 32 in Spark, so `date_add(d, 1)` would find no function; and Spark reads
/// dates out of timestamps and text.
fn widened_signature(spark: &ScalarUDF) -> Option<Signature> {
    let int = || {
        let from = vec![TypeSignatureClass::Integer];
        Coercion::new_implicit(TypeSignatureClass::Native(logical_int32()), from, NativeType::Int32)
    };
    let date = || {
        let from = vec![TypeSignatureClass::Native(logical_string()), TypeSignatureClass::Timestamp];
        Coercion::new_implicit(TypeSignatureClass::Native(logical_date()), from, NativeType::Date)
    };
    let text = || Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
    let arguments = match spark.name() {
        "add_months" | "date_add" | "date_sub" => vec![date(), int()],
        "factorial" | "space" => vec![int()],
        "last_day" => vec![date()],
        "next_day" => vec![date(), text()],
        _ => return None,
    };
    Some(Signature::coercible(arguments, spark.signature().volatility))
}

/// One of Spark's functions under another name, or for more types of arguments.
#[derive(Debug, Clone)]
struct Adapted {
    name: String,
    aliases: Vec<String>,
    signature: Signature,
    inner: Arc<ScalarUDF>,
}

impl Adapted {
    fn new(spark: Arc<ScalarUDF>, name: String, aliases: Vec<String>) -> Self {
        let signature = widened_signature(&spark).unwrap_or_else(|| spark.signature().clone());
        Self { name, aliases, signature, inner: spark }
    }
}

impl PartialEq for Adapted {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.inner == other.inner
    }
}

impl Eq for Adapted {}

impl Hash for Adapted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Adapted {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.inner().return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(Adapted { inner, ..self.clone() }.into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.inner().invoke_with_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.inner().simplify(args, context)
    }

    fn short_circuits(&self) -> bool {
        self.inner.inner().short_circuits()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arg_types)
    }
}
