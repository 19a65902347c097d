//! Finding secrets by pattern.
//!
//! One pass over the bytes. What decides about a place looks at a bounded number of bytes around it, or at bytes that
//! the decision then consumes or that no other place looks at, so that the time grows with the length of the string
//! whatever stands in it. `steps` counts what was read, for the test of that promise.

mod known;

use std::borrow::Cow;
use std::ops::Range;

use super::{REDACTED, is_secret_member, is_secret_parameter};
use known::{ANYWHERE, ANYWHERE_HEX, AUTH_TYPES, PREFIXES, STORAGE_SCHEMES};

/// The most bytes that are looked at to tell whether a prefix begins a token.
const PROBE: usize = 80;
/// The most bytes of a name that are looked at; of longer ones the end counts.
const NAME: usize = 96;

/// The string with every secret replaced; the string itself if there is none.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    let found = Scanner::new(text).find();
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        clean.push_str(&text[done..range.start]);
        clean.push_str(REDACTED);
        done = range.end;
    }
    clean.push_str(&text[done..]);
    Cow::Owned(clean)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// What names of members, settings and parameters are made of, escaped ones included.
fn is_name(byte: u8) -> bool {
    is_token(byte) || matches!(byte, b'.' | b'%' | b'$')
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The end of the last secret.
    done: usize,
    /// The last name that was judged, whether as that of a parameter, and the verdict: logs repeat names.
    last: ((Range<usize>, bool), bool),
    steps: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), done: 0, last: ((0..0, false), false), steps: 0 }
    }

    fn find(&mut self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            self.steps += 1;
            match self.secret_at(at) {
                Some(range) => {
                    at = range.end.max(at + 1);
                    self.done = range.end;
                    found.push(range);
                }
                None => at += 1,
            }
        }
        found
    }

    /// The secret that begins at, or is announced at, this place.
    fn secret_at(&mut self, at: usize) -> Option<Range<usize>> {
        match self.bytes[at] {
            b'-' => self.private_key(at),
            b'=' => self.named(at, 1),
            b':' => self.user_info(at).or_else(|| self.named(at, 1)),
            b'%' if self.starts_with(at, "%3D") || self.starts_with(at, "%3d") => self.named(at, 3),
            b'Q' if self.bytes.get(at + 1) == Some(&b'~') => self.azure_secret(at),
            first if first.is_ascii_alphanumeric() => {
                if !self.starts_word(at) {
                    return if first == b'd' { self.anywhere(at) } else { None };
                }
                match first {
                    b'B' | b'b' => self.after_scheme(at),
                    b'e' => self.json_web_token(at),
                    b'd' => self.known_prefix(at).or_else(|| self.databricks_token(at)),
                    _ => self.known_prefix(at),
                }
            }
            _ => None,
        }
    }

    fn starts_with(&self, at: usize, text: &str) -> bool {
        self.bytes[at..].starts_with(text.as_bytes())
    }

    /// The end of the bytes of a kind from this place, looking at no more than `most` of them.
    fn span(&mut self, from: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
        let from = from.min(self.bytes.len());
        let length = self.bytes[from..].iter().take(most).take_while(|byte| is(**byte)).count();
        self.steps += length;
        from + length
    }

    /// The start of the bytes of a kind before this place.
    fn span_back(&mut self, to: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
        let length = self.bytes[..to].iter().rev().take(most).take_while(|byte| is(**byte)).count();
        self.steps += length;
        to - length
    }

    /// Whether a word may begin here: after anything but a letter or digit, or after an escape such as `%3D`.
    fn starts_word(&self, at: usize) -> bool {
        let escape = |at: usize| self.bytes[at - 3] == b'%' && self.bytes[at - 2..at].iter().all(u8::is_ascii_hexdigit);
        at == 0 || !self.bytes[at - 1].is_ascii_alphanumeric() || at >= 3 && escape(at)
    }

    fn known_prefix(&mut self, at: usize) -> Option<Range<usize>> {
        // The first letters of all prefixes; most words end here.
        if !matches!(self.bytes[at], b'd' | b'A' | b'y' | b'1' | b'G' | b'g' | b's' | b'h' | b'x' | b'n' | b'p') {
            return None;
        }
        let (prefix, least, alphabet) = *PREFIXES.iter().find(|(prefix, ..)| self.starts_with(at, prefix))?;
        let start = at + prefix.len();
        let end = self.span(start, PROBE, |byte| alphabet.has(byte));
        let digit = !alphabet.needs_digit() || self.bytes[start..end].iter().any(u8::is_ascii_digit);
        if end - start < least || !digit {
            return None;
        }
        let end = self.span(start, usize::MAX, |byte| is_token(byte) || byte == b'.' && prefix.ends_with('.'));
        Some(at..end)
    }

    /// A Databricks prefix in the middle of a word, such as a name that a token was glued to.
    fn anywhere(&mut self, at: usize) -> Option<Range<usize>> {
        let prefix = ANYWHERE.iter().find(|prefix| self.starts_with(at, prefix))?;
        let start = at + prefix.len();
        let hex = self.span(start, ANYWHERE_HEX, |byte| byte.is_ascii_hexdigit()) - start;
        (hex == ANYWHERE_HEX).then(|| at..self.span(start, usize::MAX, is_token))
    }

    /// A token of Databricks whose prefix is not known: `d`, up to six more small letters, and at least 32 hexadecimal
    /// digits.
    fn databricks_token(&mut self, at: usize) -> Option<Range<usize>> {
        let end = self.span(at, PROBE, |byte| byte.is_ascii_alphanumeric());
        let word = &self.bytes[at..end];
        let prefix = word.len() - word.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        // At its shortest the prefix ends with a letter that is not a hexadecimal digit, which also tells a hash from a
        // token.
        let fits =
            (2..=7).contains(&prefix) && word[..prefix].iter().all(u8::is_ascii_lowercase) && word.len() - prefix >= 32;
        fits.then(|| at..self.span(at, usize::MAX, is_token))
    }

    /// The form of client secrets of Entra ID: three characters, a digit, `Q~`, and some thirty more.
    fn azure_secret(&mut self, at: usize) -> Option<Range<usize>> {
        let is = |byte: u8| is_token(byte) || matches!(byte, b'.' | b'~');
        let start = at.checked_sub(4).filter(|start| *start >= self.done)?;
        let head = self.bytes[at - 1].is_ascii_digit() && self.bytes[start..at].iter().all(|byte| is(*byte));
        let probed = self.span(at + 2, PROBE, is) - at - 2;
        (head && probed >= 24).then(|| start..self.span(at + 2, usize::MAX, is))
    }

    /// Three parts in base64url of which the first is a JSON object, or the start of such a text.
    fn json_web_token(&mut self, at: usize) -> Option<Range<usize>> {
        if !self.starts_with(at, "eyJ") {
            return None;
        }
        let end = self.span(at, usize::MAX, |byte| is_token(byte) || matches!(byte, b'.' | b'='));
        (end - at >= 10).then_some(at..end)
    }

    /// What follows `Bearer` or `Basic`.
    fn after_scheme(&mut self, at: usize) -> Option<Range<usize>> {
        let rest = &self.bytes[at..];
        let scheme = ["Bearer", "Basic"].into_iter().find(|scheme| {
            rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
        })?;
        let gap = at + scheme.len();
        let start = self.span(gap, PROBE, |byte| matches!(byte, b' ' | b'\t'));
        if start == gap {
            return None;
        }
        let end =
            self.span(start, usize::MAX, |byte| is_token(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'='));
        // "Basic authentication" and "bearer token" are words, not secrets.
        let value = &self.bytes[start..end];
        let is_a_word = value.len() < 16 && value.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'.');
        (start < end && !is_a_word).then_some(start..end)
    }

    /// User and password in a URL.
    fn user_info(&mut self, at: usize) -> Option<Range<usize>> {
        if !self.starts_with(at, "://") {
            return None;
        }
        let start = at + 3;
        let ends = |byte: u8| {
            byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\')
        };
        let end = self.span(start, usize::MAX, |byte| !ends(byte));
        let at_sign = start + self.bytes[start..end].iter().rposition(|byte| *byte == b'@')?;
        let scheme = self.span_back(at, 16, |byte| byte.is_ascii_alphanumeric());
        let scheme = self.text[scheme..at].to_ascii_lowercase();
        let user = &self.text[start..at_sign];
        let harmless =
            user.is_empty() || user == REDACTED || user == "git" || STORAGE_SCHEMES.contains(&scheme.as_str());
        (!harmless).then_some(start..at_sign)
    }

    /// The value of a secret name, found by the sign between them: `sig=…` in a query, `password = …`, `"token": "…"`,
    /// also with the quotes escaped.
    fn named(&mut self, sign: usize, width: usize) -> Option<Range<usize>> {
        let after_name = self.span_back(sign, usize::MAX, |byte| byte.is_ascii_whitespace());
        let (name_end, quoted_name) = self.name_end(after_name);
        // Behind an escaped sign there is an escaped name, whose own escapes end it.
        let name_start = self
            .span_back(name_end, NAME, |byte| is_name(byte) && (width == 1 || byte != b'%'))
            .max(self.done.min(name_end));
        // No secret has a name of one letter.
        if name_end - name_start < 2 {
            return None;
        }
        let name = percent_encoding::percent_decode(&self.bytes[name_start..name_end]).decode_utf8_lossy();
        let equals = self.bytes[sign] != b':';
        // In a query there are no blanks around the sign, and the rule for parameters is the wider one.
        let parameter = equals && name_end == sign;
        let (known, is_secret) = &self.last;
        let is_secret = if known.1 == parameter && self.bytes[known.0.clone()] == self.bytes[name_start..name_end] {
            *is_secret
        } else if parameter {
            is_secret_parameter(&name)
        } else {
            is_secret_member(&name)
        };
        self.last = ((name_start..name_end, parameter), is_secret);
        if !is_secret || !equals && AUTH_TYPES.contains(&&*name) {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        let opening = self.span(sign + width, usize::MAX, |byte| byte.is_ascii_whitespace());
        let escapes = self.span(opening, usize::MAX, |byte| byte == b'\\');
        let quote = self.bytes.get(escapes).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let (start, end) = match quote {
            Some(quote) => (escapes + 1, self.closing_quote(escapes + 1, quote, escapes - opening)),
            // A header: scheme and credentials.
            None if lower.ends_with("authorization") || lower.ends_with("cookie") => {
                (opening, self.span(opening, usize::MAX, |byte| !matches!(byte, b'\n' | b'\r' | b'"' | b'\'')))
            }
            None => (opening, self.value_end(opening, width == 3)),
        };
        let value = &self.text[start..end];
        // `the token: none was found` is a sentence, `password: hunter` is not.
        let is_a_word =
            quote.is_none() && !equals && !quoted_name && value.bytes().all(|byte| byte.is_ascii_lowercase());
        let telling = ["password", "secret", "authorization"].iter().any(|part| lower.contains(part));
        // An object or list, whose members are judged on their own; a password may begin like one.
        let structure = quote.is_none() && value.bytes().all(|byte| matches!(byte, b'{' | b'[' | b'\\'));
        let harmless = matches!(value, "" | REDACTED | "null" | "true" | "false") || structure;
        (!harmless && (!is_a_word || telling)).then_some(start..end)
    }

    /// The end of a name that ends before this place, perhaps in a quote or bracket, and whether it does.
    fn name_end(&mut self, to: usize) -> (usize, bool) {
        match to.checked_sub(1).map(|last| self.bytes[last]) {
            Some(b'"' | b'\'') => (self.span_back(to - 1, usize::MAX, |byte| byte == b'\\'), true),
            Some(b']') => (to - 1, true),
            _ => (to, false),
        }
    }

    /// Where a value without quotes ends; in an escaped query also at `%26`.
    fn value_end(&mut self, from: usize, escaped: bool) -> usize {
        let ends = |byte: u8| {
            byte.is_ascii_whitespace()
                || matches!(byte, b'&' | b'"' | b'\'' | b',' | b';' | b'}' | b')' | b'<' | b'>' | b'#')
        };
        let end = self.span(from, usize::MAX, |byte| !ends(byte));
        if escaped && let Some(amp) = self.text[from..end].find("%26") { from + amp } else { end }
    }

    /// Where a quoted string ends: at its quote, unless that is escaped more than the opening one, which has `outer`
    /// backslashes. In doubt later: too much is hidden then.
    fn closing_quote(&mut self, start: usize, quote: u8, outer: usize) -> usize {
        let mut escapes = 0;
        for at in start..self.bytes.len() {
            self.steps += 1;
            let byte = self.bytes[at];
            if byte == b'\\' {
                escapes += 1;
                continue;
            }
            let closes = if outer == 0 { escapes % 2 == 0 } else { escapes <= outer };
            if byte == quote && closes {
                return at - outer.min(escapes);
            }
            escapes = 0;
        }
        self.bytes.len()
    }

    /// A private key in PEM, to its end line or the end of the text.
    fn private_key(&mut self, at: usize) -> Option<Range<usize>> {
        let rest = &self.bytes[at..];
        if !rest.starts_with(b"-----BEGIN ") || !contains(&rest[..60.min(rest.len())], b"PRIVATE KEY") {
            return None;
        }
        // From here on every byte is consumed.
        let rest = &self.text[at..];
        let end = rest.find("-----END ").and_then(|end| rest[end + 9..].find("-----").map(|tail| end + 9 + tail + 5));
        let end = at + end.unwrap_or(rest.len());
        self.steps += end - at;
        Some(at..end)
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// How many bytes were read to redact a text.
#[cfg(test)]
pub(super) fn steps(text: &str) -> usize {
    let mut scanner = Scanner::new(text);
    scanner.find();
    scanner.steps
}
