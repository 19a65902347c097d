//! Labels of blocks and loops, and names of the rows of FOR, which share their names.

use super::super::store::quoted;
use crate::sql::Failure;

const STATE: &str = "42K0L";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Block,
    Loop,
    Row,
}

/// The labels around a statement, outermost first.
#[derive(Debug, Default)]
pub(super) struct Labels(Vec<(String, Place)>);

impl Labels {
    pub(super) fn enter(&mut self, label: &str, place: Place) -> Result<(), Failure> {
        let lower = label.to_lowercase();
        if matches!(lower.as_str(), "builtin" | "session") || lower.starts_with("sys") {
            let text = format!("The label or FOR variable name {} is forbidden.", quoted(&[label]));
            return Err(Failure::class("LABEL_OR_FOR_VARIABLE_NAME_FORBIDDEN", &text, STATE));
        }
        if self.0.iter().any(|(other, _)| *other == lower) {
            let text = format!(
                "The label or FOR variable {} already exists. Choose another name or rename the existing one.",
                quoted(&[label])
            );
            return Err(Failure::class("LABEL_OR_FOR_VARIABLE_ALREADY_EXISTS", &text, STATE));
        }
        self.0.push((lower, place));
        Ok(())
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn leave(&mut self, depth: usize) {
        self.0.truncate(depth);
    }

    /// The label that LEAVE or ITERATE states, in lower case.
    pub(super) fn target(&self, label: &str, statement: &str) -> Result<String, Failure> {
        let invalid = |class: &str, why: &str| {
            let text = format!("The usage of the label {} is invalid. {why}", label.to_uppercase());
            Failure::class(&format!("INVALID_LABEL_USAGE.{class}"), &text, STATE)
        };
        let lower = label.to_lowercase();
        match self.0.iter().find(|(other, place)| *other == lower && *place != Place::Row) {
            Some((_, Place::Block)) if statement == "ITERATE" => Err(invalid(
                "ITERATE_IN_COMPOUND",
                "ITERATE statement cannot be used with a label that belongs to a compound (BEGIN...END) body.",
            )),
            Some(_) => Ok(lower),
            None => Err(invalid(
                "DOES_NOT_EXIST",
                &format!(
                    "Label was used in the {statement} statement, but the label does not belong to any surrounding block."
                ),
            )),
        }
    }
}

/// Checks the label behind END against the one in front.
pub(super) fn check_end(begin: Option<&str>, end: &str) -> Result<(), Failure> {
    match begin {
        Some(begin) if begin.eq_ignore_ascii_case(end) => Ok(()),
        Some(begin) => {
            let text = format!("Begin label {} does not match the end label {}.", quoted(&[begin]), quoted(&[end]));
            Err(Failure::class("LABELS_MISMATCH", &text, STATE))
        }
        None => {
            let text = format!("End label {} can not exist without begin label.", quoted(&[end]));
            Err(Failure::class("END_LABEL_WITHOUT_BEGIN_LABEL", &text, STATE))
        }
    }
}
