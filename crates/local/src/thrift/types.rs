//! The types of SQL in the words of JDBC and ODBC.

use super::names::{some, table};
use super::reply::Row;
use super::result::Table;
use crate::sql::column::ColumnType;

/// Numbers of `java.sql.Types`.
const BIT_BOOLEAN: i32 = 16;
const TINYINT: i32 = -6;
const SMALLINT: i32 = 5;
const INTEGER: i32 = 4;
const BIGINT: i32 = -5;
const FLOAT: i32 = 6;
const DOUBLE: i32 = 8;
const DECIMAL: i32 = 3;
const VARCHAR: i32 = 12;
const BINARY: i32 = -2;
const DATE: i32 = 91;
const TIMESTAMP: i32 = 93;
const ARRAY: i32 = 2003;
const STRUCT: i32 = 2002;
const JAVA_OBJECT: i32 = 2000;
const OTHER: i32 = 1111;
const NULL: i32 = 0;

/// A type as `GetTypeInfo` and `GetColumns` state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeInfo {
    /// As SQL writes it.
    pub(super) name: &'static str,
    /// As columns of a result have it.
    word: &'static str,
    pub(super) number: i32,
    /// Digits, or characters of the longest value where there is such a one.
    pub(super) size: Option<i32>,
    /// Digits of fractions.
    pub(super) scale: Option<i32>,
    /// Base of the digits.
    pub(super) radix: Option<i32>,
    case_sensitive: bool,
}

const fn kind(name: &'static str, word: &'static str, number: i32, size: Option<i32>) -> TypeInfo {
    TypeInfo { name, word, number, size, scale: None, radix: None, case_sensitive: false }
}

const fn number(name: &'static str, word: &'static str, number: i32, size: i32, scale: i32) -> TypeInfo {
    TypeInfo { name, word, number, size: Some(size), scale: Some(scale), radix: Some(10), case_sensitive: false }
}

/// The types that SQL has here.
pub(super) const TYPES: [TypeInfo; 17] = [
    kind("VOID", "NULL", NULL, None),
    kind("BOOLEAN", "BOOLEAN", BIT_BOOLEAN, Some(1)),
    number("TINYINT", "BYTE", TINYINT, 3, 0),
    number("SMALLINT", "SHORT", SMALLINT, 5, 0),
    number("INT", "INT", INTEGER, 10, 0),
    number("BIGINT", "LONG", BIGINT, 19, 0),
    number("FLOAT", "FLOAT", FLOAT, 7, 7),
    number("DOUBLE", "DOUBLE", DOUBLE, 15, 15),
    TypeInfo { case_sensitive: true, ..kind("STRING", "STRING", VARCHAR, None) },
    kind("BINARY", "BINARY", BINARY, None),
    number("DECIMAL", "DECIMAL", DECIMAL, 38, 38),
    kind("DATE", "DATE", DATE, Some(10)),
    TypeInfo { scale: Some(6), ..kind("TIMESTAMP", "TIMESTAMP", TIMESTAMP, Some(29)) },
    kind("ARRAY", "ARRAY", ARRAY, None),
    kind("MAP", "MAP", JAVA_OBJECT, None),
    kind("STRUCT", "STRUCT", STRUCT, None),
    kind("INTERVAL", "INTERVAL", OTHER, None),
];

/// What is stated of a column's type; VARIANT and the like are strings.
pub(super) fn of(kind: &ColumnType) -> TypeInfo {
    let string = TYPES[8];
    let mut info = TYPES.into_iter().find(|t| t.word == kind.name).unwrap_or(string);
    if let Some((precision, scale)) = kind.precision {
        info.size = Some(i32::from(precision));
        info.scale = Some(i32::from(scale));
    }
    info
}

fn rows() -> Vec<Row> {
    let flag = |b: bool| some(if b { "true" } else { "false" });
    let number = |n: Option<i32>| n.map(|n| n.to_string());
    TYPES
        .iter()
        .map(|t| {
            let quote = if matches!(t.word, "STRING" | "DATE" | "TIMESTAMP") { some("'") } else { None };
            let nested = matches!(t.word, "ARRAY" | "MAP" | "STRUCT");
            vec![
                some(t.name),
                some(&t.number.to_string()),
                number(t.size),
                quote.clone(),
                quote,
                if t.word == "DECIMAL" { some("precision,scale") } else { None },
                // Every type can be null.
                some("1"),
                flag(t.case_sensitive),
                // All comparisons are possible, or none of those of nested values.
                some(if nested { "0" } else { "3" }),
                flag(t.radix.is_none()),
                flag(false),
                flag(false),
                None,
                some("0"),
                some(&t.scale.unwrap_or(0).to_string()),
                None,
                None,
                number(t.radix),
            ]
        })
        .collect()
}

/// The result of `GetTypeInfo`.
pub(super) fn all() -> Table {
    let columns = [
        ("TYPE_NAME", "STRING"),
        ("DATA_TYPE", "INT"),
        ("PRECISION", "INT"),
        ("LITERAL_PREFIX", "STRING"),
        ("LITERAL_SUFFIX", "STRING"),
        ("CREATE_PARAMS", "STRING"),
        ("NULLABLE", "SMALLINT"),
        ("CASE_SENSITIVE", "BOOLEAN"),
        ("SEARCHABLE", "SMALLINT"),
        ("UNSIGNED_ATTRIBUTE", "BOOLEAN"),
        ("FIXED_PREC_SCALE", "BOOLEAN"),
        ("AUTO_INCREMENT", "BOOLEAN"),
        ("LOCAL_TYPE_NAME", "STRING"),
        ("MINIMUM_SCALE", "SMALLINT"),
        ("MAXIMUM_SCALE", "SMALLINT"),
        ("SQL_DATA_TYPE", "INT"),
        ("SQL_DATETIME_SUB", "INT"),
        ("NUM_PREC_RADIX", "INT"),
    ];
    table(&columns, rows())
}
