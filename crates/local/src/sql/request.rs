//! The body of a statement call, checked.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::extract::{Fields, missing};
use crate::reply::ApiError;

/// The longest statement, in bytes.
const STATEMENT_LIMIT: usize = 16 * 1024 * 1024;
/// How long a call waits for the statement if it does not say.
const WAIT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Inline,
    ExternalLinks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    JsonArray,
    Csv,
    ArrowStream,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::JsonArray => "JSON_ARRAY",
            Self::Csv => "CSV",
            Self::ArrowStream => "ARROW_STREAM",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::JsonArray => "application/json",
            Self::Csv => "text/csv",
            Self::ArrowStream => "application/vnd.apache.arrow.stream",
        }
    }
}

/// What happens when the wait ends before the statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnTimeout {
    Continue,
    Cancel,
}

/// A value for a named marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// SQL text of the type.
    pub(crate) kind: String,
    /// `None` is NULL.
    pub(crate) value: Option<String>,
}

impl Parameter {
    /// A string.
    pub(crate) fn string(name: String, value: String) -> Self {
        Self { name, kind: "STRING".to_owned(), value: Some(value) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct StatementRequest {
    pub(crate) warehouse_id: String,
    pub(crate) statement: String,
    pub(crate) catalog: Option<String>,
    pub(crate) schema: Option<String>,
    /// Whether the workspace's own catalogues are meant, which the embedded engine holds, whatever is attached.
    pub(crate) embedded: bool,
    /// Who asks; `None` is the workspace itself.
    pub(crate) user: Option<String>,
    /// The SQL session; `None` is one of its own.
    pub(crate) session: Option<String>,
    /// What the settings of the session start from.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) disposition: Disposition,
    pub(crate) format: Format,
    pub(crate) row_limit: Option<u64>,
    pub(crate) byte_limit: Option<u64>,
    /// Zero: respond at once.
    pub(crate) wait: Duration,
    pub(crate) on_timeout: OnTimeout,
}

impl StatementRequest {
    /// A statement whose rows are kept as JSON, without limits and parameters.
    pub(crate) fn new(warehouse_id: &str, statement: &str) -> Result<Self, ApiError> {
        if statement.is_empty() {
            return Err(missing("statement"));
        }
        if statement.len() > STATEMENT_LIMIT {
            return Err(ApiError::invalid_parameter(format!(
                "statement must not be longer than {STATEMENT_LIMIT} bytes"
            )));
        }
        Ok(Self {
            embedded: false,
            user: None,
            session: None,
            settings: BTreeMap::new(),
            warehouse_id: warehouse_id.to_owned(),
            statement: statement.to_owned(),
            catalog: None,
            schema: None,
            parameters: Vec::new(),
            disposition: Disposition::Inline,
            format: Format::JsonArray,
            row_limit: None,
            byte_limit: None,
            wait: WAIT,
            on_timeout: OnTimeout::Continue,
        })
    }

    pub(crate) fn parse(fields: &Fields) -> Result<Self, ApiError> {
        let statement = Self::new(fields.str("warehouse_id")?, fields.str("statement")?)?;
        let disposition = fields.opt_enum("disposition", &["INLINE", "EXTERNAL_LINKS", "INLINE_OR_EXTERNAL_LINKS"])?;
        let format = match fields.opt_enum("format", &["JSON_ARRAY", "ARROW_STREAM", "CSV"])? {
            Some("ARROW_STREAM") => Format::ArrowStream,
            Some("CSV") => Format::Csv,
            _ => Format::JsonArray,
        };
        let disposition = match disposition {
            Some("EXTERNAL_LINKS") => Disposition::ExternalLinks,
            // Either may be given: rows of JSON fit a response, files do not.
            Some("INLINE_OR_EXTERNAL_LINKS") if format != Format::JsonArray => Disposition::ExternalLinks,
            _ => Disposition::Inline,
        };
        if disposition == Disposition::Inline && format != Format::JsonArray {
            return Err(ApiError::invalid_parameter(format!(
                "Format {} is not supported with disposition INLINE; use EXTERNAL_LINKS",
                format.name()
            )));
        }
        let on_timeout = match fields.opt_enum("on_wait_timeout", &["CONTINUE", "CANCEL"])? {
            Some("CANCEL") => OnTimeout::Cancel,
            _ => OnTimeout::Continue,
        };
        let text = |name| fields.opt_str(name).map(|t| t.filter(|t| !t.is_empty()).map(str::to_owned));
        Ok(Self {
            catalog: text("catalog")?,
            schema: text("schema")?,
            parameters: parameters(fields)?,
            disposition,
            format,
            row_limit: limit(fields, "row_limit")?,
            byte_limit: limit(fields, "byte_limit")?,
            wait: wait(fields.opt_str("wait_timeout")?)?,
            on_timeout,
            ..statement
        })
    }
}

fn limit(fields: &Fields, name: &str) -> Result<Option<u64>, ApiError> {
    match fields.opt_i64(name)? {
        None => Ok(None),
        Some(n) => u64::try_from(n)
            .ok()
            .filter(|n| *n > 0)
            .map(Some)
            .ok_or_else(|| ApiError::invalid_parameter(format!("{name} must be positive, got {n}"))),
    }
}

/// `0s`, or from `5s` to `50s`; `10s` if it is not given.
fn wait(text: Option<&str>) -> Result<Duration, ApiError> {
    let Some(text) = text.filter(|t| !t.is_empty()) else {
        return Ok(WAIT);
    };
    text.strip_suffix('s')
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|seconds| matches!(seconds, 0 | 5..=50))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            ApiError::invalid_parameter(format!("wait_timeout must be 0s or between 5s and 50s, got {text}"))
        })
}

fn parameters(fields: &Fields) -> Result<Vec<Parameter>, ApiError> {
    let mut out: Vec<Parameter> = Vec::new();
    for item in fields.opt_list("parameters")?.unwrap_or_default() {
        let Some(members) = item.as_object() else {
            return Err(ApiError::malformed("parameters must be a list of objects"));
        };
        let members = Fields(members.clone());
        let parameter = Parameter {
            // Without a name it is the value of a question mark, in order.
            name: match members.opt_str("name")?.filter(|n| !n.is_empty()) {
                Some(name) => name.to_owned(),
                None => (out.len() + 1).to_string(),
            },
            kind: members.opt_str("type")?.filter(|t| !t.is_empty()).unwrap_or("STRING").to_owned(),
            value: members.opt_str("value")?.map(str::to_owned),
        };
        if out.iter().any(|p| p.name == parameter.name) {
            return Err(ApiError::invalid_parameter(format!("Parameter '{}' is given twice", parameter.name)));
        }
        out.push(parameter);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &str) -> Result<StatementRequest, ApiError> {
        let body = format!(r#"{{"warehouse_id": "w", "statement": "s" {extra}}}"#);
        StatementRequest::parse(&Fields::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn waits_are_zero_or_in_bounds() {
        for (text, seconds) in [
            ("0s", Some(0)),
            ("5s", Some(5)),
            ("50s", Some(50)),
            ("4s", None),
            ("51s", None),
            ("10", None),
            ("+7s", None),
        ] {
            let got = parse(&format!(r#", "wait_timeout": "{text}""#)).ok().map(|r| r.wait.as_secs());
            assert_eq!(got, seconds, "{text}");
        }
        assert_eq!(parse("").unwrap().wait, Duration::from_secs(10));
    }

    #[test]
    fn absent_and_empty_values_differ() {
        let r = parse(r#", "parameters": [{"name": "a"}, {"name": "b", "value": "", "type": "INT"}]"#).unwrap();
        assert_eq!(r.parameters[0].value, None);
        assert_eq!(r.parameters[0].kind, "STRING");
        assert_eq!(r.parameters[1].value.as_deref(), Some(""));
        assert!(parse(r#", "parameters": [{"name": "a"}, {"name": "a"}]"#).is_err());
    }

    #[test]
    fn inline_is_json_only() {
        assert!(parse(r#", "format": "CSV""#).unwrap_err().message().contains("EXTERNAL_LINKS"));
        assert!(parse(r#", "format": "CSV", "disposition": "EXTERNAL_LINKS""#).is_ok());
        assert!(parse(r#", "row_limit": 0"#).is_err());
    }
}
