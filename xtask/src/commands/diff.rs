//! `cargo xtask spec diff OLD NEW`: what another release of the description changes, and what of it breaks callers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use crate::ir::{self, Api, Operation, Output, Ty};
use crate::spec::Documents;

pub(crate) fn run(old: &Path, new: &Path) -> Result<()> {
    let read =
        |directory: &Path| Documents::read(directory).and_then(|documents| ir::build(&documents)).map(|(api, _)| api);
    let (old, new) = (read(old)?, read(new)?);
    let changes = changes(&old, &new);
    println!(
        "{} -> {}: {} changes, {} of them break callers",
        old.version,
        new.version,
        changes.len(),
        changes.iter().filter(|c| c.breaks).count()
    );
    for change in changes {
        println!("{} {}", if change.breaks { "!" } else { " " }, change.text);
    }
    Ok(())
}

/// One difference.
pub(crate) struct Change {
    pub(crate) text: String,
    /// Whether callers have to change their programs.
    pub(crate) breaks: bool,
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn tell(&mut self, breaks: bool, text: String) {
        self.0.push(Change { text, breaks });
    }

    /// Tells what was removed, what was added, and hands over what is in both.
    fn sets<'a, T>(
        &mut self,
        what: &str,
        old: &BTreeMap<String, &'a T>,
        new: &BTreeMap<String, &'a T>,
        mut both: impl FnMut(&mut Self, &str, &'a T, &'a T),
    ) {
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            self.tell(true, format!("removed: {what} {name}"));
        }
        for name in new.keys().filter(|name| !old.contains_key(*name)) {
            self.tell(false, format!("added: {what} {name}"));
        }
        for (name, before) in old {
            if let Some(after) = new.get(name) {
                both(self, name, before, after);
            }
        }
    }
}

/// All differences.
pub(crate) fn changes(old: &Api, new: &Api) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.sets("operation", &operations(old), &operations(new), operation);
    let messages =
        |api| members(api, |package| package.messages.iter().map(|message| (message.name.as_str(), message)).collect());
    changes.sets("message", &messages(old), &messages(new), |changes, name, before, after| {
        let list = |message: &'_ ir::Message| {
            message
                .members()
                .map(|(member, required)| (member.wire.clone(), (member.ty.clone(), required)))
                .collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (list(before), list(after));
        for (wire, (ty, required)) in &before {
            match after.get(wire) {
                None => changes.tell(true, format!("removed: member {name}.{wire}")),
                Some((now, _)) if !same(ty, now) => {
                    changes.tell(true, format!("changed: member {name}.{wire}, {} -> {}", text(ty), text(now)));
                }
                Some((_, now)) if required != now => {
                    changes.tell(
                        true,
                        format!(
                            "changed: member {name}.{wire} is {} an argument",
                            if *now { "now" } else { "no longer" }
                        ),
                    );
                }
                Some(_) => {}
            }
        }
        for wire in after.keys().filter(|wire| !before.contains_key(*wire)) {
            changes.tell(false, format!("added: member {name}.{wire}"));
        }
    });
    let enums = |api| members(api, |package| package.enums.iter().map(|e| (e.name.as_str(), e)).collect());
    changes.sets("enum", &enums(old), &enums(new), |changes, name, before, after| {
        let list = |e: &'_ ir::Enum| e.values.iter().map(|value| value.wire.clone()).collect::<BTreeSet<_>>();
        let (before, after) = (list(before), list(after));
        for wire in before.difference(&after) {
            changes.tell(true, format!("removed: value {name}.{wire}"));
        }
        for wire in after.difference(&before) {
            changes.tell(false, format!("added: value {name}.{wire}"));
        }
    });
    changes.0
}

fn operations(api: &Api) -> BTreeMap<String, &Operation> {
    api.packages
        .values()
        .flat_map(|p| &p.services)
        .flat_map(|s| &s.operations)
        .map(|operation| (operation.id.clone(), operation))
        .collect()
}

fn members<T>(api: &Api, list: impl Fn(&ir::Package) -> Vec<(&str, &T)>) -> BTreeMap<String, &T> {
    api.packages
        .values()
        .flat_map(|package| list(package).into_iter().map(|(name, it)| (format!("{}.{name}", package.name), it)))
        .collect()
}

fn operation(changes: &mut Changes, id: &str, before: &Operation, after: &Operation) {
    let route = |operation: &Operation| format!("{} {}", operation.method.upper(), operation.path);
    if route(before) != route(after) {
        changes.tell(false, format!("changed: {id} is {} now, was {}", route(after), route(before)));
    }
    let (was, is) = (output(before), output(after));
    if was != is {
        changes.tell(true, format!("changed: {id} responds with {is}, was {was}"));
    }
    for input in &before.inputs {
        match after.input(&input.wire) {
            None => changes.tell(true, format!("removed: input {} of {id}", input.wire)),
            Some(now) if !same(&input.ty, &now.ty) => {
                changes.tell(
                    true,
                    format!("changed: input {} of {id}, {} -> {}", input.wire, text(&input.ty), text(&now.ty)),
                );
            }
            Some(now) if !input.stated_required && now.stated_required => {
                changes.tell(true, format!("changed: input {} of {id} is required now; it stays a setter", input.wire));
            }
            Some(now) if input.stated_required && !now.stated_required => {
                changes.tell(
                    false,
                    format!("changed: input {} of {id} may be left out now; it stays an argument", input.wire),
                );
            }
            Some(_) => {}
        }
    }
    for input in after.inputs.iter().filter(|input| before.input(&input.wire).is_none()) {
        let required = if input.stated_required { ", which is required" } else { "" };
        changes.tell(input.stated_required, format!("added: input {} of {id}{required}", input.wire));
    }
    for (what, was, is) in [
        ("paging", before.paging.is_some(), after.paging.is_some()),
        ("waiting", before.wait.is_some(), after.wait.is_some()),
        ("long-running work", before.lro.is_some(), after.lro.is_some()),
    ] {
        match (was, is) {
            (true, false) => changes.tell(true, format!("removed: {what} of {id}")),
            (false, true) => changes.tell(false, format!("added: {what} of {id}")),
            _ => {}
        }
    }
    if !before.doc.deprecated && after.doc.deprecated {
        changes.tell(false, format!("deprecated: {id}"));
    }
}

fn output(operation: &Operation) -> String {
    match &operation.output {
        Output::Empty => "nothing".to_owned(),
        Output::Bytes { .. } => "bytes".to_owned(),
        Output::Json(ty) => text(ty),
        Output::Headers(name) | Output::Stream { message: name, .. } => name.name.clone(),
    }
}

/// A box is a matter of how messages refer to each other, not of the API.
fn same(a: &Ty, b: &Ty) -> bool {
    a == b || text(a) == text(b)
}

fn text(ty: &Ty) -> String {
    match ty {
        Ty::List(inner) => format!("list of {}", text(inner)),
        Ty::Map(inner) => format!("map of {}", text(inner)),
        Ty::Message(name) | Ty::Enum(name) | Ty::Boxed(name) => format!("{}.{}", name.package, name.name),
        plain => format!("{plain:?}").to_lowercase(),
    }
}
