//! What commands give.

use std::fmt;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{self as model, ResultType};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error_text;
use crate::Table;

/// What a command returned. A command that raised an exception returns [`CommandResult::Error`]: use
/// [`into_result`](Self::into_result) to turn that into an error of the call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CommandResult {
    /// What it printed, and the value of its last expression.
    Text(String),
    /// Rows.
    Table(TableResult),
    /// Pictures: data URLs or names of files.
    Images(Vec<String>),
    /// It failed.
    Error {
        /// The exception in a line.
        message: String,
        /// The whole trace.
        cause: String,
    },
}

impl CommandResult {
    pub(super) fn from_model(results: model::Results) -> Self {
        let kind = results.result_type.clone().unwrap_or_default();
        match kind {
            ResultType::Error => {
                let (summary, cause) = (results.summary.unwrap_or_default(), results.cause.unwrap_or_default());
                Self::Error { message: error_text::extract(&summary, &cause), cause }
            }
            ResultType::Table => Self::Table(TableResult::from_model(results)),
            ResultType::Image => Self::Images(results.file_name.into_iter().collect()),
            ResultType::Images => Self::Images(results.file_names.unwrap_or_default()),
            _ => Self::Text(results.data.map(|data| plain(&data)).unwrap_or_default()),
        }
    }

    /// The printed output, without the marker `Out[n]: ` that Python puts before values.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when the command failed, [`ErrorKind::Decode`] when its result is of another type.
    pub fn text(&self) -> Result<&str> {
        match self {
            Self::Text(text) => Ok(strip_marker(text)),
            Self::Error { .. } => Err(self.failure()),
            other => Err(unexpected("text", other)),
        }
    }

    /// The rows of its table, as values of a type.
    ///
    /// # Errors
    /// As [`text`](Self::text); [`ErrorKind::Decode`] also when a row does not fit the type.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        match self {
            Self::Table(table) => table.rows(),
            Self::Error { .. } => Err(self.failure()),
            other => Err(unexpected("a table", other)),
        }
    }

    /// The result, with a failed command as an error.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] with the exception's message.
    pub fn into_result(self) -> Result<Self> {
        if matches!(self, Self::Error { .. }) { Err(self.failure()) } else { Ok(self) }
    }

    fn failure(&self) -> Error {
        let message = if let Self::Error { message, .. } = self { message.as_str() } else { "" };
        Error::new(ErrorKind::OperationFailed, message).with_operation("command_execution.execute")
    }
}

fn unexpected(wanted: &str, got: &CommandResult) -> Error {
    let kind = match got {
        CommandResult::Text(_) => "text",
        CommandResult::Table(_) => "a table",
        CommandResult::Images(_) => "images",
        CommandResult::Error { .. } => "an error",
    };
    Error::new(ErrorKind::Decode, format!("expected {wanted} from the command and got {kind}"))
}

impl fmt::Display for CommandResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(strip_marker(text)),
            Self::Table(table) => table.fmt(f),
            Self::Images(names) => f.write_str(&names.join("\n")),
            Self::Error { message, .. } => write!(f, "error: {message}"),
        }
    }
}

/// The table that a command returned. Prints as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableResult {
    /// The columns, in order.
    pub columns: Vec<TableColumn>,
    /// The rows: JSON values in the order of the columns.
    pub data: Vec<Vec<Value>>,
    /// Whether rows were left out.
    pub truncated: bool,
}

/// A column of a table that a command returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type, such as `bigint`; JSON for types that have parts.
    pub type_text: String,
}

impl TableResult {
    fn from_model(results: model::Results) -> Self {
        let text =
            |column: &serde_json::Map<String, Value>, member: &str| column.get(member).map(plain).unwrap_or_default();
        let column = |column: &serde_json::Map<String, Value>| TableColumn {
            name: text(column, "name"),
            // The type is JSON in a string: `"string"` with its quotes, or an object for types with parts.
            type_text: text(column, "type").trim_matches('"').to_owned(),
        };
        let columns = results.schema.iter().flatten().map(column).collect();
        let cells = |row: Value| if let Value::Array(cells) = row { cells } else { vec![row] };
        let data = match results.data {
            Some(Value::Array(rows)) => rows.into_iter().map(cells).collect(),
            _ => Vec::new(),
        };
        Self { columns, data, truncated: results.truncated.unwrap_or_default() }
    }

    /// The rows as values of a type: a struct or map by column name.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] naming the row and the member at fault.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let row = |(index, cells): (usize, &Vec<Value>)| {
            let members: serde_json::Map<_, _> =
                self.columns.iter().map(|column| column.name.clone()).zip(cells.iter().cloned()).collect();
            T::deserialize(Value::Object(members)).map_err(|e| {
                Error::new(ErrorKind::Decode, format!("row {index} of the table does not fit the type")).with_source(e)
            })
        };
        self.data.iter().enumerate().map(row).collect()
    }
}

impl fmt::Display for TableResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(self.columns.iter().map(|column| column.name.as_str()));
        for row in &self.data {
            table.push(row.iter().map(|cell| if cell.is_null() { "null".to_owned() } else { plain(cell) }));
        }
        table.fmt(f)
    }
}

/// A JSON value as people read it: a string without its quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Takes away the marker `Out[12]: ` in front of the value of a Python expression. A value of several lines may begin
/// below it.
fn strip_marker(text: &str) -> &str {
    let Some((number, value)) = text.strip_prefix("Out[").and_then(|rest| rest.split_once("]:")) else { return text };
    let counts = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c.is_whitespace());
    value.strip_prefix(char::is_whitespace).filter(|_| counts).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_of_python_goes_away() {
        assert_eq!(strip_marker("Out[12]: 2"), "2");
        assert_eq!(strip_marker("Out[ 3]:\n   a  b"), "   a  b");
        assert_eq!(strip_marker("Out[x]: 2"), "Out[x]: 2");
        assert_eq!(strip_marker("Out[1]:2"), "Out[1]:2");
        assert_eq!(strip_marker("Output"), "Output");
    }

    #[test]
    fn tables_read_into_types_and_print() {
        let results: model::Results = serde_json::from_value(serde_json::json!({
            "resultType": "table", "data": [[1, "x"], [2, null]], "truncated": true,
            "schema": [{"name": "a", "type": "\"bigint\"", "metadata": "{}"}, {"name": "b", "type": "\"string\"", "metadata": "{}"}],
        }))
        .unwrap();
        let result = CommandResult::from_model(results);
        let CommandResult::Table(table) = &result else { panic!("{result:?}") };
        assert_eq!(table.columns[0].type_text, "bigint");
        assert!(table.truncated);
        assert_eq!(result.rows::<(i64, Option<String>)>().unwrap_err().kind(), ErrorKind::Decode);
        #[derive(serde::Deserialize, PartialEq, Debug)]
        struct Row {
            a: i64,
            b: Option<String>,
        }
        assert_eq!(result.rows::<Row>().unwrap(), [Row { a: 1, b: Some("x".into()) }, Row { a: 2, b: None }]);
        assert_eq!(result.to_string(), "a  b\n-  ----\n1  x\n2  null\n");
        assert_eq!(result.text().unwrap_err().to_string(), "expected text from the command and got a table");
    }
}
