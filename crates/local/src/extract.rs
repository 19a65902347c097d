//! What handlers read from a request: members of a JSON body and of a query, with errors that name the member.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde_json::{Map, Value};

use crate::operations;
use crate::reply::ApiError;

/// The largest body that is taken: a statement may have 16 MiB, and its JSON form more.
pub(crate) const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// The members of a JSON body. No body at all is an empty object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    /// Parses `body`, which has to be one JSON object.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(other) => Err(ApiError::malformed(format!(
                "Could not parse request object: expected a JSON object, got {}",
                kind(&other)
            ))),
            Err(e) => Err(ApiError::malformed(format!(
                "Invalid JSON given in the body of the request - failed to parse given JSON: {e}"
            ))),
        }
    }

    fn present(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    /// String that may be absent.
    pub(crate) fn opt_str(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::String(s)) => Ok(Some(s)),
            Some(other) => Err(wrong_type(name, "a string", other)),
        }
    }

    /// String that has to be there and not be empty.
    pub(crate) fn str(&self, name: &str) -> Result<&str, ApiError> {
        match self.opt_str(name)? {
            Some(s) if !s.is_empty() => Ok(s),
            _ => Err(missing(name)),
        }
    }

    /// An integer that may be absent; digits in a string count, as the platform takes them.
    pub(crate) fn opt_i64(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(v @ Value::Number(n)) => n.as_i64().map(Some).ok_or_else(|| wrong_type(name, "an integer", v)),
            Some(v @ Value::String(s)) => s.parse().map(Some).map_err(|_| wrong_type(name, "an integer", v)),
            Some(other) => Err(wrong_type(name, "an integer", other)),
        }
    }

    /// A boolean that may be absent.
    pub(crate) fn opt_bool(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(other) => Err(wrong_type(name, "a boolean", other)),
        }
    }

    /// A list that may be absent.
    pub(crate) fn opt_list(&self, name: &str) -> Result<Option<&[Value]>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(wrong_type(name, "a list", other)),
        }
    }

    /// A list of strings that may be absent.
    pub(crate) fn opt_strings(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(list) = self.opt_list(name)? else {
            return Ok(None);
        };
        list.iter()
            .map(|v| match v {
                Value::String(s) => Ok(s.clone()),
                other => Err(wrong_type(name, "a list of strings", other)),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An object that may be absent.
    pub(crate) fn opt_object(&self, name: &str) -> Result<Option<Fields>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields(map.clone()))),
            Some(other) => Err(wrong_type(name, "an object", other)),
        }
    }

    /// One of the strings in `allowed`, if present.
    pub(crate) fn opt_enum(&self, name: &str, allowed: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(given) = self.opt_str(name)? else {
            return Ok(None);
        };
        one_of(name, given, allowed).map(Some)
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(req: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = req.into_parts();
        let body = axum::body::to_bytes(body, BODY_LIMIT)
            .await
            .map_err(|e| ApiError::malformed(format!("The request body could not be read: {e}")))?;
        let mut fields = Self::parse(&body)?;
        // What is older than version 2.0 states errors in a form of its own.
        if !parts.uri.path().starts_with("/api/1.2/")
            && let Some(found) = operations::find(&parts.method, parts.uri.path())
        {
            operations::check(&found.operations, &found.parameters, &mut fields.0)?;
        }
        Ok(fields)
    }
}

/// The pairs of a query, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Every name and value.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of `name`; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|v| !v.is_empty())
    }

    /// Every value of `name`.
    pub(crate) fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A value that has to be there.
    pub(crate) fn str(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn opt_i64(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name)
            .map(|v| {
                v.parse()
                    .map_err(|_| ApiError::invalid_parameter(format!("Query parameter '{name}' must be an integer")))
            })
            .transpose()
    }

    pub(crate) fn opt_bool(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            // Python writes `True`.
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::invalid_parameter(format!("Query parameter '{name}' must be true or false"))),
        }
    }

    /// Every value of `name`, each of which has to be in `allowed`.
    pub(crate) fn enums(&self, name: &str, allowed: &[&'static str]) -> Result<Vec<&'static str>, ApiError> {
        self.all(name).map(|v| one_of(name, v, allowed)).collect()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The refusal for a required member that is absent.
pub(crate) fn missing(name: &str) -> ApiError {
    ApiError::invalid_parameter(format!("Missing required field: {name}"))
}

pub(crate) fn one_of(name: &str, given: &str, allowed: &[&'static str]) -> Result<&'static str, ApiError> {
    allowed.iter().find(|a| **a == given).copied().ok_or_else(|| {
        ApiError::invalid_parameter(format!(
            "'{given}' is not a valid value of '{name}'; expected one of {}",
            allowed.join(", ")
        ))
    })
}

pub(crate) fn wrong_type(name: &str, wanted: &str, got: &Value) -> ApiError {
    ApiError::malformed(format!("Could not parse request object: field '{name}' must be {wanted}, got {}", kind(got)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_member_and_what_it_should_be() {
        let f = Fields::parse(br#"{"n": "x", "s": 1, "l": [1], "e": "B"}"#).unwrap();
        assert!(f.opt_i64("n").unwrap_err().message().contains("'n' must be an integer"));
        assert!(f.str("s").unwrap_err().message().contains("'s' must be a string"));
        assert!(f.opt_strings("l").unwrap_err().message().contains("list of strings"));
        assert!(f.opt_enum("e", &["A"]).unwrap_err().message().contains("one of A"));
        assert!(f.str("gone").unwrap_err().message().contains("Missing required field: gone"));
    }

    #[test]
    fn integers_arrive_as_numbers_or_digits() {
        let f = Fields::parse(br#"{"a": 5, "b": "6", "c": null}"#).unwrap();
        assert_eq!(f.opt_i64("a").unwrap(), Some(5));
        assert_eq!(f.opt_i64("b").unwrap(), Some(6));
        assert_eq!(f.opt_i64("c").unwrap(), None);
    }

    #[test]
    fn bodies_that_are_no_object_are_refused() {
        assert!(Fields::parse(b"").unwrap().0.is_empty());
        assert!(Fields::parse(b"[1]").unwrap_err().message().contains("a list"));
        assert!(Fields::parse(b"{").unwrap_err().message().contains("Invalid JSON"));
    }

    #[test]
    fn queries_repeat_keys() {
        let q = Query::parse("filter_by.cluster_states=RUNNING&filter_by.cluster_states=PENDING&x=");
        assert_eq!(q.enums("filter_by.cluster_states", &["PENDING", "RUNNING"]).unwrap(), ["RUNNING", "PENDING"]);
        assert_eq!(q.get("x"), None);
    }
}
