//! Tables and views, which SQL makes.

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::constraints;
use super::create_table::{LOCATION, create};
use super::found::{known_catalog, known_schema, schemas, tables};
use super::notes::{Kind, base, edit, forget, id, listed, names, note, quoted, sql, tell};
use crate::caller::Caller;
use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::sql::column::ColumnType;
use crate::state::handles::CatalogHandle;

pub(super) const TABLE: Kind = Kind {
    noun: "Table",
    collection: "catalog/tables",
    missing: "TABLE_DOES_NOT_EXIST",
    exists: "TABLE_ALREADY_EXISTS",
};

pub(super) fn routes(state: CatalogHandle) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/tables", get(list).post(create))
        .route("/api/2.1/unity-catalog/table-summaries", get(summaries))
        .route("/api/2.1/unity-catalog/tables/{full_name}", get(read).patch(update).delete(delete))
        .route("/api/2.1/unity-catalog/tables/{full_name}/exists", get(exists))
        .with_state(state)
}

/// The views among them.
async fn views(state: &CatalogHandle, catalog: &str, schema: &str) -> Result<Vec<String>, ApiError> {
    let text = |name: &str| name.replace('\'', "''");
    let query = format!(
        "SELECT table_name FROM {}.information_schema.tables WHERE table_catalog = '{}' AND table_schema = '{}' \
         AND table_type = 'VIEW'",
        quoted(catalog),
        text(catalog),
        text(schema)
    );
    names(state, &query, 0).await
}

pub(super) struct Name {
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) table: String,
}

impl Name {
    pub(super) fn full(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.table)
    }
}

pub(super) async fn known(state: &CatalogHandle, full_name: &str) -> Result<Name, ApiError> {
    let lower = full_name.to_lowercase();
    let Some((parent, table)) = lower.rsplit_once('.').filter(|(parent, _)| parent.contains('.')) else {
        return Err(ApiError::invalid_parameter(format!(
            "'{full_name}' is not the full name of a table: catalog.schema.table"
        )));
    };
    // A table in a schema that is missing is missing itself.
    let found = match known_schema(state, parent).await {
        Ok((catalog, schema)) => Some((tables(state, &catalog, &schema).await?, catalog, schema)),
        Err(e) if e.is_not_found() => None,
        Err(e) => return Err(e),
    };
    match found {
        Some((all, catalog, schema)) if all.iter().any(|t| t.eq_ignore_ascii_case(table)) => {
            Ok(Name { catalog, schema, table: table.to_owned() })
        }
        _ => Err(TABLE.not_found(&lower)),
    }
}

fn column(position: usize, name: &str, kind: &str) -> Value {
    let known = ColumnType::from_sql(kind);
    let text = kind.to_lowercase();
    let json_type = json!({"name": name, "type": text, "nullable": true, "metadata": {}});
    let mut out = json!({
        "name": name,
        "position": position,
        "type_name": known.name,
        "type_text": text,
        "type_json": json_type.to_string(),
        "nullable": true,
    });
    if let Some((precision, scale)) = known.precision {
        out["type_precision"] = json!(precision);
        out["type_scale"] = json!(scale);
    }
    out
}

/// The columns of a table and its constraints.
async fn described(state: &CatalogHandle, name: &Name) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
    let rows = sql(state, &format!("DESCRIBE TABLE EXTENDED {}", quoted(&name.full()))).await?;
    let constraints = constraints::described(&rows);
    let mut out = Vec::new();
    for row in rows {
        let [Some(column_name), Some(kind), ..] = &row[..] else { continue };
        // What follows the columns, such as the partitions, begins with a heading.
        if column_name.is_empty() || column_name.starts_with('#') {
            break;
        }
        let mut shown = column(out.len(), column_name, kind);
        if let Some(Some(comment)) = row.get(2).filter(|c| c.as_deref() != Some("")) {
            shown["comment"] = json!(comment);
        }
        out.push(shown);
    }
    Ok((out, constraints))
}

pub(super) async fn shown(
    state: &CatalogHandle,
    name: &Name,
    is_view: bool,
    with_columns: bool,
) -> Result<Value, ApiError> {
    let full_name = name.full();
    let record = note(state, TABLE, &full_name)?;
    let mut out = base(state, &record, &name.table, &full_name);
    out["catalog_name"] = json!(name.catalog);
    out["schema_name"] = json!(name.schema);
    out["table_id"] = json!(id(&record));
    out["table_type"] = json!(if is_view { "VIEW" } else { "MANAGED" });
    if !is_view {
        out["data_source_format"] = json!("DELTA");
        out["storage_location"] = json!(format!("local://metastore/tables/{}", id(&record)));
    }
    if let Some(location) = location(&mut out) {
        out["table_type"] = json!("EXTERNAL");
        out["storage_location"] = location;
    }
    if with_columns {
        let (columns, constraints) = described(state, name).await?;
        out["columns"] = json!(columns);
        if !constraints.is_empty() {
            out["table_constraints"] = json!(constraints);
        }
    }
    Ok(out)
}

/// Takes out where an external table would be, which SQL has among the properties.
fn location(shown: &mut Value) -> Option<Value> {
    let members = shown.as_object_mut()?;
    let properties = members.get_mut("properties")?.as_object_mut()?;
    let location = properties.remove(LOCATION)?;
    if properties.is_empty() {
        members.remove("properties");
    }
    Some(location)
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
