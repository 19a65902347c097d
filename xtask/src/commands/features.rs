//! `cargo xtask features`: does every package build alone?

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::codegen::SPEC;
use crate::spec::Documents;

/// Checks `crate_name` with no feature, with all packages but nothing in preview (the workspace has previews on), and with each package's feature alone. With `sample`, one in so many packages, chosen by
/// the commit, so that a check of the same commit gives the same result and a row of commits covers all.
pub(crate) fn run(root: &Path, crate_name: &str, sample: Option<u64>) -> Result<()> {
    let documents = Documents::read(&root.join(SPEC))?;
    let commit = commit_number(root);
    let every = sample.unwrap_or(1).max(1);
    let features: Vec<String> = documents
        .packages
        .keys()
        .map(|name| match documents.preview.packages.get(name) {
            Some(_) => format!("preview-{name}"),
            None => name.clone(),
        })
        .collect();
    let chosen =
        features.iter().enumerate().filter(|(i, _)| *i as u64 % every == commit % every).map(|(_, name)| name.as_str());
    let mut failed = Vec::new();
    for feature in ["", "full"].into_iter().chain(chosen) {
        let shown = if feature.is_empty() { "(none)" } else { feature };
        let mut command = super::process::cargo();
        command.current_dir(root).args([
            "check",
            "--quiet",
            "--package",
            crate_name,
            "--no-default-features",
            "--features",
            feature,
        ]);
        let status = command.status().context("cannot start cargo")?;
        println!("{shown:<24} {}", if status.success() { "builds" } else { "fails" });
        if !status.success() {
            failed.push(shown);
        }
    }
    ensure!(failed.is_empty(), "{crate_name} does not build with: {}", failed.join(", "));
    Ok(())
}

/// The first digits of the commit's hash as a number, 0 outside of a repository.
pub(crate) fn commit_number(root: &Path) -> u64 {
    let output = Command::new("git").current_dir(root).args(["rev-parse", "--short=8", "HEAD"]).output();
    let hash = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    u64::from_str_radix(hash.trim(), 16).unwrap_or(0)
}
