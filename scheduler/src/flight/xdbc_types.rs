//! The SQL types that a client may meet or declare, as ODBC and JDBC ask for them.

use super::metadata::building;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};
use gristmill_engine::Result;

/// Bits of precision of numbers, letters of texts, digits of decimals.
type Size = Option<i32>;

pub(super) fn xdbc_types() -> Result<XdbcTypeInfoData> {
    let mut types = XdbcTypeInfoDataBuilder::new();
    for (name, data_type, size, unsigned) in NUMBERS {
        types.append(number(name, *data_type, *size, *unsigned));
    }
    types.append(decimal());
    types.append(XdbcTypeInfo { case_sensitive: false, ..plain("BOOLEAN", XdbcDataType::XdbcBit, Some(1)) });
    types.append(quoted("VARCHAR", XdbcDataType::XdbcVarchar, "'"));
    types
        .append(XdbcTypeInfo { case_sensitive: false, ..quoted("BYTEA", XdbcDataType::XdbcVarbinary, "X'") });
    for (name, data_type, size, subcode) in TIMES {
        types.append(time(name, *data_type, *size, *subcode));
    }
    types.build().map_err(building)
}

/// Name, type, bits, whether unsigned. An unsigned type reads as the signed one that holds it.
const NUMBERS: &[(&str, XdbcDataType, i32, bool)] = &[
    ("TINYINT", XdbcDataType::XdbcTinyint, 8, false),
    ("SMALLINT", XdbcDataType::XdbcSmallint, 16, false),
    ("INTEGER", XdbcDataType::XdbcInteger, 32, false),
    ("BIGINT", XdbcDataType::XdbcBigint, 64, false),
    ("TINYINT UNSIGNED", XdbcDataType::XdbcTinyint, 8, true),
    ("SMALLINT UNSIGNED", XdbcDataType::XdbcSmallint, 16, true),
    ("INTEGER UNSIGNED", XdbcDataType::XdbcInteger, 32, true),
    ("BIGINT UNSIGNED", XdbcDataType::XdbcBigint, 64, true),
    ("REAL", XdbcDataType::XdbcReal, 24, false),
    ("DOUBLE", XdbcDataType::XdbcDouble, 53, false),
];

/// Name, type, letters of its longest text, subcode.
const TIMES: &[(&str, XdbcDataType, i32, Option<XdbcDatetimeSubcode>)] = &[
    // `YEAR` is 1, of which `DATE` is the other name.
    ("DATE", XdbcDataType::XdbcDate, 10, Some(XdbcDatetimeSubcode::XdbcSubcodeYear)),
    ("TIME", XdbcDataType::XdbcTime, 18, Some(XdbcDatetimeSubcode::XdbcSubcodeTime)),
    ("TIMESTAMP", XdbcDataType::XdbcTimestamp, 29, Some(XdbcDatetimeSubcode::XdbcSubcodeTimestamp)),
    (
        "TIMESTAMP WITH TIME ZONE",
        XdbcDataType::XdbcTimestamp,
        35,
        Some(XdbcDatetimeSubcode::XdbcSubcodeTimestampWithTimezone),
    ),
    ("INTERVAL", XdbcDataType::XdbcInterval, 64, None),
];

fn plain(name: &str, data_type: XdbcDataType, column_size: Size) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        local_type_name: Some(name.to_owned()),
        data_type,
        sql_data_type: data_type,
        column_size,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        auto_increment: Some(false),
        ..XdbcTypeInfo::default()
    }
}

fn number(name: &str, data_type: XdbcDataType, bits: i32, unsigned: bool) -> XdbcTypeInfo {
    XdbcTypeInfo {
        unsigned_attribute: Some(unsigned),
        num_prec_radix: Some(2),
        ..plain(name, data_type, Some(bits))
    }
}

fn decimal() -> XdbcTypeInfo {
    XdbcTypeInfo {
        create_params: Some(vec!["precision".to_owned(), "scale".to_owned()]),
        unsigned_attribute: Some(false),
        fixed_prec_scale: false,
        minimum_scale: Some(0),
        maximum_scale: Some(76),
        num_prec_radix: Some(10),
        ..plain("DECIMAL", XdbcDataType::XdbcDecimal, Some(76))
    }
}

fn quoted(name: &str, data_type: XdbcDataType, prefix: &str) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some(prefix.to_owned()),
        literal_suffix: Some("'".to_owned()),
        case_sensitive: true,
        ..plain(name, data_type, None)
    }
}

fn time(
    name: &str,
    data_type: XdbcDataType,
    letters: i32,
    subcode: Option<XdbcDatetimeSubcode>,
) -> XdbcTypeInfo {
    let word = name.split(' ').next().unwrap_or(name);
    // In ODBC's words the SQL type of dates and times is `DATETIME`, which one it is says the subcode.
    let sql_data_type = if subcode.is_some() { XdbcDataType::XdbcDatetime } else { data_type };
    XdbcTypeInfo {
        literal_prefix: Some(format!("{word} '")),
        literal_suffix: Some("'".to_owned()),
        datetime_subcode: subcode,
        sql_data_type,
        ..plain(name, data_type, Some(letters))
    }
}
