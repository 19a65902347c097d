//! One call of an operation that works on records.

use serde_json::{Map, Value};

use super::store::{Change, Record, Records, commit};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::extract::{Fields, Query, missing};
use crate::operations::Operation;
use crate::random::Ids;
use crate::reply::ApiError;
use crate::state::volumes::Volumes;

/// What operations on records need of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) records: &'a Records,
    /// Files of securables, which move with them.
    pub(crate) volumes: &'a Volumes,
    pub(crate) ids: &'a Ids,
    pub(crate) clock: &'a Clock,
    pub(crate) account_id: &'a str,
    pub(crate) workspace_id: u64,
    pub(crate) warehouse_id: &'a str,
    pub(crate) url: &'a str,
}

/// A request of a known operation.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) desk: Desk<'a>,
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'static Operation,
    /// The path as it was sent.
    pub(crate) target: &'a str,
    /// Values of the path's parameters.
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: Query,
    pub(crate) body: Fields,
}

impl Call<'_> {
    pub(crate) fn now(&self) -> i64 {
        self.desk.clock.now_ms()
    }

    /// The value of a parameter of the path.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// The last parameter of the path, which names the record.
    pub(crate) fn last_param(&self) -> Option<&str> {
        self.path.last().map(|(_, v)| v.as_str())
    }

    /// A value that the path, the query or the body states; numbers as their digits.
    pub(crate) fn input(&self, name: &str) -> Option<String> {
        if let Some(value) = self.param(name).or_else(|| self.query.get(name)) {
            return Some(value.to_owned());
        }
        match self.body.0.get(name)? {
            Value::String(s) => Some(s.clone()).filter(|s| !s.is_empty()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        }
    }

    /// As [`input`](Self::input), required.
    pub(crate) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.input(name).ok_or_else(|| missing(name))
    }

    /// Runs `work` as one transaction: an error undoes it.
    pub(crate) fn transact<T>(&self, work: impl FnOnce(&mut Change<'_>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut change = self.desk.records.change();
        let out = work(&mut change)?;
        commit(change)?;
        Ok(out)
    }
}

/// A string member, empty if it is absent.
pub(crate) fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member, null if it is absent.
pub(crate) fn member<'a>(record: &'a Record, name: &str) -> &'a Value {
    record.get(name).unwrap_or(&Value::Null)
}

/// Sets a member.
pub(crate) fn set(record: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    record.insert(name.to_owned(), value.into());
}

/// Sets a member that is not there.
pub(crate) fn default(record: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    record.entry(name.to_owned()).or_insert_with(|| value.into());
}
