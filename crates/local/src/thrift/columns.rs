//! The columns of tables.

use std::sync::Arc;

use super::adapter;
use super::door::Fault;
use super::names::{Found, Pattern, quoted, some, table, tables};
use super::reply::Row;
use super::result::Table;
use super::types;
use super::wire::Struct;
use crate::sql::column::ColumnType;
use crate::state::App;

const COLUMNS: [(&str, &str); 23] = [
    ("TABLE_CAT", "STRING"),
    ("TABLE_SCHEM", "STRING"),
    ("TABLE_NAME", "STRING"),
    ("COLUMN_NAME", "STRING"),
    ("DATA_TYPE", "INT"),
    ("TYPE_NAME", "STRING"),
    ("COLUMN_SIZE", "INT"),
    ("BUFFER_LENGTH", "TINYINT"),
    ("DECIMAL_DIGITS", "INT"),
    ("NUM_PREC_RADIX", "INT"),
    ("NULLABLE", "INT"),
    ("REMARKS", "STRING"),
    ("COLUMN_DEF", "STRING"),
    ("SQL_DATA_TYPE", "INT"),
    ("SQL_DATETIME_SUB", "INT"),
    ("CHAR_OCTET_LENGTH", "INT"),
    ("ORDINAL_POSITION", "INT"),
    ("IS_NULLABLE", "STRING"),
    ("SCOPE_CATALOG", "STRING"),
    ("SCOPE_SCHEMA", "STRING"),
    ("SCOPE_TABLE", "STRING"),
    ("SOURCE_DATA_TYPE", "SMALLINT"),
    ("IS_AUTO_INCREMENT", "STRING"),
];

/// The result of `GetColumns`.
pub(super) async fn list(app: &Arc<App>, request: &Struct) -> Result<Table, Fault> {
    let catalog = Pattern::read(request, 2, "catalogName")?;
    let schema = Pattern::read(request, 3, "schemaName")?;
    let name = Pattern::read(request, 4, "tableName")?;
    let column = Pattern::read(request, 5, "columnName")?;
    let mut rows = Vec::new();
    for found in tables(app, &catalog, &schema, &name).await? {
        let sql =
            format!("DESCRIBE TABLE {}.{}.{}", quoted(&found.catalog), quoted(&found.schema), quoted(&found.name));
        for (position, described) in adapter::rows(app, &sql).await?.into_iter().enumerate() {
            let mut cells = described.into_iter();
            let (Some(Some(name)), Some(Some(kind))) = (cells.next(), cells.next()) else { continue };
            // What follows the columns, such as the partitions, begins with a heading.
            if name.is_empty() || name.starts_with('#') {
                break;
            }
            if column.fits(&name) {
                rows.push(row(&found, position, &name, &kind, cells.next().flatten()));
            }
        }
    }
    Ok(table(&COLUMNS, rows))
}

fn row(found: &Found, position: usize, name: &str, kind: &str, comment: Option<String>) -> Row {
    let info = types::of(&ColumnType::from_sql(kind));
    let number = |n: i32| Some(n.to_string());
    vec![
        some(&found.catalog),
        some(&found.schema),
        some(&found.name),
        some(name),
        number(info.number),
        Some(kind.to_uppercase()),
        info.size.and_then(number),
        None,
        info.scale.and_then(number),
        info.radix.and_then(number),
        // Whether a column can be null is not stated by what describes it: it can, as far as is known.
        number(1),
        Some(comment.unwrap_or_default()),
        None,
        None,
        None,
        None,
        // Counted from 0, as this interface has it.
        Some(position.to_string()),
        some("YES"),
        None,
        None,
        None,
        None,
        some("NO"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let found = Found { catalog: "c".into(), schema: "s".into(), name: "t".into(), is_view: false };
        let row = row(&found, 2, "Price", "decimal(10,2)", None);
        assert_eq!(row.len(), COLUMNS.len());
        let cell = |name: &str| row[COLUMNS.iter().position(|c| c.0 == name).unwrap()].clone().unwrap_or_default();
        assert_eq!((cell("COLUMN_NAME"), cell("TYPE_NAME")), ("Price".into(), "DECIMAL(10,2)".into()));
        assert_eq!(
            (cell("DATA_TYPE"), cell("COLUMN_SIZE"), cell("DECIMAL_DIGITS")),
            ("3".into(), "10".into(), "2".into())
        );
        assert_eq!((cell("ORDINAL_POSITION"), cell("IS_NULLABLE")), ("2".into(), "YES".into()));
    }
}
