//! The filters of MLflow.

use serde_json::{Value, json};

use crate::records::like;
use crate::reply::ApiError;

pub(super) fn compare_values(a: Option<&Value>, b: Option<&Value>) -> std::cmp::Ordering {
    let number = |v: Option<&Value>| v.and_then(Value::as_f64);
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => {
            let text = |v: Option<&Value>| v.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            text(a).cmp(&text(b))
        }
    }
}

pub(super) fn unquoted(key: &str) -> String {
    key.replace(['`', '"'], "")
}

/// The filters of MLflow: comparisons that are joined by `and`.
pub(in crate::records::special) struct Conditions(Vec<(String, String, String)>);

impl Conditions {
    pub(in crate::records::special) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut out = Vec::new();
        for part in split_and(text) {
            let bad = || ApiError::invalid_parameter(format!("The filter condition '{part}' is not understood"));
            let upper = part.to_ascii_uppercase();
            let operators = [" NOT LIKE ", " ILIKE ", " LIKE ", "!=", ">=", "<=", "=", ">", "<"];
            let found = operators.iter().find_map(|op| {
                let at = upper.find(op)?;
                Some((part.get(..at)?, op.trim(), part.get(at + op.len()..)?))
            });
            let (key, operator, value) = found.ok_or_else(bad)?;
            let value = value.trim().trim_matches(['\'', '"']);
            out.push((unquoted(key.trim()), operator.to_owned(), value.to_owned()));
        }
        Ok(Self(out))
    }

    pub(in crate::records::special) fn fits(&self, value: impl Fn(&str) -> Option<Value>) -> bool {
        self.0.iter().all(|(key, operator, wanted)| {
            let found = value(key);
            let text = found.as_ref().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            let order = || {
                let number = wanted.parse::<f64>().ok().map(Value::from);
                let wanted = number.unwrap_or_else(|| json!(wanted));
                compare_values(found.as_ref(), Some(&wanted))
            };
            match operator.as_str() {
                _ if text.is_none() => false,
                "LIKE" => like(text.as_deref().unwrap_or_default(), wanted),
                "ILIKE" => like(&text.unwrap_or_default().to_lowercase(), &wanted.to_lowercase()),
                "NOT LIKE" => !like(text.as_deref().unwrap_or_default(), wanted),
                "=" => order().is_eq() || text.as_deref() == Some(wanted),
                "!=" => !order().is_eq(),
                ">" => order().is_gt(),
                ">=" => order().is_ge(),
                "<" => order().is_lt(),
                _ => order().is_le(),
            }
        })
    }
}

/// Splits at `and` outside of quotes.
fn split_and(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quote, mut start) = (None, 0);
    for (at, c) in text.char_indices() {
        match quote {
            Some(q) if q == c => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None => {
                if at >= start && text.get(at..at + 5).is_some_and(|word| word.eq_ignore_ascii_case(" and ")) {
                    parts.push(text[start..at].trim());
                    start = at + 5;
                }
            }
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts.retain(|p| !p.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_numbers_and_strings() {
        let value = |key: &str| match key {
            "metrics.acc" => Some(json!(0.9)),
            "params.k" => Some(json!("5 and more")),
            "name" => Some(json!("Model A")),
            _ => None,
        };
        for yes in [
            "",
            "metrics.acc > 0.5",
            "metrics.`acc` >= 0.9 and name LIKE 'Model%'",
            "params.k = '5 and more' AND name ILIKE '%a'",
            "name != 'x'",
        ] {
            assert!(Conditions::parse(yes).unwrap().fits(value), "{yes}");
        }
        for no in ["metrics.acc < 0.5", "name LIKE 'x%'", "tags.none = 'x'", "params.k = '5'"] {
            assert!(!Conditions::parse(no).unwrap().fits(value), "{no}");
        }
        assert!(Conditions::parse("what").is_err());
    }
}
