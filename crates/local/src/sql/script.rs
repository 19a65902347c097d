//! Statements whose results are given beforehand.

use super::Failure;
use super::column::{Column, ColumnType};
use super::request::Format;
use super::row_text::encode_row;
use super::spill::{Flow, Spill};
use crate::faults::fits;

/// What a scripted statement gives: a table, or a failure.
///
/// ```
/// use databricks_local::ScriptedResult;
///
/// let two = ScriptedResult::table([("id", "BIGINT"), ("name", "STRING")])
///     .row([Some("1"), Some("one")])
///     .row([Some("2"), None]);
/// let gone = ScriptedResult::failed("BAD_REQUEST", "no such table", Some("42P01"));
/// # let _ = (two, gone);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ScriptedResult(Outcome);

#[derive(Clone, Debug)]
enum Outcome {
    Table { columns: Vec<Column>, rows: Vec<Vec<Option<String>>> },
    Failed(Failure),
}

impl ScriptedResult {
    /// An empty table with these columns: name and SQL type, such as `BIGINT` or `DECIMAL(10,2)`.
    pub fn table<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let columns = columns
            .into_iter()
            .map(|(name, kind)| Column { name: name.to_owned(), kind: ColumnType::from_sql(kind) })
            .collect();
        Self(Outcome::Table { columns, rows: Vec::new() })
    }

    /// Adds a row of cells as the wire has them: string, or `None` for NULL. Missing cells are NULL, further ones are
    /// left out. A failure has no rows.
    pub fn row<'a>(mut self, cells: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        if let Outcome::Table { columns, rows } = &mut self.0 {
            let mut row: Vec<_> = cells.into_iter().map(|c| c.map(str::to_owned)).collect();
            row.resize(columns.len(), None);
            rows.push(row);
        }
        self
    }

    /// A statement that fails, with the platform's error code (`BAD_REQUEST`, `INTERNAL_ERROR` …), a message and
    /// perhaps an SQLSTATE.
    pub fn failed(code: &str, message: &str, sql_state: Option<&str>) -> Self {
        Self(Outcome::Failed(Failure {
            code: code.to_owned(),
            message: message.to_owned(),
            sql_state: sql_state.map(str::to_owned),
        }))
    }

    pub(crate) fn write(&self, spill: &mut Spill) -> Result<Vec<Column>, Failure> {
        let (columns, rows) = match &self.0 {
            Outcome::Failed(failure) => return Err(failure.clone()),
            Outcome::Table { columns, rows } => (columns, rows),
        };
        if spill.format() == Format::ArrowStream {
            return Err(Failure::bad_request(
                "Scripted statements have no ARROW_STREAM form; ask for JSON_ARRAY or CSV",
            ));
        }
        spill.begin(columns);
        let mut line = Vec::new();
        for row in rows {
            encode_row(&mut line, spill.format(), row.iter().map(Option::as_deref));
            if spill.row(&line)? == Flow::Full {
                break;
            }
        }
        Ok(columns.clone())
    }
}

/// The scripts of a workspace, in order of registration.
#[derive(Debug, Default)]
pub(crate) struct Scripts(Vec<(String, ScriptedResult)>);

impl Scripts {
    pub(crate) fn add(&mut self, pattern: &str, result: ScriptedResult) {
        self.0.push((normalize(pattern), result));
    }

    /// The first whose pattern fits. Case and white space do not matter.
    pub(crate) fn find(&self, statement: &str) -> Option<&ScriptedResult> {
        let statement = normalize(statement);
        self.0.iter().find(|(pattern, _)| fits(pattern, &statement)).map(|(_, result)| result)
    }
}

fn normalize(text: &str) -> String {
    let words: Vec<_> = text.trim().trim_end_matches(';').split_whitespace().collect();
    words.join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_ignore_case_and_space() {
        let mut scripts = Scripts::default();
        scripts.add("SELECT *  FROM t WHERE *", ScriptedResult::table([("a", "INT")]));
        assert!(scripts.find("select x\n from t where x = 1;").is_some());
        assert!(scripts.find("select x from u").is_none());
    }
}
