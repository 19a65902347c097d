//! Which functions of SQL the workspace computes.
#![doc = include_str!("../FUNCTIONS.md")]

/// What a function gives, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A value for each row.
    Scalar,
    /// A value for a group of rows.
    Aggregate,
    /// A value for each row of a window.
    Window,
    /// Rows for each row.
    Generator,
    /// Rows, in FROM.
    Table,
    /// The language's own syntax has the name, as `IN` has.
    Syntax,
}

/// What computes a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// DataFusion, on which the workspace runs SQL.
    Engine,
    /// This crate, by the meaning that the function has on the platform.
    Here,
}

/// A function of SQL that the workspace computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name in lower case.
    pub name: &'static str,
    /// What it gives.
    pub kind: Kind,
    /// What computes it.
    pub by: By,
}

/// All functions that the workspace computes, in alphabetical order.
pub fn all() -> Vec<Function> {
    crate::sql::engine::function_names::all().map(|(name, kind, by)| Function { name, kind, by }).collect()
}
