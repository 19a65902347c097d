//! JSON files that people keep, changed without a change of their order.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Any JSON, members in the order of the file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Node {
    Object(IndexMap<String, Node>),
    List(Vec<Node>),
    Plain(Value),
}

/// A file that is changed in place.
#[derive(Debug)]
pub(crate) struct KeptFile {
    path: PathBuf,
    root: Node,
    /// Spaces by level, as the file has them.
    indent: usize,
    changed: bool,
}

impl KeptFile {
    /// Reads a file; one that does not exist is an empty object.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match path.exists() {
            true => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            false => "{}".to_owned(),
        };
        let root = serde_json::from_str(&text).with_context(|| format!("{} is not valid JSON", path.display()))?;
        let second = text.lines().nth(1).unwrap_or("  ");
        let indent = (second.len() - second.trim_start().len()).clamp(1, 4);
        Ok(Self { path: path.to_owned(), root, indent, changed: false })
    }

    /// The object at a path of names, if there is one.
    pub(crate) fn object(&mut self, path: &[&str]) -> Option<&mut IndexMap<String, Node>> {
        let mut node = &mut self.root;
        for name in path {
            let Node::Object(members) = node else { return None };
            node = members.get_mut(*name)?;
        }
        if let Node::Object(members) = node { Some(members) } else { None }
    }

    /// Keeps the entries of an object that `keep` accepts.
    pub(crate) fn retain(&mut self, path: &[&str], mut keep: impl FnMut(&str) -> bool) {
        let Some(members) = self.object(path) else { return };
        let before = members.len();
        members.retain(|name, _| keep(name));
        self.changed |= self.object(path).is_some_and(|members| members.len() != before);
    }

    /// Removes a text from a list, or an entry from an object.
    pub(crate) fn remove(&mut self, section: &str, entry: &str) {
        let Node::Object(sections) = &mut self.root else { return };
        match sections.get_mut(section) {
            Some(Node::List(list)) => {
                let before = list.len();
                list.retain(|node| !matches!(node, Node::Plain(Value::String(text)) if text == entry));
                self.changed |= list.len() != before;
            }
            Some(Node::Object(members)) => self.changed |= members.shift_remove(entry).is_some(),
            _ => {}
        }
    }

    /// Adds a text to a list, in alphabetical order where the list has one.
    pub(crate) fn insert(&mut self, section: &str, entry: &str) {
        let Node::Object(sections) = &mut self.root else { return };
        let list = sections.entry(section.to_owned()).or_insert_with(|| Node::List(Vec::new()));
        let Node::List(list) = list else { return };
        let at = list.iter().position(|node| matches!(node, Node::Plain(Value::String(text)) if text.as_str() > entry));
        list.insert(at.unwrap_or(list.len()), Node::Plain(entry.into()));
        self.changed = true;
    }

    /// Sets an entry of an object, in alphabetical order where the object has one.
    pub(crate) fn set(&mut self, section: &str, entry: &str, value: &str) {
        let Node::Object(sections) = &mut self.root else { return };
        let members = sections.entry(section.to_owned()).or_insert_with(|| Node::Object(IndexMap::new()));
        let Node::Object(members) = members else { return };
        let at = members.keys().position(|name| name.as_str() > entry).unwrap_or(members.len());
        members.shift_insert(at, entry.to_owned(), Node::Plain(value.into()));
        self.changed = true;
    }

    /// Writes the file if it changed.
    pub(crate) fn write(&self) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let indent = " ".repeat(self.indent);
        let mut bytes = Vec::new();
        let form = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        self.root
            .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, form))
            .with_context(|| format!("{} cannot be written as JSON", self.path.display()))?;
        bytes.push(b'\n');
        std::fs::write(&self.path, bytes).with_context(|| format!("cannot write {}", self.path.display()))
    }
}
