//! What must not be seen in logs, errors and `Debug`.
//!
//! Two rules work together. By name: members of JSON, form fields, query parameters and headers that are known to hold secrets lose their
//! value. By look: texts that look like a Databricks token, a JSON Web Token or a signed URL lose that part, wherever they stand.

mod look;

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

/// The text that stands for a secret.
pub const REDACTED: &str = "**REDACTED**";

/// Members of JSON bodies and forms that hold secrets, in lower case.
const SECRET_MEMBERS: &[&str] = &[
    "access_token",
    "actor_token",
    "api_key",
    "apikey",
    "assertion",
    "authorization",
    "bytes_value",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "content",
    "credential",
    "external_link",
    "id_token",
    "oauth_token",
    "password",
    "private_key",
    "refresh_token",
    "sas_token",
    "secret",
    "secret_access_key",
    "secret_value",
    "session_token",
    "string_value",
    "subject_token",
    "token",
    "token_value",
];

/// Endings of names that hold secrets, beside the names above: `aws_secret_access_key`, `bind_password`, `azure_client_secret` and so on.
const SECRET_ENDINGS: &[&str] =
    &["_secret", "_password", "_passphrase", "_private_key", "_access_key", "_api_key", "_sas_token", "_session_token"];

/// Query parameters that sign a URL, in lower case.
const SECRET_PARAMETERS: &[&str] = &["sig", "signature", "code", "state", "code_challenge", "key", "awsaccesskeyid", "googleaccessid"];

/// Whether a member of this name holds a secret, in any case of letters.
pub fn is_secret_member(name: &str) -> bool {
    let ends = |ending: &&str| {
        name.len() > ending.len()
            && name.is_char_boundary(name.len() - ending.len())
            && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
    };
    SECRET_MEMBERS.iter().any(|member| name.eq_ignore_ascii_case(member)) || SECRET_ENDINGS.iter().any(ends)
}

/// Whether a query parameter of this name holds a secret, in any case of letters.
pub fn is_secret_parameter(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_member(&lower) || SECRET_PARAMETERS.contains(&lower.as_str()) || lower.starts_with("x-amz-") || lower.starts_with("x-goog-")
}

/// Whether a header holds a secret.
pub fn is_secret_header(name: &HeaderName) -> bool {
    const NAMES: &[&str] = &[
        "authorization",
        "cookie",
        "metadata-flavor-token",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-databricks-azure-sp-management-token",
        "x-databricks-gcp-sa-access-token",
        "x-identity-header",
        "x-ms-copy-source",
    ];
    let name = name.as_str();
    NAMES.contains(&name)
        || ["token", "secret", "password", "authorization"].iter().any(|part| name.contains(part))
        || name.contains("encryption-customer-key")
        || name.contains("encryption-key")
}

/// The value of a header as it may be shown: hidden if the header is secret or marked sensitive, else without control characters and
/// with what looks like a secret taken out.
pub fn header(name: &HeaderName, value: &HeaderValue) -> String {
    if is_secret_header(name) || value.is_sensitive() {
        return REDACTED.to_owned();
    }
    let shown: String = String::from_utf8_lossy(value.as_bytes()).chars().filter(|c| !c.is_control()).collect();
    text(&shown).into_owned()
}

/// Replaces the secrets in a JSON value, at any depth.
pub fn json(value: &mut Value) {
    json_of("", value);
}

/// As [`json`], for a body that goes to or comes from this path: some members hold secrets in some calls only, such as `value` in those of
/// secret scopes and links in those of SQL results.
pub fn json_of(path: &str, value: &mut Value) {
    let more: &[&str] = if path.contains("/secrets/") || path.contains("/secret") {
        &["value"]
    } else if path.contains("/statements") || path.contains("/fs/") || path.contains("/files") {
        &["url", "upload_url", "abort_url"]
    } else if path.contains("credentials") || path.contains("/token") || path.contains("/oidc/") {
        &["url", "value", "credentials_value"]
    } else {
        &[]
    };
    walk(value, more);
}

fn walk(value: &mut Value, more: &[&str]) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let secret = is_secret_member(name) || more.iter().any(|other| name.eq_ignore_ascii_case(other));
                match member {
                    Value::Null => {}
                    // A flag says nothing, and a nested message called `token` may be worth reading.
                    Value::Bool(_) => {}
                    Value::Object(_) if secret && holds_members(member) => walk_all(member),
                    _ if secret => *member = Value::from(REDACTED),
                    _ => walk(member, more),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, more)),
        Value::String(s) => {
            if let Cow::Owned(clean) = text(s) {
                *s = clean;
            }
        }
        _ => {}
    }
}

fn holds_members(value: &Value) -> bool {
    value.as_object().is_some_and(|members| !members.is_empty())
}

/// Hides every text and number below a member that holds a secret.
fn walk_all(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(walk_all),
        Value::Array(items) => items.iter_mut().for_each(walk_all),
        Value::String(_) | Value::Number(_) => *value = Value::from(REDACTED),
        _ => {}
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`) or a query, with the values of secret ones replaced.
///
/// The rest stays as it is, percent signs included, but for what looks like a secret.
pub fn query(fields: &str) -> String {
    let field = |field: &str| match field.split_once('=') {
        Some((name, value)) => {
            let plain = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            if !value.is_empty() && is_secret_parameter(&plain) {
                return format!("{name}={REDACTED}");
            }
            // What is escaped may look harmless: a signed URL as the value of a parameter.
            let plain = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            match text(&plain) {
                Cow::Owned(_) => format!("{name}={REDACTED}"),
                Cow::Borrowed(_) => field.to_owned(),
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

/// A text with everything that looks like a secret replaced: Databricks tokens (`dapi…`, `dose…`, `dkea…`, `dsapi…`), JSON Web Tokens,
/// what follows `Bearer` and `Basic`, queries of signed URLs, `password=…` and the like, JSON members of secret names, private keys.
///
/// ```
/// use databricks_core::redact::text;
///
/// assert_eq!(text("token dapi0123456789abcdef was refused"), "token **REDACTED** was refused");
/// assert_eq!(text("GET https://s3/x?X-Amz-Signature=abc&partNumber=1"), "GET https://s3/x?X-Amz-Signature=**REDACTED**&partNumber=1");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    look::redact(text)
}

#[cfg(test)]
mod tests;
