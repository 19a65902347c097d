//! `cargo xtask bench`: what a call costs, next to the bare client and to reqwest.
//!
//! The contenders and the server are programs of the package `tests/bench`, which is not a member of the workspace. Each
//! run of a contender is a process of its own.

mod aims;
mod contenders;
mod counts;
mod growth;
mod peers;
mod plot;
mod profile;
mod rounds;
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The package of the contenders.
const PACKAGE: &str = "tests/bench";

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Count instructions and allocations with valgrind, and compare them with what was written down.
    #[arg(long)]
    counts: bool,
    /// Write the counts down instead of comparing them.
    #[arg(long, requires = "counts")]
    update: bool,
    /// Run the benchmarks of the single crates, too.
    #[arg(long)]
    crates: bool,
    /// Measure uploads and downloads of files, next to curl.
    #[arg(long, conflicts_with_all = ["counts", "crates"])]
    transfers: bool,
    /// Rounds in which every contender has its turn.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Rows to measure: small, small-tls, small-h2, flight, flight-h2, statement, pages, rows, arrow, arrow-tls, start,
    /// start-tls, growth, peers; all by default.
    work: Vec<String>,
}

/// Builds the contenders and measures them.
///
/// # Errors
/// When something cannot be built or run, or with `--counts` a count has grown by more than 3 %.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    if options.crates {
        let packages = ["bench", "--package", "databricks-transport", "--package", "databricks-core", "--benches"];
        cargo(root, &packages)?;
    }
    let program = build(root)?;
    if options.transfers {
        let program = program.with_file_name(format!("databricks-bench-transfer{}", std::env::consts::EXE_SUFFIX));
        let status = Command::new(program).arg(options.rounds.to_string()).status().context("cannot start it")?;
        ensure!(status.success(), "the measurement failed");
        return Ok(());
    }
    if options.counts {
        return counts::run(root, &program, options.update);
    }
    rounds::run(&program, options.rounds, &options.work)
}

/// The program of the contenders, built in release mode.
fn build(root: &Path) -> Result<PathBuf> {
    let target = root.join("target").join("bench");
    let manifest = root.join(PACKAGE).join("Cargo.toml");
    let arguments = ["build", "--release", "--locked", "--manifest-path"].map(std::ffi::OsStr::new);
    let mut arguments = arguments.to_vec();
    arguments.extend([manifest.as_os_str(), "--target-dir".as_ref(), target.as_os_str()]);
    cargo(root, &arguments)?;
    Ok(target.join("release").join(format!("databricks-bench{}", std::env::consts::EXE_SUFFIX)))
}

fn cargo(root: &Path, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments).current_dir(root).status().context("cannot start cargo")?;
    ensure!(status.success(), "cargo failed");
    Ok(())
}

/// Whether a program of this name can be started.
fn is_there(program: &str) -> bool {
    let probe = Command::new(program).arg("--version").stdout(std::process::Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}
