//! Tables that REST makes: their statement for the SQL engine, which holds them.

use axum::extract::{Extension, State};
use http::StatusCode;
use serde_json::{Map, Value};

use super::found::known_schema;
use super::notes::{begin, plain, quoted, quoted_part, sql, tell};
use super::shown_table::shown;
use super::table_name::{Name, TABLE, known};
use crate::caller::Caller;
use crate::extract::{Fields, missing};
use crate::reply::{ApiError, Json, Reply};
use crate::sql::LOCATION;
use crate::state::handles::CatalogHandle;

const TYPES: [&str; 9] = [
    "EXTERNAL",
    "EXTERNAL_SHALLOW_CLONE",
    "FOREIGN",
    "MANAGED",
    "MANAGED_SHALLOW_CLONE",
    "MATERIALIZED_VIEW",
    "METRIC_VIEW",
    "STREAMING_TABLE",
    "VIEW",
];

pub(super) async fn create(
    State(state): State<CatalogHandle>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Reply {
    let table = plain(&fields, "name")?;
    let parent = format!("{}.{}", fields.str("catalog_name")?, fields.str("schema_name")?);
    let (catalog, schema) = known_schema(&state, &parent).await?;
    let name = Name { catalog, schema, table };
    match known(&state, &name.full()).await {
        Ok(_) => return Err(TABLE.taken(&name.full())),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    let mut properties = properties(&fields)?;
    let kind = fields.opt_enum("table_type", &TYPES)?.ok_or_else(|| missing("table_type"))?;
    match kind {
        "MANAGED" => {}
        "EXTERNAL" => {
            properties.insert(LOCATION.to_owned(), location(fields.str("storage_location")?)?.into());
        }
        other => return Err(refused(format!("tables of the type {other}; SQL makes views"))),
    }
    let format = fields.opt_str("data_source_format")?.ok_or_else(|| missing("data_source_format"))?;
    if format != "DELTA" {
        return Err(refused(format!("tables of the format {format}; DELTA is the one that it has")));
    }
    sql(&state, &statement(&name, &columns(&fields)?, &properties)).await?;
    begin(&state, &caller, TABLE, &name.full(), &fields, &["owner"])?;
    let owned = Fields(Map::from_iter([("owner".to_owned(), caller.name.as_str().into())]));
    tell(&state.sql, &name.full(), &owned, None).await?;
    shown(&state, &name, false, true).await.map(Json)
}

fn refused(what: String) -> ApiError {
    let message = format!("The embedded workspace does not make {what}");
    ApiError::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
}

/// A place outside of the workspace. Nothing is read there: the table begins empty, and its rows stay in the engine.
fn location(text: &str) -> Result<&str, ApiError> {
    if ["s3://", "abfss://", "gs://", "r2://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text);
    }
    Err(ApiError::invalid_parameter(format!(
        "storage_location '{text}' is not a URL of cloud storage, such as s3://bucket/path"
    )))
}

fn properties(fields: &Fields) -> Result<Map<String, Value>, ApiError> {
    let properties = fields.opt_object("properties")?.unwrap_or_default();
    for name in properties.0.keys() {
        properties.opt_str(name)?;
    }
    Ok(properties.0)
}

/// A column's definition, and its place among the columns by which rows are partitioned.
struct Column {
    name: String,
    definition: String,
    partition: Option<i64>,
}

/// The columns as SQL defines them.
fn columns(fields: &Fields) -> Result<Vec<Column>, ApiError> {
    let stated = fields.opt_list("columns")?.unwrap_or_default();
    if stated.is_empty() {
        // The service would read them from the files of the table.
        return Err(refused(
            "tables without columns, since it reads nothing at their location; state columns".to_owned(),
        ));
    }
    let mut all = Vec::new();
    for column in stated {
        let members =
            column.as_object().cloned().ok_or_else(|| ApiError::malformed("columns must be a list of objects"))?;
        let column = Fields(members);
        let name = column.str("name")?;
        let mut definition = format!("{} {}", quoted_part(name), kind(&column)?);
        if column.opt_bool("nullable")? == Some(false) {
            definition.push_str(" NOT NULL");
        }
        if let Some(comment) = column.opt_str("comment")?.filter(|comment| !comment.is_empty()) {
            definition.push_str(&format!(" COMMENT {}", literal(comment)));
        }
        if let Some(mask) = column.opt_object("mask")? {
            definition.push_str(&format!(" MASK {}", mask_of(&mask)?));
        }
        let partition = column.opt_i64("partition_index")?;
        all.push((column.opt_i64("position")?, Column { name: name.to_owned(), definition, partition }));
    }
    // Positions decide where all columns have one.
    if all.iter().all(|(position, _)| position.is_some()) {
        all.sort_by_key(|(position, _)| *position);
    }
    Ok(all.into_iter().map(|(_, column)| column).collect())
}

/// The function of a mask, and the columns that it is given beside the masked one.
fn mask_of(mask: &Fields) -> Result<String, ApiError> {
    if mask.opt_list("using_arguments")?.is_some_and(|list| !list.is_empty()) {
        return Err(refused("tables whose masks have using_arguments; using_column_names states columns".to_owned()));
    }
    let columns = mask.opt_list("using_column_names")?.unwrap_or_default();
    let names = columns.iter().map(|column| {
        column
            .as_str()
            .map(quoted_part)
            .ok_or_else(|| ApiError::malformed("using_column_names must be a list of strings"))
    });
    let names: Vec<String> = names.collect::<Result<_, _>>()?;
    let using = if names.is_empty() { String::new() } else { format!(" USING COLUMNS ({})", names.join(", ")) };
    Ok(format!("{}{using}", quoted(mask.str("function_name")?)))
}

/// A column's type: its text, or its name where that says all.
fn kind(column: &Fields) -> Result<String, ApiError> {
    let sound = |text: &str| {
        text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '(' | ')' | '<' | '>' | ',' | ':' | '`'))
    };
    if let Some(text) = column.opt_str("type_text")?.filter(|text| !text.is_empty()) {
        return match sound(text) {
            true => Ok(text.to_owned()),
            false => Err(ApiError::invalid_parameter(format!("type_text '{text}' is not a type"))),
        };
    }
    let name = column.opt_str("type_name")?.ok_or_else(|| missing("type_text"))?;
    match name {
        "BYTE" => Ok("TINYINT".to_owned()),
        "SHORT" => Ok("SMALLINT".to_owned()),
        "LONG" => Ok("BIGINT".to_owned()),
        "DECIMAL" => {
            let (precision, scale) = (column.opt_i64("type_precision")?, column.opt_i64("type_scale")?);
            Ok(format!("DECIMAL({}, {})", precision.unwrap_or(10), scale.unwrap_or(0)))
        }
        "BINARY" | "BOOLEAN" | "DATE" | "DOUBLE" | "FLOAT" | "INT" | "STRING" | "TIMESTAMP" | "TIMESTAMP_NTZ"
        | "VARIANT" => Ok(name.to_owned()),
        other => Err(ApiError::invalid_parameter(format!("A column of type {other} needs its type_text"))),
    }
}

fn statement(name: &Name, columns: &[Column], properties: &Map<String, Value>) -> String {
    let definitions: Vec<&str> = columns.iter().map(|column| column.definition.as_str()).collect();
    let mut text = format!("CREATE TABLE {} ({}) USING DELTA", quoted(&name.full()), definitions.join(", "));
    let mut partitions: Vec<_> = columns.iter().filter_map(|column| Some((column.partition?, &column.name))).collect();
    partitions.sort();
    if !partitions.is_empty() {
        let names: Vec<String> = partitions.into_iter().map(|(_, name)| quoted_part(name)).collect();
        text.push_str(&format!(" PARTITIONED BY ({})", names.join(", ")));
    }
    if !properties.is_empty() {
        let pairs: Vec<String> = properties
            .iter()
            .map(|(name, value)| format!("{} = {}", literal(name), literal(value.as_str().unwrap_or_default())))
            .collect();
        text.push_str(&format!(" TBLPROPERTIES ({})", pairs.join(", ")));
    }
    text
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
