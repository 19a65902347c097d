//! `cargo xtask builds`: what the check does not compile by itself: other systems, other choices of features, the oldest
//! dependencies.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::features::commit_number;

/// One way to compile part of the workspace.
struct Build {
    name: &'static str,
    /// The system it is for, and the C compiler that its cryptography needs.
    target: Option<(&'static str, Option<&'static str>)>,
    /// Arguments of `cargo check`.
    arguments: &'static str,
}

const fn build(name: &'static str, arguments: &'static str) -> Build {
    Build { name, target: None, arguments }
}

/// All that is optional and compiles on every system.
const OPTIONAL: &str = "-p databricks-sdk --features blocking,browser,brotli,dynamic,google,keyring,socks,zstd";
/// The newest nightly compiler resolves them, the lock file of the workspace stays as it is.
const MINIMAL: &str = "minimal-versions";

const BUILDS: &[Build] = &[
    Build {
        name: "wasm32",
        target: Some(("wasm32-unknown-unknown", None)),
        arguments: "-p databricks-core -p databricks-models --features databricks-models/full",
    },
    Build { name: "musl", target: Some(("x86_64-unknown-linux-musl", Some("musl-gcc"))), arguments: OPTIONAL },
    Build {
        name: "windows",
        target: Some(("x86_64-pc-windows-gnu", Some("x86_64-w64-mingw32-gcc"))),
        arguments: OPTIONAL,
    },
    build("no-tls", "-p databricks-sdk --no-default-features --features common"),
    build("aws-lc-rs", "-p databricks-sdk --no-default-features --features common,aws-lc-rs"),
    build("both-tls", "-p databricks-sdk --features aws-lc-rs,webpki-roots"),
    build("blocking", "-p databricks-sdk --no-default-features --features blocking,compute,sql,files"),
    build("browser", "-p databricks-sdk --no-default-features --features browser,iam,ring"),
    build("dynamic", "-p databricks-sdk --no-default-features --features dynamic,compute"),
    build("google", "-p databricks-sdk --no-default-features --features google,iam,ring"),
    build("keyring", "-p databricks-sdk --no-default-features --features keyring,iam,ring"),
    build("compression", "-p databricks-sdk --no-default-features --features brotli,zstd,socks,iam"),
    build("auth-alone", "-p databricks-auth --no-default-features"),
    build("transport-alone", "-p databricks-transport --no-default-features"),
    build(MINIMAL, OPTIONAL),
];

/// Compiles the named builds, or all of them; with `sample`, one in so many, chosen by the commit. What this machine lacks
/// for one of them is named.
pub(crate) fn run(root: &Path, names: &[String], sample: Option<u64>) -> Result<()> {
    for name in names {
        let known = BUILDS.iter().map(|build| build.name).collect::<Vec<_>>();
        ensure!(known.contains(&name.as_str()), "there is no build {name}; the builds are: {}", known.join(", "));
    }
    let every = sample.unwrap_or(1).max(1);
    let turn = commit_number(root) % every;
    let chosen = BUILDS.iter().enumerate().filter(|(i, build)| {
        if names.is_empty() { *i as u64 % every == turn } else { names.iter().any(|name| name == build.name) }
    });
    let mut failed = Vec::new();
    for (_, build) in chosen {
        match compile(root, build)? {
            Outcome::Fine => println!("{:<24} compiles", build.name),
            Outcome::Lacking(what) => println!("{:<24} skipped: {what}", build.name),
            Outcome::Failed => {
                println!("{:<24} fails", build.name);
                failed.push(build.name);
            }
        }
    }
    ensure!(failed.is_empty(), "these builds fail: {}", failed.join(", "));
    Ok(())
}

enum Outcome {
    Fine,
    Failed,
    /// What is not on this machine.
    Lacking(String),
}

fn compile(root: &Path, build: &Build) -> Result<Outcome> {
    let mut cargo = super::process::command("cargo");
    cargo.current_dir(root);
    if build.name == MINIMAL {
        if !succeeds(super::process::command("cargo").args(["+nightly", "--version"])) {
            return Ok(Outcome::Lacking(String::from("no nightly toolchain is installed")));
        }
        // In a directory of its own: another compiler would mark what the other steps compiled as old.
        let own = root.join("target/minimal-versions");
        std::fs::create_dir_all(&own).with_context(|| format!("cannot make {}", own.display()))?;
        let lock = format!("resolver.lockfile-path={:?}", own.join("Cargo.lock"));
        let minimal = ["+nightly", "-Zlockfile-path", "-Zdirect-minimal-versions", "--config", &lock];
        let mut resolve = super::process::command("cargo");
        resolve.current_dir(root).args(minimal).args(["update", "--quiet"]);
        if !succeeds(&mut resolve) {
            return Ok(Outcome::Failed);
        }
        cargo.env("CARGO_TARGET_DIR", own).args(minimal);
    }
    cargo.args(["check", "--quiet"]).args(build.arguments.split(' '));
    if let Some((target, compiler)) = build.target {
        if let Some(compiler) = compiler
            && Command::new(compiler).arg("--version").output().is_err()
        {
            return Ok(Outcome::Lacking(format!("{compiler} is not installed")));
        }
        if !succeeds(Command::new("rustup").args(["--quiet", "target", "add", target])) {
            return Ok(Outcome::Lacking(format!("rustup cannot add the target {target}")));
        }
        cargo.args(["--target", target]);
    }
    let status = cargo.status().context("cannot start cargo")?;
    Ok(if status.success() { Outcome::Fine } else { Outcome::Failed })
}

/// Whether a program can be started and succeeds.
fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
