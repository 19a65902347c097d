//! The steps: cheap ones first, then what compiles for running, then what compiles for looking.
//!
//! Steps share what they build: all that run programs ask for the features of `--workspace` (`unify` holds that), all
//! that only check ask for `--all-features`.

use anyhow::{Context, Result, ensure};

use super::{Shell, Step};

pub(super) const ALL: &[Step] = &[
    Step::new("fmt", "formatting", |shell| shell.cargo(&["fmt", "--all", "--check"])),
    Step::new("words", "spelling, and links of the Markdown files", |shell| script(shell, ".ci/words")),
    Step::new("codegen", "generated code is what the generator writes", codegen),
    Step::new("texts", "everything generated has a text", |shell| {
        crate::commands::docs_coverage::run(shell.root, true)
    }),
    Step::new("layers", "which crate depends on what, from which compiler on; no circles of imports", layers),
    Step::new("unify", "packages built alone share what the workspace compiles", unify),
    Step::new("tests", "the tests, as the README runs them", tests),
    Step::beside("python", "the official Python SDK against the embedded workspace", python),
    Step::beside("deny", "licences, sources and bans of dependencies", deny),
    Step::beside("package", "the crates can be packed for a release", package),
    Step::beside("fuzz", "two minutes of mutated inputs", fuzz),
    Step::new("quickstart", "the README's first command, and the short examples", quickstart),
    Step::new("local", "the pages of what the embedded workspace covers are current", |shell| {
        crate::commands::local_coverage::run(shell.root, true, Some(shell.workspace_program()?))
    }),
    Step::new("oidc", "authentication against a certified OAuth server", |shell| {
        script(shell, "tests/interop/oidc/run")
    }),
    Step::new("prism", "the round trip of an eighth of the operations against Prism", prism),
    Step::new("lint", "clippy", lint),
    Step::new("docs", "documentation builds without warnings", docs),
    Step::new("api", "the public API is what was written down", |shell| crate::commands::api::run(shell.root, true)),
    Step::new("features", "packages of the API build alone, and one of the other builds", features),
];

/// Steps that run only when they are named: what they need is large, or not everywhere.
pub(super) const ON_REQUEST: &[Step] = &[
    Step::new("clients", "the official Go, Java and Node SDKs, and the CLI, where they are", clients),
    Step::new("sql-clients", "connector, SQLAlchemy, dbt and JDBC against the embedded workspace", sql_clients),
    Step::new("ml-clients", "mlflow against the embedded workspace", |shell| {
        against_the_workspace(shell, "tests/interop/run_ml_clients.sh")
    }),
    Step::new("airflow", "hooks and operators of Airflow's provider against the embedded workspace", |shell| {
        against_the_workspace(shell, "tests/interop/airflow/run")
    }),
    Step::new(
        "schemathesis",
        "made-up requests to the embedded workspace: no server errors, responses as described",
        |shell| against_the_workspace(shell, "tests/interop/run_schemathesis.sh"),
    ),
    Step::new(
        "spark",
        "Spark Connect through the embedded workspace to Sail: PySpark's client, Databricks Connect",
        spark,
    ),
    Step::new("delta", "tables of the embedded workspace, which other programs read, and theirs", |shell| {
        against_the_workspace(shell, "tests/interop/delta/run")
    }),
    Step::new("lake", "the tests that object_store offers, on a volume", lake),
    Step::new("login", "a login through Chromium into a Secret Service, read by the official CLI", |shell| {
        script(shell, "tests/interop/login/run")
    }),
];

fn codegen(shell: &Shell<'_>) -> Result<()> {
    crate::commands::codegen::run(shell.root, true)
}

fn layers(shell: &Shell<'_>) -> Result<()> {
    script(shell, ".ci/layers")?;
    script(shell, ".ci/circles")
}

fn unify(shell: &Shell<'_>) -> Result<()> {
    shell.run(shell.command(shell.root.join(".ci/unify")).args(["-p", "databricks-sdk"]))?;
    shell.run(shell.command(shell.root.join(".ci/unify")).args(["-p", "databricks-tests", "--features", "oidc,prism"]))
}

/// Advisories are left out: they need a database that a closed network does not have.
fn deny(shell: &Shell<'_>) -> Result<()> {
    let tools = shell.root.join("target/tools");
    let own = tools.join("bin/cargo-deny");
    let program = if own.exists() {
        own
    } else if shell.has("cargo-deny") {
        "cargo-deny".into()
    } else {
        // A debug build: installed in a third of the time, and quick enough.
        let root = tools.to_str().context("the path of the workspace is not UTF-8")?;
        shell.cargo(&[
            "install",
            "cargo-deny",
            "--quiet",
            "--locked",
            "--debug",
            "--no-default-features",
            "--root",
            root,
        ])?;
        own
    };
    shell.run(shell.command(program).args(["--all-features", "check", "bans", "licenses", "sources"]))
}

/// Without compiling what was packed, which `cargo xtask release --dry-run` does.
fn package(shell: &Shell<'_>) -> Result<()> {
    crate::commands::release::run(shell.root, &crate::commands::release::Options::check())
}

fn tests(shell: &Shell<'_>) -> Result<()> {
    // A proxy of the field. Without it the tests that need one are skipped; here they must run.
    if cfg!(target_os = "linux") && !shell.has("tinyproxy") {
        let sudo = if shell.has("sudo") { "sudo " } else { "" };
        let install = format!("{sudo}apt-get update -qq && {sudo}apt-get install -qq --yes tinyproxy >/dev/null");
        shell.run(shell.command("sh").args(["-c", &install]))?;
    }
    let mut command = shell.command(env!("CARGO"));
    command.args(["test", "--workspace"]);
    if cfg!(target_os = "linux") {
        command.env("DATABRICKS_TEST_TINYPROXY", "1");
    }
    shell.run(&mut command)
}

fn fuzz(shell: &Shell<'_>) -> Result<()> {
    // Always the same inputs, as far as the time goes: a check is not to depend on luck. `cargo xtask fuzz` finds new ones.
    let options = crate::commands::fuzz::Options { seconds: 120, seed: Some(1), targets: Vec::new() };
    crate::commands::fuzz::run(shell.root, &options)
}

/// Without any configuration, as on a fresh machine.
fn quickstart(shell: &Shell<'_>) -> Result<()> {
    // What a newcomer compiles first has other features than the rest of the check, and is to show no warning.
    let mut command = shell.command(env!("CARGO"));
    let built = command.args(["build", "-p", "databricks-sdk", "--example", "quickstart"]).output()?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(
        built.status.success() && !said.contains("warning:"),
        "the quickstart was to compile without warnings:\n{said}"
    );
    // The others run in no time once the quickstart is built: they share all that they depend on.
    let names = ["quickstart", "tokens", "account", "connector", "azure", "azure_cli", "google", "login", "files"];
    for example in names {
        let mut command = shell.command(env!("CARGO"));
        command.args(["run", "-p", "databricks-sdk", "--example", example]);
        shell.run(command.env_remove("DATABRICKS_HOST").env_remove("DATABRICKS_TOKEN"))?;
    }
    Ok(())
}

fn python(shell: &Shell<'_>) -> Result<()> {
    against_the_workspace(shell, "tests/interop/run_python_sdk.sh")
}

fn sql_clients(shell: &Shell<'_>) -> Result<()> {
    against_the_workspace(shell, "tests/interop/run_sql_clients.sh")
}

/// With the program that the tests were built with: on its own it would be compiled once more.
fn against_the_workspace(shell: &Shell<'_>, path: &str) -> Result<()> {
    let program = shell.workspace_program()?;
    shell.run(shell.command(shell.root.join(path)).env("DATABRICKS_LOCAL", program))
}

/// With a program whose statements run on the attached engine, and the tests of that.
fn spark(shell: &Shell<'_>) -> Result<()> {
    let more = ["--workspace", "--features", "databricks-local/spark"];
    shell.cargo(&[&["test"][..], &more, &["--test", "it", "spark"]].concat())?;
    shell.cargo(&[&["build"][..], &more, &["--bin", "databricks-local"]].concat())?;
    let mut script = shell.command(shell.root.join("tests/interop/spark/run"));
    script.env("DATABRICKS_LOCAL", shell.root.join("target/debug/databricks-local"));
    shell.run(script.env("LOCAL_STATEMENTS", "spark"))
}

fn lake(shell: &Shell<'_>) -> Result<()> {
    crate::commands::lake::run(shell.root, &crate::commands::lake::Options::default())
}

/// Each is skipped by name where its language or packages are missing.
fn clients(shell: &Shell<'_>) -> Result<()> {
    for client in ["go", "java", "node", "cli"] {
        against_the_workspace(shell, &format!("tests/interop/{client}/run"))?;
    }
    Ok(())
}

fn lint(shell: &Shell<'_>) -> Result<()> {
    shell.cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
}

fn docs(shell: &Shell<'_>) -> Result<()> {
    let mut command = shell.command(env!("CARGO"));
    shell.run(command.args(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Others for each commit; `cargo xtask features` and `cargo xtask builds` check all.
fn features(shell: &Shell<'_>) -> Result<()> {
    crate::commands::features::run(shell.root, "databricks-models", Some(10))?;
    crate::commands::features::run(shell.root, "databricks-sdk", Some(18))?;
    shell.cargo(&["check", "--quiet", "-p", "databricks-sdk", "--no-default-features"])?;
    crate::commands::builds::run(shell.root, &[], Some(15))?;
    if crate::commands::features::commit_number(shell.root).is_multiple_of(3) { without_delta(shell) } else { Ok(()) }
}

/// The embedded workspace without Delta tables: nothing but this builds it so.
fn without_delta(shell: &Shell<'_>) -> Result<()> {
    let features = "databricks-local/engine,databricks-sdk/default";
    let mut command = shell.command(env!("CARGO"));
    command.args([
        "test",
        "-p",
        "databricks-local",
        "-p",
        "databricks-sdk",
        "--no-default-features",
        "--features",
        features,
    ]);
    shell.run(command.args(["--test", "it", "versions_of_tables_in_memory_are_refused"]))
}

/// Others for each commit, since Prism takes seconds for a document; `tests/interop/prism/run` checks all.
fn prism(shell: &Shell<'_>) -> Result<()> {
    const EVERY: u64 = 8;
    let first = crate::commands::features::commit_number(shell.root) % EVERY;
    let mut command = shell.command(shell.root.join("tests/interop/prism/run"));
    command.env("PRISM_PART", format!("{first}/{EVERY}"));
    shell.run(&mut command)
}

fn script(shell: &Shell<'_>, path: &str) -> Result<()> {
    shell.run(&mut shell.command(shell.root.join(path)))
}
