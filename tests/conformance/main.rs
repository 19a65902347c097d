//! Language-neutral cases that any correct client passes.
//!
//! `cargo test -p databricks-tests --test conformance` reads `transport_cases.json` and `config_cases.json` of this
//! directory and of those within, or of the directory named by `DATABRICKS_CONFORMANCE_DIR`, drives the client as each
//! case states, and prints a line per feature with the names of what fails. Cases that the harness cannot drive yet are
//! those of `not_built.txt`, exactly. Arguments are parts of names: `-- retry/ raw/` runs these alone.

// The lint does not know helpers of tests from other code.
#![allow(clippy::unwrap_used)]
// It is a program, and this is its output.
#![allow(clippy::print_stdout)]

mod config;
mod report;
mod transport;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let filters: Vec<String> = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let listed = not_built(&own.join("not_built.txt"));
    let root = std::env::var_os("DATABRICKS_CONFORMANCE_DIR").map_or(own, PathBuf::from);
    let (mut passed, mut cases) = (true, 0);
    for directory in directories(&root) {
        println!("\n{}", directory.display());
        for mut report in [transport::run(&directory, &filters), config::run(&directory, &filters)] {
            report.expect_not_built(&listed);
            report.print();
            passed &= report.passed();
            cases += report.len();
        }
    }
    if cases == 0 {
        println!("no case of {} has a name with {}", root.display(), filters.join(" or "));
        return ExitCode::FAILURE;
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The directory and those within it that hold cases, in the order of their names.
fn directories(root: &Path) -> Vec<PathBuf> {
    let within = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> = within
        .filter(|path| path.join("transport_cases.json").is_file() || path.join("config_cases.json").is_file())
        .collect();
    all.sort();
    all.insert(0, root.to_owned());
    all
}

/// The names of the list; lines that begin with `#` state why.
fn not_built(path: &Path) -> BTreeSet<String> {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
