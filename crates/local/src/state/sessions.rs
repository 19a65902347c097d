//! SQL sessions: the catalog and schema that statements without their own fall back to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::reply::ApiError;

/// How many sessions are open at most.
const MOST: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) warehouse_id: String,
    pub(crate) catalog: Option<String>,
    pub(crate) schema: Option<String>,
    /// Settings that were stated when the session was opened.
    pub(crate) settings: BTreeMap<String, String>,
}

impl Session {
    /// Notes what a `USE` statement sets; others change nothing.
    pub(crate) fn note(&mut self, statement: &str) {
        let words: Vec<&str> = statement.trim().trim_end_matches(';').split_whitespace().collect();
        let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
        let name = match words[..] {
            [first, kind, name] if is(first, "use") && is(kind, "catalog") => {
                self.catalog = Some(unquoted(name));
                self.schema = None;
                return;
            }
            [first, kind, name] if is(first, "use") && (is(kind, "schema") || is(kind, "database")) => name,
            [first, kind, name] if is(first, "set") && is(kind, "catalog") => {
                self.catalog = Some(unquoted(name));
                self.schema = None;
                return;
            }
            [first, name] if is(first, "use") => name,
            _ => return,
        };
        match name.split_once('.') {
            Some((catalog, schema)) => {
                self.catalog = Some(unquoted(catalog));
                self.schema = Some(unquoted(schema));
            }
            None => self.schema = Some(unquoted(name)),
        }
    }
}

fn unquoted(name: &str) -> String {
    name.trim_matches(['`', '\'', '"']).to_lowercase()
}

/// The open sessions by identifier.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, Session>>);

impl Sessions {
    pub(crate) fn open(&self, id: &str, session: Session) -> Result<(), ApiError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            return Err(ApiError::new(
                http::StatusCode::TOO_MANY_REQUESTS,
                "RESOURCE_EXHAUSTED",
                format!("{MOST} sessions are open; close some of them"),
            ));
        }
        all.insert(id.to_owned(), session);
        Ok(())
    }

    pub(crate) fn get(&self, id: &str) -> Result<Session, ApiError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).cloned().ok_or_else(|| missing(id))
    }

    pub(crate) fn close(&self, id: &str) -> Result<(), ApiError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(id).map(drop).ok_or_else(|| missing(id))
    }

    /// Notes a statement that succeeded in a session.
    pub(crate) fn note(&self, id: &str, statement: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = all.get_mut(id) {
            session.note(statement);
        }
    }
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("The session {id} was not found."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_statements_set_catalog_and_schema() {
        let mut session = Session::default();
        let mut after = |statement: &str| {
            session.note(statement);
            (session.catalog.clone().unwrap_or_default(), session.schema.clone().unwrap_or_default())
        };
        assert_eq!(after("SELECT 1"), (String::new(), String::new()));
        assert_eq!(after("USE CATALOG `Main`;"), ("main".into(), String::new()));
        assert_eq!(after("use default"), ("main".into(), "default".into()));
        assert_eq!(after("USE samples.nyctaxi"), ("samples".into(), "nyctaxi".into()));
        assert_eq!(after("USE SCHEMA x"), ("samples".into(), "x".into()));
        assert_eq!(after("USE CATALOG main"), ("main".into(), String::new()));
    }
}
