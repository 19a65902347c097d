//! Resources that are kept under their full name, `parents/1/children/2`, and have nothing to them but what is stated.

use serde_json::{Value, json};

use super::Run;
use crate::operations::{self, Operation};
use crate::records::call::{Call, default, member, set, text};
use crate::records::mask::Mask;
use crate::records::stamp;
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

/// One kind of resource. Its operations are `create_NOUN`, `get_NOUN` and so on of its service.
#[derive(Debug)]
struct Kind {
    service: &'static str,
    /// Behind the verb in the names of operations, and in those of lists.
    noun: &'static str,
    plural: &'static str,
    /// The segment in front of the identifier; for one that is alone in its parent its own.
    segment: &'static str,
    /// The parameter or member that states the identifier; a UUID where that is left out.
    id: &'static str,
    /// Members that show the identifier.
    shows: &'static [&'static str],
    alone: bool,
    begin: fn(&mut Record, &Call<'_>),
}

const fn kind(service: &'static str, noun: &'static str, plural: &'static str, segment: &'static str) -> Kind {
    Kind { service, noun, plural, segment, id: "", shows: &[], alone: false, begin: |_, _| {} }
}

const KINDS: &[Kind] = &[
    Kind {
        shows: &["id"],
        begin: |record, call| {
            set(record, "state", "ACTIVE");
            serving(record, call, "ka");
        },
        ..kind("knowledge_assistants", "knowledge_assistant", "knowledge_assistants", "knowledge-assistants")
    },
    Kind {
        shows: &["id"],
        begin: |record, _| set(record, "state", "UPDATED"),
        ..kind("knowledge_assistants", "knowledge_source", "knowledge_sources", "knowledge-sources")
    },
    Kind { shows: &["example_id"], ..kind("knowledge_assistants", "example", "examples", "examples") },
    Kind {
        shows: &["id", "supervisor_agent_id"],
        begin: |record, call| serving(record, call, "mas"),
        ..kind("supervisor_agents", "supervisor_agent", "supervisor_agents", "supervisor-agents")
    },
    Kind { id: "tool_id", shows: &["id", "tool_id"], ..kind("supervisor_agents", "tool", "tools", "tools") },
    Kind { shows: &["example_id"], ..kind("supervisor_agents", "example", "examples", "examples") },
    Kind { alone: true, ..kind("data_classification", "catalog_config", "", "config") },
    Kind {
        id: "failover_group_id",
        begin: |record, _| {
            let region = record.get("initial_primary_region").cloned().unwrap_or_default();
            set(record, "effective_primary_region", region);
            set(record, "state", "ACTIVE");
        },
        ..kind("disaster_recovery", "failover_group", "failover_groups", "failover-groups")
    },
    Kind {
        id: "stable_url_id",
        begin: |record, call| {
            let workspace = record.get("initial_workspace_id").cloned().unwrap_or_default();
            set(record, "effective_workspace_id", workspace);
            let id = call.desk.ids.hex16();
            set(record, "stable_workspace_id", id.as_str());
            // A name that leads nowhere by definition.
            set(record, "url", format!("https://{id}.stable.invalid"));
        },
        ..kind("disaster_recovery", "stable_url", "stable_urls", "stable-urls")
    },
    Kind {
        shows: &["endpoint_id"],
        begin: |record, call| {
            set(record, "account_id", call.desk.account_id);
            set(record, "state", "PENDING");
            default(record, "use_case", "SERVICE_DIRECT");
        },
        ..kind("endpoints", "endpoint", "endpoints", "endpoints")
    },
    Kind {
        id: "domain_id",
        shows: &["domain_id"],
        begin: |record, _| {
            default(record, "draft", false);
            let draft = member(record, "draft").clone();
            set(record, "effective_draft", draft);
        },
        ..kind("domains", "domain", "domains", "domains")
    },
];

/// An agent is served, where agents run, by an endpoint of this name.
fn serving(record: &mut Record, call: &Call<'_>, prefix: &str) {
    set(record, "endpoint_name", format!("{prefix}-{}-endpoint", &call.desk.ids.hex16()[..8]));
}

const COLLECTION: &str = "named/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Create,
    Get,
    List,
    Update,
    Delete,
}

fn look_up(operation: &Operation) -> Option<(&'static Kind, Verb)> {
    let (verb, noun) = operation.name().split_once('_')?;
    let verb = match verb {
        "create" => Verb::Create,
        "get" => Verb::Get,
        "list" => Verb::List,
        "update" => Verb::Update,
        "delete" => Verb::Delete,
        _ => return None,
    };
    let own = |kind: &&Kind| {
        let name = if verb == Verb::List { kind.plural } else { kind.noun };
        kind.service == operation.service() && noun == name
    };
    KINDS.iter().find(own).map(|kind| (kind, verb))
}

pub(super) fn find(operation: &Operation) -> Option<Run> {
    match operation.id {
        "knowledge_assistants.sync_knowledge_sources" => return Some(sync),
        "disaster_recovery.failover_failover_group" => return Some(failover),
        _ => {}
    }
    look_up(operation).map(|_| run as Run)
}

fn run(call: &Call<'_>) -> Reply {
    let Some((kind, verb)) = look_up(call.operation) else {
        return Err(ApiError::internal(format!("{} is of no kind", call.operation.id)));
    };
    match verb {
        Verb::Create => create(kind, call),
        Verb::Get => found(&call.desk.records.change(), name(call)?).map(|record| Json(Value::Object(record))),
        Verb::List => list(kind, call),
        Verb::Update => update(call),
        Verb::Delete => delete(call),
    }
}

/// The name in the path. Of an account it is this one.
fn name<'a>(call: &'a Call<'_>) -> Result<&'a str, ApiError> {
    own(call, call.param("name").unwrap_or_default())
}

fn own<'a>(call: &Call<'_>, name: &'a str) -> Result<&'a str, ApiError> {
    let account = name.strip_prefix("accounts/").map(|rest| rest.split('/').next().unwrap_or_default());
    if account.is_some_and(|account| account != call.desk.account_id) {
        return Err(ApiError::not_found("The account does not exist; the workspace printed the one that does"));
    }
    Ok(name)
}

fn found(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    let found = change.get(COLLECTION, name).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("'{name}' does not exist.")))
}

/// What holds a new resource or those of a list, if a resource does: accounts and catalogs are none of these.
fn parent<'a>(change: &Change<'_>, call: &'a Call<'_>) -> Result<Option<&'a str>, ApiError> {
    let Some(parent) = call.param("parent") else { return Ok(None) };
    own(call, parent)?;
    if !parent.starts_with("accounts/") && !parent.starts_with("catalogs/") {
        found(change, parent)?;
    }
    Ok(Some(parent))
}

fn create(kind: &Kind, call: &Call<'_>) -> Reply {
    let id = call.input(kind.id).filter(|_| !kind.id.is_empty()).unwrap_or_else(|| call.desk.ids.uuid());
    if id.contains('/') {
        return Err(ApiError::invalid_parameter(format!("{}: '{id}' must not contain a slash", kind.id)));
    }
    let schema = call.operation.result;
    let mut record: Record = call.body.0.clone();
    record.retain(|name, _| schema.is_none_or(|schema| schema.has(name)) && name != "name");
    call.transact(|change| {
        let parent = parent(change, call)?;
        let own = if kind.alone { kind.segment.to_owned() } else { format!("{}/{id}", kind.segment) };
        let name = parent.map_or_else(|| own.clone(), |parent| format!("{parent}/{own}"));
        if change.get(COLLECTION, &name).is_some() {
            let message = format!("'{name}' already exists");
            return Err(ApiError::new(http::StatusCode::CONFLICT, "ALREADY_EXISTS", message));
        }
        set(&mut record, "name", name.as_str());
        for member in kind.shows {
            set(&mut record, member, id.as_str());
        }
        stamp::created(&mut record, schema, call);
        (kind.begin)(&mut record, call);
        if call.query.opt_bool("validate_only")? != Some(true) {
            change.put(COLLECTION, &name, record.clone());
        }
        Ok(Json(Value::Object(record)))
    })
}

fn list(kind: &Kind, call: &Call<'_>) -> Reply {
    let change = call.desk.records.change();
    let prefix = match parent(&change, call)? {
        Some(parent) => format!("{parent}/{}/", kind.segment),
        None => format!("{}/", kind.segment),
    };
    let all = change.list(COLLECTION).into_iter();
    let all = all.filter(|(name, _)| name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/')));
    let all: Vec<Value> = all.map(|(_, record)| Value::Object(record.clone())).collect();
    drop(change);
    listing(call, all, &prefix)
}

fn update(call: &Call<'_>) -> Reply {
    let mask = Mask::of(call);
    let schema = call.operation.result;
    let mut stated: Record = call.body.0.clone();
    stated.retain(|name, _| schema.is_none_or(|schema| schema.has(name)));
    call.transact(|change| {
        let before = found(change, name(call)?)?;
        stamp::same_version(&before, call)?;
        let mut record = before.clone();
        mask.apply(&mut record, &stated);
        // What the service sets stays as it is, and what is needed is not taken away.
        for member in before.keys().filter(|member| fixed(member)) {
            record.insert(member.clone(), before[member].clone());
        }
        if let Some(schema) = schema {
            operations::still_whole(schema, &before, &record)?;
        }
        stamp::updated(&mut record, schema, call);
        change.put(COLLECTION, name(call)?, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn fixed(member: &str) -> bool {
    KINDS.iter().any(|kind| kind.shows.contains(&member))
        || matches!(
            member,
            "name"
                | "create_time"
                | "creator"
                | "state"
                | "endpoint_name"
                | "url"
                | "account_id"
                | "etag"
                | "effective_primary_region"
                | "effective_workspace_id"
                | "stable_workspace_id"
        )
}

fn delete(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        let name = name(call)?;
        found(change, name)?;
        let inside = format!("{name}/");
        let all = change.list(COLLECTION).into_iter().map(|(key, _)| key.to_owned());
        let gone: Vec<String> = all.filter(|key| key == name || key.starts_with(&inside)).collect();
        for key in gone {
            change.remove(COLLECTION, &key);
        }
        Ok(Json::empty())
    })
}

/// Sources are read where assistants run; here they are as they were stated.
fn sync(call: &Call<'_>) -> Reply {
    found(&call.desk.records.change(), name(call)?)?;
    Ok(Json::empty())
}

/// Another of the group's regions becomes the first.
fn failover(call: &Call<'_>) -> Reply {
    let target = call.body.str("target_primary_region")?;
    call.transact(|change| {
        let mut record = found(change, name(call)?)?;
        stamp::same_version(&record, call)?;
        let regions = record.get("regions").and_then(Value::as_array).cloned().unwrap_or_default();
        if !regions.contains(&json!(target)) {
            let message = format!("'{target}' is not one of the regions of the group");
            return Err(ApiError::invalid_parameter(message));
        }
        if text(&record, "effective_primary_region") == target {
            return Err(ApiError::invalid_state(format!("'{target}' is the primary region already")));
        }
        set(&mut record, "effective_primary_region", target);
        stamp::updated(&mut record, call.operation.result, call);
        change.put(COLLECTION, name(call)?, record.clone());
        Ok(Json(Value::Object(record)))
    })
}
