//! `cargo xtask docs-coverage`: what has no text of ours.

use std::path::Path;

use anyhow::{Result, ensure};

use super::codegen::SPEC;
use crate::ir::{self, Api, Doc};
use crate::spec::Documents;

/// Prints how much has a text, and fails if anything lacks one without a reason.
pub(crate) fn run(root: &Path, list: bool) -> Result<()> {
    let (api, _) = ir::build(&Documents::read(&root.join(SPEC))?)?;
    let table = Table::of(&api);
    table.print(&api, list);
    let lacking: usize = table.rows.iter().map(|row| row.2.len()).sum();
    ensure!(lacking == 0, "{lacking} things lack a text: `cargo xtask docs-coverage --list` names them");
    Ok(())
}

/// Everything that has no text, by name.
pub(crate) fn missing(api: &Api) -> Vec<String> {
    let rows = Table::of(api).rows.into_iter();
    rows.flat_map(|(what, _, names)| names.into_iter().map(move |name| format!("{what}: {name}"))).collect()
}

#[derive(Default)]
struct Table {
    /// What, how many have a text, and the names of those that have none.
    rows: Vec<(&'static str, usize, Vec<String>)>,
}

impl Table {
    fn of(api: &Api) -> Self {
        let mut table = Self::default();
        for package in api.packages.values() {
            let name = &package.name;
            for service in &package.services {
                table.count("services", &service.doc, || service.name.clone());
                for operation in &service.operations {
                    table.count("operations", &operation.doc, || operation.id.clone());
                    for input in &operation.inputs {
                        table.count("inputs", &input.doc, || format!("{} {}", operation.id, input.wire));
                    }
                }
            }
            for message in &package.messages {
                table.count("messages", &message.doc, || format!("{name}.{}", message.name));
                for (member, _) in message.members() {
                    table.count("members", &member.doc, || format!("{name}.{} {}", message.name, member.wire));
                }
            }
            for e in &package.enums {
                table.count("enums", &e.doc, || format!("{name}.{}", e.name));
                for value in &e.values {
                    table.count("values", &value.doc, || format!("{name}.{} {}", e.name, value.wire));
                }
            }
        }
        table
    }

    fn count(&mut self, what: &'static str, doc: &Doc, name: impl FnOnce() -> String) {
        let at = self.rows.iter().position(|row| row.0 == what).unwrap_or_else(|| {
            self.rows.push((what, 0, Vec::new()));
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        if doc.text.is_some() { row.1 += 1 } else { row.2.push(name()) }
    }

    fn print(&self, api: &Api, list: bool) {
        println!("texts of {}", api.version);
        for (what, with, without) in &self.rows {
            println!("{what:<12} {with:>6} of {:>6}", with + without.len());
            for name in without.iter().filter(|_| list) {
                println!("  {name}");
            }
        }
    }
}
