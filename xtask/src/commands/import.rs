//! `cargo xtask spec import SOURCE`: the documents from a release of the official Python client.
//!
//! The program that reads the client is `xtask/importer`, in Python for its parser of Python.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::codegen::SPEC;

/// Writes the documents of `directory` anew.
///
/// * `source`: a wheel, an unpacked wheel, or a version that `pip download` finds.
pub(crate) fn run(root: &Path, directory: &Path, source: &str) -> Result<()> {
    importer(root, directory, source, &[]).context("the source cannot be imported")
}

/// Compares our texts with the prose of the source: no sentence may be copied.
pub(crate) fn check_copied(root: &Path, source: &str) -> Result<()> {
    importer(root, &root.join(SPEC), source, &["--copied"]).context("texts repeat the source")
}

/// Writes the launch stages of operations into `preview.json`.
///
/// * `source`: a checkout of the official command line, whose source states them.
pub(crate) fn stages(root: &Path, source: &str) -> Result<()> {
    let preview = root.join(SPEC).join("preview.json");
    let preview = preview.to_str().context("the path of the workspace is not UTF-8")?;
    importer(root, &root.join(SPEC), source, &["--stages", preview]).context("the stages cannot be read")
}

fn importer(root: &Path, directory: &Path, source: &str, more: &[&str]) -> Result<()> {
    let mut python = Command::new("python3");
    // `-B`: no compiled files beside the source.
    python.arg("-B").arg(root.join("xtask/importer")).arg(source).arg("--out").arg(directory);
    python.arg("--names").arg(directory.join("names.json")).args(more);
    let status = python.status().context("cannot start python3, which reads the client's source")?;
    ensure!(status.success(), "see above");
    Ok(())
}
