//! `cargo xtask codegen`: models, services and features from the description.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::files::Files;
use crate::ir::Api;
use crate::spec::Documents;
use crate::{emit, ir};

pub(crate) const SPEC: &str = "crates/models/openapi";
pub(crate) const MODELS: &str = "crates/models/src/generated";
const SERVICES: &str = "crates/sdk/src/services";
/// What drives every operation in the round trip against a foreign server.
const DRIVE: &str = "tests/interop/prism/generated";
/// The names that logs hide.
const NAMES: &str = "crates/core/src/redact/members.rs";
/// The operations that the embedded workspace routes by.
const ROUTES: &str = "crates/local/src/operations/table.txt";
const COMMAND: &str = "cargo xtask codegen";

pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let files = render(root)?;
    if check {
        files.check(root, COMMAND)?;
    } else {
        let changed = files.write(root)?;
        eprintln!("{changed} files changed");
    }
    own(&root.join(OWN), &root.join(OWN_SOURCE), check)
}

/// An example of documents of one's own, and what is generated from them into the crate of the tests.
const OWN: &str = "tests/private_preview/openapi";
const OWN_SOURCE: &str = "tests/private_preview/generated";

/// The documents of a made-up API in which every shape occurs, and the directory of what is generated from them for the
/// tests.
const SYNTHETIC: &str = "tests/synthetic/openapi";
const SYNTHETIC_SOURCE: &str = "tests/synthetic/generated";

/// Generates from documents of one's own into a crate of one's own: the module `models` below `out`, for a crate that
/// depends on `databricks-core`. A client's `call` makes the operations.
pub(crate) fn own(documents: &Path, out: &Path, check: bool) -> Result<()> {
    let mut files = Files::default();
    let (api, signatures) = ir::build(&Documents::read(documents)?)?;
    emit::models(&api, "models", false, &mut files)?;
    let path = documents.join("signatures.json");
    if check {
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        ensure!(kept == signatures.render(), "{} is not what the documents give", path.display());
        return files.check(out, COMMAND);
    }
    std::fs::write(&path, signatures.render()).with_context(|| format!("cannot write {}", path.display()))?;
    let changed = files.write(out)?;
    eprintln!("{changed} files changed in {}", out.display());
    Ok(())
}

/// Everything that is generated, in memory.
fn render(root: &Path) -> Result<Files> {
    let mut files = Files::default();
    let api = build(root, SPEC, &mut files)?;
    emit::models(&api, MODELS, true, &mut files)?;
    emit::facade(&api, SERVICES, "databricks_models", true, &mut files)?;
    emit::manifests(&api, root, &mut files)?;
    emit::drive(&api, DRIVE, &mut files)?;
    emit::hidden_names(&api, NAMES, &mut files)?;
    files.add(ROUTES, emit::table(&root.join(SPEC))?);
    let api = build(root, SYNTHETIC, &mut files)?;
    emit::models(&api, &format!("{SYNTHETIC_SOURCE}/models"), false, &mut files)?;
    emit::facade(&api, &format!("{SYNTHETIC_SOURCE}/services"), "crate::models", false, &mut files)?;
    Ok(files)
}

/// Reads a directory of documents, and adds its frozen signatures to the files.
fn build(root: &Path, directory: &str, files: &mut Files) -> Result<Api> {
    let (api, signatures) = ir::build(&Documents::read(&root.join(directory))?)?;
    files.add(Path::new(directory).join("signatures.json"), signatures.render());
    Ok(api)
}
