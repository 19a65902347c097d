//! Text from outside, fit for one line of a terminal or log.

use std::borrow::Cow;

/// What is done with a character.
enum Treatment {
    Keep,
    Blank,
    Drop,
}

fn treatment(c: char) -> Treatment {
    match c {
        '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Treatment::Blank,
        // C0, DEL and C1, which drive terminals.
        c if c.is_control() => Treatment::Drop,
        // Marks, embeddings, overrides and isolates of direction, which make text read otherwise than it is.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => Treatment::Drop,
        // Characters that cannot be seen: of no width, byte order marks, annotations, tags.
        '\u{ad}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Treatment::Drop,
        _ => Treatment::Keep,
    }
}

/// The string on one line, without what drives a terminal or misleads a reader: line ends and tabs become blanks;
/// control characters, changes of direction and characters that cannot be seen are left out.
///
/// ```
/// use databricks_core::redact::printable;
///
/// assert_eq!(printable("no\r\n\u{1b}[31mway\u{202e}"), "no [31mway");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    clean(text, false)
}

/// As [`printable`], but lines stay lines, for strings whose form is part of what they state.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    clean(text, true)
}

fn clean(text: &str, lines: bool) -> Cow<'_, str> {
    let treatment = |c: char| match c {
        '\n' | '\t' if lines => Treatment::Keep,
        '\r' if lines => Treatment::Drop,
        c => treatment(c),
    };
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control())
        || text.chars().all(|c| matches!(treatment(c), Treatment::Keep))
    {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match treatment(c) {
            Treatment::Keep => clean.push(c),
            // A line end of two characters is one blank.
            Treatment::Blank if clean.ends_with(' ') => {}
            Treatment::Blank => clean.push(' '),
            Treatment::Drop => {}
        }
    }
    Cow::Owned(clean)
}
