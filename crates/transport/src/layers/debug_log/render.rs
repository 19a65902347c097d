//! Renders what the log shows.

use databricks_core::redact;
use databricks_core::{Body, Error};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Response, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{is_json, is_text};
use crate::layers::Exchange;

/// One attempt as text: `METHOD path?query`, request lines with `> `, response lines with `< `.
pub(super) struct Rendering {
    text: String,
    path: String,
    headers: bool,
    truncate: usize,
}

impl Rendering {
    pub(super) fn new(uri: &Uri, headers: bool, truncate: usize) -> Self {
        Self { text: String::new(), path: uri.path().to_owned(), headers, truncate }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn request(&mut self, exchange: &Exchange) {
        let (uri, headers) = (exchange.own_uri(), exchange.outgoing_headers());
        let query = uri.query().map(|query| format!("?{}", readable(&redact::query(query)))).unwrap_or_default();
        self.text = one_line(&format!("{} {}{query}", exchange.own_method(), redact::text(uri.path())));
        if self.headers {
            self.text.push_str("\n> * Host: ");
            let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
            self.text.push_str(&one_line(
                &host.unwrap_or_else(|| uri.authority().map(|a| a.host().to_owned()).unwrap_or_default()),
            ));
            self.header_lines('>', &headers);
        }
        let form = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        match exchange.body().as_bytes().filter(|_| !exchange.is_streaming()) {
            Some([]) => {}
            Some(bytes) if is_json(&headers) => self.json('>', bytes),
            Some(bytes) if form => {
                let shown = redact::query(&String::from_utf8_lossy(bytes));
                self.lines('>', &cut_text(&shown, self.truncate.max(1024)));
            }
            Some(bytes) => self.lines('>', &format!("[{} bytes]", bytes.len())),
            None => self.lines('>', "[raw stream]"),
        }
    }

    /// * `body`: the start of the body if it is to be shown.
    pub(super) fn response(&mut self, response: &Response<Body>, body: Option<&[u8]>) {
        let status = response.status();
        self.lines('<', &format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()));
        if self.headers {
            self.header_lines('<', response.headers());
        }
        match body {
            Some([]) => {}
            None if response.body().is_empty() => {}
            Some(bytes) if is_json(response.headers()) => self.json('<', bytes),
            Some(bytes) if is_text(response.headers()) => {
                let shown = redact::text(&String::from_utf8_lossy(bytes)).into_owned();
                self.lines('<', &cut_text(&shown, self.truncate.max(1024)));
            }
            _ => self.lines('<', "<Streaming response>"),
        }
    }

    pub(super) fn failure(&mut self, error: &Error) {
        self.lines('<', &format!("Error: {}", one_line(&error.report())));
    }

    fn header_lines(&mut self, mark: char, headers: &HeaderMap) {
        let mut lines: Vec<_> = headers
            .iter()
            .filter(|(name, _)| **name != HOST)
            .map(|(name, value)| format!("{}: {}", title(name.as_str()), redact::header(name, value)))
            .collect();
        lines.sort();
        for line in lines {
            self.text.push_str(&format!("\n{mark} * {line}"));
        }
    }

    fn json(&mut self, mark: char, bytes: &[u8]) {
        let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else {
            let shown = redact::text(&String::from_utf8_lossy(bytes)).into_owned();
            return self.lines(mark, &cut_text(&shown, self.truncate));
        };
        redact::json_of(&self.path, &mut value);
        let mut budget = self.truncate.max(1024);
        cut(&mut value, self.truncate, &mut budget);
        // Keys come out sorted, since serde_json's maps are.
        let shown = serde_json::to_string_pretty(&value).unwrap_or_default();
        self.lines(mark, &shown);
    }

    fn lines(&mut self, mark: char, text: &str) {
        for line in text.lines() {
            self.text.push_str(&format!("\n{mark} {}", one_line(line)));
        }
    }
}

/// Without what could begin a line of its own, or play tricks on a terminal.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A query without its escapes.
fn readable(query: &str) -> String {
    percent_decode_str(query).decode_utf8().map_or_else(|_| query.to_owned(), std::borrow::Cow::into_owned)
}

/// `x-note` as `X-Note`.
fn title(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// The start of a string, and how much is left out.
fn cut_text(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}... ({} more bytes)", &text[..end], text.len() - end)
}

/// Cuts strings at `most` bytes, and lists where the budget for the whole value is spent; objects keep all keys.
fn cut(value: &mut Value, most: usize, budget: &mut usize) {
    let spend = |budget: &mut usize, bytes: usize| *budget = budget.saturating_sub(bytes);
    match value {
        Value::String(text) => {
            *text = cut_text(text, most);
            spend(budget, text.len());
        }
        Value::Array(items) => {
            let mut kept = 0;
            for item in items.iter_mut() {
                if kept > 0 && *budget == 0 {
                    break;
                }
                cut(item, most, budget);
                kept += 1;
            }
            let left = items.len() - kept;
            items.truncate(kept);
            if left > 0 {
                items.push(Value::from(format!("... ({left} additional elements)")));
            }
        }
        Value::Object(members) => members.values_mut().for_each(|member| cut(member, most, budget)),
        Value::Null | Value::Bool(_) => spend(budget, 5),
        Value::Number(number) => spend(budget, number.to_string().len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_cut_on_character_boundaries() {
        assert_eq!(cut_text("abc", 3), "abc");
        assert_eq!(cut_text("aéb", 2), "a... (3 more bytes)");
    }

    #[test]
    fn lists_keep_their_first_element() {
        let mut value = json!({"a": ["x".repeat(50), "y", "z"], "b": [1, 2]});
        cut(&mut value, 10, &mut 20);
        assert_eq!(value["a"][0], "xxxxxxxxxx... (40 more bytes)");
        assert_eq!(value["a"][1], "... (2 additional elements)");
        assert_eq!(value["b"], json!([1, "... (1 additional elements)"]));
    }
}
