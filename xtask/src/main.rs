//! Tasks of the Databricks SDK for Rust.

#![allow(clippy::print_stderr, clippy::print_stdout)] // A program's output.

mod commands;
mod emit;
mod files;
mod ir;
mod spec;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use commands::codegen::SPEC;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Tasks of the Databricks SDK for Rust")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the generated source from the API's description.
    Codegen {
        /// Write nothing; fail if the generated files are not what would be written.
        #[arg(long)]
        check: bool,
        /// A directory of documents of one's own: OpenAPI 3.1 with the extensions of `crates/models/openapi/README.md`.
        #[arg(long, requires = "out")]
        documents: Option<PathBuf>,
        /// The directory of the source that is made of them; its subdirectory `models` is owned by the generator.
        #[arg(long, requires = "documents")]
        out: Option<PathBuf>,
    },
    /// Follow a release of the API: import, compare, generate, check, list what lacks a text.
    Follow {
        /// A wheel of the official Python client, an unpacked wheel, or a version.
        source: String,
    },
    /// Look at the API's description.
    #[command(subcommand)]
    Spec(SpecTask),
    /// Count what has a text of ours.
    DocsCoverage {
        /// Name what has none.
        #[arg(long)]
        list: bool,
    },
    /// Check that every package builds alone.
    Features {
        /// The crate to check.
        #[arg(long = "crate", default_value = "databricks-models")]
        crate_name: String,
        /// Check one package in this many, others for each commit.
        #[arg(long)]
        sample: Option<u64>,
    },
    /// Compile for other systems, with other choices of features, and with the oldest dependencies.
    Builds {
        /// The builds to try, all by default.
        names: Vec<String>,
        /// Try one build in this many, others for each commit.
        #[arg(long)]
        sample: Option<u64>,
    },
    /// Write down the public API of every published crate.
    Api {
        /// Write nothing; fail if the API is not what was written down.
        #[arg(long)]
        check: bool,
    },
    /// Print how much of the API the embedded workspace covers, and write the page with all services.
    LocalCoverage {
        /// Write nothing; fail if the page is out of date.
        #[arg(long)]
        check: bool,
    },
    /// Run the project's check, or some of its steps, and print the time of each.
    Ci(commands::ci::Options),
    /// Measure what a call costs, compared with the bare HTTP client and reqwest in the same run.
    Bench(commands::bench::Options),
    /// Give mutated files, responses and texts to what reads them, for a while.
    Fuzz(commands::fuzz::Options),
    /// Check and publish the crates, in order.
    Release(commands::release::Options),
    /// Volumes as an object store: the tests that `object_store` offers, and engines.
    Lake(commands::lake::Options),
    /// Write down what Apache Spark gives for the statements that the embedded SQL engine is tested with.
    SqlOracle {
        /// A Python that has `pyspark`; by default one is made under `target`.
        #[arg(long)]
        python: Option<PathBuf>,
        /// Compare so many random expressions on both instead; the same seed makes the same ones.
        #[arg(long, num_args = 2, value_names = ["SEED", "COUNT"])]
        random: Option<Vec<u64>>,
    },
    /// Measure what models and facade cost to compile.
    BuildCost(commands::build_cost::Options),
}

#[derive(Debug, Subcommand)]
enum SpecTask {
    /// Check that everything described is generated.
    Coverage,
    /// Write the documents from a release of the official Python client.
    Import {
        /// A wheel, an unpacked wheel, or a version.
        source: String,
        /// Where to write the documents, by default where the generator reads them. Names are kept in `names.json` there.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Write the launch stages of operations into `preview.json`, from the source of the official command line.
    Stages {
        /// A checkout of `databricks/cli`.
        source: String,
    },
    /// Check that no text of ours repeats the official client's prose.
    Copied {
        /// A wheel, an unpacked wheel, or a version.
        source: String,
    },
    /// Check that the documents agree with themselves.
    Lint {
        /// The directory of the documents.
        directory: Option<PathBuf>,
    },
    /// List what another release changes, and what of it breaks callers.
    Diff {
        /// The directory of the older documents.
        old: PathBuf,
        /// The directory of the newer documents.
        new: PathBuf,
    },
}

fn main() -> Result<ExitCode> {
    if let Some(code) = commands::api::stand_in() {
        return Ok(code);
    }
    // The list of problems is for people to read: a backtrace would bury it.
    Ok(match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn run(task: Task) -> Result<()> {
    let root = root();
    match task {
        Task::Api { check } => commands::api::run(&root, check),
        Task::Codegen { check, documents: Some(documents), out: Some(out) } => {
            commands::codegen::own(&documents, &out, check)
        }
        Task::Codegen { check, .. } => commands::codegen::run(&root, check),
        Task::Follow { source } => commands::follow::run(&root, &source),
        Task::Spec(SpecTask::Import { source, out }) => {
            commands::import::run(&root, &out.unwrap_or_else(|| root.join(SPEC)), &source)
        }
        Task::Spec(SpecTask::Copied { source }) => commands::import::check_copied(&root, &source),
        Task::Spec(SpecTask::Stages { source }) => commands::import::stages(&root, &source),
        Task::Spec(SpecTask::Coverage) => commands::coverage::run(&root),
        Task::Spec(SpecTask::Lint { directory }) => commands::lint::run(&directory.unwrap_or_else(|| root.join(SPEC))),
        Task::Spec(SpecTask::Diff { old, new }) => commands::diff::run(&root, &old, &new),
        Task::DocsCoverage { list } => commands::docs_coverage::run(&root, list),
        Task::Features { crate_name, sample } => commands::features::run(&root, &crate_name, sample),
        Task::Builds { names, sample } => commands::builds::run(&root, &names, sample),
        Task::LocalCoverage { check } => commands::local_coverage::run(&root, check, None),
        Task::Ci(options) => commands::ci::run(&root, &options),
        Task::Bench(options) => commands::bench::run(&root, &options),
        Task::Fuzz(options) => commands::fuzz::run(&root, &options),
        Task::Release(options) => commands::release::run(&root, &options),
        Task::Lake(options) => commands::lake::run(&root, &options),
        Task::SqlOracle { python, random: None } => commands::sql_oracle::run(&root, python),
        Task::SqlOracle { python, random: Some(numbers) } => commands::sql_oracle::random(&root, python, &numbers),
        Task::BuildCost(options) => commands::build_cost::run(&root, &options),
    }
}

/// The directory of the workspace, wherever the command was started.
fn root() -> PathBuf {
    // Cargo states at run time where this package lies, so that a moved or copied workspace is not mistaken for the one
    // that was built.
    let own =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map(PathBuf::from).unwrap_or(own)
}
