//! A table as responses show it.

use serde_json::{Value, json};

use super::constraints;
use super::notes::{base, id, names, note, quoted, sql};
use super::table_name::{Name, TABLE};
use crate::reply::ApiError;
use crate::sql::LOCATION;
use crate::sql::column::ColumnType;
use crate::state::handles::CatalogHandle;

/// The views among the tables of a schema.
pub(super) async fn views(state: &CatalogHandle, catalog: &str, schema: &str) -> Result<Vec<String>, ApiError> {
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
    let (filter, masks) = state.sql.ask_policies(&full_name);
    if let Some(filter) = filter {
        out["row_filter"] = filter;
    }
    if with_columns {
        let (mut columns, constraints) = described(state, name).await?;
        for column in &mut columns {
            if let Some(mask) = column.get("name").and_then(Value::as_str).and_then(|name| masks.get(name)) {
                column["mask"] = mask.clone();
            }
        }
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
