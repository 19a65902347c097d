//! Schemas.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::found::{SCHEMA, known_catalog, known_schema, schemas, tables};
use super::notes::{base, begin, edit, forget, id, listed, note, plain, quoted, sql, tell};
use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::App;

const STATED: [&str; 5] = ["comment", "properties", "storage_root", "enable_predictive_optimization", "owner"];

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/2.1/unity-catalog/schemas", get(list).post(create))
        .route("/api/2.1/unity-catalog/schemas/{full_name}", get(read).patch(update).delete(delete))
}

fn shown(app: &App, catalog: &str, schema: &str) -> Result<Value, ApiError> {
    let full_name = format!("{catalog}.{schema}");
    let record = note(app, SCHEMA, &full_name)?;
    let mut out = base(app, &record, schema, &full_name);
    out["catalog_name"] = json!(catalog);
    out["catalog_type"] = json!("MANAGED_CATALOG");
    out["schema_id"] = json!(id(&record));
    Ok(out)
}

async fn list(State(app): State<Arc<App>>, query: Query) -> Reply {
    let catalog = known_catalog(&app, query.str("catalog_name")?).await?;
    let names = schemas(&app, &catalog).await?;
    let shown = names.iter().map(|name| shown(&app, &catalog, name)).collect::<Result<Vec<_>, _>>()?;
    listed(shown, "schemas", &query)
}

async fn create(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let name = plain(&fields, "name")?;
    let catalog = known_catalog(&app, fields.str("catalog_name")?).await?;
    let full_name = format!("{catalog}.{name}");
    if schemas(&app, &catalog).await?.contains(&name) {
        return Err(SCHEMA.taken(&full_name));
    }
    sql(&app, &format!("CREATE SCHEMA {}", quoted(&full_name))).await?;
    begin(&app, &caller, SCHEMA, &full_name, &fields, &STATED)?;
    tell(&app, &full_name, &fields, Some(&caller)).await?;
    shown(&app, &catalog, &name).map(Json)
}

async fn read(State(app): State<Arc<App>>, Path(full_name): Path<String>) -> Reply {
    let (catalog, schema) = known_schema(&app, &full_name).await?;
    shown(&app, &catalog, &schema).map(Json)
}

async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(full_name): Path<String>,
    fields: Fields,
) -> Reply {
    let (catalog, schema) = known_schema(&app, &full_name).await?;
    let full_name = format!("{catalog}.{schema}");
    edit(&app, &caller, SCHEMA, &full_name, &fields, &STATED)?;
    tell(&app, &full_name, &fields, None).await?;
    shown(&app, &catalog, &schema).map(Json)
}

async fn delete(State(app): State<Arc<App>>, Path(full_name): Path<String>, query: Query) -> Reply {
    let (catalog, schema) = known_schema(&app, &full_name).await?;
    let full_name = format!("{catalog}.{schema}");
    let force = query.opt_bool("force")? == Some(true);
    let tables = tables(&app, &catalog, &schema).await?;
    if !tables.is_empty() && !force {
        return Err(ApiError::new(
            http::StatusCode::BAD_REQUEST,
            "UNITY_CATALOG_INVALID_STATE",
            format!("Schema '{full_name}' is not empty. The schema has {} tables(s)", tables.len()),
        ));
    }
    let how = if force { " CASCADE" } else { "" };
    sql(&app, &format!("DROP SCHEMA {}{how}", quoted(&full_name))).await?;
    forget(&app, SCHEMA, &full_name)?;
    Ok(Json::empty())
}
