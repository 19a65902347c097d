//! `cargo xtask follow SOURCE`: everything that a release of the API asks of the project, as one change to review.

mod upkeep;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::codegen::SPEC;
use super::diff::{self, Log, decided, workspace_version};
use super::{codegen, coverage, docs_coverage, import, lint};
use crate::ir::{self, Api};
use crate::spec::{Documents, Retired, raw, series};

const CHANGELOG: &str = "CHANGELOG.md";

/// Imports, compares, extends what people keep, generates, checks, lists what lacks a text, and writes an entry of the
/// change log.
///
/// * `source`: a wheel, an unpacked wheel, or a version that `pip download` finds.
pub(crate) fn run(root: &Path, source: &str) -> Result<()> {
    let directory = root.join(SPEC);
    // Whatever is undecided in them: this may be run anew after it stopped half-way.
    let (old, _) = decided(Documents::read(&directory)?).context("the present documents")?;
    let version = workspace_version(root)?;
    let lacking = docs_coverage::missing(&old);
    // What was retired in this series stays; what earlier releases kept goes now.
    let mut before = raw(&directory)?;
    let retired = Retired::read(&directory)?;
    if retired.is_of(&series(&version)) {
        retired.merge(&mut before)?;
    }

    import::run(root, &directory, source)?;
    retire(&directory, &before, &series(&version))?;
    let review = upkeep::extend(&directory)?;
    let (new, _) = ir::build(&Documents::read(&directory)?).context("the imported documents")?;
    let log = diff::compare(&old, &new);
    println!("\n{}", log.render(&version));
    println!("{review}");
    codegen::run(root, false)?;
    enter(root, &log)?;

    lint::run(&directory)?;
    coverage::run(root)?;
    import::check_copied(root, source)?;
    texts(&lacking, &new);
    println!("\nto finish: review the diff, write the texts, run `cargo xtask codegen`, `cargo xtask ci`");
    Ok(())
}

/// Keeps what the import removed; a package in which it does not fit is named, and loses it.
fn retire(directory: &Path, before: &BTreeMap<String, String>, series: &str) -> Result<()> {
    let after = raw(directory)?;
    let release = after.values().next().map(|text| release(text)).transpose()?.unwrap_or_default();
    let mut retired = Retired::find(before, &after, &release, series)?;
    loop {
        retired.write(directory)?;
        let result = Documents::read(directory).and_then(|documents| decided(documents).map(|_| ()));
        let Err(error) = result else { return Ok(()) };
        // Which package it is stands in the error's outermost context.
        let outer = error.to_string();
        let package = outer.strip_prefix("package ").unwrap_or(&outer).to_owned();
        if !retired.drop_package(&package) {
            return Err(error.context("what the API removed cannot be kept"));
        }
        println!("what {package} lost cannot be kept beside what it has now: {error:#}");
    }
}

/// The release that a document was imported from.
fn release(text: &str) -> Result<String> {
    let document: serde_json::Value = serde_json::from_str(text)?;
    Ok(document["info"]["version"].as_str().unwrap_or_default().trim_end_matches("-facts").to_owned())
}

/// Puts an entry on top of what is unreleased.
fn enter(root: &Path, log: &Log) -> Result<()> {
    if log.changes.is_empty() {
        return Ok(());
    }
    let path = root.join(CHANGELOG);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {CHANGELOG}"))?;
    let mark = "## Unreleased\n\n";
    let at = text.find(mark).with_context(|| format!("{CHANGELOG} has no section `## Unreleased`"))? + mark.len();
    let entry = log.entry();
    if text[at..].starts_with(&entry) {
        return Ok(());
    }
    std::fs::write(&path, format!("{}{entry}{}", &text[..at], &text[at..]))
        .with_context(|| format!("cannot write {CHANGELOG}"))
}

/// Lists what has no text and had none before, or is new.
fn texts(before: &[String], new: &Api) {
    let now = docs_coverage::missing(new);
    let added: Vec<_> = now.iter().filter(|name| !before.contains(name)).collect();
    println!("\n{} things lack a text, {} of them are new", now.len(), added.len());
    for name in added {
        println!("  {name}");
    }
}
