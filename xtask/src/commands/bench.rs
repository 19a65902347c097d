//! What a call costs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Runs the benchmarks: CPU time and allocations of the stack against the bare client, and the cost of redaction.
///
/// # Errors
/// When cargo cannot be started or a benchmark fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["bench", "--package", "databricks-transport", "--package", "databricks-core", "--benches"])
        .current_dir(root)
        .status()
        .context("cargo")?;
    ensure!(status.success(), "the benchmarks failed");
    Ok(())
}
