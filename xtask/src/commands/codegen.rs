//! `cargo xtask codegen`: models, services and features from the description.

use std::path::Path;

use anyhow::Result;

use crate::files::Files;
use crate::spec::Documents;
use crate::{emit, ir};

pub(crate) const SPEC: &str = "crates/models/openapi";
pub(crate) const MODELS: &str = "crates/models/src/generated";
const SERVICES: &str = "crates/sdk/src/services";
const COMMAND: &str = "cargo xtask codegen";

pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let files = render(root)?;
    if check {
        files.check(root, COMMAND)
    } else {
        let changed = files.write(root)?;
        eprintln!("{changed} files changed");
        Ok(())
    }
}

/// Everything that is generated, in memory.
fn render(root: &Path) -> Result<Files> {
    let documents = Documents::read(&root.join(SPEC))?;
    let (api, signatures) = ir::build(&documents)?;
    let mut files = Files::default();
    files.add(Path::new(SPEC).join("signatures.json"), signatures.render());
    emit::models(&api, MODELS, true, &mut files)?;
    emit::facade(&api, SERVICES, "databricks_models", true, &mut files)?;
    emit::manifests(&api, root, &mut files)?;
    Ok(files)
}
