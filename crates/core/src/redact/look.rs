//! Finding secrets by how they look.

use std::borrow::Cow;
use std::ops::Range;

use super::{REDACTED, is_secret_member, is_secret_parameter};

/// Prefixes of tokens and keys, each followed by at least so many letters, digits, `-` or `_`.
const PREFIXES: &[(&str, usize)] =
    &[("dapi", 3), ("dose", 16), ("doses", 16), ("dkea", 16), ("dsapi", 8), ("AKIA", 12), ("ASIA", 12), ("ghp_", 16), ("xoxb-", 16)];

/// The text with every secret replaced; the text itself if there is none.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match secret_at(text, at) {
            Some(range) => {
                at = range.end.max(at + 1);
                found.push(range);
            }
            None => at += 1,
        }
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
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

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The secret that begins at, or is announced at, this place.
fn secret_at(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // Every form begins at the start of a word or at a dash line, so most places are dismissed at once.
    if at > 0 && is_word(bytes[at - 1]) && bytes[at] != b'-' {
        return None;
    }
    match bytes[at] {
        b'-' => private_key(text, at),
        first if is_word(first) || first == b'%' => {
            known_prefix(text, at).or_else(|| json_web_token(text, at)).or_else(|| after_scheme(text, at)).or_else(|| named(text, at))
        }
        _ => None,
    }
}

fn known_prefix(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text.as_bytes()[at..];
    let (prefix, least) =
        PREFIXES.iter().find(|(prefix, least)| rest.starts_with(prefix.as_bytes()) && rest.len() >= prefix.len() + least)?;
    let length = rest.iter().take_while(|byte| is_token(**byte)).count();
    // A word such as "dapiary" has no digit; every token has one.
    let looks = length >= prefix.len() + least && rest[prefix.len()..length].iter().any(u8::is_ascii_digit);
    looks.then_some(at..at + length)
}

/// Three parts in base64url of which the first is a JSON object, or the start of such a text.
fn json_web_token(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text.as_bytes()[at..];
    if !rest.starts_with(b"eyJ") {
        return None;
    }
    let length = rest.iter().take_while(|byte| is_token(**byte) || matches!(**byte, b'.' | b'=')).count();
    (length >= 10).then_some(at..at + length)
}

/// What follows `Bearer` or `Basic`.
fn after_scheme(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let scheme =
        ["Bearer", "Basic"].into_iter().find(|scheme| rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let gap = rest[scheme.len()..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if gap == 0 {
        return None;
    }
    let start = at + scheme.len() + gap;
    let length = text[start..].bytes().take_while(|byte| is_token(*byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=')).count();
    // "Basic authentication" and "bearer token" are words, not secrets.
    let value = &text[start..start + length];
    let is_a_word = value.bytes().all(|byte| byte.is_ascii_lowercase()) && length < 16;
    (length > 0 && !is_a_word).then_some(start..start + length)
}

/// The value of a secret name: `sig=…` in a query, `password = …`, `"token": "…"`, also with the quotes escaped.
fn named(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let name_end = at + bytes[at..].iter().take_while(|byte| is_token(**byte) || **byte == b'%').count();
    let name = percent_encoding::percent_decode_str(&text[at..name_end]).decode_utf8_lossy();
    let after_name = quote(bytes, name_end).map_or(name_end, |(_, end)| end);
    let sign = blanks(bytes, after_name);
    let is_pair = match bytes.get(sign) {
        // In a query there are no blanks around the sign, and the rule for parameters is the wider one.
        Some(b'=') if sign == name_end => is_secret_parameter(&name),
        Some(b'=' | b':') => is_secret_member(&name),
        _ => false,
    };
    if !is_pair {
        return None;
    }
    let opening = blanks(bytes, sign + 1);
    let (start, end) = match quote(bytes, opening) {
        Some((kind, start)) => (start, closing_quote(bytes, start, kind)),
        // A header: scheme and credentials.
        None if name.to_ascii_lowercase().ends_with("authorization") => (opening, line_end(bytes, opening)),
        None => (opening, value_end(bytes, opening)),
    };
    let value = &text[start..end];
    let quoted = start > opening;
    // `the token: none was found` is a sentence, `password: hunter` is not.
    let is_a_word = !quoted && bytes[sign] == b':' && after_name == name_end && value.bytes().all(|byte| byte.is_ascii_lowercase());
    let telling = ["password", "secret", "authorization"].iter().any(|part| name.to_ascii_lowercase().contains(part));
    let structure = !quoted && value.starts_with(['{', '[']);
    let harmless = value.is_empty() || value == REDACTED || value == "null" || structure;
    (!harmless && (!is_a_word || telling)).then_some(start..end)
}

fn blanks(bytes: &[u8], from: usize) -> usize {
    from + bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// A quote at this place, perhaps escaped: which one, and the place after it.
fn quote(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let at = from + bytes[from.min(bytes.len())..].iter().take_while(|byte| **byte == b'\\').count();
    bytes.get(at).filter(|byte| matches!(byte, b'"' | b'\'')).map(|byte| (*byte, at + 1))
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| !matches!(**byte, b'\n' | b'\r' | b'"' | b'\'')).count()
}

/// Where a value without quotes ends.
fn value_end(bytes: &[u8], from: usize) -> usize {
    let ends =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"' | b'\'' | b',' | b';' | b'}' | b')' | b'<' | b'>' | b'#');
    from + bytes[from..].iter().take_while(|byte| !ends(byte)).count()
}

/// Where a quoted text ends: at its quote, unless that is escaped more than the opening one. In doubt later: too much is hidden then.
fn closing_quote(bytes: &[u8], start: usize, quote: u8) -> usize {
    let escapes = |at: usize| bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    let outer = escapes(start - 1);
    let closes = |at: &usize| {
        bytes[*at] == quote && (escapes(*at) <= outer && (outer > 0 || escapes(*at) == 0) || outer == 0 && escapes(*at) % 2 == 0)
    };
    (start..bytes.len()).find(closes).map_or(bytes.len(), |at| at - outer.min(at - start))
}

/// A private key in PEM, to its end line or the end of the text.
fn private_key(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    if !rest.starts_with("-----BEGIN ") || !rest.get(..60.min(rest.len())).is_some_and(|head| head.contains("PRIVATE KEY")) {
        return None;
    }
    let end = rest.find("-----END ").and_then(|end| rest[end + 9..].find("-----").map(|tail| end + 9 + tail + 5)).unwrap_or(rest.len());
    Some(at..at + end)
}
