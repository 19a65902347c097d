//! Listings of a whole catalog, with which clients of the statements API fill their metadata calls, as queries over the
//! information schema: `SHOW TABLES IN CATALOG c SCHEMA LIKE 'p' LIKE 'q'` and its kin.

/// The query that stands for the statement, if it is such a listing.
pub(super) fn query(statement: &str) -> Option<String> {
    let mut words = Words(statement);
    words.keyword("SHOW")?;
    let what = match words.next()? {
        Word::Plain(word) => word.to_ascii_uppercase(),
        Word::Quoted(_) => return None,
    };
    words.keyword("IN")?;
    words.keyword("CATALOG")?;
    let catalog = words.name()?;
    let (mut schema, mut table, mut name) = (None, None, None);
    while let Some(word) = words.next() {
        let Word::Plain(word) = word else { return None };
        let place = match word.to_ascii_uppercase().as_str() {
            "SCHEMA" => {
                words.keyword("LIKE")?;
                &mut schema
            }
            "TABLE" if what == "COLUMNS" => {
                words.keyword("LIKE")?;
                &mut table
            }
            "LIKE" => &mut name,
            ";" => break,
            _ => return None,
        };
        *place = Some(words.text()?);
    }
    let mut wanted = vec![format!("table_catalog = {}", quoted(&catalog.to_lowercase()))];
    let own = if what == "COLUMNS" { "column_name" } else { "table_name" };
    for (column, pattern) in [("table_schema", schema), ("table_name", table), (own, name)] {
        wanted.extend(pattern.map(|p| like(column, &p)));
    }
    let wanted = wanted.join(" AND ");
    let from = |view: &str| format!("FROM `{}`.information_schema.{view} WHERE {wanted}", catalog.replace('`', "``"));
    match what.as_str() {
        "TABLES" => Some(format!(
            // Clients read the kind from the sixth column.
            "SELECT table_schema AS `namespace`, table_name AS `tableName`, false AS `isTemporary`, \
             '' AS `information`, table_catalog AS `catalogName`, \
             CASE WHEN table_type = 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS `tableType`, \
             coalesce(comment, '') AS `remarks` {} AND table_schema <> 'information_schema' ORDER BY 5, 1, 2",
            from("tables")
        )),
        "COLUMNS" => Some(format!(
            "SELECT column_name AS `col_name`, table_catalog AS `catalogName`, table_schema AS `namespace`, \
             table_name AS `tableName`, upper(full_data_type) AS `columnType`, \
             numeric_precision AS `columnSize`, numeric_scale AS `decimalDigits`, \
             CASE WHEN numeric_precision IS NULL THEN NULL ELSE 10 END AS `radix`, \
             CASE WHEN is_nullable = 'NO' THEN 'false' ELSE 'true' END AS `isNullable`, \
             coalesce(comment, '') AS `remarks`, ordinal_position AS `ordinalPosition`, \
             CASE WHEN is_identity = 'YES' THEN 'YES' ELSE 'NO' END AS `isAutoIncrement` \
             {} AND table_schema <> 'information_schema' ORDER BY 2, 3, 4, ordinal_position",
            from("columns")
        )),
        _ => None,
    }
}

/// A condition on a name: `*` and `%` stand for any characters, `.` for one, `|` between alternatives. Case does not
/// matter.
fn like(column: &str, pattern: &str) -> String {
    let one = |pattern: &str| {
        let mut out = String::new();
        let mut rest = pattern.chars();
        while let Some(c) = rest.next() {
            match c {
                '*' | '%' => out.push('%'),
                '.' => out.push('_'),
                // What is escaped stands for itself.
                '\\' => match rest.next() {
                    Some(c @ ('_' | '%' | '!')) => out.extend(['!', c]),
                    Some(c) => out.extend(c.to_lowercase()),
                    None => {}
                },
                '_' => out.push_str("!_"),
                '!' => out.push_str("!!"),
                c => out.extend(c.to_lowercase()),
            }
        }
        format!("lower({column}) LIKE {} ESCAPE '!'", quoted(&out))
    };
    format!("({})", pattern.split('|').map(one).collect::<Vec<_>>().join(" OR "))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The words of a statement: names and keywords, and what is quoted.
struct Words<'a>(&'a str);

enum Word {
    Plain(String),
    Quoted(String),
}

impl Words<'_> {
    fn next(&mut self) -> Option<Word> {
        let rest = self.0.trim_start();
        let quote = rest.chars().next()?;
        if matches!(quote, '\'' | '"' | '`') {
            let mut out = String::new();
            let mut chars = rest.char_indices().skip(1).peekable();
            while let Some((at, c)) = chars.next() {
                match c {
                    c if c == quote && chars.peek().is_some_and(|(_, next)| *next == quote) => {
                        chars.next();
                        out.push(quote);
                    }
                    c if c == quote => {
                        self.0 = &rest[at + 1..];
                        return Some(Word::Quoted(out));
                    }
                    // Kept, since patterns escape with it too.
                    '\\' if quote != '`' && chars.peek().is_some_and(|(_, next)| matches!(next, '\'' | '"' | '\\')) => {
                        out.extend(chars.next().map(|(_, c)| c));
                    }
                    c => out.push(c),
                }
            }
            return None;
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let end = if end == 0 { quote.len_utf8() } else { end };
        let (word, after) = rest.split_at(end);
        self.0 = after;
        Some(Word::Plain(word.to_owned()))
    }

    fn keyword(&mut self, keyword: &str) -> Option<()> {
        match self.next()? {
            Word::Plain(word) if word.eq_ignore_ascii_case(keyword) => Some(()),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Word::Plain(name) | Word::Quoted(name) => Some(name),
        }
    }

    fn text(&mut self) -> Option<String> {
        match self.next()? {
            Word::Quoted(text) => Some(text),
            Word::Plain(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_of_catalogs_are_queries() {
        let sql = query("SHOW TABLES IN CATALOG `main` SCHEMA LIKE 'default' LIKE 'a_b.c*|It\\'s'").unwrap();
        assert!(sql.contains("FROM `main`.information_schema.tables WHERE table_catalog = 'main'"), "{sql}");
        assert!(sql.contains("lower(table_schema) LIKE 'default' ESCAPE '!'"), "{sql}");
        assert!(sql.contains("LIKE 'a!_b_c%' ESCAPE '!' OR lower(table_name) LIKE 'it\\'s'"), "{sql}");
        let sql = query("show columns in catalog main schema like 's' table like 't' like '%';").unwrap();
        assert!(sql.contains("lower(table_name) LIKE 't' ESCAPE '!') AND (lower(column_name) LIKE '%'"), "{sql}");
    }

    #[test]
    fn other_statements_are_left_alone() {
        for statement in [
            "SHOW TABLES",
            "SHOW TABLES IN main.default",
            "SHOW TABLES IN CATALOG",
            "SHOW COLUMNS IN t",
            "SHOW TABLES IN CATALOG main LIKE a",
            "SHOW TABLES IN CATALOG main LIKE 'a",
            "SELECT 'é'",
            "",
        ] {
            assert_eq!(query(statement), None, "{statement}");
        }
    }
}
