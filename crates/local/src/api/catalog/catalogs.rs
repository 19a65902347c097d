//! Catalogs.

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::found::{CATALOG, catalogs, known_catalog, schemas};
use super::notes::{base, begin, edit, forget, id, listed, note, plain, tell};
use super::renames::{rename, renamed};
use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::App;
use crate::state::handles::CatalogHandle;

const STATED: [&str; 10] = [
    "comment",
    "properties",
    "options",
    "storage_root",
    "connection_name",
    "provider_name",
    "share_name",
    "isolation_mode",
    "enable_predictive_optimization",
    "owner",
];

pub(super) fn routes(state: CatalogHandle) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/catalogs", get(list).post(create))
        .route("/api/2.1/unity-catalog/catalogs/{name}", get(read).patch(update).delete(delete))
        .with_state(state)
}

fn shown(state: &CatalogHandle, name: &str) -> Result<Value, ApiError> {
    let record = note(state, CATALOG, name)?;
    let mut out = base(state, &record, name, name);
    let kind = if name == "samples" { "SYSTEM_CATALOG" } else { "MANAGED_CATALOG" };
    out["catalog_type"] = json!(kind);
    out["securable_type"] = json!("CATALOG");
    if out["isolation_mode"].is_null() {
        out["isolation_mode"] = json!("OPEN");
    }
    out["storage_location"] = json!(format!("local://metastore/{}", id(&record)));
    Ok(out)
}

async fn list(State(state): State<CatalogHandle>, query: Query) -> Reply {
    let names = catalogs(&state).await?;
    let shown = names.iter().map(|name| shown(&state, name)).collect::<Result<Vec<_>, _>>()?;
    listed(shown, "catalogs", &query)
}

async fn create(State(state): State<CatalogHandle>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let name = plain(&fields, "name")?;
    create_in_engine(&state.sql, &name)?;
    begin(&state, &caller, CATALOG, &name, &fields, &STATED)?;
    tell(&state.sql, &name, &fields, Some(&caller)).await?;
    shown(&state, &name).map(Json)
}

async fn read(State(state): State<CatalogHandle>, Path(name): Path<String>) -> Reply {
    let name = known_catalog(&state, &name).await?;
    shown(&state, &name).map(Json)
}

async fn update(
    State(state): State<CatalogHandle>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    fields: Fields,
) -> Reply {
    let name = known_catalog(&state, &name).await?;
    let name = match renamed(&fields, &name)? {
        Some(new) => {
            rename(&state, CATALOG, &[&name], &[&new]).await?;
            new
        }
        None => name,
    };
    edit(&state, &caller, CATALOG, &name, &fields, &STATED)?;
    tell(&state.sql, &name, &fields, None).await?;
    shown(&state, &name).map(Json)
}

async fn delete(State(state): State<CatalogHandle>, Path(name): Path<String>, query: Query) -> Reply {
    let name = known_catalog(&state, &name).await?;
    let schemas = schemas(&state, &name).await?;
    let own = schemas.iter().any(|s| !matches!(s.as_str(), "default" | "information_schema"));
    if own && query.opt_bool("force")? != Some(true) {
        return Err(ApiError::new(
            http::StatusCode::BAD_REQUEST,
            "UNITY_CATALOG_INVALID_STATE",
            format!("Catalog '{name}' is not empty; state force=true to delete it with its schemas"),
        ));
    }
    drop_in_engine(&state.sql, &name)?;
    forget(&state, CATALOG, &name)?;
    Ok(Json::empty())
}

#[cfg(feature = "engine")]
fn create_in_engine(sql: &App, name: &str) -> Result<(), ApiError> {
    match sql.engine.create_catalog(name) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CATALOG.taken(name)),
        Err(failure) => Err(ApiError::internal(failure.message)),
    }
}

#[cfg(feature = "engine")]
fn drop_in_engine(sql: &App, name: &str) -> Result<(), ApiError> {
    match sql.engine.drop_catalog(name) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CATALOG.not_found(name)),
        Err(failure) => Err(ApiError::internal(failure.message)),
    }
}

#[cfg(not(feature = "engine"))]
fn create_in_engine(_: &App, _: &str) -> Result<(), ApiError> {
    Err(without_engine())
}

#[cfg(not(feature = "engine"))]
fn drop_in_engine(_: &App, _: &str) -> Result<(), ApiError> {
    Err(without_engine())
}

#[cfg(not(feature = "engine"))]
fn without_engine() -> ApiError {
    ApiError::new(
        http::StatusCode::NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        "This build of the embedded workspace has no SQL engine, and so no catalogs",
    )
}
