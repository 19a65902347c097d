//! Chores of the Databricks SDK for Rust.

mod codegen;
mod emit;
mod files;
mod ir;
mod spec;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the Databricks SDK for Rust")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the generated source from the API's description.
    Codegen {
        /// Write nothing; fail if the generated files are not what would be written.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> Result<()> {
    let root = root();
    match Arguments::parse().command {
        Command::Codegen { check } => codegen::run(&root, check),
    }
}

/// The folder of the workspace, wherever the command was started.
fn root() -> PathBuf {
    // Cargo says at run time where this package lies, so that a moved or copied workspace is not mistaken for the one that was built.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map(PathBuf::from).unwrap_or(own)
}
