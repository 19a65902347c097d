//! `cargo xtask fuzz`: mutated inputs for a while.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// What to try, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long to go on, in seconds, shared by all targets.
    #[arg(long, default_value_t = 120)]
    pub(crate) seconds: u32,
    /// A number that the inputs follow from, so that a run can be repeated; by default they are others each time.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The targets, which are the directories of `tests/fuzz/seeds`; all by default.
    pub(crate) targets: Vec<String>,
}

/// Builds the targets and runs them one after the other.
///
/// # Errors
/// When there is no such target, or an input was found that fails; its file is named.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let known = targets(root)?;
    for target in &options.targets {
        ensure!(known.contains(target), "there is no target {target}; the targets are: {}", known.join(", "));
    }
    let chosen = if options.targets.is_empty() { &known } else { &options.targets };
    let count = u32::try_from(chosen.len()).context("that many targets")?;
    let each = f64::from(options.seconds) / f64::from(count);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = super::process::command(cargo);
    // With the features of the workspace, so that what the tests compiled is used.
    command.args(["test", "--workspace", "--test", "fuzz", "--", "--test-threads=1", "--nocapture"]).args(chosen);
    command.current_dir(root).env("DATABRICKS_FUZZ_SECONDS", each.to_string());
    if let Some(seed) = options.seed {
        command.env("DATABRICKS_FUZZ_SEED", seed.to_string());
    }
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "an input fails; once it is mended, put its file among the seeds of its target");
    Ok(())
}

fn targets(root: &Path) -> Result<Vec<String>> {
    let directory = root.join("tests/fuzz/seeds");
    let entries = std::fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
