//! Masks of updates: which paths a mask can hold, as entries of one string that the request's builder reads.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::{Message, Operation, Package, Ty, TypeRef};
use crate::spec::{Documents, MaskOverride};

/// Members that state which version a request is for; no update sets them.
const VERSION: &str = "etag";

/// Fills the entries of every mask that is computed.
pub(super) fn resolve(documents: &Documents, packages: &mut BTreeMap<String, Package>) -> Result<()> {
    let mut entries = BTreeMap::new();
    {
        let messages = Messages(packages);
        for operation in packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations) {
            if let Some(mask) = &operation.mask {
                let decided = documents.overrides.field_masks.get(&operation.id);
                let found = of_operation(&messages, operation, &mask.input, &mask.of, decided)
                    .with_context(|| format!("the mask of {}", operation.id))?;
                entries.insert(operation.id.clone(), found);
            }
        }
    }
    for operation in packages.values_mut().flat_map(|p| &mut p.services).flat_map(|s| &mut s.operations) {
        if let (Some(found), Some(mask)) = (entries.remove(&operation.id), &mut operation.mask) {
            mask.entries = found;
        }
    }
    Ok(())
}

/// The operations whose overrides name paths that their messages do not have.
pub(super) fn stale(documents: &Documents, packages: &BTreeMap<String, Package>) -> Vec<String> {
    let messages = Messages(packages);
    let operations = packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations);
    let masks = operations.filter_map(|operation| Some((operation, operation.mask.as_ref()?)));
    masks
        .filter_map(|(operation, mask)| {
            let decided = documents.overrides.field_masks.get(&operation.id)?;
            let of = operation.input(&mask.of)?;
            let MaskOverride { none: _, paths, whole, into, except, named } = decided;
            let mut all = paths.iter().chain(whole).chain(into).chain(except).chain(named.keys());
            (!all.all(|path| messages.has(&of.ty, path))).then(|| operation.id.clone())
        })
        .collect()
}

struct Messages<'a>(&'a BTreeMap<String, Package>);

impl<'a> Messages<'a> {
    fn get<'t>(&self, ty: &'t Ty) -> Option<(&'t TypeRef, &'a Message)> {
        match ty {
            Ty::Message(name) | Ty::Boxed(name) => {
                let message = self.0.get(&name.package)?.messages.iter().find(|message| message.name == name.name)?;
                Some((name, message))
            }
            Ty::Nullable(inner) => self.get(inner),
            _ => None,
        }
    }

    /// Whether a dotted path leads from this type to a member.
    fn has(&self, ty: &Ty, path: &str) -> bool {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let member = self.get(ty).and_then(|(_, message)| message.member(first));
        member.is_some_and(|(member, _)| rest.is_none_or(|rest| self.has(&member.ty, rest)))
    }
}

fn of_operation(
    messages: &Messages<'_>,
    operation: &Operation,
    mask: &str,
    of: &str,
    decided: Option<&MaskOverride>,
) -> Result<String> {
    let mask = operation.input(mask).with_context(|| format!("{mask} is not an input"))?;
    let input = operation.input(of).with_context(|| format!("{of} is not an input"))?;
    let (name, message) = messages.get(&input.ty).with_context(|| format!("{of} is not a message"))?;
    let none = MaskOverride::default();
    let decided = decided.unwrap_or(&none);
    let mut walk = Walk { messages, decided, entries: Vec::new(), open: vec![name.clone()] };
    let identify: BTreeSet<&str> = operation
        .inputs
        .iter()
        .map(|input| input.wire.as_str())
        .filter(|wire| ![of, mask.wire.as_str()].contains(wire))
        .chain([VERSION])
        .collect();
    for (member, _) in message.members().filter(|(member, _)| identify.contains(member.wire.as_str())) {
        walk.entries.push(format!("-{}", member.wire));
    }
    walk.message(message, "");
    let mut entries = walk.entries;
    let MaskOverride { paths, into, except, named, .. } = decided;
    if !paths.is_empty() {
        // What the mask can name is known, so that nothing else has to be stated.
        entries.retain(|entry| entry.starts_with('-'));
        entries.extend(paths.iter().map(|path| format!("={path}")));
    }
    entries.extend(into.iter().map(|path| format!("{path}/")));
    entries.extend(except.iter().map(|path| format!("-{path}")));
    entries.extend(named.iter().map(|(path, other)| format!("{path}>{other}")));
    if !mask.stated_required {
        entries.push("?".to_owned());
    }
    entries.sort();
    entries.dedup();
    Ok(entries.join(" "))
}

struct Walk<'a> {
    messages: &'a Messages<'a>,
    decided: &'a MaskOverride,
    entries: Vec<String>,
    /// The messages from the outermost one to this; one within itself is named as a whole.
    open: Vec<TypeRef>,
}

impl Walk<'_> {
    fn message(&mut self, message: &Message, prefix: &str) {
        for (member, _) in message.members() {
            let path = format!("{prefix}{}", member.wire);
            let left_out = format!("-{path}");
            if member.read_only && !self.entries.contains(&left_out) {
                self.entries.push(left_out.clone());
            }
            if self.entries.contains(&left_out) || self.decided.whole.contains(&path) {
                continue;
            }
            if let Some((name, inner)) = self.messages.get(&member.ty)
                && !self.open.contains(name)
            {
                self.entries.push(format!("{path}/"));
                self.open.push(name.clone());
                self.message(inner, &format!("{path}."));
                self.open.pop();
            }
        }
    }
}
