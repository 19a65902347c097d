//! Doc comments: our text, then the facts.

use heck::ToSnakeCase;

use crate::ir::Doc;

/// Lines are filled up to this width.
const WIDTH: usize = 120;

/// The lines of a doc comment, without slashes. `fallback` names the item and stands in for a missing text.
pub(crate) fn lines(doc: &Doc, fallback: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    match &doc.text {
        Some(text) => paragraphs.extend(split(&escape(text.trim()))),
        None if doc.facts.is_empty() => paragraphs.push(humanise(fallback)),
        None => {}
    }
    if !doc.facts.is_empty() {
        if paragraphs.is_empty() {
            paragraphs.push(humanise(fallback));
        }
        paragraphs.push(doc.facts.join(" "));
    }
    let mut lines = Vec::new();
    for paragraph in paragraphs {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        paragraph.lines().for_each(|line| fill(line, &mut lines));
    }
    lines
}

/// The first sentence of the text, as plain text.
pub(crate) fn summary(doc: &Doc) -> String {
    let text = doc.text.as_deref().unwrap_or_default().trim();
    let first = text.split("\n\n").next().unwrap_or_default();
    first[..sentence_end(first).unwrap_or(first.len())].replace('\n', " ")
}

/// The text of an enum value: its wire text, then ours.
pub(crate) fn value_lines(doc: &Doc, wire: &str) -> Vec<String> {
    let mut lines = Vec::new();
    match &doc.text {
        Some(text) => fill(&format!("`{wire}`: {}", escape(&text.trim().replace("\n\n", " ").replace('\n', " "))), &mut lines),
        None => lines.push(format!("`{wire}`.")),
    }
    lines
}

/// `cluster_id` becomes `Cluster id.`: a name that says it all.
fn humanise(name: &str) -> String {
    let words = name.to_snake_case().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// Paragraphs; the first sentence is one of its own.
fn split(text: &str) -> Vec<String> {
    let mut paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    let mut all = Vec::new();
    if let Some(first) = paragraphs.next() {
        match sentence_end(first) {
            Some(end) => all.extend([first[..end].to_owned(), first[end..].trim_start().to_owned()]),
            None => all.push(first.to_owned()),
        }
    }
    all.extend(paragraphs.map(str::to_owned));
    all
}

/// Where the first sentence ends, if another follows it.
fn sentence_end(text: &str) -> Option<usize> {
    let mut code = false;
    let bytes = text.as_bytes();
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            b'`' => code = !code,
            b'.' if !code && bytes.get(i + 1).is_some_and(u8::is_ascii_whitespace) => {
                let abbreviation = ["e.g", "i.e", "etc", "vs"].iter().any(|a| text[..i].ends_with(a));
                let next = text[i + 1..].trim_start().chars().next();
                if !abbreviation && next.is_some_and(|c| c.is_uppercase() || c == '`') {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Escapes what rustdoc takes for a link or HTML, outside of code; bare addresses become links.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut code = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !code && (rest.starts_with("http://") || rest.starts_with("https://")) && !out.ends_with(['(', '<']) {
            let end = rest.find(|c: char| c.is_whitespace() || "<>)\"`".contains(c)).unwrap_or(rest.len());
            let address = rest[..end].trim_end_matches(['.', ',', ';', ':']);
            out.push_str(&format!("<{address}>"));
            rest = &rest[address.len()..];
            continue;
        }
        match c {
            '`' => {
                code = !code;
                out.push(c);
            }
            '[' | ']' | '<' | '>' if !code => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Breaks a line at spaces. No line begins with what Markdown takes for the mark of a list, a quote or a heading.
fn fill(line: &str, lines: &mut Vec<String>) {
    let item = line.trim_start();
    let indent = line.len() - item.len();
    let hanging = if is_mark(item.split(' ').next().unwrap_or_default()) { indent + 2 } else { indent };
    let mut current = " ".repeat(indent);
    let mut empty = true;
    for word in item.split(' ').filter(|word| !word.is_empty()) {
        if !empty && current.chars().count() + 1 + word.chars().count() > WIDTH && !is_mark(word) {
            lines.push(std::mem::replace(&mut current, " ".repeat(hanging)));
            empty = true;
        }
        if !empty {
            current.push(' ');
        }
        current.push_str(word);
        empty = false;
    }
    lines.push(current.trim_end().to_owned());
}

fn is_mark(word: &str) -> bool {
    let number = word.strip_suffix(['.', ')']).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    number || matches!(word, "-" | "*" | "+" | "|") || word.starts_with(['#', '>', '='])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(text: &str) -> Vec<String> {
        lines(&Doc { text: Some(text.to_owned()), ..Doc::default() }, "x")
    }

    #[test]
    fn the_first_sentence_is_the_summary() {
        assert_eq!(doc("One. Two."), ["One.", "", "Two."]);
        assert_eq!(doc("One, e.g. `A. B`.\n\nTwo. Three."), ["One, e.g. `A. B`.", "", "Two. Three."]);
        assert_eq!(doc("Version 1.2 only"), ["Version 1.2 only"]);
    }

    #[test]
    fn a_missing_text_is_made_of_the_name() {
        assert_eq!(lines(&Doc::default(), "spark_version"), ["Spark version."]);
        let doc = Doc { facts: vec!["`sortBy` on the wire.".to_owned()], ..Doc::default() };
        assert_eq!(lines(&doc, "sort_by"), ["Sort by.", "", "`sortBy` on the wire."]);
    }

    #[test]
    fn links_and_html_are_escaped_outside_of_code() {
        assert_eq!(doc("A [x] and `[y]` <b> `<c>`"), ["A \\[x\\] and `[y]` \\<b\\> `<c>`"]);
        assert_eq!(doc("See https://a.b/c. And more"), ["See <https://a.b/c>.", "", "And more"]);
    }

    #[test]
    fn lines_are_filled_without_making_lists() {
        let text = format!("{} - {}", "a".repeat(118), "b".repeat(10));
        assert_eq!(doc(&text), [format!("{} -", "a".repeat(118)), "b".repeat(10)]);
    }
}
