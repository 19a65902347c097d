//! Tables that people like to read.

use std::fmt;

/// Rows under headings, aligned: for programs that show results on a terminal.
///
/// ```
/// let table = databricks_sdk::Table::new(["city", "trips"]).row(["Oslo", "12"]).row(["Bergen", "7"]);
/// assert_eq!(table.to_string(), "city    trips\n------  -----\nOslo    12\nBergen  7\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A cell wider than this is cut, so that one long string does not spoil the page.
const WIDEST: usize = 60;

impl Table {
    /// An empty table with these headings.
    pub fn new<T: Into<String>>(headings: impl IntoIterator<Item = T>) -> Self {
        Self { headings: headings.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// The same table with a row more.
    #[must_use]
    pub fn row<T: Into<String>>(mut self, cells: impl IntoIterator<Item = T>) -> Self {
        self.push(cells);
        self
    }

    /// Adds a row.
    pub fn push<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The string of a cell: one line, cut if it is long.
fn shown(cell: &str) -> String {
    let line = cell.replace(['\n', '\r', '\t'], " ");
    if line.chars().count() <= WIDEST {
        return line;
    }
    line.chars().take(WIDEST - 1).chain(['…']).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).chain([self.headings.len()]).max().unwrap_or(0);
        let line = |cells: &[String]| {
            (0..columns).map(|i| cells.get(i).map(|cell| shown(cell)).unwrap_or_default()).collect::<Vec<_>>()
        };
        let headings = line(&self.headings);
        let rows: Vec<_> = self.rows.iter().map(|row| line(row)).collect();
        let width = |i: usize| rows.iter().chain([&headings]).map(|row| row[i].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
        for row in [&headings, &rule].into_iter().chain(&rows) {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_many_lined_cells_stay_in_their_row() {
        let text = Table::new(["a"]).row(["x\ny"]).row(["z".repeat(100)]).to_string();
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("x y") && text.contains('…'));
        assert_eq!(text.lines().last().map(|line| line.chars().count()), Some(WIDEST));
    }

    #[test]
    fn ragged_rows_are_filled() {
        assert_eq!(Table::new(["a"]).row(["1", "2"]).to_string(), "a\n-  -\n1  2\n");
    }
}
