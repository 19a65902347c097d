//! Row filters and column masks: functions in SQL that stand between a table and its readers.

use super::{Name, quoted};

/// A function, and what it is called with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(in super::super) struct Policy {
    /// The parts of its name: all three once the statement was checked.
    pub(in super::super) function: Vec<String>,
    /// Of a mask: those behind the masked column.
    pub(in super::super) arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(in super::super) enum Argument {
    Column(String),
    /// The text of a literal.
    Literal(String),
}

impl Policy {
    /// The full name of the function.
    pub(in super::super) fn name(&self) -> Name {
        let part = |at: usize| self.function.get(at).cloned().unwrap_or_default();
        Name { catalog: part(0), schema: part(1), object: part(2) }
    }

    /// The columns that it is called with.
    pub(in super::super) fn columns(&self) -> impl Iterator<Item = &String> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Column(name) => Some(name),
            Argument::Literal(_) => None,
        })
    }

    /// Whether it is called with a column.
    pub(in super::super) fn reads(&self, column: &str) -> bool {
        self.columns().any(|name| name.eq_ignore_ascii_case(column))
    }

    /// The arguments as SQL writes them.
    pub(in super::super) fn list(&self) -> String {
        let written = self.arguments.iter().map(|argument| match argument {
            Argument::Column(name) => quoted(&[name]),
            Argument::Literal(text) => text.clone(),
        });
        written.collect::<Vec<_>>().join(", ")
    }

    /// The clause of a column.
    pub(in super::super) fn mask(&self) -> String {
        let using = if self.arguments.is_empty() { String::new() } else { format!(" USING COLUMNS ({})", self.list()) };
        format!("MASK {}{using}", self.name().quoted())
    }

    /// The clause of a table.
    pub(in super::super) fn filter(&self) -> String {
        format!("ROW FILTER {} ON ({})", self.name().quoted(), self.list())
    }
}
