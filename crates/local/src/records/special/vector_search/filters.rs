//! Filters of searches: an object whose members are columns, with an operator behind the name, and what they are to be.

use serde_json::{Map, Value};

use crate::reply::ApiError;

/// Conditions that all hold.
#[derive(Debug)]
pub(super) struct Filter(Vec<Condition>);

#[derive(Debug)]
struct Condition {
    /// One of the columns is enough.
    columns: Vec<(String, Test)>,
}

#[derive(Debug)]
enum Test {
    /// One of these.
    Is(Vec<Value>),
    /// None of these.
    Not(Vec<Value>),
    /// A text that has this word.
    Like(String),
    Compare(fn(f64, f64) -> bool, f64),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.trim().is_empty() {
            return Ok(Self(Vec::new()));
        }
        let members: Map<String, Value> = serde_json::from_str(text)
            .map_err(|e| ApiError::invalid_parameter(format!("filters_json is not an object in JSON: {e}")))?;
        members.iter().map(|(key, value)| condition(key, value)).collect::<Result<Vec<_>, _>>().map(Self)
    }

    pub(super) fn holds(&self, row: &Map<String, Value>) -> bool {
        self.0.iter().all(|condition| {
            condition.columns.iter().any(|(column, test)| row.get(column).is_some_and(|value| test.holds(value)))
        })
    }
}

fn condition(key: &str, value: &Value) -> Result<Condition, ApiError> {
    let wrong = |why: &str| ApiError::invalid_parameter(format!("filters_json: '{key}' {why}"));
    if key.contains(" OR ") {
        let names: Vec<&str> = key.split(" OR ").map(str::trim).collect();
        let values = value.as_array().filter(|all| all.len() == names.len());
        let values = values.ok_or_else(|| wrong("takes a list with a value for each of its columns"))?;
        let columns = names.into_iter().zip(values).map(|(name, value)| one(name, value, &wrong));
        return Ok(Condition { columns: columns.collect::<Result<_, _>>()? });
    }
    Ok(Condition { columns: vec![one(key, value, &wrong)?] })
}

fn one(key: &str, value: &Value, wrong: &impl Fn(&str) -> ApiError) -> Result<(String, Test), ApiError> {
    let (column, operator) = key.rsplit_once(' ').unwrap_or((key, ""));
    let listed = || match value {
        Value::Array(all) => all.clone(),
        other => vec![other.clone()],
    };
    let number = || value.as_f64().ok_or_else(|| wrong("takes a number"));
    let test = match operator {
        "" => Test::Is(listed()),
        "NOT" => Test::Not(listed()),
        "LIKE" => Test::Like(value.as_str().ok_or_else(|| wrong("takes a text"))?.to_lowercase()),
        "<" => Test::Compare(|a, b| a < b, number()?),
        "<=" => Test::Compare(|a, b| a <= b, number()?),
        ">" => Test::Compare(|a, b| a > b, number()?),
        ">=" => Test::Compare(|a, b| a >= b, number()?),
        _ => return Err(wrong("has an operator that is none of NOT, LIKE, <, <=, > and >=")),
    };
    Ok((column.to_owned(), test))
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let same = |other: &Value| match (other.as_f64(), value.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
            _ => other == value,
        };
        match self {
            Self::Is(all) => all.iter().any(same),
            Self::Not(all) => !all.iter().any(same),
            Self::Like(word) => {
                let text = value.as_str().unwrap_or_default().to_lowercase();
                text.split(|c: char| !c.is_alphanumeric()).any(|own| own == word)
            }
            Self::Compare(holds, bound) => value.as_f64().is_some_and(|value| holds(value, *bound)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_on_columns_with_operators() {
        let Value::Object(row) = json!({"id": 3, "kind": "a", "text": "Hello, World"}) else { panic!("an object") };
        for (text, holds) in [
            ("", true),
            (r#"{"id": 3}"#, true),
            (r#"{"id": [1, 3], "kind": "a"}"#, true),
            (r#"{"id": [1, 2]}"#, false),
            (r#"{"kind NOT": ["b", "c"]}"#, true),
            (r#"{"id >": 3}"#, false),
            (r#"{"id >=": 3, "id <": 4}"#, true),
            (r#"{"text LIKE": "world"}"#, true),
            (r#"{"text LIKE": "wor"}"#, false),
            (r#"{"id OR kind": [9, "a"]}"#, true),
            (r#"{"none": 1}"#, false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().holds(&row), holds, "{text}");
        }
        for wrong in ["[]", r#"{"id ~": 1}"#, r#"{"id <": "x"}"#, r#"{"a OR b": [1]}"#] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }
}
