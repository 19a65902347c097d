//! What a script is made of, once it is read.

use std::collections::BTreeMap;

/// `BEGIN … END`.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) label: Option<String>,
    pub(super) handlers: Vec<Handler>,
    pub(super) steps: Vec<Step>,
}

/// A statement of a script.
#[derive(Debug)]
pub(super) struct Step {
    /// Of the script, from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// One that a script has in common with its outside.
    Statement(String),
    /// What stands behind DECLARE.
    Declare(String),
    /// What stands behind SET.
    Assign(String),
    Block(Block),
    /// IF, and CASE with or without the value that is compared.
    Choice {
        value: Option<String>,
        branches: Vec<(String, Vec<Step>)>,
        otherwise: Vec<Step>,
    },
    Loop {
        label: Option<String>,
        form: Form,
        body: Vec<Step>,
    },
    Leave(String),
    Iterate(String),
    Signal(Signal),
    Resignal,
    /// Variables with what they are set to.
    Diagnostics(Vec<(Vec<String>, Item)>),
}

#[derive(Debug)]
pub(super) enum Form {
    While(String),
    Until(String),
    Endless,
    For { row: Option<String>, query: String },
}

#[derive(Debug)]
pub(super) struct Handler {
    /// Whether the script goes on behind the statement that failed, and not behind the block.
    pub(super) continues: bool,
    pub(super) triggers: Vec<Trigger>,
    pub(super) body: Vec<Step>,
}

/// What a handler is for. States and names of conditions are in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    Condition(String),
    State(String),
    NotFound,
    Exception,
}

#[derive(Debug)]
pub(super) struct Signal {
    /// In upper case; `None` if the state alone is given.
    pub(super) condition: Option<String>,
    /// `None` for a condition that the script does not declare.
    pub(super) state: Option<String>,
    /// The expressions of a message and of its arguments.
    pub(super) message: Option<String>,
    pub(super) arguments: Option<String>,
}

/// What GET DIAGNOSTICS states of the condition that is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Message,
    State,
    Condition,
    Arguments,
    Line,
}

/// Conditions that blocks declare, with their states.
pub(super) type Conditions = BTreeMap<String, String>;
