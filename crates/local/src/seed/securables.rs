//! Catalogs and what they hold.

use std::path::Path;

use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::desk::{Desk, failed, segment};
use super::document::{Catalog, Pairs, Schema, Volume};
use super::{SeedError, files, tables};
use crate::state::Parts;

fn properties(pairs: &Pairs<String>) -> Value {
    Value::Object(pairs.0.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}

/// Makes a securable that is not there yet.
async fn make(desk: &Desk, kind: (&str, &str), full_name: &str, body: Value, line: u64) -> Result<(), SeedError> {
    let (noun, collection) = kind;
    let what = format!("the {noun} {full_name}");
    let target = format!("/api/2.1/unity-catalog/{collection}");
    if !desk.has(&format!("{target}/{}", segment(full_name))).await.map_err(failed(line, &what))? {
        desk.post(&target, &body).await.map_err(failed(line, &what))?;
    }
    Ok(())
}

pub(super) async fn catalogs(
    desk: &Desk,
    parts: &Parts,
    catalogs: &[Spanned<Catalog>],
    directory: &Path,
) -> Result<(), SeedError> {
    for catalog in catalogs {
        let (line, catalog) = (catalog.referenced.line(), &catalog.value);
        let body =
            json!({"name": catalog.name, "comment": catalog.comment, "properties": properties(&catalog.properties)});
        make(desk, ("catalog", "catalogs"), &catalog.name, body, line).await?;
        for schema in &catalog.schemas {
            one_schema(desk, parts, &catalog.name, schema, directory).await?;
        }
    }
    Ok(())
}

async fn one_schema(
    desk: &Desk,
    parts: &Parts,
    catalog: &str,
    schema: &Spanned<Schema>,
    directory: &Path,
) -> Result<(), SeedError> {
    let (line, schema) = (schema.referenced.line(), &schema.value);
    let full_name = format!("{catalog}.{}", schema.name);
    let body = json!({
        "name": schema.name,
        "catalog_name": catalog,
        "comment": schema.comment,
        "properties": properties(&schema.properties),
    });
    make(desk, ("schema", "schemas"), &full_name, body, line).await?;
    for table in &schema.tables {
        tables::make(desk, parts, [catalog, &schema.name], table).await?;
    }
    for volume in &schema.volumes {
        one_volume(desk, [catalog, &schema.name], volume, directory).await?;
    }
    Ok(())
}

async fn one_volume(
    desk: &Desk,
    [catalog, schema]: [&str; 2],
    volume: &Spanned<Volume>,
    directory: &Path,
) -> Result<(), SeedError> {
    let (line, volume) = (volume.referenced.line(), &volume.value);
    let body = json!({
        "name": volume.name,
        "catalog_name": catalog,
        "schema_name": schema,
        "volume_type": "MANAGED",
        "comment": volume.comment,
    });
    make(desk, ("volume", "volumes"), &format!("{catalog}.{schema}.{}", volume.name), body, line).await?;
    match &volume.files {
        Some(named) => files::volume(desk, [catalog, schema, &volume.name], directory, named, line).await,
        None => Ok(()),
    }
}
