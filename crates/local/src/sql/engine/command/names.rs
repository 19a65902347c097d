//! `IDENTIFIER(…)`: names that are computed.

use super::super::scope::Scope;
use super::super::spark::value::V;
use super::super::store::quoted;
use super::cursor::Cursor;
use crate::sql::Failure;

/// The statement with names in place of `IDENTIFIER(…)`, if there is one.
pub(in super::super) async fn identifiers(scope: &Scope<'_>, text: &str) -> Result<Option<String>, Failure> {
    if !text.to_ascii_lowercase().contains("identifier") {
        return Ok(None);
    }
    let mut text = text.to_owned();
    let mut changed = false;
    while let Some((from, to, expression)) = find(&text) {
        let name = match scope.value(&expression).await? {
            (V::Str(name), _) => parts(&name)?,
            _ => {
                return Err(Failure::class(
                    "NOT_A_CONSTANT_STRING.WRONG_TYPE",
                    &format!(
                        "The expression \"{expression}\" used for the routine or clause `IDENTIFIER` must be a constant STRING which is NOT NULL."
                    ),
                    "42601",
                ));
            }
        };
        text.replace_range(from..to, &quoted(&name));
        changed = true;
    }
    Ok(changed.then_some(text))
}

/// The place of the first one, and its expression.
fn find(text: &str) -> Option<(usize, usize, String)> {
    let mut c = Cursor::new(text);
    while !c.at_end() {
        if c.is("IDENTIFIER (") {
            let from = c.offset();
            c.eat("IDENTIFIER");
            let expression = c.brackets().ok()?.to_owned();
            return Some((from, c.last_end(), expression));
        }
        c.skip();
    }
    None
}

/// The parts of a name that is given as a string.
pub(in super::super) fn parts(name: &str) -> Result<Vec<String>, Failure> {
    let mut c = Cursor::new(name);
    let parts = c.name().and_then(|parts| c.done().map(|()| parts));
    parts.map_err(|_| {
        Failure::class("PARSE_SYNTAX_ERROR", &format!("Syntax error at or near '{name}': it is not a name."), "42601")
    })
}
