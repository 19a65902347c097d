//! `SHOW` and `DESCRIBE` as queries over the information schema, with the platform's columns.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{TableReference, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    ObjectName, ShowStatementFilter, ShowStatementFilterPosition, ShowStatementOptions, Statement,
};

use super::output::{column_type, wire};

/// The query that stands for a listing, if the statement is one.
pub(super) fn listing(statement: &Statement, catalog: &str, schema: &str) -> Option<String> {
    match statement {
        Statement::ShowCatalogs { show_options, .. } => Some(format!(
            "SELECT DISTINCT catalog_name AS `catalog` FROM information_schema.schemata{} ORDER BY 1",
            like("WHERE", "catalog_name", show_options)
        )),
        Statement::ShowSchemas { show_options, .. } | Statement::ShowDatabases { show_options, .. } => {
            let catalog = parent(show_options).first().cloned().unwrap_or_else(|| catalog.to_owned());
            Some(format!(
                "SELECT schema_name AS `databaseName` FROM information_schema.schemata WHERE catalog_name = {}{} ORDER BY 1",
                quoted(&catalog),
                like("AND", "schema_name", show_options)
            ))
        }
        Statement::ShowTables { show_options, .. } => {
            let (catalog, schema) = scope(&parent(show_options), catalog, schema);
            Some(format!(
                "SELECT table_schema AS `database`, table_name AS `tableName`, false AS `isTemporary` \
                 FROM information_schema.tables WHERE table_catalog = {} AND table_schema = {}{} ORDER BY 2",
                quoted(&catalog),
                quoted(&schema),
                like("AND", "table_name", show_options)
            ))
        }
        _ => None,
    }
}

/// The rows of `DESCRIBE TABLE`: names of the columns, and their types as the platform writes them there.
pub(super) async fn describe(
    session: &SessionContext,
    name: &ObjectName,
    spelled: impl Fn(usize, &str) -> String,
) -> Result<LogicalPlan> {
    let parts = names(name);
    let table = match parts.as_slice() {
        [table] => TableReference::bare(table.as_str()),
        [schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
        [catalog, schema, table] => TableReference::full(catalog.as_str(), schema.as_str(), table.as_str()),
        _ => return plan_err!("table {name} not found"),
    };
    let provider = session.table_provider(table).await?;
    let schema = provider.schema();
    let columns = schema.fields().iter().enumerate().map(|(position, f)| spelled(position, f.name()));
    let types = schema.fields().iter().map(|f| column_type(&wire(f.data_type())).text.to_lowercase());
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("col_name", Arc::new(StringArray::from_iter_values(columns)) as ArrayRef, false),
        ("data_type", Arc::new(StringArray::from_iter_values(types)), false),
        ("comment", Arc::new(StringArray::new_null(schema.fields().len())), true),
    ])?;
    Ok(session.read_batch(batch)?.into_unoptimized_plan())
}

fn parent(options: &ShowStatementOptions) -> Vec<String> {
    options.show_in.as_ref().and_then(|s| s.parent_name.as_ref()).map(names).unwrap_or_default()
}

fn names(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.to_lowercase()).collect()
}

fn scope(parts: &[String], catalog: &str, schema: &str) -> (String, String) {
    match parts {
        [.., c, s] => (c.clone(), s.clone()),
        [s] => (catalog.to_owned(), s.clone()),
        [] => (catalog.to_owned(), schema.to_owned()),
    }
}

fn like(word: &str, column: &str, options: &ShowStatementOptions) -> String {
    let Some(position) = &options.filter_position else {
        return String::new();
    };
    let (ShowStatementFilterPosition::Infix(filter) | ShowStatementFilterPosition::Suffix(filter)) = position;
    match filter {
        ShowStatementFilter::Like(p) | ShowStatementFilter::ILike(p) | ShowStatementFilter::NoKeyword(p) => {
            // The platform's wild card is the asterisk.
            format!(" {word} {column} LIKE {}", quoted(&p.replace('*', "%")))
        }
        ShowStatementFilter::Where(e) => format!(" {word} {e}"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
