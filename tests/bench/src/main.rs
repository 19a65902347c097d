//! What a call costs: the facade next to the bare client of hyper and to reqwest, against a plain server of hyper.
//!
//! `cargo xtask bench` starts one process per contender and piece of work:
//!
//! - `databricks-bench serve plain|account|tls1|tls2 CERTIFICATE`: the server, over TCP, or TLS with HTTP/1.1 or HTTP/2;
//!   writes its certificate, prints its URL, ends with its standard input;
//! - `databricks-bench CONTENDER WORK N URL [CERTIFICATE]`: does the work `N` times after one that is not counted, and prints
//!   CPU time and wall time of all of it. `WORK@2` does it on two threads.

#![allow(clippy::print_stdout)] // A program's output.

mod arrow;
mod fixtures;
mod floor;
mod ours;
mod plain_models;
mod reqwest_client;
mod server;
mod tls;
mod work;

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use work::{Measured, Work};

fn main() -> Result<()> {
    let start = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (contender, work, times, url, certificate) = match words[..] {
        ["serve", kind, certificate] => return runtime(1)?.block_on(server::serve(kind, certificate)),
        [contender, work, times, url] => (contender, work, times, url, None),
        [contender, work, times, url, certificate] => (contender, work, times, url, Some(std::fs::read(certificate)?)),
        _ => bail!(
            "usage: databricks-bench serve plain|account|tls1|tls2 CERTIFICATE | databricks-bench floor|reqwest|ours WORK TIMES URL [CERTIFICATE]"
        ),
    };
    let (work, threads) = work.split_once('@').unwrap_or((work, "1"));
    let runtime = runtime(threads.parse().context("the number of threads")?)?;
    let (work, times) = (work.parse()?, times.parse().context("the number of times")?);
    let measured = runtime.block_on(run(contender, work, times, url, certificate.as_deref(), start))?;
    println!("{measured}");
    Ok(())
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    Ok(builder.worker_threads(threads).enable_all().build()?)
}

async fn run(
    contender: &str,
    work: Work,
    times: usize,
    url: &str,
    certificate: Option<&[u8]>,
    start: Instant,
) -> Result<Measured> {
    match (contender, certificate) {
        ("floor", None) => work::measure(floor::Floor::plain(url), work, times, start).await,
        ("floor", Some(pem)) => work::measure(floor::Floor::tls(url, pem)?, work, times, start).await,
        ("reqwest", pem) => work::measure(reqwest_client::Reqwest::new(url, pem)?, work, times, start).await,
        ("ours", pem) => work::measure(ours::Ours::new(url, pem)?, work, times, start).await,
        (other, _) => bail!("there is no contender {other}"),
    }
}
