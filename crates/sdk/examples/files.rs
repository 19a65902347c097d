//! Copies files between this machine and a volume, of any size, with progress.
//!
//! ```text
//! cargo run -p databricks-sdk --example files -- up trips.parquet /Volumes/main/default/data/trips.parquet
//! cargo run -p databricks-sdk --example files -- down /Volumes/main/default/data/trips.parquet trips.parquet
//! cargo run -p databricks-sdk --example files -- list /Volumes/main/default/data
//! ```
//!
//! Without arguments, and without any configuration, it shows all three on an embedded workspace.

#![allow(clippy::print_stdout)] // A program's output.

#[path = "quickstart/workspace.rs"]
mod workspace;

use std::path::Path;

use databricks_sdk::{Error, ErrorKind, Result, WorkspaceClient};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<()> {
    if arguments.is_empty() {
        return show().await;
    }
    let w = WorkspaceClient::from_env()?;
    match arguments {
        ["up", from, to] => up(&w, from, to).await,
        ["down", from, to] => down(&w, from, to).await,
        ["list", directory] => list(&w, directory).await,
        _ => Err(Error::new(ErrorKind::InvalidInput, "state `up FILE PATH`, `down PATH FILE` or `list PATH`")),
    }
}

async fn up(w: &WorkspaceClient, from: &str, to: &str) -> Result<()> {
    let upload = w.files().upload_from(to, Path::new(from)).overwrite(true);
    let done =
        upload.on_progress(|progress| println!("  {} of {:?} bytes", progress.bytes, progress.total_bytes)).await?;
    println!("Uploaded {} bytes in {} parts to {to}", done.bytes, done.parts);
    Ok(())
}

async fn down(w: &WorkspaceClient, from: &str, to: &str) -> Result<()> {
    let done = w.files().download_from(from).to_file(to).await?;
    println!("Downloaded {} bytes to {to}", done.bytes);
    Ok(())
}

async fn list(w: &WorkspaceClient, directory: &str) -> Result<()> {
    let mut files = w.files().walk(directory);
    while let Some(file) = files.try_next().await? {
        println!("{:>12} {}", file.file_size.unwrap_or_default(), file.path.unwrap_or_default());
    }
    Ok(())
}

/// Only on an embedded workspace: nothing is written to a configured one without arguments.
async fn show() -> Result<()> {
    let session = workspace::open(false).await?;
    if !session.may_change() {
        println!("State what to copy to write to a workspace that is configured.");
        return Ok(());
    }
    let directory =
        tempfile::tempdir().map_err(|error| Error::new(ErrorKind::Io, "no directory").with_source(error))?;
    let (here, back) = (directory.path().join("numbers"), directory.path().join("back"));
    let numbers: String = (0..10_000_000).map(|n| format!("{n}\n")).collect();
    std::fs::write(&here, &numbers).map_err(|error| Error::new(ErrorKind::Io, "no file").with_source(error))?;
    let (here, back) = (here.to_string_lossy(), back.to_string_lossy());
    up(session.client(), &here, "/Volumes/main/default/data/examples/numbers").await?;
    list(session.client(), "/Volumes/main/default/data").await?;
    down(session.client(), "/Volumes/main/default/data/examples/numbers", &back).await?;
    let same = std::fs::read_to_string(&*back).is_ok_and(|read| read == numbers);
    println!("{}", if same { "It is the same file." } else { "It is another file!" });
    session.close().await;
    if same { Ok(()) } else { Err(Error::new(ErrorKind::Other, "the file has changed on its way")) }
}
