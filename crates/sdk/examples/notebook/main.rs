//! A notebook in the terminal: cells that run in one execution context and keep its variables.
//!
//! Without any configuration it works on an embedded workspace, whose Python is that of this machine. With one (a
//! profile or `DATABRICKS_*` variables) it needs `DATABRICKS_CLUSTER_ID`; the cluster is started if it does not run.
//!
//! ```text
//! cargo run -p databricks-sdk --example notebook [-- python|sql|scala|r]
//! ```
//!
//! A cell ends with an empty line. `:sql`, `:python`, `:scala` and `:r` change the language, `:quit` or the end of the
//! input ends it.

#![allow(clippy::print_stdout)]

#[path = "../quickstart/workspace.rs"]
mod workspace;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use databricks_sdk::commands::{CommandUpdate, Context};
use databricks_sdk::models::compute::Language;
use databricks_sdk::{Error, ErrorKind, Result, WorkspaceClient};
use indicatif::ProgressBar;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let session = workspace::open(false).await?;
    let w = session.client();
    let cluster = session.cluster().await?;
    let mut language = language(&std::env::args().nth(1).unwrap_or_else(|| "python".to_owned()))?;
    let mut context = open(w, &cluster, &language).await?;
    while let Some(cell) = cell(&language)? {
        match cell.trim().strip_prefix(':') {
            Some("quit" | "q") => break,
            Some(other) => match self::language(other) {
                Ok(chosen) => {
                    context.shutdown().await?;
                    language = chosen;
                    context = open(w, &cluster, &language).await?;
                }
                Err(error) => println!("{error}"),
            },
            None if cell.trim().is_empty() => {}
            None => show(&context, &cell).await?,
        }
    }
    context.shutdown().await?;
    w.client().shutdown().await;
    session.close().await;
    Ok(())
}

fn language(name: &str) -> Result<Language> {
    match name.trim() {
        "python" | "sql" | "scala" | "r" => Ok(Language::from(name.trim())),
        other => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("there is no {other:?} here; say python, sql, scala, r or quit"),
        )),
    }
}

async fn open(w: &WorkspaceClient, cluster: &str, language: &Language) -> Result<Context> {
    let bar = spinner(format!("opening a context for {language}"));
    let context = w.context(cluster, language.clone()).await;
    bar.finish_and_clear();
    context
}

fn spinner(message: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// The lines up to an empty one, or one line that is a command; `None` at the end of the input.
fn cell(language: &Language) -> Result<Option<String>> {
    let broken = |e: std::io::Error| Error::new(ErrorKind::Io, "the terminal cannot be read").with_source(e);
    let interactive = std::io::stdin().is_terminal();
    let mut cell = String::new();
    loop {
        if interactive {
            print!(
                "{} ",
                if cell.is_empty() { format!("{language}>") } else { ".".repeat(language.as_str().len() + 1) }
            );
            std::io::stdout().flush().map_err(broken)?;
        }
        let mut line = String::new();
        // Reading the terminal blocks; the other threads of the runtime go on.
        let read = tokio::task::block_in_place(|| std::io::stdin().lock().read_line(&mut line)).map_err(broken)?;
        if read == 0 {
            return Ok(Some(cell).filter(|cell| !cell.trim().is_empty()));
        }
        let command = cell.is_empty() && line.starts_with(':');
        if line.trim().is_empty() && !cell.is_empty() {
            return Ok(Some(cell));
        }
        cell.push_str(&line);
        if command {
            return Ok(Some(cell));
        }
    }
}

/// Runs a cell and prints what it gave. An exception ends the cell, not the notebook.
async fn show(context: &Context, code: &str) -> Result<()> {
    let begun = Instant::now();
    let bar = spinner(String::new());
    let mut course = context.run(code).stream();
    while let Some(update) = course.try_next().await? {
        match update {
            CommandUpdate::Status(status) => bar.set_message(status.to_string()),
            CommandUpdate::Result(result) => {
                bar.finish_and_clear();
                println!("{}", result.to_string().trim_end());
            }
            _ => {}
        }
    }
    println!("[{:.1} s]\n", begun.elapsed().as_secs_f64());
    Ok(())
}
