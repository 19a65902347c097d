//! What is particular to each kind of resource.

use serde_json::{Map, Value, json};

use super::{COLLECTION, names, place, required};
use crate::clock::Clock;
use crate::extract::missing;
use crate::records::call::{Call, default, member, set, text};
use crate::records::store::{Change, Record};
use crate::reply::ApiError;

/// When a resource is ready; it is not shown.
pub(super) const READY: &str = "ready_at_ms";
pub(super) const OWNER: &str = "made_by";
pub(super) const PASSWORD: &str = "password";
/// The method of roles that have a password.
pub(super) const WITH_PASSWORD: &str = "PG_PASSWORD_SCRAM_SHA_256";

/// Members that responses leave out. What was asked for is part of the status, as far as it holds.
pub(super) fn hidden(member: &str) -> bool {
    matches!(member, READY | OWNER | PASSWORD | "spec" | "initial_branch_spec" | "initial_endpoint_spec")
}

/// One kind of resource.
#[derive(Debug)]
pub(super) struct Form {
    /// The segment of its kind in names.
    pub(super) collection: &'static str,
    pub(super) noun: &'static str,
    /// The member, and the parameter, with its identifier.
    pub(super) id: Option<&'static str>,
    pub(super) optional_id: bool,
    /// Whether its parent has one of it at most.
    pub(super) alone: bool,
    pub(super) uid: bool,
    pub(super) updated: bool,
    pub(super) undeletes: bool,
    /// What bodies state.
    pub(super) stated: &'static [&'static str],
    pub(super) takes_ms: i64,
}

const USUAL: Form = Form {
    collection: "",
    noun: "",
    id: None,
    optional_id: false,
    alone: false,
    uid: false,
    updated: true,
    undeletes: false,
    stated: &["spec"],
    takes_ms: 2_000,
};

const FORMS: &[Form] = &[
    Form {
        collection: "projects",
        noun: "project",
        id: Some("project_id"),
        uid: true,
        undeletes: true,
        stated: &["spec", "initial_branch_spec", "initial_endpoint_spec"],
        takes_ms: 10_000,
        ..USUAL
    },
    Form { collection: "branches", noun: "branch", id: Some("branch_id"), uid: true, undeletes: true, ..USUAL },
    Form { collection: "endpoints", noun: "endpoint", id: Some("endpoint_id"), uid: true, takes_ms: 5_000, ..USUAL },
    Form { collection: "databases", noun: "database", id: Some("database_id"), optional_id: true, ..USUAL },
    Form { collection: "roles", noun: "role", id: Some("role_id"), optional_id: true, ..USUAL },
    Form { collection: "snapshots", noun: "snapshot", id: Some("snapshot_id"), uid: true, updated: false, ..USUAL },
    Form { collection: "catalogs", noun: "catalog", id: Some("catalog_id"), uid: true, ..USUAL },
    Form {
        collection: "synced_tables",
        noun: "synced table",
        id: Some("synced_table_id"),
        uid: true,
        updated: false,
        takes_ms: 5_000,
        ..USUAL
    },
    Form {
        collection: "cdf-configs",
        noun: "CDF configuration",
        id: Some("cdf_config_id"),
        optional_id: true,
        updated: false,
        stated: &["catalog", "postgres_schema", "schema"],
        ..USUAL
    },
    Form { collection: "data-api", noun: "data API", alone: true, ..USUAL },
    Form {
        collection: "snapshot-schedule",
        noun: "snapshot schedule",
        alone: true,
        updated: false,
        stated: &["schedule"],
        ..USUAL
    },
];

impl Form {
    /// Whether no other resource holds it.
    pub(super) fn top(&self) -> bool {
        matches!(self.collection, "projects" | "catalogs" | "synced_tables")
    }

    /// Whether one states its parent as a member, beside its name.
    pub(super) fn has_parent(&self) -> bool {
        !self.top() && !matches!(self.collection, "snapshots" | "cdf-configs" | "snapshot-schedule")
    }

    /// Whether a text can identify one.
    pub(super) fn is_id(&self, id: &str) -> bool {
        let word = |id: &str, more: &[char]| {
            let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(&c);
            id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(rest) && id.len() <= 63
        };
        match self.collection {
            "catalogs" => !id.is_empty() && !id.contains(['/', '.', ' ']),
            "synced_tables" => {
                id.split('.').count() == 3 && id.split('.').all(|part| !part.is_empty() && !part.contains('/'))
            }
            "cdf-configs" => word(id, &['_']),
            _ => word(id, &['-']),
        }
    }

    pub(super) fn id_form(&self) -> &'static str {
        match self.collection {
            "catalogs" => "the name of a catalog",
            "synced_tables" => "the full name of a table: catalog.schema.table",
            "cdf-configs" => "of lower-case letters, digits and underscores, a letter first, at most 63 of them",
            _ => "of lower-case letters, digits and hyphens, a letter first, at most 63 of them",
        }
    }
}

fn named(collection: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.collection == collection)
}

/// The form of the resource of that name.
pub(super) fn of(name: &str) -> Option<&'static Form> {
    let mut segments = name.rsplit('/');
    let (last, before) = (segments.next()?, segments.next());
    named(last).filter(|form| form.alone).or_else(|| named(before?))
}

/// The form that a call makes one of: its path ends with the segment of the kind.
pub(super) fn made_by(call: &Call<'_>) -> Result<&'static Form, ApiError> {
    named(listed_in(call)).ok_or_else(|| ApiError::internal("an operation of no kind of resource"))
}

/// The segment of the kind at the end of a call's path.
pub(super) fn listed_in(call: &Call<'_>) -> &'static str {
    call.operation.path().rsplit('/').next().unwrap_or_default()
}

fn spec(record: &Record) -> Map<String, Value> {
    record.get("spec").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Refuses what the service refuses.
pub(super) fn check(form: &Form, record: &Record, (change, name): (&Change<'_>, &str)) -> Result<(), ApiError> {
    let spec = spec(record);
    let is_stated = |member: &str| spec.get(member).is_some_and(|value| !value.is_null() && *value != false);
    let refers = |member: &str| -> Result<(), ApiError> {
        match spec.get(member).and_then(Value::as_str).filter(|name| !name.is_empty()) {
            Some(name) => super::live(change, name).map(drop),
            None => Ok(()),
        }
    };
    let life = ["ttl", "expire_time", "no_expiry"].into_iter().filter(|member| is_stated(member)).count();
    match form.collection {
        "branches" => {
            let default = is_default(change, name);
            if life > 1 || (life == 0 && !default) {
                return Err(ApiError::invalid_parameter("spec has one of ttl, expire_time and no_expiry"));
            }
            refers("source_branch")?;
            refers("source_snapshot")
        }
        "endpoints" => {
            let kind = required(&spec, "endpoint_type")?;
            let inside = format!("{}/endpoints/", names::parent(name));
            let other = change.list(COLLECTION).into_iter().any(|(key, other)| {
                key.starts_with(&inside) && key != name && &member(other, "spec")["endpoint_type"] == kind
            });
            if other && kind == "ENDPOINT_TYPE_READ_WRITE" {
                return Err(ApiError::invalid_state(format!(
                    "The branch '{}' has a read-write endpoint already",
                    names::parent(name)
                )));
            }
            let limit = |member: &str| spec.get(member).and_then(Value::as_f64);
            match (limit("autoscaling_limit_min_cu"), limit("autoscaling_limit_max_cu")) {
                (Some(min), Some(max)) if min > max => Err(ApiError::invalid_parameter(
                    "autoscaling_limit_min_cu must not be above autoscaling_limit_max_cu",
                )),
                _ => Ok(()),
            }
        }
        "databases" => {
            required(&spec, "role")?;
            refers("role")
        }
        "snapshots" => {
            required(&spec, "source_branch")?;
            if life > 1 {
                return Err(ApiError::invalid_parameter("spec has one of ttl, expire_time and no_expiry"));
            }
            refers("source_branch")
        }
        "catalogs" => {
            required(&spec, "postgres_database")?;
            refers("branch")
        }
        "synced_tables" => {
            required(&spec, "source_table_full_name")?;
            refers("branch")
        }
        "cdf-configs" => {
            for member in ["catalog", "postgres_schema", "schema"] {
                required(record, member)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether a branch is its project's default.
fn is_default(change: &Change<'_>, name: &str) -> bool {
    change.get(COLLECTION, names::parent(name)).is_some_and(|project| default_branch(project) == name)
}

fn default_branch(project: &Record) -> String {
    let stated = member(project, "spec")["default_branch"].as_str().map(str::to_owned);
    stated.unwrap_or_else(|| format!("{}/branches/{FIRST_BRANCH}", text(project, "name")))
}

const FIRST_BRANCH: &str = "production";
const FIRST_ENDPOINT: &str = "primary";
const FIRST_DATABASE: &str = "databricks_postgres";

/// Makes what a new resource has from the start.
pub(super) fn begin(form: &Form, change: &mut Change<'_>, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
    let record = super::found(change, name)?;
    match form.collection {
        "projects" => {
            let branch = format!("{name}/branches/{FIRST_BRANCH}");
            let stated = record.get("initial_branch_spec").and_then(Value::as_object).cloned().unwrap_or_default();
            make(change, call, "branches", &branch, stated);
            let role = format!("{branch}/roles/ro-{}", call.desk.ids.hex16());
            let own = json!({"postgres_role": call.caller.name, "identity_type": "USER", "auth_method": "LAKEBASE_OAUTH_V1",
                "membership_roles": ["DATABRICKS_SUPERUSER"]});
            make(change, call, "roles", &role, object(own));
            let database = format!("{branch}/databases/da-{}", call.desk.ids.hex16());
            make(
                change,
                call,
                "databases",
                &database,
                object(json!({"postgres_database": FIRST_DATABASE, "role": role})),
            );
            let mut endpoint =
                member(&record, "spec")["default_endpoint_settings"].as_object().cloned().unwrap_or_default();
            endpoint
                .extend(record.get("initial_endpoint_spec").and_then(Value::as_object).cloned().unwrap_or_default());
            first_endpoint(change, call, &branch, endpoint);
        }
        "branches" => {
            let project = super::found(change, names::parent(name))?;
            let mut branch = record;
            let mut own = spec(&branch);
            let stated = own.get("source_branch").and_then(Value::as_str).map(str::to_owned);
            let source = stated.unwrap_or_else(|| default_branch(&project));
            set(&mut own, "source_branch", source.as_str());
            default(&mut own, "source_branch_time", Clock::rfc3339(call.now()));
            set(&mut branch, "spec", own);
            change.put(COLLECTION, name, branch);
            copy(change, call, &source, name);
            let settings =
                member(&project, "spec")["default_endpoint_settings"].as_object().cloned().unwrap_or_default();
            first_endpoint(change, call, name, settings);
        }
        _ => {}
    }
    Ok(())
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

fn make(change: &mut Change<'_>, call: &Call<'_>, collection: &str, name: &str, spec: Map<String, Value>) {
    if let Some(form) = named(collection) {
        place(change, call, form, name, Record::from_iter([("spec".to_owned(), Value::Object(spec))]));
    }
}

fn first_endpoint(change: &mut Change<'_>, call: &Call<'_>, branch: &str, mut spec: Map<String, Value>) {
    set(&mut spec, "endpoint_type", "ENDPOINT_TYPE_READ_WRITE");
    spec.remove("pg_settings");
    make(change, call, "endpoints", &format!("{branch}/endpoints/{FIRST_ENDPOINT}"), spec);
}

/// A branch begins with the databases and roles of the one that it is made of.
fn copy(change: &mut Change<'_>, call: &Call<'_>, source: &str, branch: &str) {
    for collection in ["roles", "databases"] {
        let inside = format!("{source}/{collection}/");
        let all = change.list(COLLECTION).into_iter().filter(|(key, _)| key.starts_with(&inside));
        let all: Vec<_> = all.filter(|(key, _)| !key[inside.len()..].contains('/')).map(|(_, r)| r.clone()).collect();
        for record in all {
            let mut spec = spec(&record);
            if let Some(role) = spec.get("role").and_then(Value::as_str).and_then(|role| role.strip_prefix(source)) {
                let role = format!("{branch}{role}");
                set(&mut spec, "role", role);
            }
            let name = format!("{branch}/{collection}/{}", names::last(text(&record, "name")));
            make(change, call, collection, &name, spec);
        }
    }
}

/// Whether a resource may be deleted.
pub(super) fn may_go(form: &Form, change: &Change<'_>, record: &Record) -> Result<(), ApiError> {
    let name = text(record, "name");
    if form.collection == "branches" {
        if is_default(change, name) {
            return Err(ApiError::invalid_state(format!("'{name}' is the default branch of its project and stays")));
        }
        if member(record, "spec")["is_protected"] == true {
            return Err(ApiError::invalid_state(format!("The branch '{name}' is protected; unset is_protected first")));
        }
    }
    Ok(())
}

/// Adds what a resource shows by now: its status.
pub(super) fn settle(form: &Form, record: &mut Record, change: &Change<'_>, now: i64) {
    let ready = record.get(READY).and_then(Value::as_i64).is_none_or(|at| now >= at);
    let mut status = spec(record);
    let id = names::last(text(record, "name")).to_owned();
    match form.collection {
        "projects" => {
            default(&mut status, "display_name", id.as_str());
            default(&mut status, "pg_version", 17);
            default(&mut status, "history_retention_duration", "604800s");
            default(&mut status, "enable_pg_native_login", true);
            let branch = default_branch(record);
            set(&mut status, "default_branch", branch);
            set(&mut status, "owner", text(record, OWNER));
            set(&mut status, "project_id", id);
            set(&mut status, "synthetic_storage_size_bytes", 0);
        }
        "branches" => {
            let state = match (record.contains_key("delete_time"), ready) {
                (true, _) => "DELETED",
                (false, true) => "READY",
                (false, false) => "INIT",
            };
            for member in ["delete_time", "purge_time"] {
                if let Some(time) = record.remove(member) {
                    status.insert(member.to_owned(), time);
                }
            }
            expiry(&mut status, record);
            set(&mut status, "branch_id", id.as_str());
            set(&mut status, "current_state", state);
            set(&mut status, "default", is_default(change, text(record, "name")));
            default(&mut status, "is_protected", false);
            set(&mut status, "logical_size_bytes", 0);
        }
        "endpoints" => {
            let state = match (status.get("disabled") == Some(&json!(true)), ready) {
                (true, _) => "IDLE",
                (false, true) => "ACTIVE",
                (false, false) => "INIT",
            };
            default(&mut status, "autoscaling_limit_min_cu", 1);
            default(&mut status, "autoscaling_limit_max_cu", 1);
            default(&mut status, "disabled", false);
            status.remove("no_suspension");
            set(&mut status, "endpoint_id", id.as_str());
            set(&mut status, "current_state", state);
            // A name that leads nowhere by definition: no Postgres is behind it.
            let uid = text(record, "uid").split('-').next().unwrap_or_default().to_owned();
            let host = format!("ep-{uid}.database.invalid");
            let hosts = if member(&status, "endpoint_type") == "ENDPOINT_TYPE_READ_ONLY" {
                json!({"read_only_host": host})
            } else {
                json!({"host": host})
            };
            set(&mut status, "hosts", hosts);
        }
        "databases" => {
            default(&mut status, "postgres_database", id.replace('-', "_"));
            set(&mut status, "database_id", id);
        }
        "roles" => {
            default(&mut status, "postgres_role", id.as_str());
            default(&mut status, "auth_method", "LAKEBASE_OAUTH_V1");
            set(&mut status, "role_id", id);
        }
        "snapshots" => {
            expiry(&mut status, record);
            status.retain(|name, _| matches!(name.as_str(), "expire_time" | "no_expiry" | "source_branch"));
            set(&mut status, "full_size_bytes", 0);
            set(&mut status, "diff_size_bytes", 0);
        }
        "catalogs" => {
            status.remove("create_database_if_missing");
            if let Some(project) = status.get("branch").and_then(Value::as_str).map(|b| names::parent(b).to_owned()) {
                set(&mut status, "project", project);
            }
        }
        "synced_tables" => {
            let project = status.get("branch").and_then(Value::as_str).map(|b| names::parent(b).to_owned());
            status.clear();
            let state = if ready { "SYNCED_TABLE_ONLINE" } else { "SYNCED_TABLE_PROVISIONING" };
            set(&mut status, "detailed_state", state);
            let state = if ready { "ACTIVE" } else { "PROVISIONING" };
            set(&mut status, "unity_catalog_provisioning_state", state);
            set(&mut status, "message", "Kept as a record; no rows are synchronized.");
            if let Some(project) = project {
                set(&mut status, "project", project);
            }
        }
        "data-api" => {
            default(&mut status, "db_schemas", json!(["public"]));
            set(&mut status, "available_schemas", json!(["public"]));
        }
        _ => return,
    }
    set(record, "status", status);
}

/// When something ends that has a time to live.
fn expiry(status: &mut Map<String, Value>, record: &Record) {
    let ttl = status.remove("ttl");
    let seconds =
        ttl.as_ref().and_then(Value::as_str).and_then(|t| t.strip_suffix('s')).and_then(|s| s.parse::<i64>().ok());
    let made = text(record, "create_time").parse::<jiff::Timestamp>().map(|t| t.as_millisecond());
    if let (Some(seconds), Ok(made)) = (seconds, made) {
        set(status, "expire_time", Clock::rfc3339(made.saturating_add(seconds.saturating_mul(1000))));
    }
    if member(record, "name").as_str().is_some_and(|name| name.contains("/branches/")) {
        status.remove("no_expiry");
    }
}

pub(super) fn full(form: &Form, parent: Option<&str>, id: &str) -> String {
    let own = if form.alone { form.collection.to_owned() } else { format!("{}/{id}", form.collection) };
    parent.map_or_else(|| own.clone(), |parent| format!("{parent}/{own}"))
}

/// The identifier that a new resource is given, or one that is made for it.
pub(super) fn given(form: &Form, call: &Call<'_>) -> Result<String, ApiError> {
    if form.alone {
        return Ok(String::new());
    }
    let Some(member) = form.id else { return Err(ApiError::internal("a resource without an identifier")) };
    match call.input(member) {
        Some(id) if form.is_id(&id) => Ok(id),
        Some(id) => {
            Err(ApiError::invalid_parameter(format!("{member}: '{id}' is not valid; it is {}", form.id_form())))
        }
        None if form.optional_id => Ok(format!("{}-{}", &form.noun[..2], call.desk.ids.hex16())),
        None => Err(missing(member)),
    }
}
