//! The parameters of a statement, as the statements engine takes them: named, with simple values.

use super::door::Fault;
use super::markers::{Replacements, replace};
use super::reply::Refusal;
use super::wire::{Struct, Value};
use crate::reply::ApiError;
use crate::sql::Failure;
use crate::sql::request::Parameter;

/// The statement with named markers alone, and the values for them.
pub(super) fn bind(statement: &str, request: &Struct) -> Result<(String, Vec<Parameter>), Fault> {
    let parameters = structs(request, 1288, "parameters")?;
    let positions = positions(&parameters)?;
    let mut values = Vec::new();
    let mut with = Replacements { positional: vec![String::new(); parameters.len()], ..Replacements::default() };
    let mut named = 0;
    for (parameter, position) in parameters.iter().zip(positions) {
        let name = parameter.string(2, "name")?.filter(|n| !n.is_empty());
        let key = name.map_or_else(|| format!("__positional_{position}"), str::to_owned);
        let kind = parameter.string(3, "type")?.unwrap_or_default();
        let expression = if parameter.0.contains_key(&5) && constructor(kind).is_some() {
            nested(&key, parameter, kind, &mut values)?
        } else if !parameter.list(5, "arguments")?.is_empty() {
            return Err(Refusal::not_supported(&format!("parameters of type {kind} that have arguments")).into());
        } else {
            let marker = format!(":{key}");
            add(&mut values, key, kind, value(parameter)?)?;
            marker
        };
        match name {
            Some(name) => {
                named += 1;
                with.named.insert(name.to_owned(), expression);
            }
            None => {
                if let Some(place) = with.positional.get_mut(position - 1) {
                    *place = expression;
                }
            }
        }
    }
    if named > 0 && named < parameters.len() {
        let text = "Unsupported query parameter mode: mixed positional and named parameters.";
        return Err(Failure::class("INVALID_QUERY_MIXED_QUERY_PARAMETERS", text, "42613").into());
    }
    if named > 0 || parameters.is_empty() {
        with.positional.clear();
    }
    let given = with.positional.len();
    let (text, count) = replace(statement, &with);
    if count > given && !parameters.is_empty() {
        let text = format!("Found the unbound parameter: the statement has {count} markers `?`, and {given} values.");
        return Err(Failure::class("UNBOUND_SQL_PARAMETER", &text, "42P02").into());
    }
    Ok((text, values))
}

/// Adds a value, whose type is a string unless it is stated.
fn add(values: &mut Vec<Parameter>, name: String, kind: &str, value: Option<String>) -> Result<(), Fault> {
    if values.iter().any(|known| known.name == name) {
        return Err(ApiError::invalid_parameter(format!("Parameter '{name}' is given twice")).into());
    }
    let kind = if kind.is_empty() { "STRING" } else { kind };
    values.push(Parameter { name, kind: kind.to_owned(), value });
    Ok(())
}

fn structs<'a>(request: &'a Struct, id: i16, name: &str) -> Result<Vec<&'a Struct>, Fault> {
    let all = request.list(id, name)?.iter().map(|value| match value {
        Value::Struct(one) => Ok(one),
        _ => Err(format!("the member {name} ({id}) is not a list of structs")),
    });
    Ok(all.collect::<Result<_, _>>()?)
}

/// The function that makes a value of several.
fn constructor(kind: &str) -> Option<&'static str> {
    let word = kind.trim().split('<').next().unwrap_or_default();
    [("ARRAY", "array"), ("MAP", "map")].iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, f)| *f)
}

/// The expression of an array or map, whose parts are parameters of their own.
fn nested(key: &str, parameter: &Struct, kind: &str, values: &mut Vec<Parameter>) -> Result<String, Fault> {
    let Some(function) = constructor(kind) else {
        return Err(Refusal::not_supported(&format!("parameters of type {kind} that have arguments")).into());
    };
    let mut parts = Vec::new();
    for (index, part) in structs(parameter, 5, "arguments")?.iter().enumerate() {
        let key = format!("{key}_{index}");
        let kind = part.string(1, "type")?.unwrap_or_default();
        // Inner values have other members than outer ones: type, text, and parts.
        if part.0.contains_key(&3) {
            parts.push(nested(&key, &Struct::default().with_some(5, part.0.get(&3).cloned()), kind, values)?);
        } else {
            parts.push(format!(":{key}"));
            add(values, key, kind, part.string(2, "value")?.map(str::to_owned))?;
        }
    }
    Ok(format!("{function}({})", parts.join(", ")))
}

/// The positions of parameters, counted from 1: those that are stated, or, where these are not all positions once, those
/// in the list. Some clients state them as a truth value, which comes as 1.
fn positions(parameters: &[&Struct]) -> Result<Vec<usize>, Fault> {
    let stated = parameters.iter().map(|p| p.i32(1, "ordinal")).collect::<Result<Vec<_>, _>>()?;
    let stated: Vec<usize> = stated.into_iter().map(|n| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0)).collect();
    let mut sorted = stated.clone();
    sorted.sort_unstable();
    let every: Vec<usize> = (1..=parameters.len()).collect();
    Ok(if sorted == every { stated } else { every })
}

/// The value of a parameter as text; `None` is NULL.
fn value(parameter: &Struct) -> Result<Option<String>, Fault> {
    let Some(value) = parameter.strukt(4, "value")? else { return Ok(None) };
    if let Some(text) = value.string(1, "stringValue")? {
        return Ok(Some(text.to_owned()));
    }
    if let Some(number) = value.double(2, "doubleValue")? {
        return Ok(Some(number.to_string()));
    }
    Ok(value.boolean(3, "booleanValue")?.map(|b| b.to_string()))
}

#[cfg(test)]
mod tests {
    use thrift::protocol::TType;

    use super::*;

    fn parameter(name: Option<&str>, kind: &str, value: Option<Struct>) -> Value {
        Value::Struct(
            Struct::default()
                .with_some(2, name.map(Value::text))
                .with_text(3, kind)
                .with_some(4, value.map(Value::Struct)),
        )
    }

    fn bound(statement: &str, parameters: Vec<Value>) -> Result<(String, Vec<Parameter>), Fault> {
        bind(statement, &Struct::default().with(1288, Value::List(TType::Struct, parameters)))
    }

    fn int(name: &str, value: &str) -> Parameter {
        Parameter { name: name.to_owned(), kind: "INT".to_owned(), value: Some(value.to_owned()) }
    }

    fn one(text: &str) -> Option<Struct> {
        Some(Struct::default().with_text(1, text))
    }

    #[test]
    fn markers_get_their_values() {
        let (sql, values) = bound("SELECT :a", vec![parameter(Some("a"), "INT", one("5"))]).unwrap();
        assert_eq!(sql, "SELECT :a");
        assert_eq!(values, [int("a", "5")]);
        let three = vec![
            parameter(None, "DOUBLE", Some(Struct::default().with(2, Value::Double(1.5)))),
            parameter(None, "BOOLEAN", Some(Struct::default().with(3, Value::Bool(true)))),
            parameter(None, "VOID", None),
        ];
        let (sql, values) = bound("SELECT ?, ?, ?", three).unwrap();
        assert_eq!(sql, "SELECT :__positional_1, :__positional_2, :__positional_3");
        let texts: Vec<_> = values.iter().map(|v| v.value.as_deref()).collect();
        assert_eq!(texts, [Some("1.5"), Some("true"), None]);
        assert_eq!(bound("SELECT '?'", Vec::new()).unwrap().0, "SELECT '?'");
    }

    #[test]
    fn arrays_and_maps_are_made_of_their_parts() {
        let part = |kind: &str, text: &str| Value::Struct(Struct::default().with_text(1, kind).with_text(2, text));
        let list = |kind: &str, parts: Vec<Value>| (kind.to_owned(), Value::List(TType::Struct, parts));
        let outer = |name: Option<&str>, (kind, parts): (String, Value)| {
            Value::Struct(Struct::default().with_some(2, name.map(Value::text)).with_text(3, kind).with(5, parts))
        };
        let (sql, values) =
            bound("SELECT :l", vec![outer(Some("l"), list("ARRAY", vec![part("INT", "1"), part("INT", "2")]))])
                .unwrap();
        assert_eq!(sql, "SELECT array(:l_0, :l_1)");
        assert_eq!(values[1], int("l_1", "2"));
        let inner = Value::Struct(
            Struct::default().with_text(1, "ARRAY").with(3, Value::List(TType::Struct, vec![part("INT", "7")])),
        );
        let map =
            vec![outer(None, list("MAP", vec![part("STRING", "k"), inner])), outer(None, list("ARRAY", Vec::new()))];
        let (sql, values) = bound("SELECT ?, ?", map).unwrap();
        assert_eq!(sql, "SELECT map(:__positional_1_0, array(:__positional_1_1_0)), array()");
        assert_eq!(values.len(), 2);
    }

    #[test]
    fn positions_are_stated_or_those_of_the_list() {
        let with = |ordinals: &[i32]| {
            let all: Vec<_> = ordinals.iter().map(|n| Struct::default().with(1, Value::I32(*n))).collect();
            positions(&all.iter().collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(with(&[2, 1]), [2, 1]);
        assert_eq!(with(&[1, 1, 1]), [1, 2, 3]);
        assert_eq!(with(&[i32::MIN, 7]), [1, 2]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let one = |name| parameter(name, "INT", one("1"));
        let error = |result: Result<_, Fault>| format!("{:?}", result.unwrap_err());
        assert!(error(bound("?, ?", vec![one(None)])).contains("UNBOUND_SQL_PARAMETER"));
        assert!(error(bound("?, :a", vec![one(None), one(Some("a"))])).contains("MIXED"));
        assert!(error(bound(":a", vec![one(Some("a")), one(Some("a"))])).contains("given twice"));
        let inner = Value::List(TType::Struct, vec![one(None)]);
        let list = Value::Struct(Struct::default().with_text(3, "STRUCT").with(5, inner));
        assert!(error(bound("?", vec![list])).contains("parameters of type STRUCT"));
    }
}
