//! Rows as the service writes them, found without a general JSON reader.
//!
//! Nearly all of a large response are its rows: a list of lists of strings and nulls. What has this form exactly is
//! recognised here, eight bytes at a time. Whatever does not, be it malformed or only unusual, is left to the general
//! reader, which has the last word and the errors.

use std::ops::Range;

/// What takes the cells of a list of rows, one by one.
pub(super) trait Sink {
    /// A string was found: where it is, without the quotes.
    fn plain(&mut self, start: usize, end: usize);

    /// A string with escapes was found. Returns whether they stand for something.
    fn escaped(&mut self, start: usize, end: usize) -> bool;

    /// A NULL was found.
    fn null(&mut self);

    /// A row has ended. Returns whether it may be as it is.
    fn row(&mut self) -> bool;
}

/// Hands out the cells of a list of rows.
///
/// Returns `None` where the text is anything else than that list.
pub(super) fn cells(text: &str, sink: &mut impl Sink) -> Option<()> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    scanner.space();
    scanner.rows(sink)?;
    scanner.space();
    scanner.is_at_end().then_some(())
}

/// Where the list of rows stands in a response: the member `data_array` of the member `result`. Its cells and rows are
/// handed out as by [`cells`], with their places in the response.
///
/// Returns `None` if there is none of the usual form, or more than one.
pub(super) fn rows(text: &str, sink: &mut impl Sink) -> Option<Range<usize>> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    let mut found = None;
    let mut results = 0;
    scanner.object(&mut |scanner, name| {
        if name != b"result" {
            return scanner.value(0);
        }
        results += 1;
        scanner.object(&mut |scanner, name| {
            if name != b"data_array" {
                return scanner.value(0);
            }
            let start = scanner.at;
            if found.is_some() {
                return None;
            }
            scanner.rows(sink)?;
            found = Some(start..scanner.at);
            Some(())
        })
    })?;
    scanner.space();
    found.filter(|_| scanner.is_at_end() && results == 1)
}

/// Values nested deeper than this are left to the general reader.
const DEEPEST: usize = 32;

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        // The service writes none, so that one comparison is all it takes.
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.spaces();
        }
    }

    #[cold]
    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Goes on behind this byte, if it comes next.
    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// The members of an object, each with its name and the scanner at its value.
    fn object(&mut self, member: &mut dyn FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.space();
        self.expect(b'{')?;
        self.space();
        if self.eat(b'}') {
            return Some(());
        }
        loop {
            self.space();
            let (name, escaped) = self.string()?;
            // Such a name may be any other.
            if escaped {
                return None;
            }
            self.space();
            self.expect(b':')?;
            self.space();
            member(self, self.text.get(name)?)?;
            self.space();
            if !self.eat(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Any value. Numbers and words are taken as they are: the general reader reads them too.
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' if depth < DEEPEST => self.object(&mut |scanner, _| scanner.value(depth + 1)),
            b'[' if depth < DEEPEST => {
                self.at += 1;
                self.space();
                if self.eat(b']') {
                    return Some(());
                }
                loop {
                    self.space();
                    self.value(depth + 1)?;
                    self.space();
                    if !self.eat(b',') {
                        return self.expect(b']');
                    }
                }
            }
            b'{' | b'[' => None,
            _ => {
                let start = self.at;
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
                (self.at > start).then_some(())
            }
        }
    }

    fn rows(&mut self, sink: &mut impl Sink) -> Option<()> {
        self.expect(b'[')?;
        self.space();
        if self.eat(b']') {
            return Some(());
        }
        loop {
            self.space();
            self.expect(b'[')?;
            self.space();
            if !self.eat(b']') {
                loop {
                    self.space();
                    self.cell(sink)?;
                    self.space();
                    if !self.eat(b',') {
                        break;
                    }
                }
                self.expect(b']')?;
            }
            if !sink.row() {
                return None;
            }
            self.space();
            if !self.eat(b',') {
                return self.expect(b']');
            }
        }
    }

    #[inline]
    fn cell(&mut self, sink: &mut impl Sink) -> Option<()> {
        if self.peek() != Some(b'"') {
            let null = self.text.get(self.at..self.at + 4) == Some(b"null");
            self.at += 4;
            if null {
                sink.null();
            }
            return null.then_some(());
        }
        let start = self.at + 1;
        self.at = special_from(self.text, start);
        if self.eat(b'"') {
            sink.plain(start, self.at - 1);
            return Some(());
        }
        self.escapes()?;
        sink.escaped(start, self.at - 1).then_some(())
    }

    /// A string: where it is without its quotes, and whether it has escapes.
    fn string(&mut self) -> Option<(Range<usize>, bool)> {
        self.expect(b'"')?;
        let start = self.at;
        self.at = special_from(self.text, start);
        let escaped = !self.eat(b'"');
        if escaped {
            self.escapes()?;
        }
        Some((start..self.at - 1, escaped))
    }

    /// The rest of a string from its first escape on, with the quote at its end.
    fn escapes(&mut self) -> Option<()> {
        while !self.eat(b'"') {
            self.expect(b'\\')?;
            self.escape()?;
            self.at = special_from(self.text, self.at);
        }
        Some(())
    }

    /// An escape behind its backslash, as far as its form goes.
    fn escape(&mut self) -> Option<()> {
        let kind = self.peek()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }
}

/// Where the next byte is that is special in a string, eight bytes at a time.
#[inline]
fn special_from(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        at += 1;
    }
    at
}

/// The high bit of each byte that is a quote, a backslash or a control character, exact up to the lowest one.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // With its second bit turned over a quote becomes 0x20, the space 0x22, and control characters stay what they are.
    let quotes = word ^ (ONES * 0x02);
    let slashes = word ^ (ONES * 0x5c);
    ((quotes.wrapping_sub(ONES * 0x21) & !quotes) | (slashes.wrapping_sub(ONES) & !slashes)) & HIGH
}

/// Appends what a string with escapes stands for.
///
/// * `inner`: the string as it is written, without its quotes.
pub(super) fn resolve(inner: &str, into: &mut String) -> Option<()> {
    let mut done = 0;
    loop {
        let at = special_from(inner.as_bytes(), done);
        into.push_str(inner.get(done..at)?);
        if at >= inner.len() {
            return Some(());
        }
        into.push(match inner.as_bytes().get(at + 1)? {
            kind @ (b'"' | b'\\' | b'/') => char::from(*kind),
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            // Code units, which may stand in pairs: those are for the general reader.
            _ => {
                let text: String = serde_json::from_str(&format!("\"{}\"", inner.get(at..)?)).ok()?;
                into.push_str(&text);
                return Some(());
            }
        });
        done = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cells of a text with escapes resolved, row by row.
    #[derive(Default)]
    struct Read<'a> {
        text: &'a str,
        row: Vec<Option<String>>,
        rows: Vec<Vec<Option<String>>>,
    }

    impl Sink for Read<'_> {
        fn plain(&mut self, start: usize, end: usize) {
            assert!(!self.text[start..end].contains('\\'));
            self.row.push(Some(self.text[start..end].to_owned()));
        }
        fn escaped(&mut self, start: usize, end: usize) -> bool {
            let mut string = String::new();
            // What has the form of an escape may stand for nothing, such as half of a pair.
            let resolved = resolve(&self.text[start..end], &mut string);
            self.row.push(resolved.map_or_else(|| Some("?".to_owned()), |()| Some(string)));
            true
        }
        fn null(&mut self) {
            self.row.push(None);
        }
        fn row(&mut self) -> bool {
            self.rows.push(std::mem::take(&mut self.row));
            true
        }
    }

    fn place(text: &str) -> Option<Range<usize>> {
        rows(text, &mut Read { text, ..Read::default() })
    }

    fn read(text: &str) -> Option<Vec<Vec<Option<String>>>> {
        let mut read = Read { text, ..Read::default() };
        cells(text, &mut read).map(|()| read.rows)
    }

    #[test]
    fn rows_are_found_where_they_are_and_nowhere_else() {
        let found = |text: &'static str| place(text).map(|range| &text[range]);
        let usual = r#" {"a": [1, {"data_array": [["no"]]}], "result" : {"row_count": -1.5e3, "data_array": [["x", null], []] , "z": "\"}"}, "b": {}} "#;
        assert_eq!(found(usual), Some(r#"[["x", null], []]"#));
        for other in [
            "",
            "[]",
            r#"{"result":{}}"#,
            r#"{"result":{"data_array":null}}"#,
            r#"{"result":{"data_array":[["a"]]}"#,
            r#"{"result":{"data_array":[["a"]]}} x"#,
            r#"{"result":{"data_array":[["a"]]},"result":{}}"#,
            r#"{"result":{"data_array":[["a"]],"data_array":[["b"]]}}"#,
            r#"{"resul\u0074":{},"result":{"data_array":[["a"]]}}"#,
            r#"{"result":{"data_array":[[1]]}}"#,
            r#"{"result":{"data_array":[["a]]}}"#,
            r#"{"result":{"data_array":[["a\q"]]}}"#,
            "{\"result\":{\"data_array\":[[\"a\nb\"]]}}",
            r#"{"result":{"data_array":[["a"],]}}"#,
            r#"{"result":{"data_array":[["a",]]}}"#,
            r#"{"result":{"data_array":["a"]}}"#,
            r#"{"data_array":[["a"]]}"#,
        ] {
            assert_eq!(found(other), None, "{other}");
        }
        let deep = format!("{{\"a\":{}{},\"result\":{{\"data_array\":[[]]}}}}", "[".repeat(99), "]".repeat(99));
        assert_eq!(place(&deep), None);
    }

    #[test]
    fn each_byte_is_special_or_not_at_each_place() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut text = [b' '; 20];
                text[place] = byte;
                let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(special_from(&text, 0), if is_special { place } else { 20 }, "{byte} at {place}");
                // What follows a special byte does not make an earlier one special.
                text[19] = b'"';
                assert_eq!(special_from(&text, 0), if is_special { place } else { 19 }, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_recognised_is_what_the_general_reader_reads(
            list in prop::collection::vec(prop::collection::vec(prop::option::of("\\PC*|[\"\\\\\n\u{1}a]*"), 0..4), 0..4),
            pretty in any::<bool>(),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) }.unwrap();
            prop_assert_eq!(read(&text), Some(list));
        }

        #[test]
        fn nothing_is_recognised_that_the_general_reader_refuses(text in "[\\[\\],\"a\\\\nul ]{0,24}") {
            if read(&text).is_some() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
