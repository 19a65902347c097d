//! JSON and VARIANT.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::function::{Call, Def, Env, Shape, f, n, t};
use super::json_path::{Step, path, select};
use super::json_write::write;
use super::times::{self, DAY};
use super::types::{self, is_variant, key_value};
use super::value::V;
use super::variant_shape::VariantShape;
use super::{cast, fail, json_types, pattern, zone};

pub(crate) use super::json_write::to_json_value;

pub(crate) const FUNCTIONS: &[Def] = &[
    f("get_json_object", "s s -> s", |_, a| {
        let Ok(root) = serde_json::from_str::<Value>(a[0].text()) else { return Ok(V::Null) };
        let Some(steps) = path(a[1].text()) else { return Ok(V::Null) };
        Ok(match select(&root, &steps).as_slice() {
            [] | [Value::Null] => V::Null,
            [Value::String(s)] => s.as_str().into(),
            [one] => one.to_string().into(),
            many => Value::Array(many.to_vec()).to_string().into(),
        })
    }),
    f("json_array_length", "s -> i", |_, a| {
        Ok(match serde_json::from_str(a[0].text()) {
            Ok(Value::Array(items)) => V::int(items.len()),
            _ => V::Null,
        })
    }),
    f("json_object_keys", "s -> [s]", |_, a| {
        Ok(match serde_json::from_str(a[0].text()) {
            Ok(Value::Object(o)) => V::List(keys_in_order(a[0].text(), &o).into_iter().map(V::Str).collect()),
            _ => V::Null,
        })
    }),
    t(
        "from_json",
        |c| schema_of(c, "from_json"),
        |e, a| {
            let options = options(a.get(2));
            let Ok(value) = serde_json::from_str::<Value>(a[0].text()) else {
                return Ok(if options.get("mode").is_some_and(|m| m.eq_ignore_ascii_case("FAILFAST")) {
                    return Err(fail(
                        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                        "22023",
                        &format!(
                            "Malformed records are detected in record parsing: {}. Parse Mode: FAILFAST.",
                            a[0].text()
                        ),
                    ));
                } else if let DataType::Struct(fields) = e.result
                    && !is_variant(e.result)
                {
                    V::Struct(vec![V::Null; fields.len()])
                } else {
                    V::Null
                });
            };
            // A structure is read from each object of an array too; the first is taken.
            let value = match (value, e.result) {
                (Value::Array(items), DataType::Struct(_)) if !is_variant(e.result) => {
                    items.into_iter().next().unwrap_or(Value::Null)
                }
                (Value::Object(o), DataType::List(f)) if matches!(f.data_type(), DataType::Struct(_)) => {
                    Value::Array(vec![Value::Object(o)])
                }
                (value, _) => value,
            };
            Ok(from_value(&value, e.result, &options))
        },
    ),
    t(
        "to_json",
        |c| match c.kinds {
            [k] | [k, _] if types::is_nested(k) => Ok(Shape { kinds: c.kinds.to_vec(), result: DataType::Utf8 }),
            [k, ..] => Err(super::function::unexpected(c.name, 0, "\"STRUCT\", \"ARRAY\", \"MAP\" or \"VARIANT\"", k)),
            [] => Err(super::function::wrong_count(c.name, "[1, 2]", 0)),
        },
        |e, a| {
            let mut options = options(a.get(1));
            options.entry("ignorenullfields".to_owned()).or_insert_with(|| "true".to_owned());
            Ok(write(&a[0], &e.kinds[0], &options)?.into())
        },
    ),
    f("schema_of_json", "s a? -> s", |e, a| {
        Ok(types::name(&json_types::known(&inferred(e.name, &a[0], a.get(1))?)).into())
    }),
    f("parse_json", "s -> v", |e, a| {
        let value = serde_json::from_str::<Value>(a[0].text()).map_err(|_| fail("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023", &format!("Malformed records are detected in record parsing: {}. Parse Mode: FAILFAST. `{}` could not read it.", a[0].text(), e.name)))?;
        Ok(variant(&value))
    }),
    f("try_parse_json", "s -> v", |_, a| {
        Ok(serde_json::from_str::<Value>(a[0].text()).map_or(V::Null, |v| variant(&v)))
    }),
    f("is_valid_variant", "v -> b", |_, _| Ok(V::Bool(true))),
    n("is_variant_null", "v -> b", |_, a| Ok((!a[0].is_null() && json_of(&a[0]) == Value::Null).into())),
    f("schema_of_variant", "v -> s", |_, a| Ok(VariantShape::of(&json_of(&a[0])).to_string().into())),
    t("variant_get", variant_type, |e, a| get(e, a, false)),
    t("try_variant_get", variant_type, |e, a| get(e, a, true)),
    f("to_variant_object", "a -> v", |e, a| Ok(variant(&to_json_value(&a[0], &e.kinds[0])?))),
];

/// The type of a JSON text, by the options of a call.
pub(super) fn inferred(name: &str, text: &V, stated: Option<&V>) -> Result<DataType> {
    let mut read = text.text().to_owned();
    if options(stated).get("allownumericleadingzeros").is_some_and(|v| v == "true") {
        read = super::regex::compiled(r"([:\[,]\s*)0+([0-9])", name)?.replace_all(&read, "$1$2").into_owned();
    }
    let value: Value = serde_json::from_str(&read).map_err(|_| malformed(text.text(), name))?;
    Ok(json_types::json(&value))
}

fn malformed(text: &str, name: &str) -> DataFusionError {
    fail("INVALID_JSON_SCHEMA", "22023", &format!("`{name}` cannot read the JSON text '{text}'."))
}

pub(super) fn variant(value: &Value) -> V {
    V::Struct(vec![V::Str(sorted(value).to_string())])
}

/// Members of an object in the order of their names, as VARIANT keeps them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(o) => {
            let mut all: Vec<_> = o.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(all.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Number(n) if n.is_f64() => {
            // A number with a fraction is a decimal that keeps no zeros at its end.
            n.as_f64()
                .filter(|d| d.fract() == 0.0 && d.abs() < 1e15)
                .map_or_else(|| value.clone(), |d| Value::from(d as i64))
        }
        other => other.clone(),
    }
}

pub(crate) fn json_of(v: &V) -> Value {
    match v {
        V::Struct(s) => s.first().and_then(|s| serde_json::from_str(s.text()).ok()).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn keys_in_order(text: &str, object: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<String> = object.keys().cloned().collect();
    let place = |k: &String| text.find(&Value::from(k.as_str()).to_string()).unwrap_or(usize::MAX);
    keys.sort_by_key(place);
    keys
}

/// One step into a VARIANT.
pub(crate) fn step(v: &V, key: &V, _: &DataType) -> Result<V> {
    let root = json_of(v);
    let found = match key {
        V::Str(name) => root.get(name),
        V::Int(i) => usize::try_from(*i).ok().and_then(|i| root.get(i)),
        _ => None,
    };
    Ok(found.map_or(V::Null, variant))
}

pub(super) fn options(v: Option<&V>) -> BTreeMap<String, String> {
    v.map(|v| v.entries().iter().map(|(k, v)| (k.text().to_ascii_lowercase(), v.text().to_owned())).collect())
        .unwrap_or_default()
}

/// The type that a constant schema names.
pub(crate) fn schema_of(c: &Call<'_>, name: &str) -> Result<Shape> {
    let Some(Some(V::Str(schema))) = c.constants.get(1) else {
        return Err(fail(
            "INVALID_SCHEMA.NON_STRING_LITERAL",
            "42K07",
            &format!("The input schema of `{name}` is not a valid schema string: it must be a constant."),
        ));
    };
    let result = types::parse_schema(schema)?;
    let mut kinds = c.kinds.to_vec();
    kinds[0] = DataType::Utf8;
    Ok(Shape { kinds, result })
}

pub(crate) fn read_time(text: &str, kind: &DataType, options: &BTreeMap<String, String>) -> V {
    let key = if kind == &DataType::Date32 { "dateformat" } else { "timestampformat" };
    match options.get(key) {
        Some(p) => match pattern::parse(text, p) {
            Ok(Some((local, zone))) => {
                let us = zone.unwrap_or_else(zone::session).utc(local);
                match kind {
                    DataType::Date32 => V::Date(zone::session().local(us).div_euclid(DAY) as i32),
                    DataType::Timestamp(_, None) => V::Ts(local),
                    _ => V::Ts(us),
                }
            }
            _ => V::Null,
        },
        None => cast::attempt(&V::str(text), &DataType::Utf8, kind),
    }
}

pub(crate) fn from_value(value: &Value, kind: &DataType, options: &BTreeMap<String, String>) -> V {
    if value.is_null() {
        return V::Null;
    }
    match (kind, value) {
        (k, v) if is_variant(k) => variant(v),
        (DataType::Utf8, Value::String(s)) => s.as_str().into(),
        (DataType::Utf8, v) => v.to_string().into(),
        (DataType::Boolean, Value::Bool(b)) => (*b).into(),
        (DataType::List(f), Value::Array(items)) => {
            V::List(items.iter().map(|v| from_value(v, f.data_type(), options)).collect())
        }
        (DataType::Map(_, _), Value::Object(o)) => {
            let (k, item) = key_value(kind);
            V::Map(
                o.iter()
                    .map(|(name, v)| (cast::attempt(&V::str(name), &DataType::Utf8, &k), from_value(v, &item, options)))
                    .collect(),
            )
        }
        (DataType::Struct(fields), Value::Object(o)) => V::Struct(
            fields.iter().map(|f| o.get(f.name()).map_or(V::Null, |v| from_value(v, f.data_type(), options))).collect(),
        ),
        (k, Value::Number(n)) if k.is_integer() => {
            n.as_i64().map_or(V::Null, |n| cast::attempt(&V::Int(n), &DataType::Int64, k))
        }
        (k, Value::Number(n)) if k.is_numeric() => cast::attempt(&V::str(n.to_string()), &DataType::Utf8, k),
        (DataType::Float64 | DataType::Float32, Value::String(s))
            if matches!(s.as_str(), "NaN" | "Infinity" | "-Infinity" | "INF" | "-INF") =>
        {
            cast::attempt(&V::str(s), &DataType::Utf8, kind)
        }
        (DataType::Binary, Value::String(s)) => {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(s).map_or(V::Null, V::Bin)
        }
        (k, Value::String(s)) if types::is_time(k) => read_time(s, k, options),
        (DataType::Timestamp(_, _), Value::Number(n)) => {
            n.as_i64().and_then(|n| n.checked_mul(times::SECOND)).map_or(V::Null, V::Ts)
        }
        _ => V::Null,
    }
}

/// A VARIANT as another type; NULL inside stays NULL.
pub(crate) fn variant_to(v: &V, to: &DataType) -> Result<V> {
    let value = json_of(v);
    let bad = || {
        fail(
            "INVALID_VARIANT_CAST",
            "22023",
            &format!(
                "The variant value `{value}` cannot be cast into \"{}\". Please use `try_variant_get` instead.",
                types::name(to)
            ),
        )
    };
    Ok(match (&value, to) {
        (Value::Null, _) => V::Null,
        (v, DataType::Utf8) => match v {
            Value::String(s) => s.as_str().into(),
            v => v.to_string().into(),
        },
        (Value::String(s), to) if !types::is_nested(to) => {
            cast::cast(&V::str(s), &DataType::Utf8, to).map_err(|_| bad())?
        }
        (Value::Bool(b), to) if !types::is_nested(to) => {
            cast::cast(&V::Bool(*b), &DataType::Boolean, to).map_err(|_| bad())?
        }
        (Value::Number(n), to) if !types::is_nested(to) => match n.as_i64() {
            Some(n) => cast::cast(&V::Int(n), &DataType::Int64, to).map_err(|_| bad())?,
            None => {
                cast::cast(&V::Double(n.as_f64().unwrap_or_default()), &DataType::Float64, to).map_err(|_| bad())?
            }
        },
        (Value::Array(items), DataType::List(f)) => V::List(
            items
                .iter()
                .map(
                    |v| if is_variant(f.data_type()) { Ok(variant(v)) } else { variant_to(&variant(v), f.data_type()) },
                )
                .collect::<Result<_>>()?,
        ),
        (Value::Object(o), DataType::Map(_, _)) => {
            let (k, item) = key_value(to);
            let pairs = o.iter().map(|(name, v)| {
                Ok((
                    cast::cast(&V::str(name), &DataType::Utf8, &k)?,
                    if is_variant(&item) { variant(v) } else { variant_to(&variant(v), &item)? },
                ))
            });
            V::Map(pairs.collect::<Result<_>>()?)
        }
        (Value::Object(o), DataType::Struct(fields)) => V::Struct(
            fields
                .iter()
                .map(|f| {
                    o.get(f.name()).map_or(Ok(V::Null), |v| {
                        if is_variant(f.data_type()) { Ok(variant(v)) } else { variant_to(&variant(v), f.data_type()) }
                    })
                })
                .collect::<Result<_>>()?,
        ),
        _ => return Err(bad()),
    })
}

fn variant_type(c: &Call<'_>) -> Result<Shape> {
    let result = match c.constants.get(2) {
        None if c.kinds.len() == 2 => types::variant(),
        Some(Some(V::Str(t))) => types::parse(t)?,
        _ => return Err(super::function::wrong_count(c.name, "[2, 3]", c.kinds.len())),
    };
    let mut kinds = vec![types::variant(), DataType::Utf8];
    if c.kinds.len() > 2 {
        kinds.push(DataType::Utf8);
    }
    Ok(Shape { kinds, result })
}

fn get(e: &Env<'_>, a: &[V], lenient: bool) -> Result<V> {
    let steps = path(a[1].text()).ok_or_else(|| {
        fail(
            "INVALID_VARIANT_GET_PATH",
            "22023",
            &format!("The path `{}` is not a valid variant extraction path in `{}`.", a[1].text(), e.name),
        )
    })?;
    let mut now = json_of(&a[0]);
    for s in &steps {
        let next = match s {
            Step::Name(name) if now.is_object() => now.get(name).cloned(),
            Step::Index(i) if now.is_array() => now.get(*i).cloned(),
            _ => None,
        };
        match next {
            Some(v) => now = v,
            None => return Ok(V::Null),
        }
    }
    if is_variant(e.result) {
        return Ok(variant(&now));
    }
    match variant_to(&variant(&now), e.result) {
        Err(_) if lenient => Ok(V::Null),
        other => other,
    }
}
