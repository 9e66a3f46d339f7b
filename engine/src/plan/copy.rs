//! `COPY … TO` into a planned write: the same operator and commit, without splits.

use super::create::{refuse_unknown, schema_of};
use super::output_names::{plan_output, refuse_repeated_name};
use super::placement::PlacementInput;
use super::{Layout, PlanContext, PlannedWrite, WriteFacts, WriteNode, WriteSpec};
use crate::error::{Code, Error, Result};
use crate::expect::Expectations;
use crate::formats::{ColumnRoles, Columns, FormatDefaults, FormatKind, FormatOptions, format};
use crate::statement::option_text;
use crate::storage::Location;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ExprSchema, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::sql::parser::{CopyToSource, CopyToStatement};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, TableFactor, TableWithJoins};
use datafusion::sql::sqlparser::parser::Parser;
use gristmill_proto::manifest::{Placement, SplitBy, Training};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Plans `copy`.
///
/// A location whose last part ends in the format's extension is one file; any other is a folder of shards.
///
/// # Errors
/// `Unsupported` for `PARTITIONED BY` and unknown formats; the others as for a training set.
pub async fn plan_copy(context: PlanContext<'_>, copy: &CopyToStatement) -> Result<PlannedWrite> {
    if !copy.partitioned_by.is_empty() {
        return Err(Error::new(Code::Unsupported, "COPY … PARTITIONED BY is not supported")
            .with_hint("write each partition with a COPY of its own"));
    }
    let mut options: BTreeMap<String, String> =
        copy.options.iter().map(|(key, value)| (key.to_lowercase(), option_text(value.clone()))).collect();
    let kind = format_kind(copy, &mut options)?;
    let format_options = FormatOptions::take(kind, &mut options, FormatDefaults::COPY)?;
    refuse_unknown(&options, FormatOptions::names(kind))?;

    let query = query_of(copy)?;
    let keep_order = query.order_by.is_some();
    let source = plan_output(context.state, &query).await?;
    let columns = source.schema().columns();
    refuse_repeated_name(columns.iter().map(|column| column.name.as_str()))?;
    let written = Columns::features_only(schema_of(&source, &columns)?);
    let encoder = format(&format_options);
    encoder.check(&written)?;

    let (location, layout) = match single_file(&copy.target, &encoder.extension()) {
        Some((folder, name)) => (Location::parse(folder)?, Layout::SingleFile { name: name.to_owned() }),
        None => (
            Location::parse(&copy.target)?,
            Layout::Rolling { target_bytes: context.write.target_shard_bytes.bytes() },
        ),
    };
    let input = with_placement(source, &layout, kind)?;
    let spec = Arc::new(WriteSpec {
        job: uuid::Uuid::now_v7().simple().to_string(),
        location: location.to_string(),
        format: format_options,
        splits: Vec::new(),
        data_columns: columns.len(),
        roles: ColumnRoles::default(),
        layout,
        keep_order,
        statistics: false,
    });
    let facts = WriteFacts {
        name: "copy".to_owned(),
        statement: context.text.to_owned(),
        labels: Vec::new(),
        training: Training::default(),
        splits: vec![(String::new(), Some(1.0))],
        placement: Placement {
            hash: gristmill_udfs::hash::HASH_NAME.to_owned(),
            seed: 0,
            split: SplitBy::Row,
            sample: None,
            undersample: BTreeMap::new(),
            oversample: BTreeMap::new(),
            shuffled: false,
            shards: None,
            balance: None,
        },
        columns: written,
        warnings: Vec::new(),
    };
    Ok(PlannedWrite {
        plan: WriteNode::plan(input, Arc::clone(&spec)),
        spec,
        location,
        facts,
        expectations: Expectations::default(),
    })
}

fn with_placement(source: LogicalPlan, layout: &Layout, kind: FormatKind) -> Result<LogicalPlan> {
    let columns = source.schema().columns();
    let split = lit(ScalarValue::UInt8(Some(0)));
    let placement = PlacementInput { seed: 0, split, row: columns.clone(), copy: None, group: None };
    let schema = Arc::clone(source.schema());
    let data = columns.iter().map(|column| {
        let value = Expr::Column(column.clone());
        // A training job reads 1 and 0; whoever reads a copy expects to find booleans again.
        let is_boolean = schema.data_type(column).is_ok_and(|found| *found == DataType::Boolean);
        let value = if kind == FormatKind::Csv && is_boolean { cast(value, DataType::Utf8) } else { value };
        value.alias(&column.name)
    });
    let expressions: Vec<Expr> = data.chain(placement.expressions(layout)).collect();
    Ok(LogicalPlanBuilder::from(source).project(expressions)?.build()?)
}

/// The format that the statement names, or else the file's extension, which may say how it is compressed as well.
fn format_kind(copy: &CopyToStatement, options: &mut BTreeMap<String, String>) -> Result<FormatKind> {
    let name = copy.target.rsplit('/').next().unwrap_or_default();
    let compressions = [(".gz", "gzip"), (".zst", "zstd"), (".zstd", "zstd")];
    let found =
        compressions.iter().find_map(|(end, compression)| Some((name.strip_suffix(end)?, compression)));
    let (name, compression) = found.map_or((name, None), |(name, compression)| (name, Some(compression)));
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let kind = match (&copy.stored_as, extension) {
        (Some(named), _) => FormatKind::parse(named)?,
        (None, Some(extension)) => match FormatKind::of_extension(extension) {
            Some(kind) => kind,
            None => FormatKind::parse(extension)?,
        },
        (None, None) => {
            return Err(Error::new(Code::Syntax, format!("COPY TO '{}' has no STORED AS", copy.target))
                .with_hint("name a format, as in COPY … TO 'location' STORED AS CSV"));
        }
    };
    if let Some(compression) = compression
        && FormatOptions::names(kind).contains(&"compression")
        && !["compression", "format.compression"].iter().any(|key| options.contains_key(*key))
    {
        options.insert("compression".to_owned(), (*compression).to_owned());
    }
    if kind == FormatKind::Jsonl && extension == Some("json") {
        options.entry("extension".to_owned()).or_insert_with(|| "json".to_owned());
    }
    Ok(kind)
}

/// Folder and name, where `target` names a file of the format.
fn single_file<'a>(target: &'a str, extension: &str) -> Option<(&'a str, &'a str)> {
    let (folder, name) = match target.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => (".", target),
    };
    let stem = name.len().checked_sub(extension.len() + 1)?;
    let (_, suffix) = name.split_at_checked(stem)?;
    suffix.strip_prefix('.')?.eq_ignore_ascii_case(extension).then_some((folder, name))
}

/// What is copied, as a query.
fn query_of(copy: &CopyToStatement) -> Result<Query> {
    match &copy.source {
        CopyToSource::Query(query) => Ok(query.as_ref().clone()),
        CopyToSource::Relation(name) => {
            let dialect = datafusion::sql::sqlparser::dialect::GenericDialect {};
            let mut query = Parser::new(&dialect)
                .try_with_sql("SELECT * FROM t")
                .and_then(|mut parser| parser.parse_query())
                .map_err(|error| Error::new(Code::Internal, "cannot build a query").with_source(error))?;
            if let SetExpr::Select(select) = query.body.as_mut()
                && let Some(TableWithJoins { relation: TableFactor::Table { name: table, .. }, .. }) =
                    select.from.first_mut()
            {
                table.clone_from(name);
            }
            Ok(*query)
        }
    }
}
