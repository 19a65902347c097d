//! What a program costs that makes three calls: by the bare client, by reqwest, by the SDK. Each is compiled into a target
//! directory of its own, from nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::children;

/// Where the programs are.
const PROGRAMS: &str = "tests/bench/apps";
/// What all of them depend on.
const TOKIO: &str = r#"tokio = { version = "1", features = ["macros", "rt-multi-thread"] }"#;

struct App {
    name: &'static str,
    /// The program, without `.rs`.
    program: &'static str,
    /// Its dependencies besides tokio; `{root}` stands for the workspace.
    dependencies: &'static str,
}

const FLOOR: App = App {
    name: "floor",
    program: "floor",
    dependencies: r#"
http = "1"
http-body-util = "0.1"
hyper = { version = "1", features = ["client", "http1", "http2"] }
hyper-rustls = { version = "0.27", default-features = false, features = ["http1", "http2", "native-tokio", "ring", "tls12"] }
hyper-util = { version = "0.1", features = ["client-legacy", "http1", "http2", "tokio"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#,
};
const REQWEST: App = App {
    name: "reqwest",
    program: "reqwest",
    dependencies: r#"
reqwest = { version = "0.13", features = ["gzip", "json"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#,
};
const OURS: App =
    App { name: "ours", program: "ours", dependencies: r#"databricks-sdk = { path = "{root}/crates/sdk" }"# };
const FULL: App = App {
    name: "ours-full",
    program: "ours",
    dependencies: r#"databricks-sdk = { path = "{root}/crates/sdk", features = ["full"] }"#,
};
const LAYERS: App = App {
    name: "layers",
    program: "layers",
    dependencies: r#"
databricks-auth = { path = "{root}/crates/auth" }
databricks-core = { path = "{root}/crates/core" }
databricks-transport = { path = "{root}/crates/transport" }
http = "1"
"#,
};

/// What one build cost.
struct Cost {
    cpu: f64,
    crates: usize,
    /// Of the program, stripped.
    bytes: u64,
}

/// Prints the rows as Markdown. An aim is a multiple of the program it is compared with.
///
/// * `release`: whether to compile in release mode too, which takes twice as long.
pub(super) fn run(root: &Path, target: &Path, release: bool) -> Result<()> {
    let cost = |app: &App, release: bool| cost(root, &target.join("apps"), app, release);
    println!("\n| cold build of a program | CPU s | crates | compared with | ratio | aim |\n|---|---|---|---|---|---|");
    let (floor, reqwest, ours) = (cost(&FLOOR, false)?, cost(&REQWEST, false)?, cost(&OURS, false)?);
    row("floor", &floor, "", None);
    row("reqwest", &reqwest, "", None);
    row("SDK, default features", &ours, "reqwest", Some((reqwest.cpu, 1.0)));
    row("SDK, `full`", &cost(&FULL, false)?, "reqwest", Some((reqwest.cpu, 1.4)));
    row("auth and transport alone (at most 95 crates)", &cost(&LAYERS, false)?, "floor", Some((floor.cpu, 1.3)));
    if !release {
        return Ok(());
    }
    let (reqwest, ours) = (cost(&REQWEST, true)?, cost(&OURS, true)?);
    row("reqwest, release", &reqwest, "", None);
    row("SDK, default features, release", &ours, "reqwest", Some((reqwest.cpu, 1.1)));
    let megabytes = |cost: &Cost| cost.bytes as f64 / 1e6;
    let ratio = ours.bytes as f64 / reqwest.bytes.max(1) as f64;
    println!(
        "\nThe stripped program has {:.1} MB, that with reqwest {:.1} MB: {ratio:.2}{}, aim <= 1.0.",
        megabytes(&ours),
        megabytes(&reqwest),
        if ratio > 1.0 { " **missed**" } else { "" },
    );
    Ok(())
}

fn row(title: &str, cost: &Cost, with: &str, aim: Option<(f64, f64)>) {
    let compared = aim.map_or_else(String::new, |(other, aim)| {
        let ratio = cost.cpu / other.max(f64::MIN_POSITIVE);
        format!("{ratio:.2}{} | <= {aim}", if ratio > aim { " **missed**" } else { "" })
    });
    let compared = if compared.is_empty() { " | ".to_owned() } else { compared };
    println!("| {title} | {:.0} | {} | {with} | {compared} |", cost.cpu, cost.crates);
}

fn cost(root: &Path, target: &Path, app: &App, release: bool) -> Result<Cost> {
    let package = package(root, target, app)?;
    let output = target.join(if release { format!("{}-release", app.name) } else { app.name.to_owned() });
    if output.exists() {
        std::fs::remove_dir_all(&output)?;
    }
    let cargo = |arguments: &[&str]| {
        let mut cargo = crate::commands::process::cargo();
        cargo.current_dir(&package).env("CARGO_TARGET_DIR", &output).env("CARGO_INCREMENTAL", "0").args(arguments);
        cargo
    };
    // What is downloaded is no cost of compiling.
    let fetched = cargo(&["fetch", "--quiet"]).status().context("cannot start cargo")?;
    ensure!(fetched.success(), "the dependencies of {} cannot be had", app.name);
    let before = children()?;
    let mut build = vec!["build", "--quiet"];
    build.extend(release.then_some("--release"));
    ensure!(cargo(&build).status()?.success(), "{} does not compile", app.name);
    let cpu = children()? - before;
    let tree = cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]).output()?;
    ensure!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8_lossy(&tree.stdout);
    // The same crate stands there each time that something depends on it; the program itself does not count.
    let crates: BTreeSet<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let program = format!("{}{}", app.name, std::env::consts::EXE_SUFFIX);
    let bytes = std::fs::metadata(output.join(if release { "release" } else { "debug" }).join(program))?.len();
    Ok(Cost { cpu, crates: crates.len().saturating_sub(1), bytes })
}

/// Writes the package of a program.
fn package(root: &Path, target: &Path, app: &App) -> Result<PathBuf> {
    let directory = target.join("packages").join(app.name);
    std::fs::create_dir_all(&directory)?;
    let shown = |path: &Path| path.to_str().map(str::to_owned).context("the path of the workspace is not UTF-8");
    let program = shown(&root.join(PROGRAMS).join(app.program).with_extension("rs"))?;
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[[bin]]\nname = \"{}\"\npath = {program:?}\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n{TOKIO}\n{}\n",
        app.name,
        app.name,
        app.dependencies.replace("{root}", &shown(root)?),
    );
    std::fs::write(directory.join("Cargo.toml"), manifest)?;
    Ok(directory)
}
