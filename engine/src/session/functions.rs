//! The one list of functions: planning, scheduler and executors resolve functions by name, so all use this list.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
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
            let aliases = names(&spark).into_iter().collect();
            Renamed { name: format!("{SPARK_PREFIX}{}", spark.name()), aliases, inner: spark }.into()
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
    if !clashes && free.len() == spark.aliases().len() {
        return Arc::clone(spark);
    }
    let name = if clashes { format!("{SPARK_PREFIX}{}", spark.name()) } else { spark.name().to_owned() };
    Arc::new(Renamed { name, aliases: free, inner: Arc::clone(spark) }.into())
}

/// A function under another name.
#[derive(Debug, Clone)]
struct Renamed {
    name: String,
    aliases: Vec<String>,
    inner: Arc<ScalarUDF>,
}

impl PartialEq for Renamed {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.inner == other.inner
    }
}

impl Eq for Renamed {}

impl Hash for Renamed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Renamed {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.inner().return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(Renamed { inner, ..self.clone() }.into())
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
