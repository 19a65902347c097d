//! Values as expressions that were rewritten already, for parameters and variables.

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr, Value};

use super::functions::call;
use super::params::literal;
use super::spark::value::V;
use super::spark::{text, times, types};

fn string(text: impl Into<String>) -> Expr {
    literal(Value::SingleQuotedString(text.into()))
}

fn cast(expr: Expr, kind: &DataType) -> Expr {
    call("cast_to", vec![expr, string(types::name(kind))])
}

/// An expression that gives the value, in its type.
pub(super) fn expression(v: &V, kind: &DataType) -> Expr {
    match (v, kind) {
        (V::Null, DataType::Null) => literal(Value::Null),
        (V::Null, _) => cast(literal(Value::Null), kind),
        (V::Struct(json), kind) if types::is_variant(kind) => {
            call("parse_json", vec![string(json.first().map(V::text).unwrap_or_default())])
        }
        (V::List(items), kind) => {
            let element = types::element(kind);
            cast(call("array", items.iter().map(|v| expression(v, &element)).collect()), kind)
        }
        (V::Map(entries), kind) => {
            let (key, value) = types::key_value(kind);
            let parts = entries.iter().flat_map(|(k, v)| [expression(k, &key), expression(v, &value)]);
            cast(call("map", parts.collect()), kind)
        }
        (V::Struct(members), DataType::Struct(fields)) => {
            let parts = members.iter().zip(fields);
            let parts = parts.flat_map(|(v, f)| [string(f.name().as_str()), expression(v, f.data_type())]);
            call("named_struct", parts.collect())
        }
        (V::Bin(bytes), _) => {
            let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
            call("unhex", vec![string(hex)])
        }
        (V::Str(s), _) => string(s.as_str()),
        // With the zone: an hour on its clocks can be there twice.
        (V::Ts(us), DataType::Timestamp(_, Some(_))) => cast(string(format!("{}Z", times::timestamp_text(*us))), kind),
        (v, kind) => cast(string(text::text(v, kind)), kind),
    }
}
