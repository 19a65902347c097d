//! JSON as it is written.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

use super::json::json_of;
use super::times::{self, DAY};
use super::types::{self, is_variant, key_value};
use super::value::V;
use super::zone::Zone;
use super::{pattern, text};

/// JSON as `to_json` writes it: members in the order of the structure.
pub(super) fn write(v: &V, kind: &DataType, options: &BTreeMap<String, String>) -> Result<String> {
    let quoted = |s: &str| Value::from(s).to_string();
    Ok(match (v, kind) {
        (V::Null, _) => "null".to_owned(),
        (v, k) if is_variant(k) => json_of(v).to_string(),
        (V::Bool(_) | V::Int(_) | V::Dec(_), k) => text::text(v, k),
        (V::Double(d), k) => {
            if d.is_finite() {
                text::text(v, k)
            } else {
                quoted(&text::text(v, k))
            }
        }
        (V::Float(d), k) => {
            if d.is_finite() {
                text::text(v, k)
            } else {
                quoted(&text::text(v, k))
            }
        }
        (V::List(items), k) => {
            let element = types::element(k);
            let parts = items.iter().map(|v| write(v, &element, options)).collect::<Result<Vec<_>>>()?;
            format!("[{}]", parts.join(","))
        }
        (V::Map(entries), k) => {
            let (key, item) = key_value(k);
            let name = |k: &V| match k {
                V::Struct(_) | V::List(_) => {
                    text::text(k, &key).replace(['{', '}'], "").split(", ").collect::<Vec<_>>().join(",")
                }
                k => text::text(k, &key),
            };
            let mut parts = Vec::new();
            for (k, v) in entries {
                let name = if matches!(k, V::Struct(_)) { format!("[{}]", name(k)) } else { name(k) };
                parts.push((name, write(v, &item, options)?));
            }
            object(parts, options)
        }
        (V::Struct(values), DataType::Struct(fields)) => {
            let mut parts = Vec::new();
            for (v, f) in values.iter().zip(fields) {
                if v.is_null() && options.get("ignorenullfields").is_none_or(|o| o != "false") {
                    continue;
                }
                parts.push((f.name().clone(), write(v, f.data_type(), options)?));
            }
            object(parts, options)
        }
        (V::Date(d), _) => quoted(&match options.get("dateformat") {
            Some(p) => pattern::format(i64::from(*d) * DAY, Zone::UTC, p)?,
            None => times::date_text(i64::from(*d)),
        }),
        (V::Ts(us), DataType::Timestamp(_, instant)) => {
            let default = if instant.is_some() { "yyyy-MM-dd'T'HH:mm:ss.SSSXXX" } else { "yyyy-MM-dd'T'HH:mm:ss.SSS" };
            let p = options.get("timestampformat").map_or(default, String::as_str);
            quoted(&pattern::moment(*us, kind, p)?)
        }
        (V::Bin(b), _) => {
            use base64::Engine as _;
            quoted(&base64::engine::general_purpose::STANDARD.encode(b))
        }
        (v, k) => quoted(&text::text(v, k)),
    })
}

pub(super) fn object(mut parts: Vec<(String, String)>, options: &BTreeMap<String, String>) -> String {
    if options.get("sortkeys").is_some_and(|v| v == "true") {
        parts.sort();
    }
    let parts: Vec<_> = parts.into_iter().map(|(k, v)| format!("{}:{v}", Value::from(k))).collect();
    format!("{{{}}}", parts.join(","))
}

pub(crate) fn to_json_value(v: &V, kind: &DataType) -> Result<Value> {
    Ok(match (v, kind) {
        (V::Null, _) => Value::Null,
        (v, k) if is_variant(k) => json_of(v),
        (V::Bool(b), _) => Value::Bool(*b),
        (V::Int(n), _) => Value::from(*n),
        (V::Double(_) | V::Float(_) | V::Dec(_), k) => {
            let t = text::text(v, k);
            t.parse::<Number>().map_or_else(|_| Value::from(t), Value::Number)
        }
        (V::List(items), k) => {
            let element = types::element(k);
            Value::Array(items.iter().map(|v| to_json_value(v, &element)).collect::<Result<_>>()?)
        }
        (V::Map(entries), k) => {
            let (key, item) = key_value(k);
            Value::Object(
                entries
                    .iter()
                    .map(|(k, v)| Ok((text::text(k, &key), to_json_value(v, &item)?)))
                    .collect::<Result<_>>()?,
            )
        }
        (V::Struct(values), DataType::Struct(fields)) => Value::Object(
            values
                .iter()
                .zip(fields)
                .map(|(v, f)| Ok((f.name().clone(), to_json_value(v, f.data_type())?)))
                .collect::<Result<_>>()?,
        ),
        (v, k) => Value::from(text::text(v, k)),
    })
}
