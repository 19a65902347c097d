//! The values that tasks of a run leave for each other.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::reply::ApiError;
use crate::state::lock;

/// The largest value, in bytes of its JSON text.
const LARGEST: usize = 48 * 1024;
/// How many values a run can have.
const MOST: usize = 250;

/// Values by run, task and key.
#[derive(Debug, Default)]
pub(crate) struct TaskValues(Mutex<BTreeMap<(i64, String, String), Value>>);

impl TaskValues {
    pub(crate) fn set(&self, run: i64, task: &str, key: &str, value: Value) -> Result<(), ApiError> {
        if value.to_string().len() > LARGEST {
            return Err(ApiError::invalid_parameter(format!("The value of '{key}' is larger than {LARGEST} bytes")));
        }
        let mut all = lock(&self.0);
        let own = all.keys().filter(|(r, ..)| *r == run).count();
        let place = (run, task.to_owned(), key.to_owned());
        if own >= MOST && !all.contains_key(&place) {
            return Err(ApiError::invalid_parameter(format!("A run can have {MOST} task values")));
        }
        all.insert(place, value);
        Ok(())
    }

    pub(crate) fn get(&self, run: i64, task: &str, key: &str) -> Option<Value> {
        lock(&self.0).get(&(run, task.to_owned(), key.to_owned())).cloned()
    }

    /// Forgets the values of a run.
    pub(crate) fn forget(&self, run: i64) {
        lock(&self.0).retain(|(r, ..), _| *r != run);
    }
}
