//! The files that people keep, after an import: what no longer hits anything goes, what is new is decided on the safe
//! side, and all of it is listed for review.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::ir::{self, Stale};
use crate::spec::{
    Documents, KeptFile, PREVIEW_OPERATIONS, PREVIEW_PACKAGES, PREVIEW_PROMISED, Signatures, operations_of,
};

/// Extends `sensitive.json` and `signatures.json`, cleans `overrides.json`, `sensitive.json` and the texts. Returns what
/// is to be reviewed.
pub(super) fn extend(directory: &Path) -> Result<String> {
    let documents = Documents::read(directory)?;
    let pending = ir::pending(&documents)?;
    let mut review = String::from("to be reviewed:\n");
    let mut overrides = KeptFile::read(&directory.join("overrides.json"))?;
    for stale in &pending.stale {
        let _ = writeln!(review, "  overrides.json: {stale} hit nothing and is gone");
        overrides.remove(stale.section, &stale.entry);
    }
    overrides.write()?;
    stages(directory, &documents, &pending.stale, &mut review)?;
    let mut sensitive = KeptFile::read(&directory.join("sensitive.json"))?;
    for entry in &pending.unused {
        let _ = writeln!(review, "  sensitive.json: {entry} hit nothing and is gone");
        ["secrets", "settings", "plain"].iter().for_each(|section| sensitive.remove(section, entry));
    }
    for (path, free) in &pending.sensitive {
        // Hidden until a person finds that it holds no secret.
        let section = section(*free);
        let _ = writeln!(review, "  sensitive.json: {path} is in `{section}` until it is found to hold no secret");
        sensitive.insert(section, path);
    }
    sensitive.write()?;
    let signatures = sorted(documents, &pending.signatures, &mut review)?;
    let path = directory.join("signatures.json");
    std::fs::write(&path, signatures.render()).with_context(|| format!("cannot write {}", path.display()))?;
    texts(directory, &Documents::read(directory)?, &mut review)?;
    Ok(review)
}

/// Removes stages of what is gone, and takes new packages for ones that may change until a person finds out.
fn stages(directory: &Path, documents: &Documents, stale: &[Stale], review: &mut String) -> Result<()> {
    let mut preview = KeptFile::read(&directory.join("preview.json"))?;
    for (section, key) in
        [(PREVIEW_OPERATIONS, "operations"), (PREVIEW_PACKAGES, "packages"), (PREVIEW_PROMISED, "promised")]
    {
        stale.iter().filter(|it| it.section == section).for_each(|it| preview.remove(key, &it.entry));
    }
    let known: BTreeSet<&String> = documents.signatures.operations.keys().collect();
    for (name, document) in &documents.packages {
        let mut ids = operations_of(document).map(|(_, _, operation)| &operation.id).peekable();
        let is_new = ids.peek().is_some() && !ids.any(|id| known.contains(id));
        if is_new && !documents.preview.packages.contains_key(name) {
            let _ = writeln!(review, "  preview.json: {name} is new and `unlisted` until its stage is found");
            preview.set("packages", name, "unlisted");
        }
    }
    preview.write()
}

pub(crate) fn section(free: bool) -> &'static str {
    if free { "settings" } else { "secrets" }
}

fn sorted(documents: Documents, proposed: &Signatures, review: &mut String) -> Result<Signatures> {
    let mut signatures = documents.signatures;
    for (kind, proposed, kept) in [
        ("operations", &proposed.operations, &mut signatures.operations),
        ("messages", &proposed.messages, &mut signatures.messages),
    ] {
        for (key, order) in proposed {
            let _ = writeln!(review, "  signatures.json, {kind}: {key} takes ({})", order.join(", "));
            kept.insert(key.clone(), order.clone());
        }
    }
    Ok(signatures)
}

/// Removes texts of what no longer exists.
fn texts(directory: &Path, documents: &Documents, review: &mut String) -> Result<()> {
    let (api, _) = ir::build(documents)?;
    let entries = std::fs::read_dir(directory.join("docs")).context("cannot list the texts")?;
    for entry in entries {
        let path = entry?.path();
        let package = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let Some(document) = documents.packages.get(&package) else {
            let _ = writeln!(review, "  {} is gone with its package", path.display());
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            continue;
        };
        let mut file = KeptFile::read(&path)?;
        let mut gone = Vec::new();
        let mut keep = |there: bool, name: &str| {
            if !there {
                gone.push(name.to_owned());
            }
            there
        };
        let services: BTreeSet<&str> = document.tags.iter().map(|tag| tag.name.as_str()).collect();
        let ids: BTreeSet<&str> = operations_of(document).map(|(_, _, operation)| operation.id.as_str()).collect();
        let built = &api.packages[&package];
        file.retain(&["services"], |name| keep(services.contains(name), name));
        file.retain(&["operations"], |id| keep(ids.contains(id), id));
        let known = |name: &str| {
            built.messages.iter().any(|message| message.name == name) || built.enums.iter().any(|e| e.name == name)
        };
        file.retain(&["schemas"], |name| keep(known(name), name));
        for message in &built.messages {
            let name = &message.name;
            file.retain(&["schemas", name], |member| {
                keep(member.is_empty() || message.has(member), &format!("{name}.{member}"))
            });
        }
        for e in &built.enums {
            file.retain(&["schemas", &e.name], |value| {
                keep(value.is_empty() || e.values.iter().any(|it| it.wire == value), &format!("{}.{value}", e.name))
            });
        }
        file.write()?;
        for name in gone {
            let _ = writeln!(review, "  docs/{package}.json: the text of {name} is gone with it");
        }
    }
    Ok(())
}
