//! Cleaning strings from outside: credentials without the white space around them, and messages without control
//! characters and secrets.

use databricks_core::{Secret, redact};

/// A credential without the spaces, line ends, control characters and byte order marks around it: files, terminals and
/// CI systems add them.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'))
}

/// As [`trimmed`], for a secret.
pub(crate) fn trimmed_secret(secret: Secret) -> Secret {
    let text = trimmed(secret.expose());
    if text.len() == secret.expose().len() { secret } else { Secret::from(text) }
}

/// One line without secrets and without anything that a terminal would act on.
pub(crate) fn sanitize(text: &str) -> String {
    // In this order, since a sequence in the middle of a secret would hide it.
    redact::text(&plain(text)).into_owned()
}

/// The string on one line, without escape sequences, control characters and marks that change the direction of writing.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A terminal's sequence: colours, links, titles.
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
                Some(']') => {
                    while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}')).is_some() {}
                    chars.next_if_eq(&'\u{7}');
                }
                _ => {
                    chars.next_if(|c| matches!(c, '0'..='~'));
                }
            },
            c if c.is_whitespace() || c.is_control() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {}
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// The beginning of a message or web page, on one line, without tags and secrets.
pub(crate) fn snippet(text: &str) -> String {
    let mut plain = String::new();
    let mut in_tag = false;
    for c in text.chars().take(4096) {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            _ if in_tag => {}
            _ => plain.push(c),
        }
    }
    // Secrets are taken out of the whole, before a cut makes one of them hard to recognise.
    let mut line = sanitize(&plain);
    if let Some((at, _)) = line.char_indices().nth(200) {
        line.truncate(at);
        line.push('…');
    }
    if line.is_empty() { "a page without text".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use databricks_core::redact::REDACTED;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_replaced() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln";
        assert_eq!(sanitize(&format!("got {jwt}, sorry")), format!("got {REDACTED}, sorry"));
        assert_eq!(sanitize("a dapi0123456789abcdef0123456789abcdef!"), format!("a {REDACTED}!"));
        assert_eq!(sanitize("run az login, eyes open."), "run az login, eyes open.");
    }

    #[test]
    fn escape_sequences_are_removed() {
        for (text, expected) in [
            ("\u{1b}[31mERROR: \u{1b}[0mno\r\n\tway", "ERROR: no way"),
            ("\u{1b}]8;;https://evil.example.com\u{7}link\u{1b}]8;;\u{7}", "link"),
            ("a\u{7}b\u{0}c\u{9b}31md", "a b c 31md"),
            ("right\u{202e}left", "rightleft"),
            ("open \u{1b}[", "open"),
            ("\u{1b}c cleared", "cleared"),
        ] {
            assert_eq!(sanitize(text), expected, "{text:?}");
        }
    }

    #[test]
    fn pages_become_a_line() {
        assert_eq!(snippet("<html>\n<p>no\n  way</p></html>"), "no way");
        assert_eq!(snippet("<br>"), "a page without text");
        assert_eq!(snippet(&"x ".repeat(500)).chars().count(), 201);
        let token = format!("{}dapi0123456789abcdef0123456789abcdef", "x ".repeat(90));
        assert!(!snippet(&token).contains("dapi0123"));
    }

    #[test]
    fn white_space_around_credentials_is_removed() {
        for text in ["s\n", "s\r\n", " s\t", "\u{feff}s\r\n", "s\0", "\u{a0}s\u{200b}\n\n", "s"] {
            assert_eq!(trimmed(text), "s", "{text:?}");
            assert_eq!(trimmed_secret(text.into()).expose(), "s", "{text:?}");
        }
        assert_eq!(trimmed("two words"), "two words");
    }

    proptest! {
        #[test]
        fn no_control_character_passes(text in any::<String>()) {
            prop_assert!(!sanitize(&text).chars().any(char::is_control));
            prop_assert!(!snippet(&text).chars().any(char::is_control));
        }
    }
}
