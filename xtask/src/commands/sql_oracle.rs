//! `cargo xtask sql-oracle`: what Apache Spark gives for the statements that the embedded SQL engine is tested with.
//!
//! Needs Python and Java 17. Tests read what this has written and need neither.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The release of Spark whose results are kept.
const SPARK: &str = "4.3.0";
const SCRIPT: &str = "xtask/oracle/spark_statements.py";
const SUITE: &str = "crates/local/tests/facts/spark_suite.txt";
const RESULT: &str = "crates/local/tests/facts/spark_statements.txt";

/// Runs the suite on Spark, in an environment of Python that is made under `target` if `python` names none.
pub(crate) fn run(root: &Path, python: Option<PathBuf>) -> Result<()> {
    let python = match python {
        Some(python) => python,
        None => environment(&root.join("target/sql-oracle"))?,
    };
    let paths = [SCRIPT, SUITE, RESULT].map(|path| root.join(path));
    finish(Command::new(python).args(paths), "the statements on Spark")?;
    println!("wrote {RESULT}");
    Ok(())
}

fn environment(directory: &Path) -> Result<PathBuf> {
    let python = directory.join("bin/python");
    if !python.exists() {
        finish(Command::new("python3").args(["-m", "venv"]).arg(directory), "making an environment of Python")?;
    }
    let package = format!("pyspark=={SPARK}");
    finish(Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]), "installing pyspark")?;
    Ok(python)
}

fn finish(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(status.success(), "{what} failed: {status}");
    Ok(())
}
