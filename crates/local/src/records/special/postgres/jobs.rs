//! Operations that take a while: what a change of a resource gives, and what is asked for until it is done.

use serde_json::{Value, json};

use super::forms::Form;
use super::{COLLECTION, shown};
use crate::records::call::{Call, member, set, text};
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};

const JOBS: &str = "postgres_operations/";
const DONE_AT: &str = "done_at_ms";

/// What an operation has when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The resource.
    With,
    /// Nothing: it is gone.
    Without,
}

/// Notes an operation on a resource and gives it as it begins.
pub(super) fn begin(change: &mut Change<'_>, call: &Call<'_>, form: &Form, name: &str, ends: Ends) -> Reply {
    let mut record = Record::new();
    let job = format!("{name}/operations/{}", call.desk.ids.uuid());
    set(&mut record, "name", job.as_str());
    set(&mut record, "resource", name);
    set(&mut record, "ends_with", ends == Ends::With);
    set(&mut record, DONE_AT, call.now().saturating_add(form.takes_ms));
    change.put(JOBS, &job, record.clone());
    Ok(Json(as_of(&record, change, call.now())))
}

fn as_of(job: &Record, change: &Change<'_>, now: i64) -> Value {
    let done = job.get(DONE_AT).and_then(Value::as_i64).is_none_or(|at| now >= at);
    let mut out = json!({"name": member(job, "name"), "done": done, "metadata": {}});
    if done {
        let resource = change.get(COLLECTION, text(job, "resource")).filter(|_| member(job, "ends_with") == true);
        out["response"] = resource.map_or_else(|| json!({}), |record| Value::Object(shown(record, change, now)));
    }
    out
}

pub(super) fn get(call: &Call<'_>) -> Reply {
    let name = call.param("name").unwrap_or_default();
    let change = call.desk.records.change();
    let job = change.get(JOBS, name).cloned();
    let job = job.ok_or_else(|| ApiError::not_found(format!("The operation '{name}' does not exist.")))?;
    Ok(Json(as_of(&job, &change, call.now())))
}
