//! `cargo xtask release`: checks that every published crate is ready, and hands all of them to `cargo publish` in one go, which
//! packs, compiles and uploads them in the order of their arrows.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// How far a release goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Upload nothing.
    #[arg(long)]
    dry_run: bool,
    /// Pack the crates, but do not compile what was packed.
    #[arg(long, requires = "dry_run")]
    no_verify: bool,
    /// Pack the files as they are, committed or not.
    #[arg(long, requires = "dry_run")]
    allow_dirty: bool,
}

impl Options {
    /// What the project's check runs: everything but compiling once more.
    pub(crate) fn check() -> Self {
        Self { dry_run: true, no_verify: true, allow_dirty: true }
    }
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let crates = published(root)?;
    let mut complaints: Vec<String> = crates.iter().flat_map(Package::complaints).collect();
    let changelog = std::fs::read_to_string(root.join("CHANGELOG.md")).context("cannot read CHANGELOG.md")?;
    let version =
        &crates.iter().find(|one| one.name == "databricks-sdk").context("there is no databricks-sdk")?.version;
    match (changelog.lines().any(|line| names_version(line, version)), options.dry_run) {
        (true, _) => {}
        (false, true) => println!("CHANGELOG.md has no section {version} yet; a release needs one"),
        (false, false) => complaints.push(format!("CHANGELOG.md has no section {version}: rename \"Unreleased\"")),
    }
    ensure!(complaints.is_empty(), "not ready for a release:\n  {}", complaints.join("\n  "));

    let mut command = super::process::cargo();
    command.current_dir(root).args(["publish", "--locked"]);
    for (flag, wanted) in
        [("--dry-run", options.dry_run), ("--no-verify", options.no_verify), ("--allow-dirty", options.allow_dirty)]
    {
        if wanted {
            command.arg(flag);
        }
    }
    for one in &crates {
        println!("{} {}", one.name, one.version);
        command.args(["--package", &one.name]);
    }
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo publish: {status}");
    }
    Ok(())
}

/// Whether a line of the change log heads the section of a version: `## 0.1.0`, perhaps with a date behind it.
fn names_version(line: &str, version: &str) -> bool {
    line.strip_prefix("## ").is_some_and(|rest| rest.split_whitespace().next() == Some(version))
}

/// What cargo states of a package, as far as crates.io shows or demands it.
#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    description: Option<String>,
    license: Option<String>,
    readme: Option<String>,
    repository: Option<String>,
    rust_version: Option<String>,
    categories: Vec<String>,
    keywords: Vec<String>,
    metadata: Option<serde_json::Value>,
    manifest_path: String,
    /// The registries that it may go to; an empty list forbids all.
    publish: Option<Vec<String>>,
}

impl Package {
    /// What a reader of its page would miss, or crates.io refuse.
    fn complaints(&self) -> Vec<String> {
        let directory = Path::new(&self.manifest_path).parent().unwrap_or(Path::new("."));
        let docs_rs = self.metadata.as_ref().and_then(|metadata| metadata.pointer("/docs/rs/all-features"));
        let readme = self.readme.as_ref().is_some_and(|name| directory.join(name).is_file());
        [
            (self.description.is_some(), "has no description"),
            (self.license.is_some(), "has no license"),
            (directory.join("LICENSE-MIT").is_file(), "lacks the file LICENSE-MIT"),
            (directory.join("LICENSE-APACHE").is_file(), "lacks the file LICENSE-APACHE"),
            (readme, "has no README"),
            (self.repository.is_some(), "has no repository"),
            (self.rust_version.is_some(), "has no rust-version"),
            ((1..=5).contains(&self.categories.len()), "needs 1 to 5 categories"),
            ((1..=5).contains(&self.keywords.len()), "needs 1 to 5 keywords"),
            (self.keywords.iter().all(|word| word.len() <= 20), "has a keyword of more than 20 characters"),
            (docs_rs == Some(&serde_json::Value::Bool(true)), "does not document all its features on docs.rs"),
        ]
        .into_iter()
        .filter(|(fine, _)| !fine)
        .map(|(_, complaint)| format!("{} {complaint}", self.name))
        .collect()
    }
}

/// The crates of the workspace that may be published.
fn published(root: &Path) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let output = super::process::cargo()
        .current_dir(root)
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cannot read the output of cargo metadata")?;
    Ok(metadata.packages.into_iter().filter(|one| one.publish.as_ref().is_none_or(|to| !to.is_empty())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_of_the_change_log_is_found_by_its_whole_version() {
        assert!(names_version("## 0.1.0", "0.1.0"));
        assert!(names_version("## 0.1.0 (2026-12-01)", "0.1.0"));
        assert!(!names_version("## 0.1.01", "0.1.0"));
        assert!(!names_version("# 0.1.0", "0.1.0"));
        assert!(!names_version("## Unreleased", "0.1.0"));
    }

    #[test]
    fn a_package_without_what_its_page_needs_is_named() {
        let bare: Package = serde_json::from_value(serde_json::json!({
            "name": "bare", "version": "0.1.0", "description": null, "license": "MIT", "readme": null, "repository": null,
            "rust_version": "1.90", "categories": [], "keywords": ["a-keyword-that-is-too-long"], "metadata": null,
            "manifest_path": "/nowhere/Cargo.toml", "publish": null,
        }))
        .unwrap_or_else(|error| panic!("{error}"));
        let complaints = bare.complaints().join("; ");
        for expected in
            ["no description", "LICENSE-MIT", "no README", "no repository", "categories", "20 characters", "docs.rs"]
        {
            assert!(complaints.contains(expected), "{expected}: {complaints}");
        }
        assert!(!complaints.contains("no license"), "{complaints}");
    }
}
