//! Reading `.netrc`, by curl's grammar.
//!
//! Tokens are separated by white space, so entries may share a line or span several. `machine` opens an entry with
//! `login` and `password` in any order; `account` and its value are skipped; `default` ends the search and is never
//! used; `macdef` runs to the next empty line; a `#` where a token could start a line begins a comment; a value in
//! double quotes may hold spaces and the escapes `\"`, `\n`, `\r`, `\t`.

use std::fmt;

use databricks_core::Secret;

/// An entry of the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) login: String,
    password: String,
    /// The line of `machine`.
    pub(crate) line: usize,
}

impl Login {
    pub(crate) fn password(&self) -> Secret {
        Secret::from(crate::sanitize::trimmed(&self.password))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("login", &self.login).field("line", &self.line).finish_non_exhaustive()
    }
}

/// What is wrong with a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) problem: &'static str,
}

/// The first entry for a host that has both login and password. The host's name counts in any case of letters, its port
/// not at all.
pub(crate) fn find(text: &str, host: &str) -> Result<Option<Login>, SyntaxError> {
    let mut tokens = Tokens { rest: text.trim_start_matches('\u{feff}'), line: 1, at_line_start: true };
    let mut found: Option<Partial> = None;
    while let Some(word) = tokens.next()? {
        match word.as_str() {
            "machine" => {
                if let Some(login) = found.take().and_then(Partial::complete) {
                    return Ok(Some(login));
                }
                let line = tokens.line;
                let name = tokens.value("machine without a name")?;
                found = name.eq_ignore_ascii_case(host).then_some(Partial { line, login: None, password: None });
            }
            "default" => break,
            "macdef" => tokens.skip_macro(),
            "login" => {
                let value = tokens.value("login without a name")?;
                if let Some(entry) = &mut found {
                    entry.login.get_or_insert(value);
                }
            }
            "password" => {
                let value = tokens.value("password without a value")?;
                if let Some(entry) = &mut found {
                    entry.password.get_or_insert(value);
                }
            }
            "account" => {
                tokens.value("account without a value")?;
            }
            // Other programs define more words.
            _ => {}
        }
    }
    Ok(found.and_then(Partial::complete))
}

struct Partial {
    line: usize,
    login: Option<String>,
    password: Option<String>,
}

impl Partial {
    fn complete(self) -> Option<Login> {
        Some(Login { login: self.login?, password: self.password?, line: self.line })
    }
}

struct Tokens<'a> {
    rest: &'a str,
    line: usize,
    at_line_start: bool,
}

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<String>, SyntaxError> {
        loop {
            match self.rest.chars().next() {
                None => return Ok(None),
                Some('\n') => {
                    self.line += 1;
                    self.at_line_start = true;
                    self.rest = &self.rest[1..];
                }
                Some(c) if c.is_whitespace() => self.rest = &self.rest[c.len_utf8()..],
                Some('#') if self.at_line_start => self.skip_line(),
                Some('"') => {
                    self.at_line_start = false;
                    return self.quoted().map(Some);
                }
                Some(_) => {
                    self.at_line_start = false;
                    let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
                    let (word, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    return Ok(Some(word.to_owned()));
                }
            }
        }
    }

    fn value(&mut self, problem: &'static str) -> Result<String, SyntaxError> {
        let line = self.line;
        self.next()?.ok_or(SyntaxError { line, problem })
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                '\n' => break,
                other => text.push(other),
            }
        }
        Err(SyntaxError { line: self.line, problem: "a quoted value without its closing quote" })
    }

    fn skip_line(&mut self) {
        self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
    }

    /// Passes over the name and the lines of a macro, up to an empty line.
    fn skip_macro(&mut self) {
        loop {
            self.skip_line();
            if self.rest.is_empty() {
                return;
            }
            self.rest = &self.rest[1..];
            self.line += 1;
            self.at_line_start = true;
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            if self.rest[..end].trim().is_empty() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(text: &str, host: &str) -> Option<(String, String)> {
        find(text, host).unwrap().map(|login| (login.login, login.password))
    }

    fn owned(login: &str, password: &str) -> Option<(String, String)> {
        Some((login.to_owned(), password.to_owned()))
    }

    #[test]
    fn entries_in_any_layout() {
        let text = "machine a login token password one machine B.example\n\tpassword two account x\nlogin ann\n";
        assert_eq!(pair(text, "a"), owned("token", "one"));
        assert_eq!(pair(text, "b.EXAMPLE"), owned("ann", "two"));
        assert_eq!(pair(text, "c"), None);
    }

    #[test]
    fn an_incomplete_entry_does_not_hide_a_later_one() {
        assert_eq!(pair("machine a login x\nmachine a login y password z", "a"), owned("y", "z"));
    }

    #[test]
    fn default_ends_the_search() {
        assert_eq!(pair("default login d password p\nmachine a login x password y", "a"), None);
        assert_eq!(pair("machine a login x password y default login d password p", "a"), owned("x", "y"));
    }

    #[test]
    fn comments_and_macros_are_skipped() {
        let text = "# machine a login x password comment\nmacdef init\nmachine a login x password macro\n\nmachine a login x password #real\n";
        assert_eq!(pair(text, "a"), owned("x", "#real"));
        assert_eq!(pair("macdef m\nmachine a login x password y", "a"), None);
    }

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(pair(r#"machine a login ann password "p w\"x\t\\""#, "a"), owned("ann", "p w\"x\t\\"));
        assert_eq!(find("machine a\nlogin ann password \"open\n", "a").unwrap_err().line, 2);
        assert_eq!(find("machine a login", "a").unwrap_err().problem, "login without a name");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = find(&text, "host");
        }

        #[test]
        fn word_soup_never_panics(words in prop::collection::vec("machine|login|password|default|macdef|account|#|\"|\\\\|\n|\n\n|h|x", 0..30)) {
            let text = words.join(" ");
            if let Err(error) = find(&text, "h") {
                prop_assert!(error.line <= text.lines().count().max(1));
            }
        }

        #[test]
        fn quoted_values_come_back(password in "[ -~]{0,20}") {
            let escaped = password.replace('\\', "\\\\").replace('"', "\\\"");
            let text = format!("machine h login u password \"{escaped}\"");
            prop_assert_eq!(pair(&text, "h"), owned("u", &password));
        }
    }
}
