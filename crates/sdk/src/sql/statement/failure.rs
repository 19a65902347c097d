//! Errors of statements: what the service said, and what to do about it.

use databricks_core::{Error, ErrorKind, StatementFailure};
use databricks_models::sql::StatementState;

use super::Statement;
use crate::client::Client;
use crate::sql::wire::Status;

impl Statement {
    /// Whether it failed only because the result does not fit into responses of the API.
    pub(super) fn is_too_large(&self) -> bool {
        let message = self
            .response
            .status
            .as_ref()
            .and_then(|status| status.error.as_ref())
            .and_then(|error| error.message.as_deref());
        message.is_some_and(|text| text.contains("INLINE") && (text.contains("limit") || text.contains("exceed")))
    }

    /// The error of a statement that has ended without a result.
    pub(super) fn failure(&self) -> Error {
        let empty = Status::default();
        let status = self.response.status.as_ref().unwrap_or(&empty);
        let error = status.error.clone().unwrap_or_default();
        let (code, message) = (error.error_code.unwrap_or_default(), error.message.unwrap_or_default());
        let (kind, what) = match self.state() {
            Some(StatementState::Canceled) => (ErrorKind::StatementCanceled, "was cancelled"),
            Some(StatementState::Closed) => (ErrorKind::StatementClosed, "is closed, its result is no longer there"),
            _ => (ErrorKind::StatementFailed, "failed"),
        };
        let sql_state = status.sql_state.clone().filter(|state| !state.is_empty()).or_else(|| sql_state_in(&message));
        let mut text = format!("statement {} {what}", self.guard.id);
        for part in [&code, &message] {
            if !part.is_empty() {
                text.push_str(": ");
                text.push_str(part);
            }
        }
        let failure = StatementFailure::new(self.guard.id.clone(), (!code.is_empty()).then_some(code), sql_state);
        Error::new(kind, text).with_statement(failure)
    }
}

/// Names the warehouse in an error that is about it, and where its id comes from.
///
/// * `in_code`: its id, if the query states it.
#[cold]
pub(super) fn name_warehouse(error: Error, client: &Client, in_code: Option<&str>) -> Error {
    let about = error.api().is_some_and(|api| {
        let message = api.message().to_ascii_lowercase();
        matches!(api.status().as_u16(), 400 | 403 | 404)
            && ["endpoint", "warehouse"].iter().any(|word| message.contains(word))
    });
    if !about {
        return error;
    }
    let id = in_code.or(client.config().warehouse_id()).unwrap_or_default();
    let source = client.config().source("warehouse_id").filter(|_| in_code.is_none());
    let source = source.map_or_else(|| "set in code".to_owned(), ToString::to_string);
    error.with_hint(format!("the warehouse is {id:?} ({source}); warehouses().list() shows those that there are"))
}

/// The SQLSTATE that some messages end with: `… SQLSTATE: 42703`.
fn sql_state_in(message: &str) -> Option<String> {
    let (_, rest) = message.rsplit_once("SQLSTATE:")?;
    let state: String = rest.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
    (state.len() == 5).then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_sqlstate_in_a_message() {
        assert_eq!(sql_state_in("[UNRESOLVED_COLUMN] x. SQLSTATE: 42703; line 1").as_deref(), Some("42703"));
        assert_eq!(sql_state_in("nothing here"), None);
    }
}
