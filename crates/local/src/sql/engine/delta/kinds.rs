//! Types as the schema of a Delta table writes them.

use datafusion::arrow::datatypes::DataType;
use serde_json::{Value, json};

use crate::sql::engine::spark::types;
use crate::sql::engine::spark::value::V;

/// The type in the files: a VARIANT is the string of its JSON there.
pub(super) fn stored(kind: &DataType) -> DataType {
    match kind {
        kind if types::is_variant(kind) => DataType::Utf8,
        DataType::List(f) => types::list(stored(f.data_type())),
        DataType::Map(_, _) => {
            let (key, value) = types::key_value(kind);
            types::map(stored(&key), stored(&value))
        }
        DataType::Struct(fields) => types::structure(fields.iter().map(|f| (f.name().clone(), stored(f.data_type())))),
        other => other.clone(),
    }
}

pub(super) fn has_variant(kind: &DataType) -> bool {
    match kind {
        kind if types::is_variant(kind) => true,
        DataType::List(f) | DataType::Map(f, _) => has_variant(f.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| has_variant(f.data_type())),
        _ => false,
    }
}

/// A value as the files hold it.
pub(super) fn to_stored(v: &V, kind: &DataType) -> V {
    match (v, kind) {
        (V::Struct(json), kind) if types::is_variant(kind) => json.first().cloned().unwrap_or(V::Null),
        _ => inside(v, kind, to_stored),
    }
}

/// A value of the files as statements read it.
pub(super) fn from_stored(v: &V, kind: &DataType) -> V {
    match (v, kind) {
        (V::Str(_), kind) if types::is_variant(kind) => V::Struct(vec![v.clone()]),
        _ => inside(v, kind, from_stored),
    }
}

fn inside(v: &V, kind: &DataType, change: fn(&V, &DataType) -> V) -> V {
    match (v, kind) {
        (V::List(items), DataType::List(f)) => V::List(items.iter().map(|v| change(v, f.data_type())).collect()),
        (V::Map(entries), kind) => {
            let (key, value) = types::key_value(kind);
            V::Map(entries.iter().map(|(k, v)| (change(k, &key), change(v, &value))).collect())
        }
        (V::Struct(values), DataType::Struct(fields)) => {
            V::Struct(values.iter().zip(fields).map(|(v, f)| change(v, f.data_type())).collect())
        }
        (v, _) => v.clone(),
    }
}

/// The type of a schema; `None` for types that Delta has not.
pub(super) fn write(kind: &DataType) -> Option<Value> {
    Some(match kind {
        DataType::Boolean => json!("boolean"),
        DataType::Int8 => json!("byte"),
        DataType::Int16 => json!("short"),
        DataType::Int32 => json!("integer"),
        DataType::Int64 => json!("long"),
        DataType::Float32 => json!("float"),
        DataType::Float64 => json!("double"),
        DataType::Utf8 => json!("string"),
        DataType::Binary => json!("binary"),
        DataType::Date32 => json!("date"),
        DataType::Timestamp(_, Some(_)) => json!("timestamp"),
        DataType::Timestamp(_, None) => json!("timestamp_ntz"),
        DataType::Decimal128(p, s) => json!(format!("decimal({p},{s})")),
        DataType::List(f) => json!({"type": "array", "elementType": write(f.data_type())?, "containsNull": true}),
        DataType::Map(_, _) => {
            let (key, value) = types::key_value(kind);
            json!({"type": "map", "keyType": write(&key)?, "valueType": write(&value)?, "valueContainsNull": true})
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|f| {
                Some(json!({"name": f.name(), "type": write(f.data_type())?, "nullable": true, "metadata": {}}))
            });
            json!({"type": "struct", "fields": fields.collect::<Option<Vec<_>>>()?})
        }
        _ => return None,
    })
}

/// The platform's type of one in a schema; `None` for types that are not known here.
pub(super) fn read(kind: &Value) -> Option<DataType> {
    if let Some(name) = kind.as_str() {
        return Some(match name {
            "boolean" => DataType::Boolean,
            "byte" => DataType::Int8,
            "short" => DataType::Int16,
            "integer" => DataType::Int32,
            "long" => DataType::Int64,
            "float" => DataType::Float32,
            "double" => DataType::Float64,
            "string" => DataType::Utf8,
            "binary" => DataType::Binary,
            "date" => DataType::Date32,
            "timestamp" => types::timestamp(),
            "timestamp_ntz" => types::ntz(),
            other => {
                let (p, s) = other.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
                let (p, s): (u8, i8) = (p.trim().parse().ok()?, s.trim().parse().ok()?);
                if !(1..=38).contains(&p) || s < 0 || s as u8 > p {
                    return None;
                }
                DataType::Decimal128(p, s)
            }
        });
    }
    match kind.get("type")?.as_str()? {
        "array" => Some(types::list(read(kind.get("elementType")?)?)),
        "map" => Some(types::map(read(kind.get("keyType")?)?, read(kind.get("valueType")?)?)),
        "struct" => {
            let fields = kind.get("fields")?.as_array()?.iter();
            let fields = fields.map(|f| Some((f.get("name")?.as_str()?.to_owned(), read(f.get("type")?)?)));
            Some(types::structure(fields.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in [
            "BOOLEAN",
            "TINYINT",
            "SMALLINT",
            "INT",
            "BIGINT",
            "FLOAT",
            "DOUBLE",
            "STRING",
            "BINARY",
            "DATE",
            "TIMESTAMP",
            "TIMESTAMP_NTZ",
            "DECIMAL(38,38)",
            "DECIMAL(1,0)",
            "ARRAY<MAP<STRING, STRUCT<A: INT, `b c`: ARRAY<DATE>>>>",
        ] {
            let kind = types::parse(text).unwrap();
            assert_eq!(read(&write(&kind).unwrap()).unwrap(), kind, "{text}");
        }
        for text in ["INTERVAL DAY TO SECOND", "ARRAY<INTERVAL YEAR>", "VOID"] {
            assert_eq!(write(&types::parse(text).unwrap()), None, "{text}");
        }
        assert_eq!(
            stored(&types::parse("MAP<STRING, ARRAY<VARIANT>>").unwrap()),
            types::parse("MAP<STRING, ARRAY<STRING>>").unwrap()
        );
        for unknown in [json!("geometry"), json!("decimal(39,0)"), json!("decimal(2,-1)"), json!({"type": "variant"})] {
            assert_eq!(read(&unknown), None, "{unknown}");
        }
    }
}
