//! Markers `?` of positional parameters, which the statements engine knows by names.

/// The name of the marker at `position`, counted from 1.
pub(super) fn name(position: usize) -> String {
    format!("__positional_{position}")
}

/// The statement with a named marker in place of every `?`, and how many there are.
///
/// Question marks in strings, quoted names and comments stay, as does the operator `?::`, which follows an expression
/// without a space.
pub(super) fn named(sql: &str) -> (String, usize) {
    let mut out = String::with_capacity(sql.len());
    let mut count = 0;
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\'' | '"' => string(rest, c),
            '`' => rest[1..].find('`').map_or(rest.len(), |at| at + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '?' if !(rest.starts_with("?::") && ends_an_expression(&out)) => {
                count += 1;
                out.push(':');
                out.push_str(&name(count));
                rest = &rest[1..];
                continue;
            }
            c => c.len_utf8(),
        };
        let (copied, after) = rest.split_at(length);
        out.push_str(copied);
        rest = after;
    }
    (out, count)
}

fn ends_an_expression(out: &str) -> bool {
    out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '`' | '\'' | '"'))
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
    fn only_markers_are_named() {
        for (sql, named_sql, count) in [
            ("SELECT ?", "SELECT :__positional_1", 1),
            ("? + ?", ":__positional_1 + :__positional_2", 2),
            ("'?' || \"a\\\"?\" || ?", "'?' || \"a\\\"?\" || :__positional_1", 1),
            ("`a?` -- ?\n, ?", "`a?` -- ?\n, :__positional_1", 1),
            ("/* ? /* ? */ ? */ ?", "/* ? /* ? */ ? */ :__positional_1", 1),
            ("a?::int", "a?::int", 0),
            ("SELECT ?::int", "SELECT :__positional_1::int", 1),
            ("'é?' ?", "'é?' :__positional_1", 1),
            ("'open ?", "'open ?", 0),
        ] {
            assert_eq!(named(sql), (named_sql.to_owned(), count), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC*") {
            let (out, count) = named(&text);
            prop_assert!(count > 0 || out == text);
        }
    }
}
