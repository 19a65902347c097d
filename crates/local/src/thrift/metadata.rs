//! What the catalogs have: the calls that list it, whose results are small tables.

use std::sync::Arc;

use super::Context;
use super::adapter;
use super::door::{Fault, NewOperation, Source};
use super::reply::{Refusal, Row};
use super::request::Limits;
use super::result::Table;
use super::types;
use super::wire::Struct;
use super::{columns, statements};
use crate::sql::column::{Column, ColumnType};
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

pub(super) fn table(columns: &[(&str, &str)], rows: Vec<Row>) -> Table {
    let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: ColumnType::from_sql(kind) };
    Table { columns: columns.iter().map(column).collect(), rows }
}

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// An identifier as SQL quotes it.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

async fn names(app: &Arc<App>, sql: &str, column: usize) -> Result<Vec<String>, Refusal> {
    let rows = adapter::rows(app, sql).await?;
    Ok(rows.into_iter().filter_map(|mut row| (column < row.len()).then(|| row.swap_remove(column)).flatten()).collect())
}

/// The names of all catalogs.
pub(super) async fn catalogs(app: &Arc<App>) -> Result<Vec<String>, Refusal> {
    names(app, "SHOW CATALOGS", 0).await
}

/// The names of a catalog's schemas.
pub(super) async fn schemas(app: &Arc<App>, catalog: &str) -> Result<Vec<String>, Refusal> {
    names(app, &format!("SHOW SCHEMAS IN {}", quoted(catalog)), 0).await
}

/// A table of a schema.
pub(super) struct Found {
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) is_view: bool,
}

/// The tables of all schemas that fit the patterns, sorted by their names.
pub(super) async fn tables(
    app: &Arc<App>,
    catalog: &Pattern,
    schema: &Pattern,
    name: &Pattern,
) -> Result<Vec<Found>, Refusal> {
    let mut all = Vec::new();
    for catalog_name in catalogs(app).await?.into_iter().filter(|c| catalog.fits(c)) {
        for schema_name in schemas(app, &catalog_name).await?.into_iter().filter(|s| schema.fits(s)) {
            let views = views(app, &catalog_name, &schema_name).await?;
            let sql = format!("SHOW TABLES IN {}.{}", quoted(&catalog_name), quoted(&schema_name));
            for table in names(app, &sql, 1).await?.into_iter().filter(|t| name.fits(t)) {
                all.push(Found {
                    catalog: catalog_name.clone(),
                    schema: schema_name.clone(),
                    is_view: views.contains(&table),
                    name: table,
                });
            }
        }
    }
    all.sort_by(|a, b| (&a.catalog, &a.schema, &a.name).cmp(&(&b.catalog, &b.schema, &b.name)));
    Ok(all)
}

async fn views(app: &Arc<App>, catalog: &str, schema: &str) -> Result<Vec<String>, Refusal> {
    let text = |name: &str| name.replace('\'', "''");
    let sql = format!(
        "SELECT table_name FROM {}.information_schema.tables WHERE table_catalog = '{}' AND table_schema = '{}' \
         AND table_type = 'VIEW'",
        quoted(catalog),
        text(catalog),
        text(schema)
    );
    names(app, &sql, 0).await
}

/// A pattern of names: `%` and `_` stand for any characters, a backslash takes that from the next. Case does not matter.
pub(super) struct Pattern(Option<String>);

impl Pattern {
    /// Of a member; one that is absent or empty fits every name.
    pub(super) fn read(request: &Struct, id: i16, name: &str) -> Result<Self, Fault> {
        Ok(Self(request.string(id, name)?.filter(|p| !p.is_empty()).map(str::to_lowercase)))
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        let Some(pattern) = &self.0 else { return true };
        // As old clients write it.
        if pattern == "*" {
            return true;
        }
        let pattern: Vec<char> = pattern.chars().collect();
        let name: Vec<char> = name.to_lowercase().chars().collect();
        // The last `%` and where in the name it was met: the only place to go back to.
        let (mut p, mut n, mut back) = (0, 0, None);
        while n < name.len() {
            let (literal, width) = match pattern.get(p) {
                Some('\\') if p + 1 < pattern.len() => (Some(pattern[p + 1]), 2),
                Some('%') => {
                    back = Some((p + 1, n));
                    p += 1;
                    continue;
                }
                Some('_') => (Some(name[n]), 1),
                Some(c) => (Some(*c), 1),
                None => (None, 0),
            };
            if literal == Some(name[n]) {
                p += width;
                n += 1;
            } else if let Some((after, met)) = back {
                p = after;
                n = met + 1;
                back = Some((after, met + 1));
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|c| *c == '%')
    }
}

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
    fn patterns_are_those_of_like() {
        for (pattern, name, fits) in [
            ("%", "", true),
            ("", "x", true),
            ("*", "x", true),
            ("ab", "AB", true),
            ("ab", "abc", false),
            ("a%", "abc", true),
            ("%c", "abcc", true),
            ("a%b%c", "axxbyyc", true),
            ("a_c", "abc", true),
            ("a_c", "ac", false),
            ("a\\_c", "a_c", true),
            ("a\\_c", "abc", false),
            ("a\\%", "a%", true),
            ("é_", "éü", true),
            ("%%%%%%%%%%%%%%%%%%%%%%%%x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            let request = Struct::default().with_text(2, pattern);
            assert_eq!(Pattern::read(&request, 2, "p").unwrap().fits(name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn every_list_has_as_many_cells_as_columns() {
        for row in types::all().rows {
            assert_eq!(row.len(), types::all().columns.len());
        }
        assert_eq!(types::TYPES.len(), types::all().rows.len());
    }
}
