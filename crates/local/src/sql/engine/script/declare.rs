//! Declarations of a block: variables, conditions and handlers, in the order that the grammar has for them.

use super::super::store::missing::feature;
use super::super::store::quoted;
use super::read::Reader;
use super::tree::{Block, Handler, Kind, Step, Trigger};
use crate::sql::Failure;

/// What a handler can have in a block of its own alone.
const CONTROL: [&str; 8] = ["CASE", "FOR", "IF", "ITERATE", "LEAVE", "LOOP", "REPEAT", "WHILE"];

fn variable_failure(class: &str, why: &str) -> Failure {
    Failure::class(
        &format!("INVALID_VARIABLE_DECLARATION.{class}"),
        &format!("Invalid variable declaration. {why}"),
        "42K0M",
    )
}

fn handler_failure(class: &str, why: &str) -> Failure {
    Failure::class(
        &format!("INVALID_HANDLER_DECLARATION.{class}"),
        &format!("Invalid handler declaration. {why}"),
        "42K0Q",
    )
}

fn condition_failure(class: &str, why: &str) -> Failure {
    Failure::class(
        &format!("INVALID_ERROR_CONDITION_DECLARATION.{class}"),
        &format!("Invalid condition declaration. {why}"),
        "42K0R",
    )
}

impl Reader<'_> {
    /// Reads what DECLARE declares, at the place where a block may have it.
    pub(super) fn declaration(&mut self, block: &mut Block) -> Result<(), Failure> {
        let line = self.line();
        let begun = block.steps.iter().any(|step| !matches!(step.kind, Kind::Declare(_)));
        self.c.expect("DECLARE")?;
        if self.handler_follows() {
            if begun {
                return Err(handler_failure(
                    "WRONG_PLACE_OF_DECLARATION",
                    "Handlers must be declared after variable/condition declaration, and before other statements.",
                ));
            }
            let handler = self.handler()?;
            return add(block, handler);
        }
        let replace = self.c.eat("OR REPLACE");
        let _ = self.c.eat("VARIABLE") || self.c.eat("VAR");
        let start = self.c.clone();
        let parts = self.c.name()?;
        if ["CURSOR", "ASENSITIVE", "INSENSITIVE"].iter().any(|word| self.c.is(word)) {
            return Err(feature("cursors in SQL scripts (DECLARE … CURSOR); use FOR … DO"));
        }
        if self.c.is("CONDITION") {
            return self.condition(&parts, begun || !block.handlers.is_empty());
        }
        let shown = quoted(&parts);
        if replace {
            let why = format!(
                "The variable {shown} does not support DECLARE OR REPLACE, as local variables cannot be replaced."
            );
            return Err(variable_failure("REPLACE_LOCAL_VARIABLE", &why));
        }
        if parts.len() > 1 {
            let why = format!(
                "The variable {shown} must be declared without a qualifier, as qualifiers are not allowed for local variable \
                 declarations."
            );
            return Err(variable_failure("QUALIFIED_LOCAL_VARIABLE", &why));
        }
        if begun || !block.handlers.is_empty() {
            let why = format!("Variable {shown} can only be declared at the beginning of the compound.");
            return Err(variable_failure("ONLY_AT_BEGINNING", &why));
        }
        self.c.back_to(&start);
        let text = self.text()?;
        block.steps.push(Step { line, kind: Kind::Declare(text) });
        Ok(())
    }

    fn handler_follows(&self) -> bool {
        self.c.is("CONTINUE HANDLER") || self.c.is("EXIT HANDLER")
    }

    /// The failure of a declaration where none may stand.
    pub(super) fn misplaced(&mut self) -> Failure {
        self.c.eat("DECLARE");
        if self.handler_follows() {
            return handler_failure(
                "WRONG_PLACE_OF_DECLARATION",
                "Handlers must be declared after variable/condition declaration, and before other statements.",
            );
        }
        self.c.eat("OR REPLACE");
        let _ = self.c.eat("VARIABLE") || self.c.eat("VAR");
        match self.c.name() {
            Ok(parts) => {
                let why = format!("Declaration of the variable {} is not allowed in this scope.", quoted(&parts));
                variable_failure("NOT_ALLOWED_IN_SCOPE", &why)
            }
            Err(failure) => failure,
        }
    }

    /// `name CONDITION [FOR SQLSTATE 'state']`.
    fn condition(&mut self, parts: &[String], late: bool) -> Result<(), Failure> {
        self.c.expect("CONDITION")?;
        let state = if self.c.eat("FOR") {
            self.c.expect("SQLSTATE")?;
            self.state()?
        } else {
            "45000".to_owned()
        };
        let [name] = parts else {
            let why = format!("Condition {} cannot be qualified.", parts.join(".").to_uppercase());
            return Err(condition_failure("QUALIFIED_CONDITION_NAME", &why));
        };
        if late {
            let why = format!(
                "Condition {} can only be declared at the start of a BEGIN END compound statement.",
                quoted(parts)
            );
            return Err(condition_failure("NOT_AT_START_OF_COMPOUND_STATEMENT", &why));
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let why = format!(
                "Special character found in condition name {}. Only alphanumeric characters and underscores are allowed.",
                quoted(parts)
            );
            return Err(condition_failure("SPECIAL_CHARACTER_FOUND", &why));
        }
        let known = self.conditions.last_mut();
        if known.is_some_and(|known| known.insert(name.to_uppercase(), state).is_some()) {
            let text = format!("Found duplicate condition {} in the scope. Please, remove one of them.", quoted(parts));
            return Err(Failure::class("DUPLICATE_CONDITION_IN_SCOPE", &text, "42734"));
        }
        Ok(())
    }

    /// `[VALUE] 'state'`, in upper case.
    pub(super) fn state(&mut self) -> Result<String, Failure> {
        self.c.eat("VALUE");
        let state = self.c.string()?.to_uppercase();
        let fits = state.len() == 5 && state.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits || ["00", "01", "XX"].iter().any(|class| state.starts_with(class)) {
            let text = format!(
                "Invalid SQLSTATE value: '{state}'. SQLSTATE must be exactly 5 characters long and contain only A-Z and 0-9. \
                 SQLSTATE must not start with '00', '01', or 'XX'."
            );
            return Err(Failure::class("INVALID_SQLSTATE", &text, "428B3"));
        }
        Ok(state)
    }

    fn handler(&mut self) -> Result<Handler, Failure> {
        let continues = self.c.eat("CONTINUE");
        if !continues {
            self.c.expect("EXIT")?;
        }
        self.c.expect("HANDLER FOR")?;
        let mut triggers: Vec<Trigger> = Vec::new();
        loop {
            let trigger = self.trigger()?;
            if triggers.contains(&trigger) {
                return Err(match &trigger {
                    Trigger::State(state) => handler_failure(
                        "DUPLICATE_SQLSTATE_IN_HANDLER_DECLARATION",
                        &format!(
                            "Found duplicate sqlstate '{state}' in the handler declaration. Please, remove one of them."
                        ),
                    ),
                    Trigger::Condition(name) => handler_failure(
                        "DUPLICATE_CONDITION_IN_HANDLER_DECLARATION",
                        &format!(
                            "Found duplicate condition '{name}' in the handler declaration. Please, remove one of them."
                        ),
                    ),
                    Trigger::NotFound | Trigger::Exception => self.c.error(),
                });
            }
            triggers.push(trigger);
            if !self.c.eat(",") {
                break;
            }
        }
        if triggers.len() > 1 && triggers.iter().any(|t| matches!(t, Trigger::NotFound | Trigger::Exception)) {
            return Err(handler_failure(
                "INVALID_CONDITION_COMBINATION",
                "Invalid condition combination in the handler declaration. SQLEXCEPTION and NOT FOUND cannot be used together \
                 with other condition/sqlstate values.",
            ));
        }
        if CONTROL.iter().any(|word| self.c.is(word)) {
            return Err(self.c.error());
        }
        let handles = std::mem::replace(&mut self.handles, true);
        let place = self.c.clone();
        let step = self.step()?;
        if matches!(step.kind, Kind::Loop { .. }) {
            return Err(place.error());
        }
        self.handles = handles;
        Ok(Handler { continues, triggers, body: vec![step] })
    }

    fn trigger(&mut self) -> Result<Trigger, Failure> {
        if self.c.eat("SQLSTATE") {
            return self.state().map(Trigger::State);
        }
        if self.c.eat("SQLEXCEPTION") {
            return Ok(Trigger::Exception);
        }
        if self.c.eat("NOT FOUND") {
            return Ok(Trigger::NotFound);
        }
        Ok(Trigger::Condition(self.c.name()?.join(".").to_uppercase()))
    }
}

/// Adds a handler to its block, whose handlers all are for something else.
fn add(block: &mut Block, handler: Handler) -> Result<(), Failure> {
    let taken: Vec<&Trigger> = block.handlers.iter().flat_map(|h| &h.triggers).collect();
    if let Some(twice) = handler.triggers.iter().find(|t| taken.contains(t)) {
        let (class, what) = match twice {
            Trigger::State(state) => ("SQLSTATE", format!("'{state}' SQLSTATE")),
            Trigger::Condition(name) => ("CONDITION", format!("'{name}' condition")),
            Trigger::NotFound => ("CONDITION", "'NOT FOUND' condition".to_owned()),
            Trigger::Exception => ("CONDITION", "'SQLEXCEPTION' condition".to_owned()),
        };
        let text = format!("Found duplicate handlers for the same {what}. Please, remove one of them.");
        return Err(Failure::class(&format!("DUPLICATE_EXCEPTION_HANDLER.{class}"), &text, "42734"));
    }
    block.handlers.push(handler);
    Ok(())
}
