//! What must not be seen in logs, errors and `Debug`.

use serde_json::Value;

/// The text that stands for a secret.
pub const REDACTED: &str = "**REDACTED**";

/// Members of JSON bodies and forms that hold secrets, in lower case.
const SECRET_MEMBERS: &[&str] = &[
    "access_token",
    "assertion",
    "authorization",
    "bytes_value",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "content",
    "external_link",
    "id_token",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "secret_value",
    "session_token",
    "string_value",
    "subject_token",
    "token",
    "token_value",
];

/// Whether a member of this name holds a secret, in any case of letters.
pub fn is_secret_member(name: &str) -> bool {
    SECRET_MEMBERS.iter().any(|member| name.eq_ignore_ascii_case(member))
}

/// Whether a header holds a secret.
pub fn is_secret_header(name: &http::HeaderName) -> bool {
    const NAMES: &[&str] = &[
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-databricks-azure-sp-management-token",
        "x-databricks-gcp-sa-access-token",
    ];
    NAMES.contains(&name.as_str())
}

/// Replaces the secrets in a JSON value, at any depth.
pub fn json(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if is_secret_member(name) && !member.is_null() {
                    *member = Value::from(REDACTED);
                } else {
                    json(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json),
        _ => {}
    }
}
