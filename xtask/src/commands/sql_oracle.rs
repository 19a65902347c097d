//! `cargo xtask sql-oracle`: what Apache Spark and DuckDB give for the statements that the embedded SQL engine is tested with.
//!
//! Needs Python and Java 17. Tests read what this has written and need neither.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The releases whose results are kept, and the generator of the rows of TPC-H that the tests have too.
const PACKAGES: [&str; 3] = ["pyspark==4.3.0", "duckdb==2.0.1", "tpchgen-cli==4.0.0"];
const FACTS: &str = "crates/local/tests/facts";
/// Scripts, with what they read and write below `FACTS`.
const SCRIPTS: [(&str, &str, &str); 2] = [
    ("xtask/oracle/spark_statements.py", "spark_suite.txt", "spark_statements.txt"),
    ("xtask/oracle/tpch_answers.py", "tpch/queries.sql", "tpch/answers.txt"),
];

/// Runs the statements, in an environment of Python that is made under `target` if `python` names none.
pub(crate) fn run(root: &Path, python: Option<PathBuf>) -> Result<()> {
    let python = match python {
        Some(python) => python,
        None => environment(&root.join("target/sql-oracle"))?,
    };
    let facts = root.join(FACTS);
    for (script, input, output) in SCRIPTS {
        let paths = [root.join(script), facts.join(input), facts.join(output)];
        finish(Command::new(&python).args(paths), script)?;
        println!("wrote {FACTS}/{output}");
    }
    Ok(())
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
