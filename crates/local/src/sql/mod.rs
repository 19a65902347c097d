//! SQL statements: what is asked, how it runs, and where its result is kept.

pub(crate) mod column;
pub(crate) mod conf;
#[cfg(feature = "engine")]
pub(crate) mod engine;
pub(crate) mod links;
mod listing;
pub(crate) mod notebook;
pub(crate) mod request;
mod row_text;
pub(crate) mod run;
pub(crate) mod script;
#[cfg(feature = "engine")]
mod secrets;
#[cfg(feature = "engine")]
pub(crate) mod securables;
pub(crate) mod spill;
mod split;
mod stack;
pub(crate) mod store;

use serde_json::{Value, json};

pub(crate) use split::statements;

/// The property by which SQL shows where an external table would be; REST shows it as `storage_location`.
pub(crate) const LOCATION: &str = "local.storage_location";

/// Why a statement failed; the call that asked for it still succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One of the platform's codes, mostly `BAD_REQUEST`.
    pub(crate) code: String,
    /// With the error class in brackets in front, and SQLSTATE behind, where there is one.
    pub(crate) message: String,
    pub(crate) sql_state: Option<String>,
}

impl Failure {
    /// A mistake in the statement: the error class and SQLSTATE are put around the string as the platform does.
    pub(crate) fn class(class: &str, text: &str, sql_state: &str) -> Self {
        Self {
            code: "BAD_REQUEST".to_owned(),
            message: format!("[{class}] {text} SQLSTATE: {sql_state}"),
            sql_state: Some(sql_state.to_owned()),
        }
    }

    /// A request that cannot be served as asked.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { code: "BAD_REQUEST".to_owned(), message: message.into(), sql_state: None }
    }

    /// Something that is not a mistake of the statement's.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { code: "INTERNAL_ERROR".to_owned(), message: message.into(), sql_state: None }
    }

    /// A file of the result could not be written or read.
    pub(crate) fn io(error: &std::io::Error) -> Self {
        Self {
            code: "IO_ERROR".to_owned(),
            message: format!("The result could not be stored: {error}"),
            sql_state: None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"error_code": self.code, "message": self.message})
    }
}
