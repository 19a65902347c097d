//! Catalogs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::found::{CATALOG, catalogs, known_catalog, schemas};
use super::notes::{base, begin, edit, forget, id, listed, note, plain, tell};
use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::App;

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

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/2.1/unity-catalog/catalogs", get(list).post(create))
        .route("/api/2.1/unity-catalog/catalogs/{name}", get(read).patch(update).delete(delete))
}

fn shown(app: &App, name: &str) -> Result<Value, ApiError> {
    let record = note(app, CATALOG, name)?;
    let mut out = base(app, &record, name, name);
    let kind = if name == "samples" { "SYSTEM_CATALOG" } else { "MANAGED_CATALOG" };
    out["catalog_type"] = json!(kind);
    out["securable_type"] = json!("CATALOG");
    if out["isolation_mode"].is_null() {
        out["isolation_mode"] = json!("OPEN");
    }
    out["storage_location"] = json!(format!("local://metastore/{}", id(&record)));
    Ok(out)
}

async fn list(State(app): State<Arc<App>>, query: Query) -> Reply {
    let names = catalogs(&app).await?;
    let shown = names.iter().map(|name| shown(&app, name)).collect::<Result<Vec<_>, _>>()?;
    listed(shown, "catalogs", &query)
}

async fn create(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let name = plain(&fields, "name")?;
    app.create_catalog(&name)?;
    begin(&app, &caller, CATALOG, &name, &fields, &STATED)?;
    tell(&app, &name, &fields, Some(&caller)).await?;
    shown(&app, &name).map(Json)
}

async fn read(State(app): State<Arc<App>>, Path(name): Path<String>) -> Reply {
    let name = known_catalog(&app, &name).await?;
    shown(&app, &name).map(Json)
}

async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    fields: Fields,
) -> Reply {
    let name = known_catalog(&app, &name).await?;
    edit(&app, &caller, CATALOG, &name, &fields, &STATED)?;
    tell(&app, &name, &fields, None).await?;
    shown(&app, &name).map(Json)
}

async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>, query: Query) -> Reply {
    let name = known_catalog(&app, &name).await?;
    let schemas = schemas(&app, &name).await?;
    let own = schemas.iter().any(|s| !matches!(s.as_str(), "default" | "information_schema"));
    if own && query.opt_bool("force")? != Some(true) {
        return Err(ApiError::new(
            http::StatusCode::BAD_REQUEST,
            "UNITY_CATALOG_INVALID_STATE",
            format!("Catalog '{name}' is not empty; state force=true to delete it with its schemas"),
        ));
    }
    app.drop_catalog(&name)?;
    forget(&app, CATALOG, &name)?;
    Ok(Json::empty())
}

#[cfg(feature = "engine")]
impl App {
    fn create_catalog(&self, name: &str) -> Result<(), ApiError> {
        match self.engine.create_catalog(name) {
            Ok(true) => Ok(()),
            Ok(false) => Err(CATALOG.taken(name)),
            Err(failure) => Err(ApiError::internal(failure.message)),
        }
    }

    fn drop_catalog(&self, name: &str) -> Result<(), ApiError> {
        if self.engine.drop_catalog(name) { Ok(()) } else { Err(CATALOG.not_found(name)) }
    }
}

#[cfg(not(feature = "engine"))]
impl App {
    fn create_catalog(&self, _: &str) -> Result<(), ApiError> {
        Err(without_engine())
    }

    fn drop_catalog(&self, _: &str) -> Result<(), ApiError> {
        Err(without_engine())
    }
}

#[cfg(not(feature = "engine"))]
fn without_engine() -> ApiError {
    ApiError::new(
        http::StatusCode::NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        "This build of the embedded workspace has no SQL engine, and so no catalogs",
    )
}
