//! What this server says about itself and its SQL.
//!
//! The whole list, not an extract: JDBC reads an absent value as null and fails on it. Lists are never null.

use super::metadata::building;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlSupportedGroupBy,
    SqlSupportedResultSetConcurrency, SqlSupportedResultSetType, SqlSupportedSubqueries,
    SqlSupportedTransaction, SqlSupportedUnions, SqlSupportsConvert, SqlTransactionIsolationLevel,
    SupportedSqlGrammar,
};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;
use gristmill_engine::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Words of our SQL that SQL:2003 does not reserve.
const KEYWORDS: &[&str] = &[
    "ANALYZE",
    "ANTI",
    "CATALOG",
    "COPY",
    "DATABASE",
    "DESCRIBE",
    "EXPECT",
    "EXPLAIN",
    "EXTERNAL",
    "FORMAT",
    "ILIKE",
    "INDEX",
    "LABEL",
    "LIMIT",
    "LOCATION",
    "OFFSET",
    "OPTIONS",
    "PARTITIONED",
    "QUALIFY",
    "REPLACE",
    "RESET",
    "SCHEMA",
    "SEED",
    "SEMI",
    "SETS",
    "SHOW",
    "SHUFFLE",
    "SPLIT",
    "STORED",
    "STRATIFIED",
    "TABLES",
    "TRAINING",
    "TRUNCATE",
    "VERBOSE",
    "VIEW",
];

/// 0 means "no limit, or not known" in all of these.
const LIMITS: &[SqlInfo] = &[
    SqlInfo::SqlMaxBinaryLiteralLength,
    SqlInfo::SqlMaxCharLiteralLength,
    SqlInfo::SqlMaxColumnNameLength,
    SqlInfo::SqlMaxColumnsInGroupBy,
    SqlInfo::SqlMaxColumnsInIndex,
    SqlInfo::SqlMaxColumnsInOrderBy,
    SqlInfo::SqlMaxColumnsInSelect,
    SqlInfo::SqlMaxColumnsInTable,
    SqlInfo::SqlMaxConnections,
    SqlInfo::SqlMaxCursorNameLength,
    SqlInfo::SqlMaxIndexLength,
    SqlInfo::SqlDbSchemaNameLength,
    SqlInfo::SqlMaxProcedureNameLength,
    SqlInfo::SqlMaxCatalogNameLength,
    SqlInfo::SqlMaxRowSize,
    SqlInfo::SqlMaxStatementLength,
    SqlInfo::SqlMaxStatements,
    SqlInfo::SqlMaxTableNameLength,
    SqlInfo::SqlMaxTablesInSelect,
    SqlInfo::SqlMaxUsernameLength,
];

/// The complete list; `ctx` is a session's, for its functions.
pub(super) fn sql_info(ctx: &SessionContext) -> Result<SqlInfoData> {
    let mut info = SqlInfoDataBuilder::new();
    server(&mut info);
    identifiers(&mut info);
    functions(&mut info, ctx);
    syntax(&mut info);
    schemas_and_catalogs(&mut info);
    transactions(&mut info);
    result_sets(&mut info);
    LIMITS.iter().for_each(|limit| info.append(*limit, 0_i64));
    info.build().map_err(building)
}

fn server(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::FlightSqlServerName, "Gristmill");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, datafusion::arrow::ARROW_VERSION);
    info.append(SqlInfo::FlightSqlServerReadOnly, false);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    info.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    // Handles live as long as their session.
    info.append(SqlInfo::FlightSqlServerStatementTimeout, 0_i32);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, 0_i32);
}

fn identifiers(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    // Quoted names are compared as they are, for which the specification has no word but this.
    info.append(
        SqlInfo::SqlQuotedIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32,
    );
    info.append(SqlInfo::SqlKeywords, KEYWORDS);
    info.append(SqlInfo::SqlSearchStringEscape, "\\");
    info.append(SqlInfo::SqlExtraNameCharacters, "");
    info.append(SqlInfo::SqlAllTablesAreSelectable, true);
    info.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
}

/// The session's scalar functions, by the section of the manual that documents them.
fn functions(info: &mut SqlInfoDataBuilder, ctx: &SessionContext) {
    let mut sections: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let state = ctx.state();
    let mut all: Vec<&Arc<ScalarUDF>> = state.scalar_functions().values().collect();
    all.sort_unstable_by_key(|function| function.name());
    for function in all {
        let section = function.documentation().map_or("", |documentation| documentation.doc_section.label);
        let key = match section {
            "Math Functions" => "numeric",
            "String Functions" | "Regular Expression Functions" | "Binary String Functions" => "string",
            "Time and Date Functions" => "datetime",
            _ => "system",
        };
        sections.entry(key).or_default().insert(function.name().to_owned());
    }
    let mut list = |key| sections.remove(key).unwrap_or_default().into_iter().collect::<Vec<String>>();
    info.append(SqlInfo::SqlNumericFunctions, list("numeric"));
    info.append(SqlInfo::SqlStringFunctions, list("string"));
    info.append(SqlInfo::SqlDatetimeFunctions, list("datetime"));
    info.append(SqlInfo::SqlSystemFunctions, list("system"));
}

fn syntax(info: &mut SqlInfoDataBuilder) {
    for (name, supported) in [
        (SqlInfo::SqlSupportsColumnAliasing, true),
        (SqlInfo::SqlNullPlusNullIsNull, true),
        (SqlInfo::SqlSupportsTableCorrelationNames, true),
        (SqlInfo::SqlSupportsDifferentTableCorrelationNames, false),
        (SqlInfo::SqlSupportsExpressionsInOrderBy, true),
        (SqlInfo::SqlSupportsOrderByUnrelated, true),
        (SqlInfo::SqlSupportsLikeEscapeClause, true),
        (SqlInfo::SqlSupportsNonNullableColumns, true),
        (SqlInfo::SqlSupportsIntegrityEnhancementFacility, false),
        (SqlInfo::SqlSelectForUpdateSupported, false),
        (SqlInfo::SqlStoredProceduresSupported, false),
        (SqlInfo::SqlCorrelatedSubqueriesSupported, true),
        (SqlInfo::SqlMaxRowSizeIncludesBlobs, true),
        (SqlInfo::SqlNamedParametersSupported, false),
        (SqlInfo::SqlLocatorsUpdateCopy, false),
        (SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported, false),
    ] {
        info.append(name, supported);
    }
    let group_by =
        [SqlSupportedGroupBy::SqlGroupByUnrelated as i32, SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32];
    info.append(SqlInfo::SqlSupportedGroupBy, bits(&group_by));
    let grammar = [SupportedSqlGrammar::SqlMinimumGrammar as i32, SupportedSqlGrammar::SqlCoreGrammar as i32];
    info.append(SqlInfo::SqlSupportedGrammar, bits(&grammar));
    // `ANSI92_ENTRY_SQL` is bit 0; arrow-flight does not export its names.
    info.append(SqlInfo::SqlAnsi92SupportedLevel, bits(&[0]));
    // An ordinal in the specification's text, but drivers and the Java builder both take a bit mask.
    let joins = [
        SqlOuterJoinsSupportLevel::SqlLimitedOuterJoins as i32,
        SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32,
    ];
    info.append(SqlInfo::SqlOuterJoinsSupportLevel, bits(&joins));
    let subqueries = [
        SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
        SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
        SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
    ];
    info.append(SqlInfo::SqlSupportedSubqueries, bits(&subqueries));
    info.append(
        SqlInfo::SqlSupportedUnions,
        bits(&[SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32]),
    );
    info.append(SqlInfo::SqlSupportedPositionedCommands, 0_i32);
    info.append(SqlInfo::SqlSupportsConvert, conversions());
}

fn schemas_and_catalogs(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::SqlDdlCatalog, true);
    info.append(SqlInfo::SqlDdlSchema, true);
    info.append(SqlInfo::SqlDdlTable, true);
    info.append(SqlInfo::SqlCatalogTerm, "catalog");
    info.append(SqlInfo::SqlSchemaTerm, "schema");
    info.append(SqlInfo::SqlProcedureTerm, "procedure");
    info.append(SqlInfo::SqlCatalogAtStart, true);
    info.append(SqlInfo::SqlSchemasSupportedActions, 0_i32);
    info.append(SqlInfo::SqlCatalogsSupportedActions, 0_i32);
}

fn transactions(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::SqlTransactionsSupported, false);
    // An `int32` in the specification's text, but drivers and the Java builder both take an `int64`.
    info.append(
        SqlInfo::SqlDefaultTransactionIsolation,
        i64::from(SqlTransactionIsolationLevel::SqlTransactionNone as i32),
    );
    info.append(
        SqlInfo::SqlSupportedTransactionsIsolationLevels,
        bits(&[SqlTransactionIsolationLevel::SqlTransactionNone as i32]),
    );
    info.append(SqlInfo::SqlDataDefinitionCausesTransactionCommit, false);
    info.append(SqlInfo::SqlDataDefinitionsInTransactionsIgnored, false);
    info.append(SqlInfo::SqlSavepointsSupported, false);
    info.append(SqlInfo::SqlBatchUpdatesSupported, false);
}

fn result_sets(info: &mut SqlInfoDataBuilder) {
    let forward = bits(&[SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32]);
    let read_only = bits(&[SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32]);
    info.append(SqlInfo::SqlSupportedResultSetTypes, forward);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified, 0_i32);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly, read_only);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive, 0_i32);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive, 0_i32);
}

/// `CAST` between numbers and text, and from text to dates and times.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert::{
        SqlConvertBigint, SqlConvertDate, SqlConvertDecimal, SqlConvertFloat, SqlConvertInteger,
        SqlConvertReal, SqlConvertSmallint, SqlConvertTimestamp, SqlConvertTinyint, SqlConvertVarchar,
    };
    let numbers = [
        SqlConvertTinyint,
        SqlConvertSmallint,
        SqlConvertInteger,
        SqlConvertBigint,
        SqlConvertReal,
        SqlConvertFloat,
        SqlConvertDecimal,
        SqlConvertVarchar,
    ]
    .map(|kind| kind as i32);
    let times = [SqlConvertDate, SqlConvertTimestamp, SqlConvertVarchar].map(|kind| kind as i32);
    let text = [numbers.as_slice(), &times[..2]].concat();
    let mut conversions: BTreeMap<i32, Vec<i32>> =
        numbers.iter().map(|from| (*from, numbers.to_vec())).collect();
    conversions.extend(times.iter().map(|from| (*from, times.to_vec())));
    conversions.insert(SqlConvertVarchar as i32, text);
    conversions
}

/// A bit mask out of the ordinals of an enumeration.
fn bits(ordinals: &[i32]) -> i32 {
    ordinals.iter().fold(0, |mask, ordinal| mask | 1 << ordinal)
}
