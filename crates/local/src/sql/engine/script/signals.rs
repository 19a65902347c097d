//! Conditions: which handler is for a failure, what SIGNAL raises, and what GET DIAGNOSTICS states.

use datafusion::arrow::datatypes::DataType;

use super::super::scope::Scope;
use super::super::spark::types;
use super::super::spark::value::V;
use super::super::store::missing::feature;
use super::read::Reader;
use super::tree::{Handler, Item, Kind, Signal, Trigger};
use crate::sql::Failure;

/// A failure that a handler is for.
#[derive(Clone, Debug)]
pub(super) struct Raised {
    pub(super) failure: Failure,
    pub(super) line: usize,
    /// Of a condition that SIGNAL has raised.
    pub(super) arguments: Option<Vec<(V, V)>>,
}

/// Class, text and SQLSTATE of a failure that has all of them.
fn parts(failure: &Failure) -> Option<(&str, &str, &str)> {
    let state = failure.sql_state.as_deref()?;
    let (class, text) = failure.message.strip_prefix('[')?.split_once("] ")?;
    let text = text.rsplit_once(" SQLSTATE: ").map_or(text, |(text, _)| text);
    Some((class, text, state))
}

/// Whether handlers see a failure: what the embedded workspace lacks would not fail on the service, so that a script
/// that goes on would have another result there.
pub(super) fn is_condition(failure: &Failure) -> bool {
    let lacking = ["UNSUPPORTED_FEATURE", "PARSE_SYNTAX_ERROR", "UNRESOLVED_ROUTINE"];
    parts(failure).is_some_and(|(class, text, _)| {
        !lacking.iter().any(|c| class.starts_with(c)) && !text.contains("embedded workspace")
    })
}

/// The handler of a block for a failure: by the name of the condition before by its state before by its kind.
pub(super) fn handler<'h>(handlers: &'h [Handler], failure: &Failure) -> Option<&'h Handler> {
    let (class, _, state) = parts(failure)?;
    let (class, state) = (class.to_uppercase(), state.to_uppercase());
    let by = |fits: &dyn Fn(&Trigger) -> bool| handlers.iter().find(|h| h.triggers.iter().any(fits));
    let general = match state.get(..2) {
        Some("02") => Trigger::NotFound,
        Some("XX") => return by(&|t| matches!(t, Trigger::Condition(name) if *name == class)),
        _ => Trigger::Exception,
    };
    let main = class.split('.').next().unwrap_or_default();
    by(&|t| matches!(t, Trigger::Condition(name) if *name == class))
        .or_else(|| by(&|t| matches!(t, Trigger::Condition(name) if name == main)))
        .or_else(|| by(&|t| matches!(t, Trigger::State(s) if *s == state)))
        .or_else(|| by(&|t| *t == general))
}

/// The failure that a SIGNAL raises.
pub(super) async fn raised(scope: &Scope<'_>, signal: &Signal) -> Result<(Failure, Option<Vec<(V, V)>>), Failure> {
    let message = match &signal.message {
        Some(text) => match scope.value(text).await? {
            (V::Null, _) => String::new(),
            (V::Str(text), _) => text,
            (_, kind) => return Err(not_of_type("MESSAGE_TEXT", "STRING", &kind)),
        },
        None => String::new(),
    };
    let arguments = match &signal.arguments {
        Some(text) => match scope.value(text).await? {
            (V::Map(entries), _) => Some(entries),
            (V::Null, _) => None,
            (_, kind) => return Err(not_of_type("MESSAGE_ARGUMENTS", "MAP<STRING, STRING>", &kind)),
        },
        None => None,
    };
    let class = signal.condition.as_deref().unwrap_or("USER_RAISED_EXCEPTION");
    let (text, state) = match (&signal.state, class) {
        (Some(state), _) => (message, state.as_str()),
        (None, "USER_RAISED_EXCEPTION") => {
            let entries = arguments.iter().flatten();
            let text = entries.filter(|(k, _)| k.text() == "errorMessage").map(|(_, v)| v.text().to_owned()).next();
            (text.unwrap_or(message), "P0001")
        }
        (None, class) => {
            return Err(feature(&format!(
                "SIGNAL {class}: messages of conditions that the script does not declare, other than USER_RAISED_EXCEPTION"
            )));
        }
    };
    let stated = arguments.unwrap_or_else(|| vec![("MESSAGE_TEXT".into(), V::Str(text.clone()))]);
    Ok((Failure::class(class, &text, state), Some(stated)))
}

fn not_of_type(what: &str, wanted: &str, kind: &DataType) -> Failure {
    let text = format!("The {what} of SIGNAL has to be a {wanted}, but is \"{}\".", types::name(kind));
    Failure::class("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", &text, "42K09")
}

/// What GET DIAGNOSTICS states of a failure.
pub(super) fn stated(item: Item, raised: &Raised) -> Result<(V, DataType), Failure> {
    let (class, text, state) = parts(&raised.failure).unwrap_or(("", &raised.failure.message, ""));
    Ok(match item {
        Item::Message => (text.into(), DataType::Utf8),
        Item::State => (state.into(), DataType::Utf8),
        Item::Condition => (class.into(), DataType::Utf8),
        Item::Line => (V::int(raised.line), DataType::Int64),
        Item::Arguments => match &raised.arguments {
            Some(entries) => (V::Map(entries.clone()), types::map(DataType::Utf8, DataType::Utf8)),
            None => return Err(feature("MESSAGE_ARGUMENTS of conditions that SIGNAL has not raised")),
        },
    })
}

impl Reader<'_> {
    /// SIGNAL, RESIGNAL and GET DIAGNOSTICS.
    pub(super) fn diagnostics(&mut self) -> Result<Option<Kind>, Failure> {
        if self.c.eat("SIGNAL") {
            return self.signal().map(Kind::Signal).map(Some);
        }
        let inside = |word: &str, handles: bool| {
            if handles {
                return Ok(());
            }
            let text = format!("Syntax error at or near '{word}': it belongs into a condition handler.");
            Err(Failure::class("PARSE_SYNTAX_ERROR", &text, "42601"))
        };
        if self.c.eat("RESIGNAL") {
            inside("RESIGNAL", self.handles)?;
            return Ok(Some(Kind::Resignal));
        }
        if !self.c.eat("GET DIAGNOSTICS") {
            return Ok(None);
        }
        inside("GET DIAGNOSTICS", self.handles)?;
        self.c.expect("CONDITION")?;
        let before = self.c.clone();
        if self.c.integer()? != 1 {
            return Err(before.error());
        }
        let mut all = Vec::new();
        loop {
            let name = self.c.name()?;
            self.c.expect("=")?;
            let place = self.c.clone();
            let item = match self.c.identifier()?.to_ascii_uppercase().as_str() {
                "MESSAGE_TEXT" => Item::Message,
                "RETURNED_SQLSTATE" => Item::State,
                "MESSAGE_ARGUMENTS" => Item::Arguments,
                "CONDITION_IDENTIFIER" => Item::Condition,
                "LINE_NUMBER" => Item::Line,
                _ => return Err(place.error()),
            };
            all.push((name, item));
            if !self.c.eat(",") {
                return Ok(Some(Kind::Diagnostics(all)));
            }
        }
    }

    fn signal(&mut self) -> Result<Signal, Failure> {
        let (condition, state) = if self.c.eat("SQLSTATE") {
            (None, Some(self.state()?))
        } else {
            let name = self.c.name()?.join(".").to_uppercase();
            let declared = self.conditions.iter().rev().find_map(|known| known.get(&name)).cloned();
            (Some(name), declared)
        };
        let mut signal = Signal { condition, state, message: None, arguments: None };
        if self.c.eat("SET") {
            let arguments = signal.condition.is_some() && self.c.eat("MESSAGE_ARGUMENTS");
            if !arguments {
                self.c.expect("MESSAGE_TEXT")?;
            }
            self.c.expect("=")?;
            let text = Some(self.text()?);
            if arguments { signal.arguments = text } else { signal.message = text }
        }
        Ok(signal)
    }
}
