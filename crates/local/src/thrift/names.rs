//! What there is by name: catalogs, schemas, tables, and the patterns that choose among them.

use std::sync::Arc;

use super::adapter;
use super::door::Fault;
use super::reply::{Refusal, Row};
use super::result::Table;
use super::wire::Struct;
use crate::sql::column::{Column, ColumnType};
use crate::state::App;

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

pub(super) async fn names(app: &Arc<App>, sql: &str, column: usize) -> Result<Vec<String>, Refusal> {
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
}
