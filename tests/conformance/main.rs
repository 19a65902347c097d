//! Language-neutral cases that any correct client passes.
//!
//! `cargo test -p databricks-tests --test conformance` reads `transport_cases.json` and `config_cases.json` beside this file, or from the folder named
//! by `DATABRICKS_CONFORMANCE_DIR`, drives the client as each case says, and prints a line per feature with the names of what fails.
//! Arguments are parts of names: `-- retry/ raw/` runs these alone.

// The lint does not know helpers of tests from other code.
#![allow(clippy::unwrap_used)]

mod config;
mod report;
mod transport;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let filters: Vec<String> = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
    let folder = std::env::var_os("DATABRICKS_CONFORMANCE_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance"), PathBuf::from);
    let reports = [transport::run(&folder, &filters), config::run(&folder, &filters)];
    for report in &reports {
        report.print();
    }
    if reports.iter().all(report::Report::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
