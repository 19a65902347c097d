//! Marks of members: which hold secrets, decided by a person for each, and which a listing is worth nothing without.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use heck::ToSnakeCase;

use super::{HiddenNames, Mark, Operation, Package, PagingKind, Ty, TypeRef};
use crate::spec::Sensitive;

/// Parts of names that sound like secrets, or like links and settings that may carry some; in lower case, without
/// separators.
const SUSPICIOUS: &[&str] = &[
    "secret",
    "passw",
    "passphrase",
    "token",
    "credential",
    "plaintext",
    "webhook",
    "private",
    "bearer",
    "auth",
    "signature",
    "cert",
    "assertion",
    "jwt",
    "cookie",
    "activation",
    "url",
    "uri",
    "link",
    "value",
    "content",
    "hash",
    "verifier",
    "key",
    "encrypt",
    "nonce",
    "login",
    "env",
    "conf",
    "option",
    "header",
    "session",
    "param",
    "extra",
    "metadata",
    "propert",
];

/// The same as whole words.
const SUSPICIOUS_WORDS: &[&str] = &["sas", "pat", "pin", "otp", "salt", "code", "pwd"];

/// Fills the marks of all members and inputs, and states which names logs hide.
///
/// # Errors
/// When a suspicious member is not decided, or a decision hits nothing.
pub(crate) fn resolve(sensitive: &Sensitive, packages: &mut BTreeMap<String, Package>) -> Result<HiddenNames> {
    let mut decisions = Decisions { sensitive, used: BTreeSet::new(), undecided: BTreeSet::new() };
    for package in packages.values_mut() {
        for message in &mut package.messages {
            let place = format!("{}.{}", package.name, message.name);
            for member in message.required.iter_mut().chain(&mut message.optional) {
                member.mark = decisions.mark(&place, &member.wire, &member.ty);
            }
        }
        for operation in package.services.iter_mut().flat_map(|service| &mut service.operations) {
            let id = operation.id.clone();
            for input in &mut operation.inputs {
                input.mark = decisions.mark(&id, &input.wire, &input.ty);
            }
        }
    }
    decisions.finish()?;
    essential(packages);
    Ok(hidden(sensitive, packages))
}

/// What `sensitive.json` leaves undecided, with whether the member is of free form, and what in it hits nothing.
pub(super) fn pending(
    sensitive: &Sensitive,
    packages: &BTreeMap<String, Package>,
) -> (BTreeMap<String, bool>, Vec<String>) {
    let mut decisions = Decisions { sensitive, used: BTreeSet::new(), undecided: BTreeSet::new() };
    let mut free = BTreeMap::new();
    let mut look = |place: &str, wire: &str, ty: &Ty| {
        decisions.mark(place, wire, ty);
        free.insert(format!("{place}.{wire}"), is_free(ty));
    };
    for package in packages.values() {
        for message in &package.messages {
            let place = format!("{}.{}", package.name, message.name);
            message.members().for_each(|(member, _)| look(&place, &member.wire, &member.ty));
        }
        for operation in package.services.iter().flat_map(|service| &service.operations) {
            operation.inputs.iter().for_each(|input| look(&operation.id, &input.wire, &input.ty));
        }
    }
    let unused = decisions.unused();
    free.retain(|path, _| decisions.undecided.contains(path));
    (free, unused)
}

struct Decisions<'a> {
    sensitive: &'a Sensitive,
    used: BTreeSet<&'a str>,
    undecided: BTreeSet<String>,
}

impl Decisions<'_> {
    fn mark(&mut self, place: &str, wire: &str, ty: &Ty) -> Mark {
        if !holds_text(ty) {
            return Mark::None;
        }
        let path = format!("{place}.{wire}");
        let sensitive = self.sensitive;
        for entry in [path.as_str(), wire] {
            for (list, mark) in [
                (&sensitive.secrets, Mark::Secret),
                (&sensitive.settings, Mark::Settings),
                (&sensitive.plain, Mark::None),
            ] {
                if let Some(entry) = list.get(entry) {
                    self.used.insert(entry);
                    return mark;
                }
            }
        }
        if is_suspicious(wire) || is_free(ty) {
            self.undecided.insert(path);
        }
        Mark::None
    }

    /// Decisions that hit nothing.
    fn unused(&self) -> Vec<String> {
        let lists = [&self.sensitive.secrets, &self.sensitive.settings, &self.sensitive.plain];
        lists.into_iter().flatten().filter(|entry| !self.used.contains(entry.as_str())).cloned().collect()
    }

    fn finish(self) -> Result<()> {
        let unused = self.unused();
        let undecided: Vec<_> = self.undecided.into_iter().collect();
        ensure!(
            undecided.is_empty(),
            "sensitive.json does not say whether these hold secrets (secrets, settings or plain):\n  {}",
            undecided.join("\n  ")
        );
        ensure!(unused.is_empty(), "sensitive.json decides members that do not exist: {}", unused.join(", "));
        Ok(())
    }
}

/// Whether a value may hold text that is not described.
fn holds_text(ty: &Ty) -> bool {
    match ty {
        Ty::String => true,
        Ty::List(inner) | Ty::Map(inner) | Ty::Nullable(inner) => holds_text(inner),
        other => is_free(other),
    }
}

/// Whether names within a value are not described, or nothing is.
fn is_free(ty: &Ty) -> bool {
    match ty {
        Ty::Any | Ty::Object => true,
        Ty::Map(inner) => holds_text(inner),
        Ty::List(inner) | Ty::Nullable(inner) => is_free(inner),
        _ => false,
    }
}

fn is_suspicious(wire: &str) -> bool {
    let spelling = spelling(wire);
    SUSPICIOUS.iter().any(|part| spelling.contains(part))
        || wire.to_snake_case().split('_').any(|word| SUSPICIOUS_WORDS.contains(&word))
}

/// A name without what its spellings differ in, as the redactor compares names.
fn spelling(wire: &str) -> String {
    wire.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Items and tokens of lists: a page without them must be an error, not an empty page.
fn essential(packages: &mut BTreeMap<String, Package>) {
    let mut found: BTreeSet<(TypeRef, String)> = BTreeSet::new();
    for operation in packages.values().flat_map(|package| &package.services).flat_map(|service| &service.operations) {
        let (Some(paging), Some(Ty::Message(output) | Ty::Boxed(output))) = (&operation.paging, operation.output.ty())
        else {
            continue;
        };
        found.insert((output.clone(), paging.items.wire.clone()));
        if let PagingKind::Token { response, .. } | PagingKind::Body { response, .. } = &paging.kind {
            found.insert((output, response.wire.clone()));
        }
    }
    for package in packages.values_mut() {
        for message in &mut package.messages {
            let ty = TypeRef { package: package.name.clone(), name: message.name.clone() };
            for member in message.required.iter_mut().chain(&mut message.optional) {
                if member.mark == Mark::None && found.contains(&(ty.clone(), member.wire.clone())) {
                    member.mark = Mark::Essential;
                }
            }
        }
    }
}

fn hidden(sensitive: &Sensitive, packages: &BTreeMap<String, Package>) -> HiddenNames {
    let names = |list: &BTreeSet<String>| {
        list.iter().filter(|entry| !entry.contains('.')).map(|entry| spelling(entry)).collect::<BTreeSet<_>>()
    };
    let mut hidden = HiddenNames {
        secrets: names(&sensitive.secrets),
        settings: names(&sensitive.settings),
        ..HiddenNames::default()
    };
    hidden.plain = names(&sensitive.plain)
        .into_iter()
        .filter(|name| !hidden.secrets.contains(name) && !hidden.settings.contains(name))
        .collect();
    for operation in packages.values().flat_map(|package| &package.services).flat_map(|service| &service.operations) {
        for (wire, mark) in marked(operation, packages) {
            let name = spelling(&wire);
            let (always, calls) = match mark {
                Mark::Secret => (&hidden.secrets, &mut hidden.secrets_in_calls),
                Mark::Settings => (&hidden.settings, &mut hidden.settings_in_calls),
                Mark::None | Mark::Essential => continue,
            };
            if !always.contains(&name) {
                calls.entry(name).or_default().insert(operation.path.clone());
            }
        }
    }
    hidden
}

/// The marked members of requests and responses of an operation, at any depth.
fn marked(operation: &Operation, packages: &BTreeMap<String, Package>) -> Vec<(String, Mark)> {
    let mut found: Vec<_> = operation.inputs.iter().map(|input| (input.wire.clone(), input.mark)).collect();
    let mut seen = BTreeSet::new();
    let mut open: Vec<TypeRef> = operation.inputs.iter().filter_map(|input| input.ty.reference().cloned()).collect();
    open.extend(operation.output.ty().and_then(|ty| ty.reference().cloned()));
    while let Some(ty) = open.pop() {
        let message = packages
            .get(&ty.package)
            .and_then(|package| package.messages.iter().find(|message| message.name == ty.name));
        let Some(message) = message.filter(|_| seen.insert(ty)) else { continue };
        for (member, _) in message.members() {
            found.push((member.wire.clone(), member.mark));
            open.extend(member.ty.reference().cloned());
        }
    }
    found
}
