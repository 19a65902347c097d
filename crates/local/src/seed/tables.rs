//! Tables and their rows.

use serde_saphyr::Spanned;

use super::SeedError;
use super::desk::{Desk, failed, segment};
use super::document::{Cell, Row, Table};
use crate::sql::notebook;
use crate::state::Parts;

/// How many rows one statement inserts.
const ROWS: usize = 250;

/// A column as the table has it.
struct Column {
    name: String,
    kind: String,
}

/// Makes a table that is not there yet, with its rows.
pub(super) async fn make(
    desk: &Desk,
    parts: &Parts,
    [catalog, schema]: [&str; 2],
    table: &Spanned<Table>,
) -> Result<(), SeedError> {
    let (line, table) = (table.referenced.line(), &table.value);
    let full_name = format!("{catalog}.{schema}.{}", table.name);
    let what = format!("the table {full_name}");
    let target = format!("/api/2.1/unity-catalog/tables/{}", segment(&full_name));
    if desk.has(&target).await.map_err(failed(line, &what))? {
        return Ok(());
    }
    let name = [catalog, schema, &table.name].map(quoted).join(".");
    let columns: Vec<_> = table.columns.0.iter().map(|(name, kind)| format!("{} {kind}", quoted(name))).collect();
    let comment = table.comment.as_deref().map(|comment| format!(" COMMENT {}", literal(comment)));
    let create = format!("CREATE TABLE {name} ({}){}", columns.join(", "), comment.unwrap_or_default());
    run(parts, &create).await.map_err(|why| SeedError::at(line, format!("cannot make {what}: {why}")))?;
    let filled = fill(parts, &name, table).await;
    if filled.is_err() {
        // The next start, with the mistake put right, makes it as a whole. The first error counts.
        let _ = run(parts, &format!("DROP TABLE {name}")).await;
    }
    filled
}

async fn run(parts: &Parts, statement: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    notebook::rows(&parts.sql, statement).await.map_err(|failure| failure.message)
}

async fn fill(parts: &Parts, name: &str, table: &Table) -> Result<(), SeedError> {
    let Some(first) = table.rows.first() else { return Ok(()) };
    let described = run(parts, &format!("DESCRIBE TABLE {name}")).await;
    let described = described.map_err(|why| SeedError::at(first.referenced.line(), why))?;
    let columns: Vec<Column> = described
        .into_iter()
        // What follows the columns begins with a heading.
        .take_while(|row| {
            row.first().and_then(Option::as_deref).is_some_and(|name| !name.is_empty() && !name.starts_with('#'))
        })
        .filter_map(|row| {
            let mut cells = row.into_iter();
            Some(Column { name: cells.next()??, kind: cells.next()?? })
        })
        .collect();
    let rows = table.rows.iter().map(|row| {
        let cells = values(&columns, &row.value).map_err(|why| SeedError::at(row.referenced.line(), why))?;
        Ok((row.referenced.line(), cells))
    });
    let rows = rows.collect::<Result<Vec<_>, SeedError>>()?;
    for rows in rows.chunks(ROWS) {
        let all: Vec<&str> = rows.iter().map(|(_, cells)| cells.as_str()).collect();
        if let Err(why) = insert(parts, name, &all).await {
            return Err(blame(parts, name, rows, why).await);
        }
    }
    Ok(())
}

async fn insert(parts: &Parts, name: &str, rows: &[&str]) -> Result<(), String> {
    run(parts, &format!("INSERT INTO {name} VALUES {}", rows.join(", "))).await.map(drop)
}

/// The error of the first row that cannot be inserted alone; of rows that only fail together, that of the first.
async fn blame(parts: &Parts, name: &str, rows: &[(u64, String)], why: String) -> SeedError {
    for (line, cells) in rows {
        if let Err(why) = insert(parts, name, &[cells]).await {
            return SeedError::at(*line, format!("cannot insert the row: {why}"));
        }
    }
    SeedError::at(rows.first().map(|(line, _)| *line), format!("cannot insert the rows from here on: {why}"))
}

/// The values of a row in the order of the columns, as SQL has them.
fn values(columns: &[Column], row: &Row) -> Result<String, String> {
    let cells: Vec<&Cell> = match row {
        Row::All(cells) if cells.len() == columns.len() => cells.iter().collect(),
        Row::All(cells) => {
            return Err(format!("the row has {} cells, the table {} columns", cells.len(), columns.len()));
        }
        Row::Named(cells) => {
            let is = |column: &Column, name: &str| column.name.eq_ignore_ascii_case(name);
            if let Some((name, _)) = cells.iter().find(|(name, _)| !columns.iter().any(|column| is(column, name))) {
                return Err(format!("the table has no column '{name}'"));
            }
            let cell = |column| cells.iter().find(|(name, _)| is(column, name)).map_or(&None, |(_, cell)| cell);
            columns.iter().map(cell).collect()
        }
    };
    let values = columns.iter().zip(cells).map(|(column, cell)| value(&column.kind, cell.as_deref()));
    Ok(format!("({})", values.collect::<Vec<_>>().join(", ")))
}

/// A cell as SQL has it. Those of nested types are SQL themselves, such as `array(1, 2)`: text has no other form for them.
fn value(kind: &str, cell: Option<&str>) -> String {
    let is = |prefix: &str| kind.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    match cell {
        None => "NULL".to_owned(),
        Some(text) if ["array", "map", "struct", "variant"].into_iter().any(is) => text.to_owned(),
        Some(text) if is("string") => literal(text),
        Some(text) => format!("CAST({} AS {kind})", literal(text)),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        let column = |name: &str, kind: &str| Column { name: name.to_owned(), kind: kind.to_owned() };
        vec![column("id", "bigint"), column("Name", "string"), column("tags", "array<string>")]
    }

    #[test]
    fn cells_become_values_of_the_columns_types() {
        let cell = |text: &str| Some(text.to_owned());
        let row = Row::All(vec![cell("1"), cell(r"it's \n"), cell("array('a')")]);
        assert_eq!(values(&columns(), &row).unwrap(), r"(CAST('1' AS bigint), 'it\'s \\n', array('a'))");
        let row = Row::Named(vec![("name".to_owned(), cell("x")), ("ID".to_owned(), None)]);
        assert_eq!(values(&columns(), &row).unwrap(), "(NULL, 'x', NULL)");
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let row = Row::Named(vec![("other".to_owned(), None)]);
        assert_eq!(values(&columns(), &row).unwrap_err(), "the table has no column 'other'");
        assert_eq!(values(&columns(), &Row::All(vec![None])).unwrap_err(), "the row has 1 cells, the table 3 columns");
    }
}
