//! The order of arguments: what a compiler cannot distinguish has to be in an order that a person expects.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use super::{Message, Operation, Package, Place, Ty, TypeRef};
use crate::spec::Signatures;

/// Arguments of one type that a caller can still keep apart.
const MOST: usize = 3;

/// Checks every signature: several texts only in an order that was reviewed, path parameters as the URL has
/// them, no more than three arguments of a type unless they are the path's or only the service makes the message.
pub(super) fn check(packages: &BTreeMap<String, Package>, reviewed: &Signatures) -> Result<()> {
    for operation in packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations) {
        let arguments: Vec<_> = operation.required().map(|input| (input.wire.as_str(), &input.ty)).collect();
        in_url_order(operation)?;
        let own = operation.required().filter(|input| !is_path(&input.places)).map(|input| &input.ty);
        check_one("operations", &operation.id, &arguments, own, reviewed.operations.contains_key(&operation.id))?;
    }
    let sent = sent(packages);
    for (package, message) in
        packages.values().flat_map(|package| package.messages.iter().map(move |message| (package, message)))
    {
        let key = format!("{}.{}", package.name, message.name);
        let arguments: Vec<_> = message.required.iter().map(|member| (member.wire.as_str(), &member.ty)).collect();
        let own = message.required.iter().map(|member| &member.ty).filter(|_| sent.contains(&key));
        check_one("messages", &key, &arguments, own, reviewed.messages.contains_key(&key))?;
    }
    Ok(())
}

fn check_one<'a>(
    section: &str,
    key: &str,
    arguments: &[(&str, &Ty)],
    limited: impl Iterator<Item = &'a Ty>,
    reviewed: bool,
) -> Result<()> {
    let texts = arguments.iter().filter(|(_, ty)| is_text(ty)).count();
    let names: Vec<_> = arguments.iter().map(|(wire, _)| *wire).collect();
    ensure!(
        texts < 2 || reviewed,
        "{key} takes several texts, which a caller can swap unnoticed, and their order was never reviewed: add\n    {}: {}\nto \
         \"{section}\" of signatures.json, in the order that a person expects: path parameters as in the URL, then what identifies (name, \
         key, id), then what it is set to, `update_mask` last; at most {MOST} of one type, those left out become setters",
        serde_json::json!(key),
        serde_json::json!(names),
    );
    let limited: Vec<_> = limited.collect();
    // Those of the path cannot be left out, so they count, and yet never are too many by themselves.
    for ty in &limited {
        let all = arguments.iter().filter(|(_, other)| other == ty).count();
        ensure!(
            all <= MOST,
            "{key} takes {all} arguments of one type ({}): leave the last ones out of its line in \"{section}\" of signatures.json, so \
             that they become setters",
            names.join(", ")
        );
    }
    Ok(())
}

/// Orders for signatures that have to be reviewed and were not: path parameters as in the URL, then what identifies, then
/// what it is set to, `update_mask` last. Arguments of one type that are too many are left out, and become setters.
pub(super) fn propose(packages: &BTreeMap<String, Package>, reviewed: &Signatures) -> Signatures {
    let mut proposed = Signatures::default();
    for operation in packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations) {
        let arguments: Vec<_> =
            operation.required().map(|input| (input.wire.as_str(), &input.ty, is_path(&input.places))).collect();
        if needs_review(&arguments) && !reviewed.operations.contains_key(&operation.id) {
            proposed.operations.insert(operation.id.clone(), order(arguments));
        }
    }
    let sent = sent(packages);
    for package in packages.values() {
        for message in &package.messages {
            let key = format!("{}.{}", package.name, message.name);
            let arguments: Vec<_> = message.required.iter().map(|m| (m.wire.as_str(), &m.ty, false)).collect();
            if needs_review(&arguments) && !reviewed.messages.contains_key(&key) {
                // Messages that only the service makes keep all their members.
                let arguments = if sent.contains(&key) {
                    order(arguments)
                } else {
                    arguments.into_iter().map(|(wire, ..)| wire.to_owned()).collect()
                };
                proposed.messages.insert(key, arguments);
            }
        }
    }
    proposed
}

fn needs_review(arguments: &[(&str, &Ty, bool)]) -> bool {
    let texts = arguments.iter().filter(|(_, ty, _)| is_text(ty)).count();
    texts > 1 || arguments.iter().any(|(_, ty, _)| arguments.iter().filter(|(_, other, _)| other == ty).count() > MOST)
}

fn order(mut arguments: Vec<(&str, &Ty, bool)>) -> Vec<String> {
    arguments.sort_by_key(|(wire, _, path)| {
        let identifies = ["name", "key", "id"].iter().any(|it| wire == it || wire.ends_with(&format!("_{it}")));
        match (*path, *wire, identifies) {
            (true, ..) => 0,
            (_, "update_mask", _) => 3,
            (_, _, true) => 1,
            _ => 2,
        }
    });
    let mut kept: Vec<(&str, &Ty, bool)> = Vec::new();
    for argument in arguments {
        if argument.2 || kept.iter().filter(|(_, ty, _)| *ty == argument.1).count() < MOST {
            kept.push(argument);
        }
    }
    kept.into_iter().map(|(wire, ..)| wire.to_owned()).collect()
}

/// Whether a text literal can stand for it.
fn is_text(ty: &Ty) -> bool {
    matches!(ty, Ty::String | Ty::Enum(_) | Ty::FieldMask)
}

fn is_path(places: &[Place]) -> bool {
    places.iter().any(|place| matches!(place, Place::Path | Place::Segments))
}

fn in_url_order(operation: &Operation) -> Result<()> {
    let at = |wire: &str| operation.path.find(&format!("{{{wire}}}"));
    let path: Vec<_> = operation.required().map(|input| at(&input.wire)).collect();
    let mut sorted = path.clone();
    sorted.sort_by_key(|at| at.unwrap_or(usize::MAX));
    ensure!(path == sorted, "{}: path parameters come first, in the order of {}", operation.id, operation.path);
    Ok(())
}

/// The messages that callers make: inputs of operations, and what these hold.
fn sent(packages: &BTreeMap<String, Package>) -> BTreeSet<String> {
    let operations = packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations);
    let mut open: Vec<&TypeRef> = operations.flat_map(|o| &o.inputs).filter_map(|input| input.ty.reference()).collect();
    let mut sent = BTreeSet::new();
    while let Some(TypeRef { package, name }) = open.pop() {
        let message: Option<&Message> = packages.get(package).and_then(|p| p.messages.iter().find(|m| m.name == *name));
        if let Some(message) = message
            && sent.insert(format!("{package}.{name}"))
        {
            open.extend(message.members().filter_map(|(member, _)| member.ty.reference()));
        }
    }
    sent
}
