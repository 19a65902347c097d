//! `cargo xtask spec diff OLD NEW`: what another release of the description changes, and what of it breaks callers.

mod log;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};

use crate::ir::{self, Api, Doc, Message, Operation, Output, Ty};
use crate::spec::{Documents, Signatures, Stage};
use log::Change;
pub(crate) use log::{Effect, Log};

const OVERRIDES: &str = "overrides.json";
const GONE: &str = "what names it no longer compiles";
const TYPE: &str = "values of the former type no longer fit";
const REQUIRED: &str = "the service refuses requests without it";
const ARGUMENT: &str = "`new` takes other arguments";
const OUTPUT: &str = "what is read from the response has another type";

/// Prints the differences of two directories.
///
/// Documents alone are enough: what people decide is taken from the other directory where one lacks it, and put on the
/// safe side where both do; the newer API keeps the signatures of the older one.
pub(crate) fn run(root: &Path, old: &Path, new: &Path) -> Result<()> {
    let mut before = Documents::read(old)?;
    let mut after = Documents::read(new)?;
    if before.signatures == Signatures::default() {
        before.signatures = std::mem::take(&mut Documents::read(new)?.signatures);
    }
    match (old.join(OVERRIDES).exists(), new.join(OVERRIDES).exists()) {
        (false, true) => before.overrides = Documents::read(new)?.overrides,
        (true, false) => after.overrides = Documents::read(old)?.overrides,
        _ => {}
    }
    let (old, signatures) = decided(before)?;
    if after.signatures == Signatures::default() {
        after.signatures = signatures;
    }
    let (new, _) = decided(after)?;
    print!("{}", compare(&old, &new).render(&workspace_version(root)?));
    Ok(())
}

/// The version that all our crates share.
pub(crate) fn workspace_version(root: &Path) -> Result<String> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    Ok(line.context("Cargo.toml has no version of the workspace")?.trim_matches('"').to_owned())
}

/// All differences.
pub(crate) fn compare(old: &Api, new: &Api) -> Log {
    let mut changes = Changes { list: Vec::new(), package: String::new(), preview: false };
    for name in old.packages.keys().chain(new.packages.keys()).collect::<BTreeSet<_>>() {
        changes.package = name.clone();
        changes.preview = [old, new].iter().any(|api| api.packages.get(name).is_some_and(|p| p.preview.is_some()));
        let (before, after) = (old.packages.get(name), new.packages.get(name));
        match (before, after) {
            (Some(_), None) => changes.breaks(format!("removed: package {name}"), GONE),
            (None, Some(_)) => changes.adds(format!("added: package {name}")),
            _ => {}
        }
        changes.sets("operation", &operations(before), &operations(after), operation);
        changes.sets("message", &messages(before), &messages(after), message);
        changes.sets("enum", &enums(before), &enums(after), enumeration);
    }
    Log { old: old.version.clone(), new: new.version.clone(), changes: changes.list }
}

struct Changes {
    list: Vec<Change>,
    package: String,
    /// Whether what is compared is in preview.
    preview: bool,
}

/// A thing that may be kept for a while after the API removed it.
trait Kept {
    fn doc(&self) -> &Doc;

    /// Whether the service may break it at any time.
    fn unstable(&self) -> bool;
}

impl Kept for Operation {
    fn doc(&self) -> &Doc {
        &self.doc
    }

    fn unstable(&self) -> bool {
        self.preview.is_some_and(Stage::is_unstable)
    }
}

impl Kept for Message {
    fn doc(&self) -> &Doc {
        &self.doc
    }

    fn unstable(&self) -> bool {
        self.gated
    }
}

impl Kept for ir::Enum {
    fn doc(&self) -> &Doc {
        &self.doc
    }

    fn unstable(&self) -> bool {
        self.gated
    }
}

impl Changes {
    fn tell(&mut self, text: String, effect: Effect) {
        self.list.push(Change { package: self.package.clone(), text, effect });
    }

    fn adds(&mut self, text: String) {
        self.tell(text, Effect::Adds);
    }

    fn keeps(&mut self, text: String) {
        self.tell(text, Effect::Keeps);
    }

    fn breaks(&mut self, text: String, reason: &'static str) {
        self.tell(text, if self.preview { Effect::BreaksPreview(reason) } else { Effect::Breaks(reason) });
    }

    /// States what the API removed and we keep.
    fn retired(&mut self, what: &str, before: &Doc, after: &Doc) -> bool {
        let now = before.retired.is_none() && after.retired.is_some();
        if now {
            self.keeps(format!("retired: {what}, kept as deprecated"));
        }
        now
    }

    /// States what was removed and what was added, and hands over what is in both.
    fn sets<'a, T: Kept>(
        &mut self,
        what: &str,
        old: &BTreeMap<String, &'a T>,
        new: &BTreeMap<String, &'a T>,
        mut both: impl FnMut(&mut Self, &str, &'a T, &'a T),
    ) {
        let package = self.preview;
        for (name, gone) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            self.preview = package || gone.unstable();
            self.breaks(format!("removed: {what} {name}"), GONE);
        }
        for name in new.keys().filter(|name| !old.contains_key(*name)) {
            self.adds(format!("added: {what} {name}"));
        }
        for (name, before) in old {
            if let Some(after) = new.get(name)
                && !self.retired(&format!("{what} {name}"), before.doc(), after.doc())
            {
                // What was promised once stays promised: moving something into preview breaks callers.
                self.preview = package || before.unstable();
                both(self, name, before, after);
            }
        }
        self.preview = package;
    }
}

fn operations(package: Option<&ir::Package>) -> BTreeMap<String, &Operation> {
    let services = package.into_iter().flat_map(|package| &package.services);
    services.flat_map(|service| &service.operations).map(|it| (it.id.clone(), it)).collect()
}

fn messages(package: Option<&ir::Package>) -> BTreeMap<String, &Message> {
    package.into_iter().flat_map(|p| p.messages.iter().map(|it| (format!("{}.{}", p.name, it.name), it))).collect()
}

fn enums(package: Option<&ir::Package>) -> BTreeMap<String, &ir::Enum> {
    package.into_iter().flat_map(|p| p.enums.iter().map(|it| (format!("{}.{}", p.name, it.name), it))).collect()
}

fn message(changes: &mut Changes, name: &str, before: &Message, after: &Message) {
    for (member, required) in before.members() {
        let wire = &member.wire;
        match after.member(wire) {
            None => changes.breaks(format!("removed: member {name}.{wire}"), GONE),
            Some((now, _)) if changes.retired(&format!("member {name}.{wire}"), &member.doc, &now.doc) => {}
            Some((now, _)) if !same(&member.ty, &now.ty) => changes
                .breaks(format!("changed: member {name}.{wire}, {} -> {}", text(&member.ty), text(&now.ty)), TYPE),
            Some((_, is)) if required != is => changes.breaks(
                format!("changed: member {name}.{wire} is {} an argument", if is { "now" } else { "no longer" }),
                ARGUMENT,
            ),
            Some((now, _)) if !member.doc.deprecated && now.doc.deprecated => {
                changes.keeps(format!("deprecated: member {name}.{wire}"));
            }
            Some(_) => {}
        }
    }
    for (member, required) in after.members().filter(|(member, _)| before.member(&member.wire).is_none()) {
        let text = format!("added: member {name}.{}", member.wire);
        if required { changes.breaks(text + ", an argument", ARGUMENT) } else { changes.adds(text) }
    }
}

fn enumeration(changes: &mut Changes, name: &str, before: &ir::Enum, after: &ir::Enum) {
    for value in &before.values {
        match after.values.iter().find(|now| now.wire == value.wire) {
            None => changes.breaks(format!("removed: value {name}.{}", value.wire), GONE),
            Some(now) if !value.doc.deprecated && now.doc.deprecated => {
                changes.keeps(format!("deprecated: value {name}.{}", value.wire));
            }
            Some(_) => {}
        }
    }
    for value in after.values.iter().filter(|now| !before.values.iter().any(|value| value.wire == now.wire)) {
        changes.adds(format!("added: value {name}.{}", value.wire));
    }
}

fn operation(changes: &mut Changes, id: &str, before: &Operation, after: &Operation) {
    let route = |operation: &Operation| format!("{} {}", operation.method.upper(), operation.path);
    if route(before) != route(after) {
        changes.keeps(format!("changed: {id} is {} now, was {}", route(after), route(before)));
    }
    let (was, is) = (output(before), output(after));
    if was != is {
        changes.breaks(format!("changed: {id} responds with {is}, was {was}"), OUTPUT);
    }
    for input in &before.inputs {
        let wire = &input.wire;
        match after.input(wire) {
            None => changes.breaks(format!("removed: input {wire} of {id}"), GONE),
            Some(now) if changes.retired(&format!("input {wire} of {id}"), &input.doc, &now.doc) => {}
            Some(now) if !same(&input.ty, &now.ty) => {
                changes
                    .breaks(format!("changed: input {wire} of {id}, {} -> {}", text(&input.ty), text(&now.ty)), TYPE);
            }
            Some(now) if !input.stated_required && now.stated_required => {
                changes.breaks(format!("changed: input {wire} of {id} is required now; it stays a setter"), REQUIRED);
            }
            Some(now) if input.stated_required && !now.stated_required => {
                changes.keeps(format!("changed: input {wire} of {id} may be left out now; it stays an argument"));
            }
            Some(now) if !input.doc.deprecated && now.doc.deprecated => {
                changes.keeps(format!("deprecated: input {wire} of {id}"));
            }
            Some(_) => {}
        }
    }
    for input in after.inputs.iter().filter(|input| before.input(&input.wire).is_none()) {
        let text = format!("added: input {} of {id}", input.wire);
        if input.stated_required { changes.breaks(text + ", which is required", REQUIRED) } else { changes.adds(text) }
    }
    for (what, was, is) in [
        ("paging", before.paging.is_some(), after.paging.is_some()),
        ("waiting", before.wait.is_some(), after.wait.is_some()),
        ("long-running work", before.lro.is_some(), after.lro.is_some()),
    ] {
        match (was, is) {
            (true, false) => changes.breaks(format!("removed: {what} of {id}"), GONE),
            (false, true) => changes.adds(format!("added: {what} of {id}")),
            _ => {}
        }
    }
    if !before.doc.deprecated && after.doc.deprecated {
        changes.keeps(format!("deprecated: {id}"));
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
        Ty::Nullable(inner) => format!("{} or null", text(inner)),
        Ty::Message(name) | Ty::Enum(name) | Ty::Boxed(name) => format!("{}.{}", name.package, name.name),
        plain => format!("{plain:?}").to_lowercase(),
    }
}

/// Builds with everything undecided put on the safe side, in memory.
pub(crate) fn decided(mut documents: Documents) -> Result<(Api, Signatures)> {
    let pending = ir::pending(&documents)?;
    for stale in &pending.stale {
        documents.overrides.remove(stale.section, &stale.entry);
        documents.preview.remove(stale.section, &stale.entry);
    }
    for entry in &pending.unused {
        documents.sensitive.remove(entry);
    }
    for (path, free) in pending.sensitive {
        documents.sensitive.decide(path, free);
    }
    documents.signatures.operations.extend(pending.signatures.operations);
    documents.signatures.messages.extend(pending.signatures.messages);
    ir::build(&documents)
}
