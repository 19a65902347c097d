//! SQL statements: what is asked, how it runs, and where its result is kept.

pub(crate) mod column;
#[cfg(feature = "engine")]
pub(crate) mod engine;
pub(crate) mod links;
mod listing;
pub(crate) mod notebook;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod script;
#[cfg(feature = "engine")]
pub(crate) mod securables;
pub(crate) mod spill;
mod stack;
pub(crate) mod store;

use serde_json::{Value, json};

/// Why a statement failed; the call that asked for it still succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One of the platform's codes, mostly `BAD_REQUEST`.
    pub(crate) code: String,
    /// With the error class in brackets in front, and SQLSTATE behind, where there is one.
    pub(crate) message: String,
    pub(crate) sql_state: Option<String>,
}

impl Failure {
    /// A mistake in the statement: the error class and SQLSTATE are put around the string as the platform does.
    pub(crate) fn class(class: &str, text: &str, sql_state: &str) -> Self {
        Self {
            code: "BAD_REQUEST".to_owned(),
            message: format!("[{class}] {text} SQLSTATE: {sql_state}"),
            sql_state: Some(sql_state.to_owned()),
        }
    }

    /// A request that cannot be served as asked.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { code: "BAD_REQUEST".to_owned(), message: message.into(), sql_state: None }
    }

    /// Something that is not a mistake of the statement's.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { code: "INTERNAL_ERROR".to_owned(), message: message.into(), sql_state: None }
    }

    /// A file of the result could not be written or read.
    pub(crate) fn io(error: &std::io::Error) -> Self {
        Self {
            code: "IO_ERROR".to_owned(),
            message: format!("The result could not be stored: {error}"),
            sql_state: None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"error_code": self.code, "message": self.message})
    }
}

/// The statements of a text: apart by semicolons that are not inside a string, a name or a comment.
pub(crate) fn statements(source: &str) -> Vec<String> {
    let (mut all, mut one) = (Vec::new(), String::new());
    let mut rest = source.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = rest.next() {
        match (quote, c) {
            // A backslash escapes in strings; a quote in a name is doubled.
            (Some('\'' | '"'), '\\') => {
                one.push(c);
                one.extend(rest.next());
                continue;
            }
            (Some(mark), _) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '-') if rest.peek() == Some(&'-') => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            (None, '/') if rest.peek() == Some(&'*') => {
                skip_comment(&mut rest);
                one.push(' ');
                continue;
            }
            (None, ';') => {
                all.push(std::mem::take(&mut one));
                continue;
            }
            (None, _) => {}
        }
        one.push(c);
    }
    all.push(one);
    all.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Skips a comment in brackets, which may have others inside, from its asterisk on.
fn skip_comment(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let (mut depth, mut before) = (1_usize, ' ');
    rest.next();
    for c in rest.by_ref() {
        match (before, c) {
            ('*', '/') => depth -= 1,
            ('/', '*') => depth += 1,
            _ => {
                before = c;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        before = ' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_of_their_own() {
        assert_eq!(statements("SELECT ';' AS a; -- no; not here\n SELECT `b;` ;;"), ["SELECT ';' AS a", "SELECT `b;`"]);
        assert!(statements(" ; ").is_empty());
        let escaped = r"SELECT 'it\'s; one', 'b\\'; SELECT 2";
        assert_eq!(statements(escaped), [r"SELECT 'it\'s; one', 'b\\'", "SELECT 2"]);
        assert_eq!(statements("SELECT /* a; /* b; */ c; */ 1; SELECT 2/*"), ["SELECT   1", "SELECT 2"]);
        assert_eq!(statements("SELECT /*+ hint; */ 1 /**/; /*/ ; */"), ["SELECT   1"]);
    }
}
