//! Markers of parameters in a statement: positional ones, which the statements engine knows by names, and those whose
//! value is an expression.

use std::collections::BTreeMap;

/// What takes the place of markers.
#[derive(Debug, Default)]
pub(super) struct Replacements {
    /// For every `?`, in order.
    pub(super) positional: Vec<String>,
    /// For `:name`; those of other names stay.
    pub(super) named: BTreeMap<String, String>,
}

/// The statement with its markers replaced, and how many `?` there are; those without a replacement stay.
///
/// Markers in strings, quoted names and comments stay, as do the operators `?::` and `:`, which follow an expression
/// without a space.
pub(super) fn replace(sql: &str, with: &Replacements) -> (String, usize) {
    let mut out = String::with_capacity(sql.len());
    let mut count = 0;
    // Whether what stands before may be an expression.
    let mut after_expression = false;
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let mut replaced = None;
        let length = match c {
            '\'' | '"' => string(rest, c),
            '`' => rest[1..].find('`').map_or(rest.len(), |at| at + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '?' if !(rest.starts_with("?::") && after_expression) => {
                replaced = with.positional.get(count);
                count += 1;
                1
            }
            ':' if rest.starts_with("::") => 2,
            ':' if !after_expression => {
                let name: &str = &rest[1..];
                let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
                replaced = with.named.get(&name[..end]);
                1 + end
            }
            c => c.len_utf8(),
        };
        let (copied, after) = rest.split_at(length);
        out.push_str(replaced.map_or(copied, String::as_str));
        after_expression = c == '?'
            || copied.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '`' | '\'' | '"'));
        rest = after;
    }
    (out, count)
}

/// Bytes of the string that `text` begins with.
fn string(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of the comment that `text` begins with; comments may lie inside each other.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_markers_are_replaced() {
        let with = Replacements {
            positional: vec!["<1>".into(), "<2>".into()],
            named: [("a".to_owned(), "<a>".to_owned())].into(),
        };
        for (sql, expected, count) in [
            ("SELECT ?", "SELECT <1>", 1),
            ("? + ?, ?", "<1> + <2>, ?", 3),
            ("'?' || \"a\\\"?\" || ?", "'?' || \"a\\\"?\" || <1>", 1),
            ("`a?` -- ?\n, ?", "`a?` -- ?\n, <1>", 1),
            ("/* ? /* ? */ ? */ ?", "/* ? /* ? */ ? */ <1>", 1),
            ("a?::int", "a?::int", 0),
            ("SELECT ?::int", "SELECT <1>::int", 1),
            ("'é?' ?", "'é?' <1>", 1),
            ("'open ?", "'open ?", 0),
            (":a + :ab, ':a', f(:a)", "<a> + :ab, ':a', f(<a>)", 0),
            ("doc:a, 1::a, :a::int", "doc:a, 1::a, <a>::int", 0),
        ] {
            assert_eq!(replace(sql, &with), (expected.to_owned(), count), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC*") {
            let (out, _) = replace(&text, &Replacements::default());
            prop_assert_eq!(out, text);
        }
    }
}
