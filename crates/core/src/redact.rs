//! What must not be seen in logs, errors and `Debug`.
//!
//! Two rules work together. By name: members of JSON, form fields, query parameters and headers that are known to hold
//! secrets, or whose name states so, lose their value. By pattern: strings that look like a token of Databricks, of a
//! cloud or of GitHub, a JSON Web Token or a signed URL lose that part, wherever they stand.
//!
//! Text from outside may also drive a terminal; [`printable`] takes that out, and [`message`] does both.

mod calls;
#[rustfmt::skip] // Generated.
mod members;
mod names;
mod patterns;
mod printable;

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use calls::{Mark, Marks};
pub use names::{is_secret_header, is_secret_member, is_secret_parameter};
pub use printable::printable;
pub(crate) use printable::printable_lines;

/// The string that stands for a secret.
pub const REDACTED: &str = "**REDACTED**";

/// The value of a header as it may be shown: hidden if the header is secret or marked sensitive, else without control
/// characters and with what looks like a secret taken out.
pub fn header(name: &HeaderName, value: &HeaderValue) -> String {
    if is_secret_header(name) || value.is_sensitive() {
        return REDACTED.to_owned();
    }
    message(&String::from_utf8_lossy(value.as_bytes()))
}

/// Replaces the secrets in a JSON value, at any depth.
pub fn json(value: &mut Value) {
    json_of("", value);
}

/// As [`json`], for a body of a request to this path or of its response: some names are those of secrets in some calls
/// only, such as `value` in those of secret scopes and `url` in those that hand out signed URLs.
pub fn json_of(path: &str, value: &mut Value) {
    walk(value, &Marks::of(path));
}

fn walk(value: &mut Value, marks: &Marks) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match marks.mark(name) {
                    Mark::Secret => hide(member),
                    Mark::Map => settings(member),
                    Mark::Plain => walk(member, marks),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, marks)),
        Value::String(s) => {
            if let Cow::Owned(clean) = text(s) {
                *s = clean;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Hides what may be a secret in settings of free form; the names stay.
pub(crate) fn settings(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                if !is_harmless_entry(key, entry) {
                    hide(entry);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settings),
        other => hide(other),
    }
}

/// Whether an entry of a map whose values may be secrets can be shown: its key is not that of a secret, and its value
/// is a flag or a small number.
pub(crate) fn is_harmless_entry(key: &str, entry: &Value) -> bool {
    let plain = match entry {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.to_string().len() <= 4,
        Value::String(s) => is_harmless_setting(s),
        _ => false,
    };
    plain && !is_secret_member(key)
}

/// Whether a setting is a flag or a small number, which no secret is.
pub(crate) fn is_harmless_setting(value: &str) -> bool {
    matches!(value, "" | "true" | "false") || value.len() <= 4 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hides every string and number in a member that holds a secret; a nested message keeps the names of its members.
fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(_) | Value::Number(_) => *value = Value::from(REDACTED),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`) or a query, with the values of secret ones replaced.
///
/// The rest stays as it is, percent signs included, but for what looks like a secret.
pub fn query(fields: &str) -> String {
    let field = |field: &str| match field.split_once('=') {
        Some((name, value)) => {
            let plain = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            let secret = !value.is_empty() && is_secret_parameter(&plain);
            let name = text(name);
            if secret {
                return format!("{name}={REDACTED}");
            }
            // What is escaped may look harmless: a signed URL as the value of a parameter.
            let plain = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            match text(&plain) {
                Cow::Owned(_) => format!("{name}={REDACTED}"),
                Cow::Borrowed(_) => format!("{name}={value}"),
            }
        }
        None => text(field).into_owned(),
    };
    fields.split('&').map(field).collect::<Vec<_>>().join("&")
}

/// A URL with the secret parts of its query, and user and password, replaced.
pub fn url(url: &str) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let (place, fields) = rest.split_once('?').map_or((rest, None), |(place, fields)| (place, Some(fields)));
    let place = match place.split_once("://") {
        Some((scheme, rest)) => {
            // What is taken for a URL may be a text with one.
            let scheme = text(scheme);
            let end = rest.find('/').unwrap_or(rest.len());
            match rest[..end].rfind('@') {
                Some(at) => format!("{scheme}://{REDACTED}@{}", text(&rest[at + 1..])),
                None => format!("{scheme}://{}", text(rest)),
            }
        }
        None => text(place).into_owned(),
    };
    let fields = fields.map(|fields| format!("?{}", query(fields))).unwrap_or_default();
    let fragment = fragment.map(|fragment| format!("#{}", query(fragment))).unwrap_or_default();
    format!("{place}{fields}{fragment}")
}

/// A string with everything that looks like a secret replaced.
///
/// Found are tokens of Databricks (`dapi…`, `dose…`, `dkea…`, `dsapi…` and the like), keys of AWS, Google, GitHub and
/// others with a known prefix, client secrets of Azure, JSON Web Tokens, what follows `Bearer` and `Basic`, users and
/// passwords in URLs, queries of signed URLs, `password=…` and the like, JSON members of secret names, private keys.
/// The time it takes grows with the length of the string alone.
///
/// ```
/// use databricks_core::redact::text;
///
/// assert_eq!(text("token dapi0123456789abcdef was refused"), "token **REDACTED** was refused");
/// assert_eq!(text("GET https://s3/x?X-Amz-Signature=abc&partNumber=1"), "GET https://s3/x?X-Amz-Signature=**REDACTED**&partNumber=1");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    patterns::redact(text)
}

/// A string from outside as it may stand in an error or a log: on one line, without control characters ([`printable`])
/// and secrets ([`text()`]).
///
/// ```
/// use databricks_core::redact::message;
///
/// assert_eq!(message("refused\r\n\u{1b}[2Jdapi0123456789abcdef"), "refused [2J**REDACTED**");
/// ```
pub fn message(text: &str) -> String {
    let clean = self::text(text);
    match printable(&clean) {
        // A secret may have been hidden by the very characters that are gone now.
        Cow::Owned(line) => self::text(&line).into_owned(),
        Cow::Borrowed(line) => line.to_owned(),
    }
}

/// As [`message`], with the line ends kept: for reports, whose lists have an item a line.
///
/// ```
/// use databricks_core::redact::report;
///
/// assert_eq!(report("refused:\n  pat: \u{1b}dapi0123456789abcdef"), "refused:\n  pat: **REDACTED**");
/// ```
pub fn report(text: &str) -> String {
    let clean = self::text(text);
    match printable_lines(&clean) {
        Cow::Owned(lines) => self::text(&lines).into_owned(),
        Cow::Borrowed(lines) => lines.to_owned(),
    }
}

#[cfg(test)]
mod tests;
