//! Doc comments: our text, then the facts.

use crate::ir::{Doc, Ty};

/// Lines are filled up to this width.
const WIDTH: usize = 120;

/// The lines of a doc comment, without slashes. `fallback` stands in for a missing text: what is known for certain.
pub(crate) fn lines(doc: &Doc, fallback: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut facts = doc.facts.clone();
    match &doc.text {
        Some(text) => paragraphs.extend(split(&escape(text.trim()))),
        None => {
            facts.retain(|fact| !fact.ends_with(" on the wire."));
            paragraphs.push(fallback.to_owned());
        }
    }
    if !facts.is_empty() {
        paragraphs.push(facts.join(" "));
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

/// A paragraph that is no text of ours, such as a list of links.
pub(crate) fn paragraph(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    fill(text, &mut lines);
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
        Some(text) => {
            fill(&format!("`{wire}`: {}", escape(&text.trim().replace("\n\n", " ").replace('\n', " "))), &mut lines);
        }
        None => lines.push(format!("`{wire}`.")),
    }
    lines
}

/// What stands for the text of anything else: its name in the API's description.
pub(crate) fn named(name: &str) -> String {
    format!("`{name}` of the API.")
}

/// What stands for the text of an input or a member that has none: its name on the wire and its type.
pub(crate) fn plain(wire: &str, ty: &Ty) -> String {
    format!("`{wire}`, {}.", kind(ty))
}

fn kind(ty: &Ty) -> String {
    match ty {
        Ty::String => "a string".to_owned(),
        Ty::Bool | Ty::Flag => "`true` or `false`".to_owned(),
        Ty::Int => "an integer".to_owned(),
        Ty::Float => "a number".to_owned(),
        Ty::Timestamp => "a point in time".to_owned(),
        Ty::Duration => "a length of time".to_owned(),
        Ty::FieldMask => "a list of fields".to_owned(),
        Ty::Any => "any JSON value".to_owned(),
        Ty::Object => "a JSON object".to_owned(),
        Ty::List(inner) => format!("a list, each item {}", kind(inner)),
        Ty::Map(inner) => format!("a map, each value {}", kind(inner)),
        Ty::Nullable(inner) => format!("{} or `null`", kind(inner)),
        Ty::Message(of) | Ty::Enum(of) | Ty::Boxed(of) => format!("of type `{}`", of.name),
    }
}

/// The note of a deprecated item: what the text states about its replacement, as far as it states anything.
pub(crate) fn note(doc: &Doc) -> Option<String> {
    if !doc.deprecated {
        return None;
    }
    if let Some(release) = &doc.retired {
        return Some(format!("removed from the API with release {release} of the official client; kept for a while"));
    }
    let text = doc.text.as_deref().unwrap_or_default().replace('\n', " ");
    let told = text.find("eprecated").and_then(|at| {
        let start = text[..at].rfind(['.', ';']).map_or(0, |end| end + 1);
        let sentence = &text[at + "eprecated".len()..];
        let before = text[start..at].trim();
        if sentence.starts_with('.') {
            return None;
        }
        let sentence = match sentence_end(sentence) {
            Some(end) => &sentence[..end],
            None => sentence,
        };
        let sentence = sentence.trim_start_matches([':', ';', ',', '.', ' ']).trim_end_matches(['.', ' ']);
        // "the deprecated fields" speaks of something else.
        if sentence.is_empty() || before.len() > 1 {
            return None;
        }
        for (start, instead) in [
            ("in favor of ", "use "),
            ("in favour of ", "use "),
            ("name of ", "use "),
            ("form of ", "use "),
            ("and ", ""),
        ] {
            if let Some(rest) = sentence.strip_prefix(start) {
                return Some(format!("{instead}{rest}"));
            }
        }
        Some(sentence.to_owned())
    });
    Some(told.unwrap_or_else(|| "deprecated by the API, which names no replacement".to_owned()))
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
    let number = word
        .strip_suffix(['.', ')'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
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
    fn a_missing_text_gives_way_to_what_is_certain() {
        let fallback = plain("sortBy", &Ty::List(Box::new(Ty::String)));
        assert_eq!(lines(&Doc::default(), &fallback), ["`sortBy`, a list, each item a string."]);
        let facts = vec!["`sortBy` on the wire.".to_owned(), "Such as `a`.".to_owned()];
        assert_eq!(
            lines(&Doc { facts, ..Doc::default() }, &plain("sortBy", &Ty::Bool)),
            ["`sortBy`, `true` or `false`.", "", "Such as `a`."]
        );
    }

    #[test]
    fn the_note_of_a_deprecated_item_names_its_replacement() {
        let none = "deprecated by the API, which names no replacement";
        for (text, note) in [
            ("Runs to skip. Deprecated: use `page_token`.", "use `page_token`"),
            (
                "Deprecated name of `page_size`; if both are given they must be equal.",
                "use `page_size`; if both are given they must be equal",
            ),
            ("Runs it again.\n\nDeprecated in favor of `execute`.", "use `execute`"),
            ("Deprecated; give `knowledge_assistant_id`.", "give `knowledge_assistant_id`"),
            ("Deprecated; create a credential. The role to try.", "create a credential"),
            ("Deprecated and without effect: see above.", "without effect: see above"),
            ("Who made it. Deprecated.", none),
            ("Deprecated. Page with the result.", none),
            ("Takes the place of the deprecated fields.", none),
            ("Id.", none),
        ] {
            let doc = Doc { text: Some(text.to_owned()), deprecated: true, ..Doc::default() };
            assert_eq!(super::note(&doc).as_deref(), Some(note), "{text}");
        }
        assert_eq!(super::note(&Doc::default()), None);
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
