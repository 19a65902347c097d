//! Errors in the words of the cases.

use databricks_core::{Error, ErrorKind};

/// The kind of an error: that of configuration and authentication, or what a refused call of the API amounts to.
pub(crate) fn kind(error: &Error) -> &'static str {
    if let Some(kind) = databricks_auth::error_kind(error) {
        return kind.as_str();
    }
    match error.kind() {
        ErrorKind::Redirect => "untrusted_endpoint",
        _ if error.is_unauthenticated() || error.is_permission_denied() => "auth_failed",
        _ => "another error",
    }
}

/// Everything an error shows in any way.
pub(crate) fn shown(error: &Error) -> String {
    format!("{}\n{error:?}", error.report())
}
