//! `cargo xtask build-cost`: what models and facade cost to compile, dependencies aside, and what a program costs that uses
//! them.

mod apps;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure programs, next to those with the bare client and with reqwest.
    #[arg(long)]
    apps: bool,
    /// Measure programs in release mode, too.
    #[arg(long, requires = "apps")]
    release: bool,
    /// The crates to measure.
    #[arg(default_values_t = [String::from("databricks-models"), String::from("databricks-sdk")])]
    crates: Vec<String>,
}

/// Prints CPU seconds of a cold check and build, and the size of the libraries, for the default features and for all
/// packages; or those of whole programs.
pub(crate) fn run(root: &Path, Options { apps, release, crates }: &Options) -> Result<()> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("build-cost");
    if *apps {
        return apps::run(root, &target, *release);
    }
    println!("| features | crate | check, CPU s | build, CPU s | rlib, MB |");
    println!("|---|---|---|---|---|");
    for (shown, features) in [("default", &[][..]), ("full", &["--features", "full"][..])] {
        for name in crates {
            let check = cold(root, &target, name, "check", features)?;
            let build = cold(root, &target, name, "build", features)?;
            println!("| {shown} | {name} | {check:.1} | {build:.1} | {:.1} |", library_size(&target, name)?);
        }
    }
    Ok(())
}

/// CPU seconds of one crate alone: everything is built, then the crate is built once more.
fn cold(root: &Path, target: &Path, name: &str, command: &str, features: &[&str]) -> Result<f64> {
    let cargo = |arguments: &[&str]| {
        let mut cargo = super::process::cargo();
        cargo.current_dir(root).env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0").args(arguments);
        let status = cargo.status().context("cannot start cargo")?;
        ensure!(status.success(), "cargo {} failed", arguments.join(" "));
        Ok(())
    };
    let mut build = vec![command, "--quiet", "--package", name];
    build.extend(features);
    cargo(&build)?;
    cargo(&["clean", "--quiet", "--package", name])?;
    let before = children()?;
    cargo(&build)?;
    Ok(children()? - before)
}

/// CPU seconds of all children so far, from Linux's accounts.
pub(super) fn children() -> Result<f64> {
    let stat =
        std::fs::read_to_string("/proc/self/stat").context("CPU time is read from /proc, which only Linux has")?;
    // The name of the program, in parentheses, may hold spaces; fields 16 and 17 are user and system time of the
    // children, in ticks.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| {
        fields.get(at).and_then(|field| field.parse::<f64>().ok()).context("/proc/self/stat is not as expected")
    };
    Ok((ticks(13)? + ticks(14)?) / 100.0)
}

fn library_size(target: &Path, name: &str) -> Result<f64> {
    let stem = format!("lib{}", name.replace('-', "_"));
    let mut size = 0;
    for entry in std::fs::read_dir(target.join("debug/deps"))? {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if file.starts_with(&format!("{stem}-")) && file.ends_with(".rlib") {
            size = size.max(entry.metadata()?.len());
        }
    }
    Ok(size as f64 / 1e6)
}
