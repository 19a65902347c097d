//! The structured details of an error, after `google.rpc`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

/// What the service states beyond code and message. Of several details of a type the last one counts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// Why, in a form for programs.
    pub error_info: Option<ErrorInfo>,
    /// Which request this was.
    pub request_info: Option<RequestInfo>,
    /// When to try again.
    pub retry_info: Option<RetryInfo>,
    /// For the service's developers.
    pub debug_info: Option<DebugInfo>,
    /// Which quotas are used up.
    pub quota_failure: Option<Vec<QuotaViolation>>,
    /// What should have been the case.
    pub precondition_failure: Option<Vec<PreconditionViolation>>,
    /// Which fields of the request are wrong.
    pub bad_request: Option<Vec<FieldViolation>>,
    /// Which resource this is about.
    pub resource_info: Option<ResourceInfo>,
    /// Where to read more.
    pub help: Option<Vec<HelpLink>>,
    /// Details of other types, and malformed ones, as they came.
    pub unknown: Vec<Value>,
}

macro_rules! detail {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: String,)*
        }

        impl $name {
            fn read(members: &Map<String, Value>) -> Option<Self> {
                Some(Self { $($field: text(members, detail!(@wire $field))?,)* })
            }
        }
    )*};
    (@wire kind) => { "type" };
    (@wire $field:ident) => { stringify!($field) };
}

detail! {
    /// Which request failed.
    RequestInfo {
        /// The service's id of the request.
        request_id,
        /// What the service needs to find it.
        serving_data,
    }
    /// A quota that is used up.
    QuotaViolation {
        /// Whose quota.
        subject,
        /// How it was exceeded.
        description,
    }
    /// Something that should have been the case.
    PreconditionViolation {
        /// Its type.
        kind,
        /// What it is about.
        subject,
        /// How it failed.
        description,
    }
    /// A wrong field of the request.
    FieldViolation {
        /// Its path in the request.
        field,
        /// What is wrong.
        description,
    }
    /// The resource in question.
    ResourceInfo {
        /// Its type.
        resource_type,
        /// Its name.
        resource_name,
        /// Its owner.
        owner,
        /// What is wrong with it.
        description,
    }
    /// A page to read.
    HelpLink {
        /// What it offers.
        description,
        /// Where it is.
        url,
    }
}

/// Why, in a form for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The reason, unique within the domain.
    pub reason: String,
    /// Who defines the reason.
    pub domain: String,
    /// More about it.
    pub metadata: BTreeMap<String, String>,
}

/// When to try again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryInfo {
    /// How long to wait at least.
    pub retry_delay: Duration,
}

/// For the service's developers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DebugInfo {
    /// Where it happened.
    pub stack_entries: Vec<String>,
    /// What happened.
    pub detail: String,
}

impl ErrorDetails {
    /// Reads the member `details` of an error; anything but a list gives no details.
    pub(super) fn read(details: &Value) -> Self {
        let mut found = Self::default();
        for detail in details.as_array().into_iter().flatten() {
            if found.take(detail).is_none() {
                found.unknown.push(detail.clone());
            }
        }
        found
    }

    /// Takes a detail of a known type; `None` for others and malformed ones.
    fn take(&mut self, detail: &Value) -> Option<()> {
        let members = detail.as_object()?;
        let kind = members.get("@type")?.as_str()?;
        let (_, kind) = kind.rsplit_once("google.rpc.")?;
        match kind {
            "ErrorInfo" => self.error_info = Some(error_info(members)?),
            "RequestInfo" => self.request_info = Some(RequestInfo::read(members)?),
            "RetryInfo" => {
                self.retry_info = Some(RetryInfo { retry_delay: seconds(members.get("retry_delay")?.as_str()?)? });
            }
            "DebugInfo" => {
                let entries = list(members, "stack_entries")?
                    .iter()
                    .map(|entry| entry.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?;
                self.debug_info = Some(DebugInfo { stack_entries: entries, detail: text(members, "detail")? });
            }
            "QuotaFailure" => self.quota_failure = Some(items(members, "violations", QuotaViolation::read)?),
            "PreconditionFailure" => {
                self.precondition_failure = Some(items(members, "violations", PreconditionViolation::read)?);
            }
            "BadRequest" => self.bad_request = Some(items(members, "field_violations", FieldViolation::read)?),
            "ResourceInfo" => self.resource_info = Some(ResourceInfo::read(members)?),
            "Help" => self.help = Some(items(members, "links", HelpLink::read)?),
            _ => return None,
        }
        Some(())
    }
}

fn error_info(members: &Map<String, Value>) -> Option<ErrorInfo> {
    let metadata = match members.get("metadata") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(pairs)) => {
            pairs.iter().map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect::<Option<_>>()?
        }
        Some(_) => return None,
    };
    Some(ErrorInfo { reason: text(members, "reason")?, domain: text(members, "domain")?, metadata })
}

/// A string, empty if it is missing; `None` if it is something else.
fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    match members.get(name) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => None,
    }
}

/// A list, empty if it is missing; `None` if it is something else.
fn list<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a [Value]> {
    match members.get(name) {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Array(items)) => Some(items),
        Some(_) => None,
    }
}

fn items<T>(members: &Map<String, Value>, name: &str, read: fn(&Map<String, Value>) -> Option<T>) -> Option<Vec<T>> {
    list(members, name)?.iter().map(|item| read(item.as_object()?)).collect()
}

/// `42.000000001s` (proto3's JSON form of a duration); negative ones count as malformed.
fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    Some(Duration::new(whole.parse().ok()?, format!("{fraction:0<9}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, mut detail: Value) -> Value {
        detail["@type"] = json!(format!("type.googleapis.com/google.rpc.{kind}"));
        detail
    }

    #[test]
    fn every_type_is_read_and_the_last_wins() {
        let details = ErrorDetails::read(&json!([
            of("ErrorInfo", json!({"reason": "r", "domain": "d", "metadata": {"k": "v"}})),
            of("RequestInfo", json!({"request_id": "one"})),
            of("RequestInfo", json!({"request_id": "two", "serving_data": "2"})),
            of("RetryInfo", json!({"retry_delay": "42.000000001s"})),
            of("PreconditionFailure", json!({"violations": [{"type": "t", "subject": "s"}]})),
            of("Help", json!({"links": [{"url": "u"}]})),
        ]));
        assert_eq!(details.error_info.unwrap().metadata["k"], "v");
        assert_eq!(details.request_info.unwrap().request_id, "two");
        assert_eq!(details.retry_info.unwrap().retry_delay, Duration::new(42, 1));
        assert_eq!(details.precondition_failure.unwrap()[0].kind, "t");
        assert_eq!(details.help.unwrap()[0].url, "u");
        assert!(details.unknown.is_empty());
    }

    #[test]
    fn what_is_strange_is_kept_raw() {
        let strange = json!(["text", 1, {"x": 1}, of("Other", json!({})), of("RetryInfo", json!({"retry_delay": "soon"})), of("ErrorInfo", json!({"reason": 5}))]);
        let details = ErrorDetails::read(&strange);
        assert_eq!(Value::from(details.unknown.clone()), strange);
        assert_eq!(ErrorDetails { unknown: Vec::new(), ..details }, ErrorDetails::default());
        assert_eq!(ErrorDetails::read(&Value::Null), ErrorDetails::default());
    }
}
