//! What the verbs do: create, get, list, update, delete.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::kind::{Identity, Kind, Verb};
use super::mask::Mask;
use super::renames::{self, Renamed};
use super::stamp;
use super::store::{Change, Record};
use crate::extract::missing;
use crate::operations::{self, MemberType, Schema};
use crate::paging::{Limits, page};
use crate::reply::{ApiError, Json, Reply};

const LIMITS: Limits = Limits { usual: 100, max: 10_000 };

pub(crate) fn run(kind: &Kind, verb: Verb, call: &Call<'_>) -> Reply {
    match verb {
        Verb::Create => create(kind, call),
        Verb::Get => get(kind, call),
        Verb::List => list(kind, call),
        Verb::Update | Verb::Replace => update(kind, call, verb == Verb::Replace),
        Verb::Delete => delete(kind, call),
    }
}

/// An operation of the kind's own on one record.
pub(crate) fn act(kind: &Kind, edit: super::kind::Edit, call: &Call<'_>) -> Reply {
    let (collection, key) = place(kind, call)?;
    let record = call.transact(|change| {
        let mut record = existing(kind, change, &collection, &key)?;
        edit(&mut record, call)?;
        stamp::updated(&mut record, schema(kind), call);
        change.put(&collection, &key, record.clone());
        Ok(record)
    })?;
    Ok(Json(shown(kind, &record, call)))
}

fn create(kind: &Kind, call: &Call<'_>) -> Reply {
    let schema = schema(kind);
    let mut record = stated(kind, call, schema)?;
    for name in kind.required {
        if record.get(*name).is_none_or(|v| v.is_null() || v == "") && call.body.0.get(*name).is_none() {
            return Err(missing(name));
        }
    }
    let key = identify(kind, call, &mut record)?;
    let collection = collection(kind, call, true);
    let record = call.transact(|change| {
        if change.get(&collection, &key).is_some() {
            return Err(exists(kind, &key));
        }
        if !kind.unique.is_empty() {
            unique(kind, change, &collection, &record, None)?;
        }
        stamp::created(&mut record, schema, call);
        (kind.on_create)(&mut record, call)?;
        (kind.on_place)(&mut record, call, change)?;
        change.put(&collection, &key, record.clone());
        Ok(record)
    })?;
    Ok(Json(shown(kind, &record, call)))
}

fn get(kind: &Kind, call: &Call<'_>) -> Reply {
    let (collection, key) = place(kind, call)?;
    let change = call.desk.records.change();
    let record = existing(kind, &change, &collection, &key)?;
    Ok(Json(shown(kind, &record, call)))
}

fn list(kind: &Kind, call: &Call<'_>) -> Reply {
    let collection = collection(kind, call, true);
    let item = call.operation.item.or_else(|| schema(kind));
    let all: Vec<Record> = call
        .desk
        .records
        .list(&collection)
        .into_iter()
        .filter(|record| call.query.pairs().all(|(name, value)| fits(record, item, name, value)))
        .collect();
    let all: Vec<Value> = all.iter().map(|r| Value::Object(select(r, item))).collect();
    listing(call, all, &collection)
}

/// Whether a record has the value that the query asks a member of that name to have.
fn fits(record: &Record, item: Option<&Schema>, name: &str, value: &str) -> bool {
    let known = item.and_then(|s| s.member(name)).is_some_and(|m| m.kind != MemberType::Other);
    if !known || value.is_empty() {
        return true;
    }
    match record.get(name) {
        Some(Value::String(s)) => s == value,
        Some(Value::Null) | None => false,
        // Numbers and truth values as JSON writes them.
        Some(other) => format!("{other}") == value,
    }
}

/// The page of a list that the call asks for. Lists that the API states to be bare arrays are given as such.
pub(crate) fn listing(call: &Call<'_>, all: Vec<Value>, name: &str) -> Reply {
    let Some(items) = call.operation.items.or_else(|| list_member(call.operation.result)) else {
        return Ok(Json(Value::Array(all)));
    };
    let input = |names: &[&str]| names.iter().find_map(|name| call.input(name));
    let size = input(&["page_size", "max_results", "limit", "pageSize"]);
    let size = size
        .map(|s| s.parse::<i64>().map_err(|_| ApiError::invalid_parameter(format!("'{s}' is not a page size"))))
        .transpose()?;
    let token = input(&["page_token", "pageToken"]);
    let page = page(all, name, size, token.as_deref(), LIMITS)?;
    let mut out = json!({items: page.items});
    if let Some(next) = page.next {
        out["next_page_token"] = json!(next);
    }
    if let Some(previous) = page.previous
        && call.operation.result.is_some_and(|r| r.has("prev_page_token"))
    {
        out["prev_page_token"] = json!(previous);
    }
    Ok(Json(out))
}

fn list_member(result: Option<&'static Schema>) -> Option<&'static str> {
    let mut others = result?.members().iter().filter(|m| m.kind == MemberType::Other).map(|m| m.name);
    others.next()
}

fn update(kind: &Kind, call: &Call<'_>, replace: bool) -> Reply {
    let (collection, key) = place(kind, call)?;
    let schema = schema(kind);
    let stated = stated(kind, call, schema)?;
    let mask = Mask::of(call);
    let renamed_to = new_key(kind, call, &key)?;
    let edit = |change: &mut Change<'_>| {
        let mut record = existing(kind, change, &collection, &key)?;
        stamp::same_version(&record, call)?;
        let before = record.clone();
        if replace {
            let absent = call.operation.body.members().iter().map(|m| m.name);
            let absent = absent.filter(|name| !stated.contains_key(*name) && *name != kind.id);
            for name in absent.filter(|name| !stamp::is_generated(name)) {
                record.remove(name);
            }
        }
        mask.apply(&mut record, &stated);
        // What the body states of the identifier names the record and does not change it; null does not take it away.
        let is_kept = kind.identity != Identity::Given || record.get(kind.id).is_none_or(Value::is_null);
        if let Some(id) = before.get(kind.id).filter(|_| is_kept) {
            record.insert(kind.id.to_owned(), id.clone());
        }
        if let Some(schema) = schema {
            operations::still_whole(schema, &before, &record)?;
        }
        if let Some(new) = renamed_to.as_ref().filter(|new| change.get(&collection, new).is_some()) {
            return Err(exists(kind, new));
        }
        if !kind.unique.is_empty() {
            unique(kind, change, &collection, &record, Some(&key))?;
        }
        (kind.on_update)(&mut record, call)?;
        stamp::updated(&mut record, schema, call);
        change.put(&collection, &key, record.clone());
        Ok(record)
    };
    let record = match &renamed_to {
        None => call.transact(edit)?,
        Some(new) => rename(kind, call, (&collection, &key, new), edit)?,
    };
    Ok(Json(shown(kind, &record, call)))
}

/// The key of a record that the body gives another name, if it does.
fn new_key(kind: &Kind, call: &Call<'_>, key: &str) -> Result<Option<String>, ApiError> {
    let Some(new) = call.body.opt_str("new_name")?.filter(|new| !new.is_empty()) else { return Ok(None) };
    let full = match kind.identity {
        Identity::Given => new.to_owned(),
        Identity::Computed if new.contains(['.', '/', ' ']) => {
            return Err(ApiError::invalid_parameter(format!("new_name: '{new}' is not a valid name")));
        }
        Identity::Computed => {
            key.rsplit_once('.').map_or_else(|| new.to_owned(), |(parent, _)| format!("{parent}.{new}"))
        }
        _ => return Ok(None),
    };
    Ok(Some(full).filter(|full| full != key))
}

/// Edits a record and gives it, what is noted of it and its files another name.
fn rename(
    kind: &Kind,
    call: &Call<'_>,
    (collection, key, new): (&str, &str, &str),
    edit: impl Fn(&mut Change<'_>) -> Result<Record, ApiError>,
) -> Result<Record, ApiError> {
    let renamed = Renamed { kind: kind.securable, from: key, to: new };
    let mut record = Record::new();
    call.desk.volumes.rename(&renamed.directories(), |files| {
        record = call.transact(|change| {
            edit(change)?;
            renames::apply(change, &renamed);
            // What is no securable in a catalog is not among those.
            change.relocate((collection, key), (collection, new), |record| {
                record.insert(kind.id.to_owned(), json!(new));
            });
            files.put(change);
            existing(kind, change, collection, new)
        })?;
        Ok(())
    })?;
    Ok(record)
}

fn delete(kind: &Kind, call: &Call<'_>) -> Reply {
    let (collection, key) = place(kind, call)?;
    let record = call.transact(|change| {
        let record = change.remove(&collection, &key).ok_or_else(|| not_found(kind, &key))?;
        // What belongs to the record goes with it.
        change.remove_all(&format!("{}/{key}/", kind.service));
        Ok(record)
    })?;
    Ok(Json(shown(kind, &record, call)))
}

/// The members that the body states, under the record's names; others are ignored, as the service does.
fn stated(kind: &Kind, call: &Call<'_>, schema: Option<&Schema>) -> Result<Record, ApiError> {
    let wrapped = if kind.wrap.is_empty() { None } else { call.body.opt_object(kind.wrap)? };
    let body = wrapped.map_or_else(|| call.body.0.clone(), |inner| inner.0);
    let known = |name: &str| schema.is_none_or(|s| s.has(name)) && !stamp::is_noted(name);
    let mut record: Record = body.into_iter().filter(|(name, _)| known(name)).collect();
    // Parents that the path names are members of many records.
    for (name, value) in call.path.iter().filter(|_| call.operation.name().starts_with("create")) {
        if known(name) && *name != "account_id" && schema.is_some() {
            let is_number = schema.and_then(|s| s.member(name)).is_some_and(|m| m.kind == MemberType::Integer);
            let stated = match value.parse::<i64>() {
                Ok(number) if is_number => json!(number),
                _ if is_number => {
                    return Err(ApiError::invalid_parameter(format!("{name}: '{value}' is not a number")));
                }
                _ => json!(value),
            };
            record.entry((*name).to_owned()).or_insert(stated);
        }
    }
    Ok(record)
}

fn identify(kind: &Kind, call: &Call<'_>, record: &mut Record) -> Result<String, ApiError> {
    let ids = call.desk.ids;
    let value = match kind.identity {
        Identity::Given => {
            let given = record.get(kind.id).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
            json!(given.or_else(|| call.input(kind.id)).ok_or_else(|| missing(kind.id))?)
        }
        Identity::GivenOrUuid => json!(call.input(kind.id).unwrap_or_else(|| ids.uuid())),
        Identity::Computed => json!((kind.computed)(record).ok_or_else(|| missing("name, catalog_name, schema_name"))?),
        Identity::Hex => json!(ids.hex16()),
        Identity::Uuid => json!(ids.uuid()),
        // Numbers that every JSON reader holds exactly.
        Identity::Number => json!(ids.number() >> 11),
    };
    record.insert(kind.id.to_owned(), value.clone());
    Ok(key_of(&value))
}

fn key_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Collection and key of the record that the call names.
fn place(kind: &Kind, call: &Call<'_>) -> Result<(String, String), ApiError> {
    let named = call.path.iter().any(|(name, _)| *name != "account_id");
    // Paths of verbs, such as `/get`, name the record in query or body; others by their last parameter.
    let key = match call.last_param().filter(|_| named) {
        Some(key) => key.to_owned(),
        None => call.required(kind.id)?,
    };
    Ok((collection(kind, call, !named), key))
}

/// The collection of the kind under the parents that the path names.
fn collection(kind: &Kind, call: &Call<'_>, all_are_parents: bool) -> String {
    let parents: Vec<&str> = call.path.iter().filter(|(n, _)| *n != "account_id").map(|(_, v)| v.as_str()).collect();
    let parents = match parents.split_last() {
        Some((_, before)) if !all_are_parents => before,
        _ => &parents[..],
    };
    let mut out = kind.service.to_owned();
    let stated =
        kind.parents.iter().filter_map(|name| call.body.0.get(*name)?.as_str()).filter(|_| call.path.is_empty());
    for parent in parents.iter().copied().chain(stated) {
        out.push('/');
        out.push_str(parent);
    }
    // Services with several kinds keep them apart.
    out.push('/');
    out.push_str(kind.suffixes.first().copied().unwrap_or_default());
    out
}

/// The schema of the kind's records: of what is read, or of what is listed.
fn schema(kind: &Kind) -> Option<&'static Schema> {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};
    /// By service and suffix.
    type Schemas = HashMap<(&'static str, &'static str), Option<&'static Schema>>;
    static KNOWN: Mutex<Option<Schemas>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let suffix = kind.suffixes.first().copied().unwrap_or_default();
    *known.get_or_insert_default().entry((kind.service, suffix)).or_insert_with(|| find_schema(kind))
}

fn find_schema(kind: &Kind) -> Option<&'static Schema> {
    let of = |verb: Verb| crate::operations::all().iter().find(|o| kind.verb(o) == Some(verb));
    let unwrapped = |schema: Option<&'static Schema>| {
        let schema = schema?;
        if kind.wrap.is_empty() { Some(schema) } else { schema.inner(kind.wrap).or(Some(schema)) }
    };
    of(Verb::Get)
        .and_then(|o| unwrapped(o.result))
        .or_else(|| of(Verb::List).and_then(|o| o.item))
        .or_else(|| of(Verb::Create).and_then(|o| unwrapped(o.result)))
}

/// The record as the operation's response has it.
fn shown(kind: &Kind, record: &Record, call: &Call<'_>) -> Value {
    let Some(result) = call.operation.result else {
        let is_update = kind.verb(call.operation) == Some(Verb::Update);
        return if kind.answers && is_update { Value::Object(select(record, schema(kind))) } else { json!({}) };
    };
    if !kind.wrap.is_empty()
        && let Some(inner) = result.inner(kind.wrap)
    {
        return json!({kind.wrap: select(record, Some(inner))});
    }
    Value::Object(select(record, Some(result)))
}

fn select(record: &Record, schema: Option<&Schema>) -> Map<String, Value> {
    record
        .iter()
        .filter(|(name, value)| !value.is_null() && schema.is_none_or(|s| s.has(name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn existing(kind: &Kind, change: &Change<'_>, collection: &str, key: &str) -> Result<Record, ApiError> {
    change.get(collection, key).cloned().ok_or_else(|| not_found(kind, key))
}

fn not_found(kind: &Kind, key: &str) -> ApiError {
    ApiError::new(http::StatusCode::NOT_FOUND, kind.codes.0, format!("{} '{key}' does not exist.", kind.noun))
}

fn exists(kind: &Kind, key: &str) -> ApiError {
    let status = if kind.codes.1 == "RESOURCE_ALREADY_EXISTS" || kind.codes.1 == "ALREADY_EXISTS" {
        http::StatusCode::CONFLICT
    } else {
        http::StatusCode::BAD_REQUEST
    };
    ApiError::new(status, kind.codes.1, format!("{} '{key}' already exists", kind.noun))
}

fn unique(
    kind: &Kind,
    change: &Change<'_>,
    collection: &str,
    record: &Record,
    own: Option<&str>,
) -> Result<(), ApiError> {
    let Some(value) = record.get(kind.unique).filter(|v| !v.is_null()) else { return Ok(()) };
    let taken = change
        .list(collection)
        .into_iter()
        .any(|(key, other)| Some(key) != own && other.get(kind.unique) == Some(value));
    if taken { Err(exists(kind, &key_of(value))) } else { Ok(()) }
}
