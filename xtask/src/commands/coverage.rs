//! `cargo xtask spec coverage`: is everything that the documents describe in the generated source?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::codegen::{MODELS, SPEC};
use crate::spec::{Documents, operations_of};

/// The counts that the list of documents states.
#[derive(Deserialize)]
struct Index {
    counts: BTreeMap<String, usize>,
}

pub(crate) fn run(root: &Path) -> Result<()> {
    let documents = Documents::read(&root.join(SPEC))?;
    let imported = Names::described(&Documents::without_retired(&root.join(SPEC))?);
    let text = std::fs::read_to_string(root.join(SPEC).join("index.json")).context("cannot read index.json")?;
    let index: Index = serde_json::from_str(&text).context("index.json is not as expected")?;
    let described = Names::described(&documents);
    let mut generated = Names::default();
    for package in documents.packages.keys() {
        let directory = root.join(MODELS).join(package);
        for entry in std::fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))? {
            generated.read(package, &std::fs::read_to_string(entry?.path())?);
        }
    }
    let mut lacking = 0;
    for (what, described, generated, imported) in [
        ("operations", &described.operations, &generated.operations, &imported.operations),
        ("messages", &described.messages, &generated.messages, &imported.messages),
        ("enums", &described.enums, &generated.enums, &imported.enums),
    ] {
        let missing: Vec<_> = described.difference(generated).collect();
        println!("{}/{} {what}", described.len() - missing.len(), described.len());
        for name in &missing {
            println!("  {name} is not generated");
        }
        lacking += missing.len() + usize::from(index.counts.get(what) != Some(&imported.len()));
    }
    ensure!(lacking == 0, "the generated source does not cover the description");
    Ok(())
}

#[derive(Default)]
struct Names {
    operations: BTreeSet<String>,
    messages: BTreeSet<String>,
    enums: BTreeSet<String>,
}

impl Names {
    fn described(documents: &Documents) -> Self {
        let mut names = Self::default();
        for (package, document) in &documents.packages {
            names.operations.extend(operations_of(document).map(|(_, _, operation)| operation.id.clone()));
            for (name, schema) in &document.components.schemas {
                let list = if schema.values.is_some() { &mut names.enums } else { &mut names.messages };
                list.insert(format!("{package}.{name}"));
            }
        }
        names
    }

    /// Finds what a generated file declares, from its string alone: the generator's own idea of what it wrote is not
    /// asked.
    fn read(&mut self, package: &str, text: &str) {
        let mut kind = None;
        for line in text.lines() {
            match line.trim_start().strip_prefix("databricks_core::") {
                Some("model! {") => kind = Some(false),
                Some("open_enum! {") => kind = Some(true),
                _ => {}
            }
            if let Some((id, _)) = line.strip_prefix("        info: \"").and_then(|rest| rest.split_once('"')) {
                self.operations.insert(id.to_owned());
            }
            let declared = line
                .strip_prefix("    ")
                .and_then(|rest| rest.strip_suffix(" {"))
                .filter(|name| name.chars().all(char::is_alphanumeric));
            if let (Some(name), Some(is_enum)) = (declared, kind) {
                if is_enum { &mut self.enums } else { &mut self.messages }.insert(format!("{package}.{name}"));
                kind = None;
            }
            if let Some(name) = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {")) {
                self.messages.insert(format!("{package}.{name}"));
            }
        }
    }
}
