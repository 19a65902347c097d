//! One rule of a policy.

use serde_json::Value;

use crate::reply::ApiError;

#[derive(Debug)]
enum Limit {
    Fixed(Value),
    Forbidden,
    Allowlist(Vec<Value>),
    Blocklist(Vec<Value>),
    Regex(String),
    Range { min: Option<f64>, max: Option<f64> },
    Unlimited,
}

/// What an attribute may be.
#[derive(Debug)]
pub(super) struct Rule {
    limit: Limit,
    is_optional: bool,
    default: Option<Value>,
}

impl Rule {
    /// # Errors
    ///
    /// Says what is wrong, to follow on the path of the attribute.
    pub(super) fn parse(stated: &Value) -> Result<Self, String> {
        let list = |name: &str| stated[name].as_array().cloned().ok_or_else(|| format!("has no list '{name}'"));
        let limit = match stated["type"].as_str() {
            Some("fixed") => Limit::Fixed(stated.get("value").cloned().ok_or("has no 'value'")?),
            Some("forbidden") => Limit::Forbidden,
            Some("allowlist" | "whitelist") => Limit::Allowlist(list("values")?),
            Some("blocklist" | "blacklist") => Limit::Blocklist(list("values")?),
            Some("regex") => Limit::Regex(stated["pattern"].as_str().ok_or("has no 'pattern'")?.to_owned()),
            Some("range") => Limit::Range { min: number(&stated["minValue"]), max: number(&stated["maxValue"]) },
            Some("unlimited") => Limit::Unlimited,
            Some(other) => return Err(format!("has the unknown type '{other}'")),
            None => return Err("has no type".to_owned()),
        };
        let is_optional = stated["isOptional"].as_bool().unwrap_or(false);
        Ok(Self { limit, is_optional, default: stated.get("defaultValue").cloned() })
    }

    pub(super) fn fixed(&self) -> Option<&Value> {
        match &self.limit {
            Limit::Fixed(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self.limit, Limit::Forbidden)
    }

    /// Why a value is not allowed, to follow on the path of the attribute; `None` is an attribute that is absent.
    pub(super) fn violation(&self, value: Option<&Value>) -> Result<Option<String>, ApiError> {
        let Some(value) = value else {
            return Ok(match &self.limit {
                Limit::Forbidden => None,
                Limit::Fixed(wanted) => Some(format!("the value must be {} (is not set)", text(wanted))),
                _ if self.is_optional => None,
                _ => Some("the value must be present".to_owned()),
            });
        };
        let is = format!("(is \"{}\")", text(value));
        let listed = |values: &[Value]| values.iter().map(text).collect::<Vec<_>>().join(", ");
        let has = |values: &[Value]| values.iter().any(|one| same(one, value));
        Ok(match &self.limit {
            Limit::Fixed(wanted) if same(wanted, value) => None,
            Limit::Fixed(wanted) => Some(format!("the value must be {} {is}", text(wanted))),
            Limit::Forbidden => Some("the value must not be present".to_owned()),
            Limit::Allowlist(values) if has(values) => None,
            Limit::Allowlist(values) => Some(format!("the value must be one of {} {is}", listed(values))),
            Limit::Blocklist(values) if has(values) => {
                Some(format!("the value must not be one of {} {is}", listed(values)))
            }
            Limit::Blocklist(_) | Limit::Unlimited => None,
            Limit::Regex(pattern) if matches(pattern, &text(value))? => None,
            Limit::Regex(pattern) => Some(format!("the value must match {pattern} {is}")),
            Limit::Range { min, max } => match number(value) {
                None => Some(format!("the value must be a number {is}")),
                Some(n) if min.is_some_and(|min| n < min) => {
                    Some(format!("the value must be at least {} {is}", min.unwrap_or_default()))
                }
                Some(n) if max.is_some_and(|max| n > max) => {
                    Some(format!("the value must be at most {} {is}", max.unwrap_or_default()))
                }
                Some(_) => None,
            },
        })
    }
}

/// A number, also as digits in a string.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A value as it is compared: clients and policies state numbers and booleans as strings, too.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn same(a: &Value, b: &Value) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => text(a) == text(b),
    }
}

/// Whether an expression matches the whole of a text.
#[cfg(feature = "engine")]
fn matches(pattern: &str, text: &str) -> Result<bool, ApiError> {
    let wrong = |e: fancy_regex::Error| {
        ApiError::invalid_parameter(format!("The policy's pattern {pattern} is no regular expression: {e}"))
    };
    let expression = fancy_regex::Regex::new(&format!("^(?:{pattern})$")).map_err(wrong)?;
    expression.is_match(text).map_err(wrong)
}

#[cfg(not(feature = "engine"))]
fn matches(pattern: &str, _: &str) -> Result<bool, ApiError> {
    Err(ApiError::not_implemented(format!("the pattern {pattern} of a policy, without the feature `engine`")))
}
