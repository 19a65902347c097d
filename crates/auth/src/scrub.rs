//! Making texts of others fit for messages.

/// Replaces everything that looks like a token.
pub(crate) fn scrub(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_token_char) {
        let end = rest[start..].find(|c| !is_token_char(c)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        out.push_str(&rest[..start]);
        out.push_str(if looks_like_token(word) { "[redacted]" } else { word });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~')
}

fn looks_like_token(word: &str) -> bool {
    let is_jwt = word.starts_with("ey") && word.matches('.').count() >= 1 && word.len() >= 20;
    let platform =
        ["dapi", "dose", "doau", "dkea", "dkti"].iter().any(|prefix| word.strip_prefix(prefix).is_some_and(|rest| is_hex(rest, 16)));
    is_jwt || platform || word.starts_with("ya29.")
}

fn is_hex(text: &str, at_least: usize) -> bool {
    text.bytes().take_while(u8::is_ascii_hexdigit).count() >= at_least
}

/// The beginning of a text or web page, on one line, without tags.
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
    let mut words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(200) {
        words.truncate(at);
        words.push('…');
    }
    if words.is_empty() { "a page without text".to_owned() } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln";
        assert_eq!(scrub(&format!("got {jwt}, sorry")), "got [redacted], sorry");
        assert_eq!(scrub("a dapi0123456789abcdef0123456789abcdef!"), "a [redacted]!");
        assert_eq!(scrub("run az login, eyes open."), "run az login, eyes open.");
    }

    #[test]
    fn pages_become_a_line() {
        assert_eq!(snippet("<html>\n<p>no\n  way</p></html>"), "no way");
        assert_eq!(snippet("<br>"), "a page without text");
        assert_eq!(snippet(&"x ".repeat(500)).chars().count(), 201);
    }
}
