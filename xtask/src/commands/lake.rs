//! `cargo xtask lake`: volumes as an object store, by the tests that `object_store` offers and by engines.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The package, which is not a member of the workspace.
const PACKAGE: &str = "tests/lake";

/// What to run.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Run DataFusion over Parquet and delta-rs too, which are compiled for it: some 20 minutes of CPU.
    #[arg(long)]
    engines: bool,
}

/// Builds the embedded workspace and what talks to it, and runs the latter.
///
/// # Errors
/// When something cannot be built, or fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let program = root.join("target/debug").join(format!("databricks-local{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        // With the features of the workspace, so that the SQL engine is compiled once.
        cargo(root, &program, &["build", "--workspace", "--bin", "databricks-local"])?;
    }
    let package = root.join(PACKAGE);
    let target = root.join("target/lake");
    let target = target.to_str().context("the path of the workspace is not UTF-8")?;
    cargo(&package, &program, &["test", "--locked", "--target-dir", target])?;
    for example in ["parquet", "delta"].iter().filter(|_| options.engines) {
        let arguments = ["run", "--locked", "--target-dir", target, "--features", "engines", "--example", example];
        cargo(&package, &program, &arguments)?;
    }
    Ok(())
}

fn cargo(directory: &Path, local: &Path, arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = super::process::command(cargo);
    command.args(arguments).current_dir(directory).env("DATABRICKS_LOCAL", local);
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}
