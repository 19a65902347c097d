//! Reading statements word by word. Expressions and queries in them are taken as text.

use std::sync::Arc;

use crate::sql::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Text,
    Number,
    Sign,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

/// A place in a statement, whose literals are in plain form.
#[derive(Clone, Debug)]
pub(in super::super) struct Cursor<'a> {
    text: &'a str,
    /// Shared, so that a copy costs nothing.
    tokens: Arc<[Token]>,
    at: usize,
}

fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let b = bytes[at];
        let kind = if b.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if bytes[at..].starts_with(b"--") {
            at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
            continue;
        } else if bytes[at..].starts_with(b"/*") {
            let mut depth = 0;
            while at < bytes.len() {
                if bytes[at..].starts_with(b"/*") {
                    depth += 1;
                    at += 2;
                } else if bytes[at..].starts_with(b"*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
            continue;
        } else if b == b'\'' || b == b'`' {
            at += 1;
            while at < bytes.len() {
                if bytes[at] == b {
                    at += 1;
                    if bytes.get(at) != Some(&b) {
                        break;
                    }
                }
                at += 1;
            }
            at = at.min(bytes.len());
            if b == b'`' { Kind::Quoted } else { Kind::Text }
        } else if b.is_ascii_alphanumeric() || b == b'_' || !b.is_ascii() {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || !bytes[at].is_ascii())
            {
                at += 1;
            }
            if bytes[start..at].iter().all(u8::is_ascii_digit) { Kind::Number } else { Kind::Word }
        } else {
            at += 1;
            Kind::Sign
        };
        out.push(Token { kind, start, end: at });
    }
    out
}

impl<'a> Cursor<'a> {
    pub(in super::super) fn new(text: &'a str) -> Self {
        Self { text, tokens: tokens(text).into(), at: 0 }
    }

    fn token(&self, ahead: usize) -> Option<(Kind, &'a str)> {
        self.tokens.get(self.at + ahead).map(|t| (t.kind, &self.text[t.start..t.end]))
    }

    /// Whether the words come next.
    pub(in super::super) fn is(&self, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(ahead, word)| {
            self.token(ahead)
                .is_some_and(|(kind, text)| matches!(kind, Kind::Word | Kind::Sign) && text.eq_ignore_ascii_case(word))
        })
    }

    /// Takes the words if they come next.
    pub(in super::super) fn eat(&mut self, phrase: &str) -> bool {
        let there = self.is(phrase);
        if there {
            self.at += phrase.split(' ').count();
        }
        there
    }

    /// Takes the first of the words that comes next.
    pub(in super::super) fn any<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().find(|w| self.eat(w)).copied()
    }

    pub(in super::super) fn expect(&mut self, phrase: &str) -> Result<(), Failure> {
        for word in phrase.split(' ') {
            if !self.eat(word) {
                return Err(self.error());
            }
        }
        Ok(())
    }

    pub(in super::super) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(in super::super) fn done(&self) -> Result<(), Failure> {
        if self.at_end() { Ok(()) } else { Err(self.error()) }
    }

    /// Where the next word begins.
    pub(in super::super) fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |t| t.start)
    }

    /// Where the word that was taken last ends.
    pub(in super::super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |t| t.end)
    }

    /// Gives back the word that was taken last.
    pub(in super::super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    pub(in super::super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Steps back to a place that a copy of the cursor has.
    pub(in super::super) fn back_to(&mut self, before: &Self) {
        self.at = before.at;
    }

    /// The error of a word that does not belong here.
    pub(in super::super) fn error(&self) -> Failure {
        match self.tokens.get(self.at) {
            Some(token) => syntax(self.text, &self.text[token.start..token.end], Some(token.start)),
            None => syntax(self.text, "end of input", None),
        }
    }

    /// One part of a name, as it is written.
    pub(in super::super) fn identifier(&mut self) -> Result<String, Failure> {
        let name = match self.token(0) {
            Some((Kind::Word, word)) => word.to_owned(),
            Some((Kind::Quoted, word)) => word[1..word.len().saturating_sub(1).max(1)].replace("``", "`"),
            _ => return Err(self.error()),
        };
        self.at += 1;
        Ok(name)
    }

    /// A name of one or more parts, as it is written.
    pub(in super::super) fn name(&mut self) -> Result<Vec<String>, Failure> {
        let mut parts = vec![self.identifier()?];
        while self.eat(".") {
            parts.push(self.identifier()?);
        }
        Ok(parts)
    }

    /// The value of a string.
    pub(in super::super) fn string(&mut self) -> Result<String, Failure> {
        match self.token(0) {
            Some((Kind::Text, text)) if text.len() >= 2 => {
                self.at += 1;
                Ok(text[1..text.len() - 1].replace("''", "'"))
            }
            _ => Err(self.error()),
        }
    }

    pub(in super::super) fn is_string(&self) -> bool {
        matches!(self.token(0), Some((Kind::Text, _)))
    }

    /// A whole number, with its sign.
    pub(in super::super) fn integer(&mut self) -> Result<i64, Failure> {
        let negative = self.eat("-");
        match self.token(0) {
            Some((Kind::Number, digits)) => {
                let n = digits.parse::<i64>().map_err(|_| self.error())?;
                self.at += 1;
                Ok(if negative { -n } else { n })
            }
            _ => Err(self.error()),
        }
    }

    /// What stands in the brackets that come next.
    pub(in super::super) fn brackets(&mut self) -> Result<&'a str, Failure> {
        self.expect("(")?;
        let from = self.tokens.get(self.at).map_or(self.text.len(), |t| t.start);
        let mut depth = 0;
        while let Some((kind, text)) = self.token(0) {
            if kind == Kind::Sign {
                match text {
                    "(" => depth += 1,
                    ")" if depth == 0 => {
                        let to = self.tokens[self.at].start;
                        self.at += 1;
                        return Ok(self.text[from.min(to)..to].trim());
                    }
                    ")" => depth -= 1,
                    _ => {}
                }
            }
            self.at += 1;
        }
        Err(self.error())
    }

    /// The text up to one of the words, a comma if `comma`, or a bracket that closes what was open before.
    pub(in super::super) fn until(&mut self, words: &[&str], comma: bool) -> Result<&'a str, Failure> {
        let first = self.at;
        let (mut depth, mut cases) = (0, 0);
        while let Some((kind, text)) = self.token(0) {
            if depth == 0 && cases == 0 && self.at > first && words.iter().any(|w| self.is(w)) {
                break;
            }
            match (kind, text) {
                (Kind::Sign, "(" | "[") => depth += 1,
                (Kind::Sign, ")" | "]") if depth == 0 => break,
                (Kind::Sign, ")" | "]") => depth -= 1,
                (Kind::Sign, ",") if comma && depth == 0 && cases == 0 => break,
                (Kind::Word, w) if w.eq_ignore_ascii_case("case") => cases += 1,
                (Kind::Word, w) if w.eq_ignore_ascii_case("end") && cases > 0 => cases -= 1,
                _ => {}
            }
            self.at += 1;
        }
        if self.at == first {
            return Err(self.error());
        }
        Ok(&self.text[self.tokens[first].start..self.tokens[self.at - 1].end])
    }

    /// All that is left.
    pub(in super::super) fn rest(&mut self) -> Result<&'a str, Failure> {
        let Some(token) = self.tokens.get(self.at) else { return Err(self.error()) };
        let end = self.tokens.last().map_or(self.text.len(), |t| t.end);
        self.at = self.tokens.len();
        Ok(&self.text[token.start..end])
    }

    /// The text of a type.
    pub(in super::super) fn kind(&mut self) -> Result<&'a str, Failure> {
        let first = self.at;
        let word = match self.token(0) {
            Some((Kind::Word, word)) => word.to_ascii_uppercase(),
            _ => return Err(self.error()),
        };
        self.at += 1;
        if word == "INTERVAL" {
            self.at += 1;
            if self.eat("TO") {
                self.at += 1;
            }
        }
        for (open, close) in [("(", ")"), ("<", ">")] {
            if self.is(open) {
                let mut depth = 0;
                while let Some((_, text)) = self.token(0) {
                    self.at += 1;
                    depth += i32::from(text == open) - i32::from(text == close);
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
        let end = self.tokens.get(self.at.saturating_sub(1)).map_or(self.text.len(), |t| t.end);
        Ok(&self.text[self.tokens[first].start..end])
    }

    /// Elements in brackets, apart by commas.
    pub(in super::super) fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        self.expect("(")?;
        let mut all = Vec::new();
        loop {
            all.push(one(self)?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(all)
    }
}

/// A syntax error near a word, with its line and position.
pub(in super::super) fn syntax(text: &str, near: &str, at: Option<usize>) -> Failure {
    let at = at.unwrap_or(text.trim_end().len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count();
    let position = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let near = if near == "end of input" { near.to_owned() } else { format!("'{near}'") };
    let mut failure = Failure::class("PARSE_SYNTAX_ERROR", &format!("Syntax error at or near {near}."), "42601");
    failure.message.push_str(&format!(" (line {}, pos {position})\n\n== SQL ==\n", line + 1));
    for (n, written) in text.lines().enumerate() {
        failure.message.push_str(written);
        failure.message.push('\n');
        if n == line {
            failure.message.push_str(&format!("{}^^^\n", "-".repeat(position)));
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_names_and_texts_are_read() {
        let mut c = Cursor::new("create TABLE `My``T`.x (a INT) -- end\n COMMENT 'it''s' AS SELECT ')' ");
        assert!(c.eat("CREATE TABLE"));
        assert_eq!(c.name().unwrap(), ["My`T", "x"]);
        assert_eq!(c.brackets().unwrap(), "a INT");
        assert!(c.eat("COMMENT"));
        assert_eq!(c.string().unwrap(), "it's");
        assert!(c.eat("AS"));
        assert_eq!(c.rest().unwrap(), "SELECT ')'");
        c.done().unwrap();
    }

    #[test]
    fn texts_end_at_words_outside_of_brackets() {
        let mut c = Cursor::new("a = (SELECT b WHERE c), d = CASE WHEN e THEN 1, WHERE f");
        assert_eq!(c.until(&["WHERE"], true).unwrap(), "a = (SELECT b WHERE c)");
        let mut c = Cursor::new("m MAP<STRING, ARRAY<INT>> NOT NULL, d DECIMAL(3, 2)");
        c.identifier().unwrap();
        assert_eq!(c.kind().unwrap(), "MAP<STRING, ARRAY<INT>>");
        assert!(c.eat("NOT NULL") && c.eat(","));
        c.identifier().unwrap();
        assert_eq!(c.kind().unwrap(), "DECIMAL(3, 2)");
    }

    #[test]
    fn errors_state_the_place() {
        let mut c = Cursor::new("DROP\nTABLE 5");
        c.eat("DROP TABLE");
        let message = c.name().unwrap_err().message;
        assert!(message.contains("at or near '5'") && message.contains("(line 2, pos 6)"), "{message}");
        assert!(message.contains("TABLE 5\n------^^^"), "{message}");
        for text in ["", "'", "`", "(", "a.", "--", "/*", "é"] {
            let mut c = Cursor::new(text);
            let _ = (c.name(), c.string(), c.brackets(), c.kind(), c.rest());
        }
    }
}
