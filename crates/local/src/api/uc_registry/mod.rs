//! The registry of models in Unity Catalog as mlflow calls it, beside the public API: the same models and versions.

use axum::Router;
use axum::extract::{FromRequest, Request};
use axum::routing::{delete, get, patch, post};
use serde_json::{Value, json};

use crate::extract::{Fields, Query, missing};
use crate::paging::{Limits, page};
use crate::records::call::set;
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::RegistryHandle;
use crate::state::lock;

mod models;
mod versions;

const MODELS: &str = "registered_models/";
const LIMITS: Limits = Limits { usual: 100, max: 10_000 };

pub(super) fn routes(state: RegistryHandle) -> Router {
    let at = |path: &str| format!("/api/2.0/mlflow/unity-catalog/{path}");
    Router::new()
        .route(&at("registered-models/create"), post(models::create_model))
        .route(&at("registered-models/update"), patch(models::update_model))
        .route(&at("registered-models/delete"), delete(models::delete_model))
        .route(&at("registered-models/get"), get(models::read_model))
        .route(&at("registered-models/search"), get(models::search_models))
        .route(
            &at("registered-models/alias"),
            get(models::by_alias).post(models::set_alias).delete(models::delete_alias),
        )
        .route(&at("registered-models/set-tag"), post(models::tag_model))
        .route(&at("registered-models/delete-tag"), delete(models::untag_model))
        .route(&at("model-versions/create"), post(versions::create_version))
        .route(&at("model-versions/finalize"), post(versions::finalize))
        .route(&at("model-versions/update"), patch(versions::update_version))
        .route(&at("model-versions/delete"), delete(versions::delete_version))
        .route(&at("model-versions/get"), get(versions::read_version))
        .route(&at("model-versions/get-download-uri"), get(versions::download_uri))
        .route(&at("model-versions/search"), get(versions::search_versions))
        .route(&at("model-versions/set-tag"), post(versions::tag_version))
        .route(&at("model-versions/delete-tag"), delete(versions::untag_version))
        .route(&at("model-versions/emit-lineage"), post(versions::lineage))
        .route(&at("registered-models:is-databricks-sdk-models-artifact-repository-enabled"), get(versions::by_files))
        // What the open source server has beside the public API, of the workspace's registry.
        .route("/api/2.0/mlflow/registered-models/get", get(models::read_workspace_model))
        .with_state(state)
}

/// What a call states: in its query, or in a body where its method has one. mlflow puts the members of DELETE there.
struct Input(Fields);

impl<S: Send + Sync> FromRequest<S> for Input {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let mut fields = Fields::from_request(request, state).await?;
        for (name, value) in query.pairs() {
            fields.0.entry(name).or_insert_with(|| value.into());
        }
        Ok(Self(fields))
    }
}

impl Input {
    /// The full name of a model.
    fn name(&self) -> Result<String, ApiError> {
        let name = self.0.str("name")?;
        if name.split('.').count() != 3 || name.split('.').any(str::is_empty) {
            return Err(ApiError::invalid_parameter(format!(
                "'{name}' is not the name of a model in Unity Catalog: catalog.schema.model"
            )));
        }
        Ok(name.to_lowercase())
    }

    fn version(&self) -> Result<i64, ApiError> {
        self.0.opt_i64("version")?.ok_or_else(|| missing("version"))
    }
}

fn collection(name: &str) -> String {
    format!("registered_models/{name}/versions")
}

fn model(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    let found = change.get(MODELS, name).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Registered Model '{name}' does not exist.")))
}

fn version(change: &Change<'_>, name: &str, number: i64) -> Result<Record, ApiError> {
    let found = change.get(&collection(name), &number.to_string()).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Version {number} of model '{name}' does not exist.")))
}

/// The names that mlflow has for members.
fn renamed(record: &Record, names: &[(&str, &str)]) -> Value {
    let mut out = json!({});
    for (own, shown) in names {
        if let Some(value) = record.get(*own).filter(|value| !value.is_null()) {
            out[*shown] = value.clone();
        }
    }
    out
}

fn aliases(record: &Record) -> impl Iterator<Item = (&str, i64)> {
    let all = record.get("aliases").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|alias| Some((alias["alias_name"].as_str()?, alias["version_num"].as_i64()?)))
}

fn model_shown(record: &Record) -> Value {
    let mut out = renamed(
        record,
        &[
            ("full_name", "name"),
            ("created_at", "creation_timestamp"),
            ("updated_at", "last_updated_timestamp"),
            ("owner", "user_id"),
            ("comment", "description"),
            ("mlflow_tags", "tags"),
        ],
    );
    out["aliases"] =
        aliases(record).map(|(alias, version)| json!({"alias": alias, "version": version.to_string()})).collect();
    out
}

fn version_shown(change: &Change<'_>, name: &str, record: &Record) -> Value {
    let mut out = renamed(
        record,
        &[
            ("created_at", "creation_timestamp"),
            ("updated_at", "last_updated_timestamp"),
            ("created_by", "user_id"),
            ("comment", "description"),
            ("source", "source"),
            ("run_id", "run_id"),
            ("model_id", "model_id"),
            ("status", "status"),
            ("storage_location", "storage_location"),
            ("mlflow_tags", "tags"),
        ],
    );
    let number = record.get("version").and_then(Value::as_i64).unwrap_or_default();
    out["name"] = json!(name);
    out["version"] = json!(number.to_string());
    let parent = change.get(MODELS, name);
    let own = parent.into_iter().flat_map(aliases).filter(|(_, version)| *version == number);
    out["aliases"] = own.map(|(alias, _)| json!({"alias": alias, "version": number.to_string()})).collect();
    out
}

fn listed(all: Vec<Value>, member: &str, input: &Input) -> Reply {
    let size = input.0.opt_i64("max_results")?;
    let page = page(all, member, size, input.0.opt_str("page_token")?.filter(|token| !token.is_empty()), LIMITS)?;
    let mut out = json!({member: page.items});
    if let Some(next) = page.next {
        out["next_page_token"] = json!(next);
    }
    Ok(Json(out))
}

/// Sets a tag, or takes it out.
fn tag(record: &mut Record, input: &Input, add: bool) -> Result<(), ApiError> {
    let key = input.0.str("key")?;
    let mut tags = record.get("mlflow_tags").and_then(Value::as_array).cloned().unwrap_or_default();
    tags.retain(|tag| tag["key"] != key);
    if add {
        tags.push(json!({"key": key, "value": input.0.opt_str("value")?.unwrap_or_default()}));
    }
    set(record, "mlflow_tags", tags);
    Ok(())
}

/// Removes the files of a model or of a version, if there are any.
fn remove_files(state: &RegistryHandle, path: &str) -> Reply {
    match lock(&state.volumes.tree).delete_directory(&format!("/Models/{path}")) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(Json::empty()),
    }
}
