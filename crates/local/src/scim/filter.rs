//! Filters: RFC 7644 section 3.4.2.2.

use serde_json::Value;

use crate::reply::ApiError;

/// How deep parentheses may nest.
const DEPTH: usize = 32;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Present(String),
    Compare(String, Comparison, Value),
    /// `emails[type eq "work"]`.
    Inside(String, Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Contains,
    Starts,
    Ends,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    OpenInside,
    CloseInside,
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let bad = |what: String| {
            ApiError::scim(
                http::StatusCode::BAD_REQUEST,
                "invalidFilter",
                format!("The filter '{text}' is not valid: {what}"),
            )
        };
        let tokens = tokens(text).map_err(&bad)?;
        let mut parser = Parser { tokens: &tokens, depth: 0 };
        let filter = parser.any().map_err(&bad)?;
        match parser.tokens.first() {
            None => Ok(filter),
            Some(token) => Err(bad(format!("unexpected {token:?}").to_lowercase())),
        }
    }

    /// Whether a resource fits. Strings compare without case, as most SCIM attributes do.
    pub(crate) fn fits(&self, resource: &Value) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|p| p.fits(resource)),
            Self::All(parts) => parts.iter().all(|p| p.fits(resource)),
            Self::Not(inner) => !inner.fits(resource),
            Self::Present(path) => values(resource, path).iter().any(|v| !v.is_null()),
            Self::Compare(path, Comparison::Unequal, wanted) => {
                !values(resource, path).iter().any(|v| compare(v, Comparison::Equal, wanted))
            }
            Self::Compare(path, how, wanted) => values(resource, path).iter().any(|v| compare(v, *how, wanted)),
            Self::Inside(path, inner) => values(resource, path).iter().any(|v| inner.fits(v)),
        }
    }
}

/// The member of that name, whatever its case.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

/// What a path leads to; lists count by their items, and an object at the end by its `value`.
fn values<'a>(resource: &'a Value, path: &str) -> Vec<&'a Value> {
    let path = path.rsplit(':').next().unwrap_or(path);
    let mut found = vec![resource];
    for part in path.split('.') {
        found = found.into_iter().filter_map(|v| member(v, part)).flat_map(items).collect();
    }
    found
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

fn compare(value: &Value, how: Comparison, wanted: &Value) -> bool {
    let value = match value {
        Value::Object(_) => member(value, "value").unwrap_or(value),
        other => other,
    };
    let plain = |v: &Value| match v {
        Value::String(s) => s.to_lowercase(),
        other => other.to_string().to_lowercase(),
    };
    let (own, wanted) = (plain(value), plain(wanted));
    match how {
        Comparison::Equal => own == wanted,
        Comparison::Unequal => own != wanted,
        Comparison::Contains => own.contains(&wanted),
        Comparison::Starts => own.starts_with(&wanted),
        Comparison::Ends => own.ends_with(&wanted),
        Comparison::Greater => own > wanted,
        Comparison::GreaterOrEqual => own >= wanted,
        Comparison::Less => own < wanted,
        Comparison::LessOrEqual => own <= wanted,
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        let single = match c {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' => Some(Token::OpenInside),
            ']' => Some(Token::CloseInside),
            _ => None,
        };
        if let Some(token) = single {
            out.push(token);
            chars.next();
        } else if c.is_whitespace() {
            chars.next();
        } else if c == '"' {
            chars.next();
            let mut string = String::new();
            loop {
                match chars.next() {
                    None => return Err("a string does not end".to_owned()),
                    Some('"') => break,
                    Some('\\') => string.extend(chars.next()),
                    Some(other) => string.push(other),
                }
            }
            out.push(Token::Text(string));
        } else {
            let mut word = String::new();
            while let Some(&c) = chars.peek() {
                if c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"') {
                    break;
                }
                word.push(c);
                chars.next();
            }
            out.push(Token::Word(word));
        }
    }
    Ok(out)
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        if found {
            self.next();
        }
        found
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.term()?];
        while self.take_word("and") {
            parts.push(self.term()?);
        }
        Ok(single(parts, Filter::All))
    }

    fn nested(&mut self, close: &Token) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("it nests deeper than {DEPTH}"));
        }
        let inner = self.any()?;
        self.depth -= 1;
        if self.next().as_ref() == Some(close) { Ok(inner) } else { Err("a parenthesis is not closed".to_owned()) }
    }

    fn term(&mut self) -> Result<Filter, String> {
        if self.take_word("not") {
            return match self.next() {
                Some(Token::Open) => Ok(Filter::Not(Box::new(self.nested(&Token::Close)?))),
                _ => Err("'not' needs parentheses".to_owned()),
            };
        }
        match self.next() {
            Some(Token::Open) => self.nested(&Token::Close),
            Some(Token::Word(path)) => self.comparison(path),
            Some(Token::Text(_)) => Err("a string stands where an attribute should be".to_owned()),
            _ => Err("an attribute is missing".to_owned()),
        }
    }

    fn comparison(&mut self, path: String) -> Result<Filter, String> {
        if self.tokens.first() == Some(&Token::OpenInside) {
            self.next();
            return Ok(Filter::Inside(path, Box::new(self.nested(&Token::CloseInside)?)));
        }
        let Some(Token::Word(operator)) = self.next() else { return Err(format!("'{path}' has no operator")) };
        let how = match operator.to_ascii_lowercase().as_str() {
            "pr" => return Ok(Filter::Present(path)),
            "eq" => Comparison::Equal,
            "ne" => Comparison::Unequal,
            "co" => Comparison::Contains,
            "sw" => Comparison::Starts,
            "ew" => Comparison::Ends,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            other => return Err(format!("'{other}' is not an operator")),
        };
        match self.next() {
            Some(Token::Text(text)) => Ok(Filter::Compare(path, how, Value::String(text))),
            // Clients write values without quotes as well.
            Some(Token::Word(word)) => {
                let value = serde_json::from_str(&word).unwrap_or(Value::String(word));
                Ok(Filter::Compare(path, how, value))
            }
            _ => Err(format!("'{path} {operator}' has no value")),
        }
    }
}

fn single(mut parts: Vec<Filter>, many: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(filter: &str) -> bool {
        let user = json!({
            "userName": "Ada@Example.com",
            "active": true,
            "emails": [{"type": "work", "value": "ada@example.com"}, {"type": "home", "value": "a@home.org"}],
            "name": {"familyName": "Lovelace"},
        });
        Filter::parse(filter).unwrap().fits(&user)
    }

    #[test]
    fn filters_compare_as_scim_states() {
        for yes in [
            r#"userName eq "ada@example.com""#,
            "userName eq ada@example.com",
            r#"username sw "ada" and active eq true"#,
            r#"emails.value ew "home.org""#,
            r#"emails[type eq "work" and value co "example"]"#,
            r#"name.familyName pr and not (userName eq "x")"#,
            r#"(userName eq "x" or name.familyName eq "lovelace") and active ne false"#,
            r#"emails co "home""#,
        ] {
            assert!(fits(yes), "{yes}");
        }
        for no in [r#"userName eq "x""#, "active eq false", r#"emails[type eq "work" and value co "home"]"#, "title pr"]
        {
            assert!(!fits(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for bad in ["", "userName", "userName xx 1", r#"userName eq "x"#, "(a pr", "a pr b", r#""x" eq 1"#] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
    }
}
