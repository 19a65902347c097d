//! What REST notes of a securable that the SQL engine holds: owner, comment, properties, times.

use http::StatusCode;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::paging::{Limits, page};
use crate::records::call::{set, text};
use crate::records::stamp::metastore_of;
use crate::records::store::{Record, commit};
use crate::reply::{ApiError, Json, Reply};
use crate::sql::{Failure, notebook};
use crate::state::handles::CatalogHandle;
use crate::state::{App, USER_NAME};

const LIMITS: Limits = Limits { usual: 1000, max: 10_000 };

/// One kind of securable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) noun: &'static str,
    pub(super) collection: &'static str,
    /// Codes of errors for one that is missing and one that is there already.
    pub(super) missing: &'static str,
    pub(super) exists: &'static str,
}

impl Kind {
    pub(super) fn not_found(self, name: &str) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, self.missing, format!("{} '{name}' does not exist.", self.noun))
    }

    pub(super) fn taken(self, name: &str) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, self.exists, format!("{} '{name}' already exists", self.noun))
    }
}

/// Runs SQL; rows of strings.
pub(super) async fn sql(state: &CatalogHandle, code: &str) -> Result<Vec<Vec<Option<String>>>, ApiError> {
    notebook::rows(&state.sql, code).await.map_err(|failure| refused(&failure))
}

fn refused(failure: &Failure) -> ApiError {
    let code = if failure.message.starts_with("[UNSUPPORTED_FEATURE") {
        (StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED")
    } else {
        (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE")
    };
    ApiError::new(code.0, code.1, failure.message.clone())
}

/// The first column.
pub(super) async fn names(state: &CatalogHandle, code: &str, column: usize) -> Result<Vec<String>, ApiError> {
    let rows = sql(state, code).await?;
    Ok(rows.into_iter().filter_map(|mut row| if column < row.len() { row.swap_remove(column) } else { None }).collect())
}

/// An identifier as SQL quotes it.
pub(super) fn quoted(name: &str) -> String {
    name.split('.').map(|part| format!("`{}`", part.replace('`', "``"))).collect::<Vec<_>>().join(".")
}

/// A name without dots, in the lower case that Unity Catalog keeps.
pub(super) fn plain(fields: &Fields, member: &str) -> Result<String, ApiError> {
    let name = fields.str(member)?;
    let bad = |c: char| c.is_control() || matches!(c, '.' | '/' | ' ' | '`');
    if name.contains(bad) || name.len() > 255 {
        return Err(ApiError::invalid_parameter(format!("{member}: '{name}' is not a valid name")));
    }
    Ok(name.to_lowercase())
}

/// The note of a securable; one that SQL made gets its note when REST first sees it.
pub(super) fn note(state: &CatalogHandle, kind: Kind, full_name: &str) -> Result<Record, ApiError> {
    let mut change = state.records.change();
    if let Some(kept) = change.get(kind.collection, full_name) {
        return Ok(kept.clone());
    }
    let record = fresh(state, USER_NAME);
    change.put(kind.collection, full_name, record.clone());
    commit(change)?;
    Ok(record)
}

fn fresh(state: &CatalogHandle, owner: &str) -> Record {
    let mut record = Record::new();
    let now = state.clock.now_ms();
    set(&mut record, "id", state.ids.uuid());
    set(&mut record, "owner", owner);
    for name in ["created_by", "updated_by"] {
        set(&mut record, name, owner);
    }
    for name in ["created_at", "updated_at"] {
        set(&mut record, name, now);
    }
    record
}

/// Notes a new securable with what the body states of it.
pub(super) fn begin(
    state: &CatalogHandle,
    caller: &Caller,
    kind: Kind,
    full_name: &str,
    fields: &Fields,
    members: &[&str],
) -> Result<(), ApiError> {
    let mut record = fresh(state, &caller.name);
    take(&mut record, fields, members);
    let mut change = state.records.change();
    change.put(kind.collection, full_name, record);
    commit(change)
}

fn take(record: &mut Record, fields: &Fields, members: &[&str]) {
    for member in members {
        if let Some(value) = fields.0.get(*member).filter(|v| !v.is_null()) {
            set(record, member, value.clone());
        }
    }
}

/// Changes the note by what the body states.
pub(super) fn edit(
    state: &CatalogHandle,
    caller: &Caller,
    kind: Kind,
    full_name: &str,
    fields: &Fields,
    members: &[&str],
) -> Result<(), ApiError> {
    let mut record = note(state, kind, full_name)?;
    take(&mut record, fields, members);
    set(&mut record, "updated_at", state.clock.now_ms());
    set(&mut record, "updated_by", caller.name.as_str());
    let mut change = state.records.change();
    change.put(kind.collection, full_name, record);
    commit(change)
}

/// Forgets the notes of a securable and of what it held.
pub(super) fn forget(state: &CatalogHandle, kind: Kind, full_name: &str) -> Result<(), ApiError> {
    let mut change = state.records.change();
    change.remove(kind.collection, full_name);
    let inside = format!("{full_name}.");
    for collection in ["catalog/schemas", "catalog/tables"] {
        let keys = change.list(collection).into_iter().map(|(key, _)| key.to_owned());
        let keys: Vec<String> = keys.filter(|key| key.starts_with(&inside)).collect();
        for key in keys {
            change.remove(collection, &key);
        }
    }
    commit(change)
}

/// Tells the engine what a body states of a securable, which SQL shows as well.
pub(super) async fn tell(app: &App, full_name: &str, fields: &Fields, owner: Option<&Caller>) -> Result<(), ApiError> {
    let properties = fields.0.get("properties").and_then(Value::as_object).map(|members| {
        let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        members.iter().map(|(name, v)| (name.clone(), text(v))).collect()
    });
    let comment = fields.0.get("comment").and_then(Value::as_str).map(str::to_owned);
    let owner = fields.opt_str("owner")?.map(str::to_owned).or_else(|| owner.map(|caller| caller.name.clone()));
    app.tell_engine(full_name, comment, owner, properties).await
}

type Properties = std::collections::BTreeMap<String, String>;

#[cfg(feature = "engine")]
impl App {
    async fn tell_engine(
        &self,
        full_name: &str,
        comment: Option<String>,
        owner: Option<String>,
        properties: Option<Properties>,
    ) -> Result<(), ApiError> {
        let stated = crate::sql::engine::about::Stated { comment, owner, properties };
        self.engine.state(full_name, stated, self.clock.now_ms()).await.map_err(|failure| refused(&failure))
    }

    /// The row filter of a table, and the masks of its columns by their names.
    pub(super) fn ask_policies(&self, full_name: &str) -> (Option<Value>, std::collections::BTreeMap<String, Value>) {
        self.engine.policies(full_name)
    }

    /// What SQL states of a securable, in the names of REST's members.
    fn ask_engine(&self, full_name: &str) -> Vec<(&'static str, Value)> {
        let Some(stated) = self.engine.about(full_name) else { return Vec::new() };
        vec![
            ("comment", stated.comment.map_or(Value::Null, Value::from)),
            ("owner", stated.owner.map_or(Value::Null, Value::from)),
            ("properties", stated.properties.map_or(Value::Null, |p| json!(p))),
        ]
    }
}

#[cfg(not(feature = "engine"))]
impl App {
    async fn tell_engine(
        &self,
        _: &str,
        _: Option<String>,
        _: Option<String>,
        _: Option<Properties>,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    pub(super) fn ask_policies(&self, _: &str) -> (Option<Value>, std::collections::BTreeMap<String, Value>) {
        Default::default()
    }

    fn ask_engine(&self, _: &str) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// The members that all securables have.
pub(super) fn base(state: &CatalogHandle, record: &Record, name: &str, full_name: &str) -> Value {
    let mut out = Value::Object(record.clone());
    for (member, value) in state.sql.ask_engine(full_name) {
        if !value.is_null() {
            out[member] = value;
        } else if member != "owner"
            && let Value::Object(members) = &mut out
        {
            // The owner that REST has noted stays where SQL knows none.
            members.remove(member);
        }
    }
    if let Value::Object(members) = &mut out {
        members.remove("id");
    }
    out["name"] = json!(name);
    out["full_name"] = json!(full_name);
    out["metastore_id"] = json!(metastore_of(state.place.workspace_id));
    out
}

/// A page of a list.
pub(super) fn listed(all: Vec<Value>, member: &str, query: &Query) -> Reply {
    let page = page(all, member, query.opt_i64("max_results")?, query.get("page_token"), LIMITS)?;
    let mut out = json!({member: page.items});
    if let Some(next) = page.next {
        out["next_page_token"] = json!(next);
    }
    Ok(Json(out))
}

/// The identifier of a securable.
pub(super) fn id(record: &Record) -> &str {
    text(record, "id")
}

/// An identifier, dots and all.
pub(super) fn quoted_part(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
