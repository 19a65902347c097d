//! Reading `.databrickscfg`.
//!
//! The syntax is that of the official CLI's reader: `=` or `:` between key and value, comments with `#` or `;`, one
//! pair of quotes removed, repeated sections merged, no interpolation, and no inheritance from `[DEFAULT]`.

use std::fmt;

use super::attributes::Key;

/// The section that holds settings of the tools and is never a profile.
pub(crate) const SETTINGS: &str = "__settings__";

/// The section for keys before the first header, and the profile of last resort.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// A profile file.
#[derive(Debug, Default)]
pub(crate) struct ProfileFile {
    sections: Vec<Section>,
    /// Warnings, without any value.
    pub(crate) warnings: Vec<String>,
}

/// A section with its entries in their order.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
}

/// One `key = value`.
pub(crate) struct Entry {
    /// In lower case.
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// Values may be secrets.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("line", &self.line).finish_non_exhaustive()
    }
}

/// What is wrong with a file, and where. Never contains the line itself, which may be a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) problem: &'static str,
}

impl ProfileFile {
    /// Parses a profile file.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut file = Self::default();
        let mut current = None;
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = index + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let name = header(rest)
                    .ok_or(SyntaxError { line: number, problem: "a section header without its closing bracket" })?;
                current = Some(file.section_index(name, number));
                continue;
            }
            let (key, value) = entry(line).map_err(|problem| SyntaxError { line: number, problem })?;
            let section = match current {
                Some(index) => index,
                None => *current.insert(file.section_index(DEFAULT, number)),
            };
            file.add(section, key, value, number);
        }
        Ok(file)
    }

    /// The section of exactly this name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// A value of the settings section, `None` where it is missing or empty.
    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        self.section(SETTINGS)?.get(key).filter(|value| !value.is_empty())
    }

    /// The sections that are profiles.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.name != SETTINGS)
    }

    fn section_index(&mut self, name: &str, line: usize) -> usize {
        if let Some(index) = self.sections.iter().position(|section| section.name == name) {
            self.warnings.push(format!("section [{name}] appears again at line {line}; both are merged"));
            return index;
        }
        self.sections.push(Section { name: name.to_owned(), entries: Vec::new() });
        self.sections.len() - 1
    }

    fn add(&mut self, section: usize, key: &str, value: &str, line: usize) {
        if value.ends_with('\\') {
            self.warnings.push(format!("the value at line {line} ends with a backslash, which does not join lines"));
        }
        if let Some(word) = key.split_whitespace().next().filter(|word| *word != key) {
            // The rest may be a secret, and so may a first word that is not a key.
            let known =
                Key::find(word).map(|key| format!("; it should begin with \"{} =\"", key.name())).unwrap_or_default();
            self.warnings.push(format!("line {line} has no equals sign after its key and is ignored{known}"));
        }
        let Section { name, entries } = &mut self.sections[section];
        let key = key.to_ascii_lowercase();
        let value = value.to_owned();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key) {
            self.warnings.push(format!("key {key} of [{name}] appears again at line {line}; the last one counts"));
            *entry = Entry { key, value, line };
        } else {
            entries.push(Entry { key, value, line });
        }
    }
}

impl Section {
    /// The value of a key, in any case of letters.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)).map(|entry| entry.value.as_str())
    }
}

/// The name in `name]`, with or without a comment behind it.
fn header(rest: &str) -> Option<&str> {
    match rest.strip_suffix(']') {
        Some(name) => Some(name),
        None => {
            let (name, tail) = rest.split_once(']')?;
            tail.trim_start().starts_with(['#', ';']).then_some(name)
        }
    }
}

fn entry(line: &str) -> Result<(&str, &str), &'static str> {
    let Some(at) = line.find(['=', ':']) else {
        return Err("neither a key with a value nor a section header");
    };
    let key = line[..at].trim();
    if key.is_empty() {
        return Err("a value without a key");
    }
    Ok((key, unquote(line[at + 1..].trim())))
}

/// Removes one pair of quotes, or a comment that follows white space.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        let Some(inner) = value.strip_prefix(quote) else { continue };
        let Some(end) = inner.rfind(quote) else { continue };
        let tail = inner[end + 1..].trim_start();
        if tail.is_empty() || tail.starts_with(['#', ';']) {
            return &inner[..end];
        }
    }
    let mut previous = ' ';
    for (at, c) in value.char_indices() {
        if matches!(c, '#' | ';') && previous.is_whitespace() {
            return value[..at].trim_end();
        }
        previous = c;
    }
    value
}

/// Returns the content with one value set and every other line unchanged. Used to store settings, never secrets.
pub(crate) fn with_value(text: &str, section: &str, key: &str, value: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut inside = section == DEFAULT;
    let (mut insert_at, mut found) = (None, None);
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        if let Some(rest) = trimmed.strip_prefix('[') {
            inside = header(rest) == Some(section);
            if inside {
                insert_at = Some(index + 1);
            }
        } else if inside && !trimmed.is_empty() {
            let is_comment = trimmed.starts_with(['#', ';']);
            if !is_comment && entry(trimmed).is_ok_and(|(name, _)| name.eq_ignore_ascii_case(key)) {
                // Of several, the last one counts.
                found = Some(index);
            }
            insert_at = Some(index + 1);
        }
    }
    match (found, insert_at) {
        (Some(index), _) => lines[index] = format!("{key} = {value}"),
        (None, Some(at)) => lines.insert(at, format!("{key} = {value}")),
        (None, None) => {
            if lines.last().is_some_and(|line| !line.trim().is_empty()) {
                lines.push(String::new());
            }
            lines.push(format!("[{section}]"));
            lines.push(format!("{key} = {value}"));
        }
    }
    lines.join(newline) + newline
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> String {
        ProfileFile::parse(text).unwrap().section("p").unwrap().get("k").unwrap().to_owned()
    }

    #[test]
    fn values() {
        for (line, expected) in [
            ("k = v", "v"),
            ("k: v", "v"),
            ("  K=v  ", "v"),
            ("k = a#b;c", "a#b;c"),
            ("k = a # b", "a"),
            ("k = ; nothing", ""),
            ("k = \"q u o\" # why", "q u o"),
            ("k = 'p #w'", "p #w"),
            ("k = 'open", "'open"),
            ("k = abc==:x=", "abc==:x="),
            (r"k = C:\keys\", r"C:\keys\"),
        ] {
            assert_eq!(value(&format!("[p]\r\n{line}\r\n")), expected, "{line}");
        }
    }

    #[test]
    fn headers() {
        let file = ProfileFile::parse("\u{feff}k = 1\n[a b] ; why\n[x [y]]\n[DEFAULT]\nk = 2\n").unwrap();
        let names: Vec<_> = file.profiles().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["DEFAULT", "a b", "x [y]"]);
        assert_eq!(file.section("DEFAULT").unwrap().get("K"), Some("2"));
        assert_eq!(file.warnings.len(), 2);
    }

    #[test]
    fn a_missing_equals_sign_is_a_warning_that_hides_the_line() {
        for (line, hint) in [
            ("host https://ws.example.com", true),
            ("host\thttps://ws.example.com", true),
            ("token dapi-leaky:x", true),
            ("Client_Secret leaky=", true),
            ("leaky1 leaky2 = x", false),
        ] {
            let file = ProfileFile::parse(&format!("[p]\nx = 1\n{line}\n")).unwrap();
            let [warning] = file.warnings.as_slice() else { panic!("{line}: {:?}", file.warnings) };
            assert!(warning.contains("line 3") && !warning.contains("leaky"), "{warning}");
            assert_eq!(warning.contains("should begin with"), hint, "{warning}");
        }
    }

    #[test]
    fn errors_name_the_line_and_hide_it() {
        let error = ProfileFile::parse("[p]\nhost = h\ntoken dapi-leaky\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(!error.problem.contains("dapi"));
        assert_eq!(ProfileFile::parse("[p\n").unwrap_err().line, 1);
        assert_eq!(ProfileFile::parse("= v\n").unwrap_err().line, 1);
    }

    #[test]
    fn setting_a_value_keeps_the_rest() {
        let text = "# mine\n[__settings__]\nother = 1\n\n[work]\nhost = h\n";
        assert_eq!(
            with_value(text, SETTINGS, "auth_storage", "plaintext"),
            "# mine\n[__settings__]\nother = 1\nauth_storage = plaintext\n\n[work]\nhost = h\n"
        );
        assert_eq!(with_value(text, "work", "HOST", "i"), text.replace("host = h", "HOST = i"));
        assert_eq!(with_value("", "new", "k", "v"), "[new]\nk = v\n");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = ProfileFile::parse(&text);
        }

        #[test]
        fn line_soup_never_panics_and_errors_stay_inside(lines in prop::collection::vec("[\\[\\]=:#;'\" a-c\\\\]{0,12}", 0..12)) {
            if let Err(error) = ProfileFile::parse(&lines.join("\n")) {
                prop_assert!((1..=lines.len()).contains(&error.line));
            }
        }

        #[test]
        fn what_is_set_can_be_read_back(base in "(\\[[a-c]\\]\n|[a-c] = [a-z]{0,3}\n|# x\n|\n){0,8}", key in "[a-c]", new in "[a-z]{1,5}") {
            let text = with_value(&base, "b", &key, &new);
            let file = ProfileFile::parse(&text).unwrap();
            prop_assert_eq!(file.section("b").unwrap().get(&key), Some(new.as_str()));
            for section in ProfileFile::parse(&base).unwrap().profiles() {
                for entry in &section.entries {
                    if (section.name.as_str(), entry.key.as_str()) != ("b", key.as_str()) {
                        prop_assert_eq!(file.section(&section.name).unwrap().get(&entry.key), Some(entry.value.as_str()));
                    }
                }
            }
        }
    }
}
