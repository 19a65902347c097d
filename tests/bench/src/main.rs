//! What a call costs: the facade next to the bare client of hyper and to reqwest, against a plain server of hyper.
//!
//! `cargo xtask bench` starts one process per contender and piece of work:
//!
//! - `databricks-bench serve`: the server; prints its URL, ends with its standard input;
//! - `databricks-bench CONTENDER WORK N URL`: does the work `N` times after one that is not counted, and prints CPU time
//!   and wall time of all of it.

#![allow(clippy::print_stdout)] // A program's output.

mod fixtures;
mod floor;
mod ours;
mod plain_models;
mod reqwest_client;
mod server;
mod work;

use anyhow::{Context as _, Result, bail};

use work::{Measured, Work};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve"] => runtime.block_on(server::serve()),
        [contender, work, times, url] => {
            let (work, times) = (work.parse()?, times.parse().context("the number of times")?);
            let measured = runtime.block_on(run(contender, work, times, url))?;
            println!("{measured}");
            Ok(())
        }
        _ => bail!("usage: databricks-bench serve | databricks-bench floor|reqwest|ours WORK TIMES URL"),
    }
}

async fn run(contender: &str, work: Work, times: usize, url: &str) -> Result<Measured> {
    match contender {
        "floor" => work::measure(&floor::Floor::new(url)?, work, times).await,
        "reqwest" => work::measure(&reqwest_client::Reqwest::new(url)?, work, times).await,
        "ours" => work::measure(&ours::Ours::new(url)?, work, times).await,
        other => bail!("there is no contender {other}"),
    }
}
