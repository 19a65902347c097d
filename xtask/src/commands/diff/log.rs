//! Differences as a change log by package, and the version that they ask for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One difference.
#[derive(Debug)]
pub(crate) struct Change {
    /// The package, or an empty text.
    pub(crate) package: String,
    pub(crate) text: String,
    pub(crate) effect: Effect,
}

/// What a difference means to callers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// Something is there that was not.
    Adds,
    /// Nothing that callers notice when they compile.
    Keeps,
    /// Callers have to change their programs, for this reason.
    Breaks(&'static str),
    /// The same, of something in preview: outside of the promise.
    BreaksPreview(&'static str),
}

/// All differences between two releases.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) changes: Vec<Change>,
}

impl Log {
    pub(crate) fn breaking(&self) -> usize {
        self.changes.iter().filter(|change| matches!(change.effect, Effect::Breaks(_))).count()
    }

    /// The version that follows `current`: callers must be able to rely on its numbers.
    pub(crate) fn asks_for(&self, current: &str) -> String {
        let mut parts = current.split(['.', '-']).map(|part| part.parse::<u64>().unwrap_or_default());
        let (major, minor, patch) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let adds = self.changes.iter().any(|change| change.effect == Effect::Adds);
        match (self.breaking() > 0, adds, major) {
            (true, _, 0) => format!("0.{}.0", minor + 1),
            (true, _, _) => format!("{}.0.0", major + 1),
            (false, true, 1..) => format!("{major}.{}.0", minor + 1),
            // Before 1.0 the last number stands for additions, too.
            (false, ..) if !self.changes.is_empty() => format!("{major}.{minor}.{}", patch + 1),
            _ => current.to_owned(),
        }
    }

    /// The change log: a section by package, `!` before what breaks callers, `~` before what would were it not in preview.
    pub(crate) fn render(&self, current: &str) -> String {
        let mut text = format!(
            "{} -> {}: {}, {} of them break callers; after {current} this asks for version {}\n",
            self.old,
            self.new,
            plural(self.changes.len(), "change"),
            self.breaking(),
            self.asks_for(current)
        );
        let mut packages: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        for change in &self.changes {
            packages.entry(&change.package).or_default().push(change);
        }
        for (package, changes) in packages {
            let _ = writeln!(text, "\n{package}");
            for change in changes {
                let (mark, reason) = match change.effect {
                    Effect::Adds | Effect::Keeps => (' ', None),
                    Effect::Breaks(reason) => ('!', Some(reason)),
                    Effect::BreaksPreview(reason) => ('~', Some(reason)),
                };
                let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                let _ = writeln!(text, "{mark} {}{reason}", change.text);
            }
        }
        text
    }

    /// An entry of the project's change log: what callers have to know, by package.
    pub(crate) fn entry(&self) -> String {
        let count = |wanted: fn(&Effect) -> bool| self.changes.iter().filter(|change| wanted(&change.effect)).count();
        let mut text = format!(
            "- The API as of {}: {} added, {} that break callers.\n",
            self.new.trim_end_matches("-facts"),
            plural(count(|effect| *effect == Effect::Adds), "thing"),
            plural(self.breaking(), "change")
        );
        for change in &self.changes {
            if let Effect::Breaks(reason) | Effect::BreaksPreview(reason) = change.effect {
                let preview = if matches!(change.effect, Effect::Breaks(_)) { "" } else { ", in preview" };
                let _ = writeln!(text, "  - **breaking**{preview}: {} ({reason}).", change.text);
            }
        }
        let mut added: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for change in &self.changes {
            if let Some(operation) = change.text.strip_prefix("added: operation ") {
                added.entry(&change.package).or_default().push(format!("`{operation}`"));
            }
        }
        for (package, operations) in added {
            let _ = writeln!(text, "  - {package}: added {}.", operations.join(", "));
        }
        text
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
