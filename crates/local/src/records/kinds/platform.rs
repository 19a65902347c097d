//! Repos, git credentials, apps, databases, vector search and other services that are records alone.

use serde_json::json;

use crate::records::call::{Call, default, member, set, text};
use crate::records::kind::{Identity, Kind, Verb};
use crate::records::store::{Change, Record};
use crate::reply::ApiError;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("repos", "Repo", "id", Identity::Number)
        .unique("path")
        .answers()
        .required(&["url", "provider"])
        .on_create(repo)
        .on_update(checkout),
    Kind::new("git_credentials", "Git credential", "credential_id", Identity::Number)
        .required(&["git_provider"])
        .on_create(git_credential),
    Kind::new("apps", "App", "name", Identity::Given)
        .required(&["name"])
        .on_create(app)
        .actions(&[("start", start_app), ("stop", stop_app)]),
    Kind::new("apps", "Deployment", "deployment_id", Identity::Hex)
        .suffixes(&["deployment", "deployments"])
        .verbs(&[("deploy", Verb::Create)])
        .on_place(deployment),
    Kind::new("apps_settings", "Template", "name", Identity::Given)
        .suffixes(&["custom_template", "custom_templates"])
        .required(&["name"]),
    Kind::new("database", "Database instance", "name", Identity::Given)
        .suffixes(&["database_instance", "database_instances"])
        .on_create(database),
    Kind::new("database", "Role", "name", Identity::Given)
        .suffixes(&["database_instance_role", "database_instance_roles"]),
    Kind::new("database", "Database catalog", "name", Identity::Given).suffixes(&["database_catalog"]),
    Kind::new("database", "Database table", "name", Identity::Given).suffixes(&["database_table"]),
    Kind::new("database", "Synced table", "name", Identity::Given).suffixes(&["synced_database_table"]),
    Kind::new("vector_search_endpoints", "Endpoint", "name", Identity::Given)
        .suffixes(&["endpoint", "endpoints"])
        .required(&["name", "endpoint_type"])
        .on_create(vector_endpoint),
    Kind::new("vector_search_indexes", "Index", "name", Identity::Given)
        .suffixes(&["index", "indexes"])
        .required(&["name", "endpoint_name", "primary_key", "index_type"])
        .on_create(vector_index)
        .on_place(vector_place),
    Kind::new("quality_monitor_v2", "Monitor", "object_id", Identity::Given)
        .suffixes(&["quality_monitor"])
        .required(&["object_type", "object_id"])
        .parents(&["object_type"]),
    Kind::new("data_quality", "Monitor", "object_id", Identity::Given)
        .suffixes(&["monitor"])
        .required(&["object_type", "object_id"])
        .parents(&["object_type"]),
    Kind::new("feature_store", "Online store", "name", Identity::Given)
        .suffixes(&["online_store", "online_stores"])
        .required(&["name"])
        .on_create(available),
    Kind::new("feature_engineering", "Feature", "full_name", Identity::Given).suffixes(&["feature", "features"]),
    Kind::new("feature_engineering", "Kafka configuration", "name", Identity::Given)
        .suffixes(&["kafka_config", "kafka_configs"]),
    Kind::new("feature_engineering", "Materialized feature", "materialized_feature_id", Identity::Uuid)
        .suffixes(&["materialized_feature", "materialized_features"]),
    Kind::new("materialized_features", "Tag", "key", Identity::Given)
        .suffixes(&["feature_tag", "feature_tags"])
        .required(&["key"]),
];

fn repo(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let url = text(record, "url");
    let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default().trim_end_matches(".git");
    if name.is_empty() || !url.contains("://") {
        return Err(ApiError::invalid_parameter(format!("'{url}' is not the URL of a Git repository")));
    }
    let path = format!("/Repos/{}/{name}", call.caller.name);
    default(record, "path", path);
    default(record, "branch", "main");
    // Nothing is fetched, so that no commit is known: Git writes zeros for none.
    set(record, "head_commit_id", "0".repeat(40));
    Ok(())
}

fn checkout(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    match (call.body.opt_str("branch")?, call.body.opt_str("tag")?) {
        (Some(_), Some(_)) => Err(ApiError::invalid_parameter("Only one of branch and tag may be stated")),
        // A tag leaves the repo on no branch.
        (None, Some(_)) => {
            record.remove("branch");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn git_credential(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    default(record, "is_default_for_provider", false);
    Ok(())
}

fn app(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let name = text(record, "name").to_owned();
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') || name.len() > 30 {
        return Err(ApiError::invalid_parameter(
            "App names consist of lower-case letters, digits and hyphens, at most 30 of them",
        ));
    }
    set(record, "id", call.desk.ids.uuid());
    set(record, "url", format!("{}/apps/{name}", call.desk.url));
    set(record, "service_principal_id", call.desk.ids.number() >> 11);
    set(record, "service_principal_client_id", call.desk.ids.uuid());
    set(record, "service_principal_name", format!("app-{name}"));
    set(record, "default_source_code_path", format!("/Workspace/Users/{}/{name}", call.caller.name));
    default(record, "compute_size", "MEDIUM");
    let waits = json!({"state": "UNAVAILABLE", "message": "The app has no deployment yet."});
    set(record, "app_status", waits);
    let stopped = call.query.get("no_compute") == Some("true");
    compute(record, if stopped { "STOPPED" } else { "ACTIVE" });
    Ok(())
}

fn compute(record: &mut Record, state: &str) {
    let message = if state == "ACTIVE" { "App compute is running." } else { "App compute is stopped." };
    set(record, "compute_status", json!({"state": state, "message": message}));
}

fn start_app(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    compute(record, "ACTIVE");
    Ok(())
}

fn stop_app(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    compute(record, "STOPPED");
    set(record, "app_status", json!({"state": "UNAVAILABLE", "message": "App compute is stopped."}));
    Ok(())
}

fn deployment(record: &mut Record, call: &Call<'_>, change: &Change<'_>) -> Result<(), ApiError> {
    let app = call.param("app_name").unwrap_or_default();
    if change.get("apps/", app).is_none() {
        return Err(ApiError::not_found(format!("App '{app}' does not exist.")));
    }
    default(record, "mode", "SNAPSHOT");
    let message = "Kept as a record; the app's code does not run here.";
    set(record, "status", json!({"state": "SUCCEEDED", "message": message}));
    Ok(())
}

fn available(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "state", "AVAILABLE");
    Ok(())
}

fn database(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "state", "AVAILABLE");
    default(record, "capacity", "CU_1");
    default(record, "pg_version", "PG_VERSION_16");
    Ok(())
}

fn vector_endpoint(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "id", call.desk.ids.uuid());
    set(record, "endpoint_status", json!({"state": "ONLINE"}));
    set(record, "num_indexes", 0);
    Ok(())
}

fn vector_index(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    let (spec, status) = match text(record, "index_type") {
        "DIRECT_ACCESS" => ("direct_access_index_spec", json!({"ready": true, "indexed_row_count": 0})),
        _ => {
            let message = "Kept as a record; its table is not read.";
            ("delta_sync_index_spec", json!({"ready": true, "indexed_row_count": 0, "message": message}))
        }
    };
    if !record.get(spec).is_some_and(serde_json::Value::is_object) {
        return Err(crate::extract::missing(spec));
    }
    if let Some(schema) = member(record, spec)["schema_json"].as_str()
        && !serde_json::from_str::<serde_json::Value>(schema).is_ok_and(|schema| schema.is_object())
    {
        return Err(ApiError::invalid_parameter(
            "schema_json is an object in JSON: the types of columns by their names",
        ));
    }
    set(record, "status", status);
    Ok(())
}

/// An index is on an endpoint.
fn vector_place(record: &mut Record, _: &Call<'_>, change: &Change<'_>) -> Result<(), ApiError> {
    let name = text(record, "endpoint_name").to_owned();
    let endpoint = change.get("vector_search_endpoints/endpoint", &name);
    let endpoint = endpoint.ok_or_else(|| ApiError::not_found(format!("The endpoint '{name}' does not exist.")))?;
    set(record, "endpoint_id", text(endpoint, "id"));
    Ok(())
}
