//! Parts of responses: statuses, schemas, sets of rows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thrift::protocol::TType;

use super::wire::{Struct, Value};
use crate::reply::ApiError;
use crate::sql::Failure;
use crate::sql::column::{Column, ColumnType};

/// `TStatusCode`.
const SUCCESS: i32 = 0;
const ERROR: i32 = 3;
const INVALID_HANDLE: i32 = 4;

/// Formats of results, `TSparkRowSetType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowSet {
    Arrow = 0,
    Columns = 1,
}

/// `TStatus` of a call that did what it was asked for.
pub(super) fn success() -> Value {
    Value::Struct(Struct::default().with(1, Value::I32(SUCCESS)))
}

/// A response that has nothing but a `TStatus`, which states a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: i32,
    message: String,
    sql_state: Option<String>,
}

impl Refusal {
    /// A handle that the server did not give, or whose object is gone.
    pub(super) fn invalid_handle(what: &str) -> Self {
        Self {
            code: INVALID_HANDLE,
            message: format!(
                "[INVALID_HANDLE] The {what} handle is not valid: it was closed, has expired, or is of another server or user."
            ),
            sql_state: Some("HY000".to_owned()),
        }
    }

    /// Something that the service's interface has and this server does not do.
    pub(super) fn not_supported(what: &str) -> Self {
        Self {
            code: ERROR,
            message: format!("[UNSUPPORTED_FEATURE] The embedded workspace does not support {what}. SQLSTATE: 0A000"),
            sql_state: Some("0A000".to_owned()),
        }
    }

    /// A member with a value that cannot be.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { code: ERROR, message: message.into(), sql_state: Some("HY024".to_owned()) }
    }

    pub(super) fn to_struct(&self) -> Struct {
        Struct::default().with(1, self.to_value())
    }

    fn to_value(&self) -> Value {
        let status = Struct::default()
            .with(1, Value::I32(self.code))
            .with_some(3, self.sql_state.as_ref().map(Value::text))
            .with(4, Value::I32(0))
            .with_text(5, self.message.as_str())
            .with_text(6, self.message.as_str());
        Value::Struct(status)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { code: ERROR, message: failure.message, sql_state: failure.sql_state }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { code: ERROR, message: error.message().to_owned(), sql_state: Some("HY000".to_owned()) }
    }
}

/// `TTypeId` of a column.
fn type_id(kind: &ColumnType) -> i32 {
    match kind.name {
        "BOOLEAN" => 0,
        "BYTE" => 1,
        "SHORT" => 2,
        "INT" => 3,
        "LONG" => 4,
        "FLOAT" => 5,
        "DOUBLE" => 6,
        "TIMESTAMP" => 8,
        "BINARY" => 9,
        "ARRAY" => 10,
        "MAP" => 11,
        "STRUCT" => 12,
        "DECIMAL" => 15,
        "NULL" => 16,
        "DATE" => 17,
        "INTERVAL" if kind.text.contains("YEAR") || kind.text.contains("MONTH") => 20,
        "INTERVAL" => 21,
        // VARIANT and the like are sent as strings.
        _ => 7,
    }
}

/// `TTableSchema`.
pub(super) fn schema(columns: &[Column]) -> Value {
    let described = columns.iter().zip(1..).map(|(column, position)| {
        let mut primitive = Struct::default().with(1, Value::I32(type_id(&column.kind)));
        if let Some((precision, scale)) = column.kind.precision {
            let number = |n: i32| Value::Struct(Struct::default().with(1, Value::I32(n)));
            let qualifiers = vec![
                (Value::text("precision"), number(i32::from(precision))),
                (Value::text("scale"), number(i32::from(scale))),
            ];
            let map = Value::Map(TType::String, TType::Struct, qualifiers);
            primitive = primitive.with(2, Value::Struct(Struct::default().with(1, map)));
        }
        let entry = Value::Struct(Struct::default().with(1, Value::Struct(primitive)));
        let kind = Struct::default().with(1, Value::List(TType::Struct, vec![entry]));
        Value::Struct(
            Struct::default()
                .with_text(1, column.name.as_str())
                .with(2, Value::Struct(kind))
                .with(3, Value::I32(position))
                .with_text(4, ""),
        )
    });
    Value::Struct(Struct::default().with(1, Value::List(TType::Struct, described.collect())))
}

/// One row as text cells, `None` for NULL.
pub(super) type Row = Vec<Option<String>>;

/// The `columns` of a `TRowSet`.
///
/// # Errors
///
/// A cell that is not of its column's type, which scripted results may have.
pub(super) fn columns(columns: &[Column], rows: &[Row]) -> Result<Value, Failure> {
    let all = columns.iter().enumerate().map(|(at, column)| {
        let cells = rows.iter().map(|row| row.get(at).and_then(Option::as_deref));
        one_column(column, cells)
    });
    Ok(Value::List(TType::Struct, all.collect::<Result<_, _>>()?))
}

/// A `TColumn`: the values, with a stand-in where there is NULL, and a bit for each of those.
fn one_column<'a>(column: &Column, cells: impl Iterator<Item = Option<&'a str>>) -> Result<Value, Failure> {
    // The member of the union, the type of its values, and the stand-in.
    let (member, kind, blank) = match column.kind.name {
        "BOOLEAN" => (1, TType::Bool, Value::Bool(false)),
        "BYTE" => (2, TType::I08, Value::I8(0)),
        "SHORT" => (3, TType::I16, Value::I16(0)),
        "INT" => (4, TType::I32, Value::I32(0)),
        "LONG" => (5, TType::I64, Value::I64(0)),
        "FLOAT" | "DOUBLE" => (6, TType::Double, Value::Double(0.0)),
        "BINARY" => (8, TType::String, Value::Bytes(Vec::new())),
        _ => (7, TType::String, Value::Bytes(Vec::new())),
    };
    let mut nulls = Vec::new();
    let mut values = Vec::new();
    for (index, cell) in cells.enumerate() {
        if index % 8 == 0 {
            nulls.push(0_u8);
        }
        match cell {
            Some(text) => values.push(value(column, member, text)?),
            None => {
                if let Some(last) = nulls.last_mut() {
                    *last |= 1 << (index % 8);
                }
                values.push(blank.clone());
            }
        }
    }
    let filled = Struct::default().with(1, Value::List(kind, values)).with(2, Value::Bytes(nulls));
    Ok(Value::Struct(Struct::default().with(member, Value::Struct(filled))))
}

fn value(column: &Column, member: i16, text: &str) -> Result<Value, Failure> {
    let read = match member {
        1 => text.parse().ok().map(Value::Bool),
        2 => text.parse().ok().map(Value::I8),
        3 => text.parse().ok().map(Value::I16),
        4 => text.parse().ok().map(Value::I32),
        5 => text.parse().ok().map(Value::I64),
        6 => text.parse().ok().map(Value::Double),
        8 => STANDARD.decode(text).ok().map(Value::Bytes),
        _ if column.kind.name == "TIMESTAMP" => Some(Value::text(timestamp(text))),
        _ => Some(Value::text(text)),
    };
    read.ok_or_else(|| {
        Failure::internal(format!("The cell '{text}' of column {} is not a value of {}", column.name, column.kind.text))
    })
}

/// A point in time as SQL writes it, from ISO 8601: `2024-02-29 01:02:03.5`.
pub(super) fn timestamp(text: &str) -> String {
    let Some((day, time)) = text.split_once('T') else { return text.to_owned() };
    // Clients of Hive's interface know no offsets: it is the time on the session's clocks.
    let time = time.trim_end_matches('Z').split(['+', '-']).next().unwrap_or_default();
    let time = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time };
    format!("{day} {time}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &str) -> Column {
        Column { name: "c".into(), kind: ColumnType::from_sql(kind) }
    }

    fn set(kind: &str, cells: &[Option<&str>]) -> (i16, Vec<Value>, Vec<u8>) {
        let Value::Struct(union) = one_column(&column(kind), cells.iter().copied()).unwrap() else { panic!() };
        let (id, Value::Struct(filled)) = union.0.into_iter().next().unwrap() else { panic!() };
        let Value::List(_, values) = filled.0[&1].clone() else { panic!() };
        let Value::Bytes(nulls) = filled.0[&2].clone() else { panic!() };
        (id, values, nulls)
    }

    #[test]
    fn every_type_has_its_column() {
        for (kind, text, id, value) in [
            ("BOOLEAN", "true", 1, Value::Bool(true)),
            ("TINYINT", "-1", 2, Value::I8(-1)),
            ("SMALLINT", "-2", 3, Value::I16(-2)),
            ("INT", "3", 4, Value::I32(3)),
            ("BIGINT", "-9223372036854775808", 5, Value::I64(i64::MIN)),
            ("FLOAT", "1.5", 6, Value::Double(1.5)),
            ("DOUBLE", "1.0E10", 6, Value::Double(1e10)),
            ("STRING", "é", 7, Value::text("é")),
            ("DECIMAL(5,2)", "1.50", 7, Value::text("1.50")),
            ("DATE", "2024-02-29", 7, Value::text("2024-02-29")),
            ("TIMESTAMP", "2024-02-29T01:02:03.500Z", 7, Value::text("2024-02-29 01:02:03.5")),
            ("BINARY", "AP8=", 8, Value::Bytes(vec![0, 255])),
            ("ARRAY<INT>", "[1,2]", 7, Value::text("[1,2]")),
        ] {
            let (got, values, nulls) = set(kind, &[Some(text), None]);
            assert_eq!((got, &values[0], nulls), (id, &value, vec![0b10]), "{kind}");
            assert_eq!(values.len(), 2);
        }
        assert!(one_column(&column("INT"), [Some("x")].into_iter()).is_err());
    }

    #[test]
    fn special_doubles_are_read() {
        let (_, values, _) = set("DOUBLE", &[Some("NaN"), Some("-Infinity")]);
        assert!(matches!(values[0], Value::Double(n) if n.is_nan()));
        assert_eq!(values[1], Value::Double(f64::NEG_INFINITY));
    }

    #[test]
    fn nulls_are_bits_from_the_lowest() {
        let cells: Vec<_> = (0..10).map(|i| if i == 0 || i == 9 { None } else { Some("x") }).collect();
        assert_eq!(set("STRING", &cells).2, [0b0000_0001, 0b0000_0010]);
        assert_eq!(set("STRING", &[]).2, Vec::<u8>::new());
    }

    #[test]
    fn times_are_written_as_sql_has_them() {
        for (iso, sql) in [
            ("2024-01-01T10:00:00.000Z", "2024-01-01 10:00:00"),
            ("2024-01-01T10:00:00.000", "2024-01-01 10:00:00"),
            ("2024-01-01T10:00:00.123450Z", "2024-01-01 10:00:00.12345"),
            ("2024-01-01 10:00:00", "2024-01-01 10:00:00"),
        ] {
            assert_eq!(timestamp(iso), sql);
        }
    }

    #[test]
    fn decimals_state_precision_and_scale() {
        let Value::Struct(table) = schema(&[column("DECIMAL(12,3)")]) else { panic!() };
        let text = format!("{table:?}");
        assert!(text.contains("I32(12)") && text.contains("I32(3)") && text.contains("I32(15)"), "{text}");
    }
}
