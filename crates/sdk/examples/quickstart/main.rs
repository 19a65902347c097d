//! The whole way through, once: authenticate, call, wait, query, run code.
//!
//! Without any configuration it starts an embedded workspace in this process and works there. With one (a profile or
//! `DATABRICKS_*` variables) it works on that workspace, where it only reads unless it is called with `--yes`.
//!
//! ```text
//! cargo run -p databricks-sdk --example quickstart [-- --yes]
//! ```

#![allow(clippy::print_stdout)] // Printing is what it is for.

mod clusters;
mod code;
mod show;
mod sql;
mod warehouses;
mod workspace;

use std::time::{Duration, Instant};

use databricks_sdk::{Method, Result, WorkspaceClient};
use show::heading;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let started = Instant::now();
    // The log of requests that ask for it goes to the terminal.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_target(false)
        .without_time()
        .init();
    let yes = std::env::args().any(|argument| argument == "--yes");
    match run(yes).await {
        Ok(()) => {
            println!("\nDone in {:.1} s.", started.elapsed().as_secs_f64());
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nerror: {}", error.report());
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(yes: bool) -> Result<()> {
    let session = workspace::open(yes).await?;
    let w = session.client();

    heading("Who am I?");
    let me = w.current_user().me().await?;
    println!("{} (id {})", me.user_name.unwrap_or_default(), me.id.unwrap_or_default());

    clusters::node_types(w).await?;
    if session.may_change() {
        let cluster = clusters::life_cycle(w).await?;
        code::run(w, &cluster).await?;
        let warehouse = warehouses::life_cycle(w).await?;
        sql::run(w, &warehouse).await?;
        raw(w).await?;
        clusters::remove(w, &cluster).await?;
        warehouses::remove(w, &warehouse).await?;
    } else {
        clusters::list(w).await?;
        warehouses::list(w).await?;
        raw(w).await?;
        println!(
            "\nNothing was changed on this workspace. Call with --yes to create, run and remove a cluster and a warehouse there."
        );
    }
    session.close().await;
    Ok(())
}

/// An endpoint by its path, with the request logged and retries set.
async fn raw(w: &WorkspaceClient) -> Result<()> {
    heading("A raw request, with its log");
    let response: serde_json::Value = w
        .raw(Method::GET, "/2.1/clusters/spark-versions")
        .debug(true)
        .timeout(Duration::from_secs(30))
        .max_retries(3)
        .exponential_backoff(true)
        .json()
        .await?;
    println!("{} Spark versions", response["versions"].as_array().map_or(0, Vec::len));
    Ok(())
}
