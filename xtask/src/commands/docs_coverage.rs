//! `cargo xtask docs-coverage`: what has no text of ours.

use std::path::Path;

use anyhow::Result;

use super::codegen::SPEC;
use crate::ir::{self, Api, Doc};
use crate::spec::Documents;

pub(crate) fn run(root: &Path, list: bool) -> Result<()> {
    let (api, _) = ir::build(&Documents::read(&root.join(SPEC))?)?;
    let mut table = Table::default();
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
    table.print(&api, list);
    Ok(())
}

#[derive(Default)]
struct Table {
    /// What, how many have a text, and the names of those that have none.
    rows: Vec<(&'static str, usize, Vec<String>)>,
}

impl Table {
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
