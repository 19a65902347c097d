//! Tables and views, which SQL makes.

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use serde_json::json;

use super::create_table::create;
use super::found::{known_catalog, known_schema, schemas, tables};
use super::notes::{edit, forget, listed, quoted, sql, tell};
use super::shown_table::{shown, views};
use super::table_name::{Name, TABLE, known};
use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::reply::{Json, Reply};
use crate::state::handles::CatalogHandle;

pub(super) fn routes(state: CatalogHandle) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/tables", get(list).post(create))
        .route("/api/2.1/unity-catalog/table-summaries", get(summaries))
        .route("/api/2.1/unity-catalog/tables/{full_name}", get(read).patch(update).delete(delete))
        .route("/api/2.1/unity-catalog/tables/{full_name}/exists", get(exists))
        .with_state(state)
}

async fn list(State(state): State<CatalogHandle>, query: Query) -> Reply {
    let parent = format!("{}.{}", query.str("catalog_name")?, query.str("schema_name")?);
    let (catalog, schema) = known_schema(&state, &parent).await?;
    let views = views(&state, &catalog, &schema).await?;
    let with_columns = query.opt_bool("omit_columns")? != Some(true);
    let mut out = Vec::new();
    for table in tables(&state, &catalog, &schema).await? {
        let is_view = views.contains(&table);
        let name = Name { catalog: catalog.clone(), schema: schema.clone(), table };
        out.push(shown(&state, &name, is_view, with_columns).await?);
    }
    listed(out, "tables", &query)
}

async fn summaries(State(state): State<CatalogHandle>, query: Query) -> Reply {
    let catalog = known_catalog(&state, query.str("catalog_name")?).await?;
    let schema_pattern = query.get("schema_name_pattern").unwrap_or("%").to_lowercase();
    let table_pattern = query.get("table_name_pattern").unwrap_or("%").to_lowercase();
    let mut out = Vec::new();
    for schema in schemas(&state, &catalog).await? {
        if !crate::records::like(&schema, &schema_pattern) || schema == "information_schema" {
            continue;
        }
        let views = views(&state, &catalog, &schema).await?;
        for table in tables(&state, &catalog, &schema).await? {
            if crate::records::like(&table, &table_pattern) {
                let name = Name { catalog: catalog.clone(), schema: schema.clone(), table };
                let shown = shown(&state, &name, views.contains(&name.table), false).await?;
                out.push(json!({"full_name": name.full(), "table_type": shown["table_type"]}));
            }
        }
    }
    listed(out, "tables", &query)
}

async fn read(State(state): State<CatalogHandle>, Path(full_name): Path<String>) -> Reply {
    let name = known(&state, &full_name).await?;
    let is_view = views(&state, &name.catalog, &name.schema).await?.contains(&name.table);
    shown(&state, &name, is_view, true).await.map(Json)
}

async fn exists(State(state): State<CatalogHandle>, Path(full_name): Path<String>) -> Reply {
    match known(&state, &full_name).await {
        Ok(_) => Ok(Json(json!({"table_exists": true}))),
        Err(e) if e.is_not_found() => Ok(Json(json!({"table_exists": false}))),
        Err(e) => Err(e),
    }
}

async fn update(
    State(state): State<CatalogHandle>,
    Extension(caller): Extension<Caller>,
    Path(full_name): Path<String>,
    fields: Fields,
) -> Reply {
    let name = known(&state, &full_name).await?;
    edit(&state, &caller, TABLE, &name.full(), &fields, &["owner"])?;
    tell(&state.sql, &name.full(), &fields, None).await?;
    Ok(Json::empty())
}

async fn delete(State(state): State<CatalogHandle>, Path(full_name): Path<String>) -> Reply {
    let name = known(&state, &full_name).await?;
    let is_view = views(&state, &name.catalog, &name.schema).await?.contains(&name.table);
    let kind = if is_view { "VIEW" } else { "TABLE" };
    sql(&state, &format!("DROP {kind} {}", quoted(&name.full()))).await?;
    forget(&state, TABLE, &name.full())?;
    Ok(Json::empty())
}
