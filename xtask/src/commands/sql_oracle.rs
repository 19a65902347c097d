//! `cargo xtask sql-oracle`: what Apache Spark and DuckDB give for the statements that the embedded SQL engine is tested with;
//! with `--random`, a comparison of generated expressions.
//!
//! Needs Python and Java 17. Tests read what this has written and need neither.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// The releases whose results are kept, and the generator of the rows of TPC-H that the tests have too.
const PACKAGES: [&str; 4] = ["pyspark==4.3.0", "duckdb==2.0.1", "pyarrow==26.0.1", "tpchgen-cli==4.0.0"];
const FACTS: &str = "crates/local/tests/facts";
/// Scripts, with what they read and write below `FACTS`.
const SCRIPTS: [(&str, &str, &str); 3] = [
    ("xtask/oracle/spark_statements.py", "spark_suite.txt", "spark_statements.txt"),
    ("xtask/oracle/parquet_files.py", "parquet", "parquet_files.txt"),
    ("xtask/oracle/tpch_answers.py", "tpch/queries.sql", "tpch/answers.txt"),
];

/// The directory, below the workspace's, of an environment of Python that is made if none is named, and of differences.
const DIRECTORY: &str = "target/sql-oracle";

/// Runs the statements, in an environment of Python that is made under `target` if `python` names none.
pub(crate) fn run(root: &Path, python: Option<PathBuf>) -> Result<()> {
    let python = found(root, python)?;
    let facts = root.join(FACTS);
    for (script, input, output) in SCRIPTS {
        let paths = [root.join(script), facts.join(input), facts.join(output)];
        finish(Command::new(&python).args(paths), script)?;
        println!("wrote {FACTS}/{output}");
    }
    Ok(())
}

/// Compares random expressions: a seed and a number of them. What differs is written down below `target`.
pub(crate) fn random(root: &Path, python: Option<PathBuf>, numbers: &[u64]) -> Result<()> {
    let [seed, count] = numbers else { bail!("--random takes a seed and a number of expressions") };
    let python = found(root, python)?;
    let cargo = super::process::cargo()
        .args(["build", "--workspace", "--bin", "databricks-local"])
        .current_dir(root)
        .status()?;
    ensure!(cargo.success(), "building databricks-local failed: {cargo}");
    let result = root.join(DIRECTORY).join(format!("differences-{seed}.jsonl"));
    let mut command = Command::new(python);
    command.arg(root.join("xtask/oracle/random_expressions.py"));
    command.arg(root.join("target/debug/databricks-local")).args([seed.to_string(), count.to_string()]).arg(&result);
    let status = command.status().context("cannot start Python")?;
    println!("differences are in {}", result.display());
    ensure!(status.success(), "values, types or errors differ from Spark's, or the comparison failed: {status}");
    Ok(())
}

fn found(root: &Path, python: Option<PathBuf>) -> Result<PathBuf> {
    python.map_or_else(|| environment(&root.join(DIRECTORY)), Ok)
}

fn environment(directory: &Path) -> Result<PathBuf> {
    let python = directory.join("bin/python");
    if !python.exists() {
        finish(Command::new("python3").args(["-m", "venv"]).arg(directory), "making an environment of Python")?;
    }
    let install = ["-m", "pip", "install", "--quiet"];
    finish(Command::new(&python).args(install).args(PACKAGES), "installing the packages")?;
    Ok(python)
}

fn finish(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(status.success(), "{what} failed: {status}");
    Ok(())
}
