//! What the catalogs have: the calls that list it, whose results are small tables.

use std::sync::Arc;

use super::Context;
use super::door::{Fault, NewOperation, Source};
use super::names::{Pattern, catalogs, names, quoted, schemas, some, table, tables};
use super::reply::{Refusal, Row};
use super::request::Limits;
use super::result::Table;
use super::types;
use super::wire::Struct;
use super::{columns, statements};
use crate::state::App;

/// Runs the method that lists something; `None` if it is not one.
pub(super) async fn dispatch(context: &Context, method: &str, request: &Struct) -> Option<Result<Struct, Fault>> {
    // The number is the `TOperationType`; keys have none of their own.
    let kind = match method {
        "GetTypeInfo" => 1,
        "GetCatalogs" => 2,
        "GetSchemas" => 3,
        "GetTables" => 4,
        "GetTableTypes" => 5,
        "GetColumns" => 6,
        "GetFunctions" => 7,
        "GetPrimaryKeys" | "GetCrossReference" => 8,
        _ => return None,
    };
    Some(run(context, kind, method, request).await)
}

async fn run(context: &Context, kind: i32, method: &str, request: &Struct) -> Result<Struct, Fault> {
    let app = &context.app;
    let session = context.door.session(app, &context.caller, request)?;
    let direct = Limits::direct(request)?;
    request.boolean(1282, "runAsync")?;
    let table = match method {
        "GetTypeInfo" => types::all(),
        "GetCatalogs" => list_catalogs(app).await?,
        "GetSchemas" => list_schemas(app, request).await?,
        "GetTables" => list_tables(app, request).await?,
        "GetTableTypes" => table(&[("TABLE_TYPE", "STRING")], TABLE_TYPES.iter().map(|t| vec![some(t)]).collect()),
        "GetColumns" => columns::list(app, request).await?,
        "GetFunctions" => list_functions(app, request).await?,
        "GetPrimaryKeys" => table(&PRIMARY_KEYS, Vec::new()),
        _ => table(&CROSS_REFERENCE, Vec::new()),
    };
    let operation = context.door.begin(
        app,
        &session,
        NewOperation {
            kind,
            source: Source::Table(Arc::new(table)),
            #[cfg(feature = "engine")]
            native: super::arrow::Native::default(),
        },
    )?;
    statements::respond(context, &operation, direct).await
}

/// Kinds of tables in the words of this interface.
const TABLE_TYPES: [&str; 2] = ["TABLE", "VIEW"];

/// The tables here have no keys, so these two lists have columns alone.
const PRIMARY_KEYS: [(&str, &str); 6] = [
    ("TABLE_CAT", "STRING"),
    ("TABLE_SCHEM", "STRING"),
    ("TABLE_NAME", "STRING"),
    ("COLUMN_NAME", "STRING"),
    ("KEY_SEQ", "INT"),
    ("PK_NAME", "STRING"),
];
const CROSS_REFERENCE: [(&str, &str); 14] = [
    ("PKTABLE_CAT", "STRING"),
    ("PKTABLE_SCHEM", "STRING"),
    ("PKTABLE_NAME", "STRING"),
    ("PKCOLUMN_NAME", "STRING"),
    ("FKTABLE_CAT", "STRING"),
    ("FKTABLE_SCHEM", "STRING"),
    ("FKTABLE_NAME", "STRING"),
    ("FKCOLUMN_NAME", "STRING"),
    ("KEY_SEQ", "INT"),
    ("UPDATE_RULE", "SMALLINT"),
    ("DELETE_RULE", "SMALLINT"),
    ("FK_NAME", "STRING"),
    ("PK_NAME", "STRING"),
    ("DEFERRABILITY", "SMALLINT"),
];

async fn list_catalogs(app: &Arc<App>) -> Result<Table, Refusal> {
    let mut rows: Vec<Row> = catalogs(app).await?.into_iter().map(|name| vec![Some(name)]).collect();
    rows.sort();
    Ok(table(&[("TABLE_CAT", "STRING")], rows))
}

async fn list_schemas(app: &Arc<App>, request: &Struct) -> Result<Table, Fault> {
    let catalog = Pattern::read(request, 2, "catalogName")?;
    let schema = Pattern::read(request, 3, "schemaName")?;
    let mut rows = Vec::new();
    for catalog_name in catalogs(app).await?.into_iter().filter(|c| catalog.fits(c)) {
        let found = schemas(app, &catalog_name).await?;
        rows.extend(found.into_iter().filter(|s| schema.fits(s)).map(|s| vec![Some(s), Some(catalog_name.clone())]));
    }
    rows.sort_by(|a: &Row, b| (&a[1], &a[0]).cmp(&(&b[1], &b[0])));
    Ok(table(&[("TABLE_SCHEM", "STRING"), ("TABLE_CATALOG", "STRING")], rows))
}

async fn list_tables(app: &Arc<App>, request: &Struct) -> Result<Table, Fault> {
    let catalog = Pattern::read(request, 2, "catalogName")?;
    let schema = Pattern::read(request, 3, "schemaName")?;
    let name = Pattern::read(request, 4, "tableName")?;
    let kinds = request.strings(5, "tableTypes")?;
    let wanted = |kind: &str| kinds.is_empty() || kinds.iter().any(|k| k.eq_ignore_ascii_case(kind));
    let found = tables(app, &catalog, &schema, &name).await?;
    let rows = found.into_iter().filter_map(|t| {
        let kind = TABLE_TYPES[usize::from(t.is_view)];
        let row = vec![Some(t.catalog), Some(t.schema), Some(t.name), some(kind), some("")];
        wanted(kind).then(|| row.into_iter().chain(std::iter::repeat_n(None, 5)).collect())
    });
    let columns = [
        "TABLE_CAT",
        "TABLE_SCHEM",
        "TABLE_NAME",
        "TABLE_TYPE",
        "REMARKS",
        "TYPE_CAT",
        "TYPE_SCHEM",
        "TYPE_NAME",
        "SELF_REFERENCING_COL_NAME",
        "REF_GENERATION",
    ];
    Ok(table(&columns.map(|name| (name, "STRING")), rows.collect()))
}

/// Functions: those of SQL itself lie in one schema of a catalog of their own, others where they were made.
async fn list_functions(app: &Arc<App>, request: &Struct) -> Result<Table, Fault> {
    let catalog = Pattern::read(request, 2, "catalogName")?;
    let schema = Pattern::read(request, 3, "schemaName")?;
    let name = Pattern::read(request, 4, "functionName")?;
    let columns = [
        ("FUNCTION_CAT", "STRING"),
        ("FUNCTION_SCHEM", "STRING"),
        ("FUNCTION_NAME", "STRING"),
        ("REMARKS", "STRING"),
        ("FUNCTION_TYPE", "INT"),
        ("SPECIFIC_NAME", "STRING"),
    ];
    let mut all = names(app, "SHOW SYSTEM FUNCTIONS", 0).await?;
    for catalog_name in catalogs(app).await?.into_iter().filter(|c| catalog.fits(c)) {
        for schema_name in schemas(app, &catalog_name).await?.into_iter().filter(|s| schema.fits(s)) {
            if schema_name != "information_schema" {
                let place = format!("{}.{}", quoted(&catalog_name), quoted(&schema_name));
                all.extend(names(app, &format!("SHOW USER FUNCTIONS IN {place}"), 0).await?);
            }
        }
    }
    all.sort();
    all.dedup();
    let rows = all.iter().filter_map(|full| {
        let parts: Vec<&str> = full.split('.').collect();
        let (of_catalog, of_schema, function) = match parts[..] {
            [catalog, schema, function] => (catalog, schema, function),
            _ => ("system", "builtin", full.as_str()),
        };
        let fits = catalog.fits(of_catalog) && schema.fits(of_schema) && name.fits(function);
        // Whether a function gives a table is not known of all of them: 0.
        fits.then(|| vec![some(of_catalog), some(of_schema), some(function), some(""), some("0"), some(full)])
    });
    Ok(table(&columns, rows.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_as_many_cells_as_columns() {
        for row in types::all().rows {
            assert_eq!(row.len(), types::all().columns.len());
        }
        assert_eq!(types::TYPES.len(), types::all().rows.len());
    }
}
