//! `cargo xtask api`: the public API of every published crate as text, so that a change of it shows in review.
//!
//! rustdoc describes a crate as JSON, the program in `xtask/api` lists the items. The form of that JSON is not stable
//! yet: each release of the library that reads it knows that of some compilers alone, so the compiler is checked first.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The published crates, from the bottom up.
const CRATES: [&str; 7] = [
    "databricks-core",
    "databricks-models",
    "databricks-transport",
    "databricks-auth",
    "databricks-sdk",
    "databricks-arrow",
    "databricks-local",
];
/// The directory of the lists.
const LISTS: &str = "xtask/api/lists";
/// The compiler whose JSON the program can read.
const COMPILER: &str = "1.95";
/// Set while this program stands in for rustdoc; holds the path of the real one.
const AS_RUSTDOC: &str = "XTASK_RUSTDOC";

/// Writes the lists, or compares them with what is there.
///
/// With another compiler than [`COMPILER`] nothing can be read: writing fails, comparing is skipped with a message.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let version = rustc_version()?;
    if !version.starts_with(&format!("{COMPILER}.")) {
        ensure!(check, "the public API is listed with Rust {COMPILER}, this is {version}");
        println!("skipped: the public API is listed with Rust {COMPILER}, this is {version}");
        return Ok(());
    }
    let described = describe(root)?;
    let mut stale = Vec::new();
    for name in CRATES {
        let list = list(root, &described.join(format!("{}.json", name.replace('-', "_"))), name)?;
        let path = root.join(LISTS).join(format!("{name}.txt"));
        if std::fs::read_to_string(&path).is_ok_and(|old| old == list) {
            continue;
        }
        if check {
            stale.push(name);
        } else {
            std::fs::write(&path, list).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{} written", path.display());
        }
    }
    ensure!(
        stale.is_empty(),
        "the public API of {} changed: run `cargo xtask api` and look at the diff",
        stale.join(", ")
    );
    Ok(())
}

/// Takes the place of rustdoc, if this process was started as such: the real one is started with unstable options
/// allowed.
///
/// The variable that allows them is kept from cargo and the compiler: build scripts look at it, and all dependencies
/// would be built anew.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let rustdoc = std::env::var_os(AS_RUSTDOC)?;
    let status = Command::new(rustdoc)
        .args(std::env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove(AS_RUSTDOC)
        .status();
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    Some(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn rustc_version() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("cannot start rustc")?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    line.split_whitespace().nth(1).map(String::from).context("rustc --version has no version")
}

/// Has rustdoc describe all crates with all their features, and returns the directory of the JSON.
///
/// All at once: one by one, each would have its dependencies compiled with features of its own.
fn describe(root: &Path) -> Result<PathBuf> {
    let rustdoc = Path::new(env!("CARGO")).with_file_name(format!("rustdoc{}", std::env::consts::EXE_SUFFIX));
    let mut cargo = super::process::cargo();
    cargo.current_dir(root).args(["doc", "--quiet", "--workspace", "--lib", "--no-deps", "--all-features"]);
    cargo
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow")
        .env("RUSTDOC", std::env::current_exe().context("the path of this program is unknown")?)
        .env(AS_RUSTDOC, rustdoc);
    let status = cargo.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("rustdoc cannot describe the crates");
    }
    Ok(target(root).join("doc"))
}

/// Lists the items of the JSON.
fn list(root: &Path, json: &Path, name: &str) -> Result<String> {
    let mut cargo = super::process::cargo();
    cargo.current_dir(root).args(["run", "--quiet", "--locked", "--manifest-path", "xtask/api/Cargo.toml"]);
    cargo.arg("--target-dir").arg(target(root).join("tools/list-public-api")).arg("--").arg(json).arg(name);
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the items of {name} cannot be listed");
    String::from_utf8(output.stdout).context("the list is not UTF-8")
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
