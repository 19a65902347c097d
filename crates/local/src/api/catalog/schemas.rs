//! Schemas.

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::found::{SCHEMA, known_catalog, known_schema, schemas, tables};
use super::notes::{base, begin, edit, forget, id, listed, note, plain, quoted, sql, tell};
use super::renames::{rename, renamed};
use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::CatalogHandle;

const STATED: [&str; 5] = ["comment", "properties", "storage_root", "enable_predictive_optimization", "owner"];

pub(super) fn routes(state: CatalogHandle) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/schemas", get(list).post(create))
        .route("/api/2.1/unity-catalog/schemas/{full_name}", get(read).patch(update).delete(delete))
        .with_state(state)
}

fn shown(state: &CatalogHandle, catalog: &str, schema: &str) -> Result<Value, ApiError> {
    let full_name = format!("{catalog}.{schema}");
    let record = note(state, SCHEMA, &full_name)?;
    let mut out = base(state, &record, schema, &full_name);
    out["catalog_name"] = json!(catalog);
    out["catalog_type"] = json!("MANAGED_CATALOG");
    out["schema_id"] = json!(id(&record));
    Ok(out)
}

async fn list(State(state): State<CatalogHandle>, query: Query) -> Reply {
    let catalog = known_catalog(&state, query.str("catalog_name")?).await?;
    let names = schemas(&state, &catalog).await?;
    let shown = names.iter().map(|name| shown(&state, &catalog, name)).collect::<Result<Vec<_>, _>>()?;
    listed(shown, "schemas", &query)
}

async fn create(State(state): State<CatalogHandle>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let name = plain(&fields, "name")?;
    let catalog = known_catalog(&state, fields.str("catalog_name")?).await?;
    let full_name = format!("{catalog}.{name}");
    if schemas(&state, &catalog).await?.contains(&name) {
        return Err(SCHEMA.taken(&full_name));
    }
    sql(&state, &format!("CREATE SCHEMA {}", quoted(&full_name))).await?;
    begin(&state, &caller, SCHEMA, &full_name, &fields, &STATED)?;
    tell(&state.sql, &full_name, &fields, Some(&caller)).await?;
    shown(&state, &catalog, &name).map(Json)
}

async fn read(State(state): State<CatalogHandle>, Path(full_name): Path<String>) -> Reply {
    let (catalog, schema) = known_schema(&state, &full_name).await?;
    shown(&state, &catalog, &schema).map(Json)
}

async fn update(
    State(state): State<CatalogHandle>,
    Extension(caller): Extension<Caller>,
    Path(full_name): Path<String>,
    fields: Fields,
) -> Reply {
    let (catalog, schema) = known_schema(&state, &full_name).await?;
    let schema = match renamed(&fields, &schema)? {
        Some(new) => {
            rename(&state, SCHEMA, &[&catalog, &schema], &[&catalog, &new]).await?;
            new
        }
        None => schema,
    };
    let full_name = format!("{catalog}.{schema}");
    edit(&state, &caller, SCHEMA, &full_name, &fields, &STATED)?;
    tell(&state.sql, &full_name, &fields, None).await?;
    shown(&state, &catalog, &schema).map(Json)
}

async fn delete(State(state): State<CatalogHandle>, Path(full_name): Path<String>, query: Query) -> Reply {
    let (catalog, schema) = known_schema(&state, &full_name).await?;
    let full_name = format!("{catalog}.{schema}");
    let force = query.opt_bool("force")? == Some(true);
    let tables = tables(&state, &catalog, &schema).await?;
    if !tables.is_empty() && !force {
        return Err(ApiError::new(
            http::StatusCode::BAD_REQUEST,
            "UNITY_CATALOG_INVALID_STATE",
            format!("Schema '{full_name}' is not empty. The schema has {} tables(s)", tables.len()),
        ));
    }
    let how = if force { " CASCADE" } else { "" };
    sql(&state, &format!("DROP SCHEMA {}{how}", quoted(&full_name))).await?;
    forget(&state, SCHEMA, &full_name)?;
    Ok(Json::empty())
}
