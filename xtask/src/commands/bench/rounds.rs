//! CPU time of the contenders, in rounds so that what disturbs the machine meets all of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::aims::{CONTENDERS, ROWS, Row};
use super::server::{Server, pinned};

/// What a contender prints.
#[derive(Debug, Deserialize)]
struct Measured {
    times: u64,
    cpu_ns: u64,
    wall_ns: u64,
    first_ns: u64,
    peak_kib: u64,
}

/// Measures and prints the table as Markdown.
pub(super) fn run(program: &Path, rounds: usize, wanted: &[String]) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pin = cores > 1 && super::is_there("taskset");
    let server = Server::start(program, pin.then_some(1))?;
    let client_core = pin.then_some(0);
    println!("{rounds} rounds, {cores} cores, {}\n", if pin { "client and server pinned" } else { "not pinned" });
    println!("| work | floor | reqwest | ours | aim | floor, µs CPU | spread of ours | peak of ours |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in ROWS.iter().filter(|row| wanted.is_empty() || wanted.iter().any(|name| name == row.work)) {
        let mut samples: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
        for _ in 0..rounds {
            for contender in CONTENDERS {
                let measured = measure(program, client_core, contender, row, &server.url)?;
                samples.entry(contender).or_default().push(measured);
            }
        }
        print(row, &samples);
    }
    println!(
        "\nLeft out: TLS and HTTP/2, Arrow by links, the official Python SDK; their rows need servers of their own."
    );
    Ok(())
}

fn print(row: &Row, samples: &BTreeMap<&str, Vec<Measured>>) {
    let each = |measured: &Measured| measured.cpu_ns as f64 / measured.times.max(1) as f64;
    let of = |contender: &str| samples.get(contender).map(|all| all.iter().map(each).collect::<Vec<_>>());
    let median_of = |contender: &str| median(&mut of(contender).unwrap_or_default());
    let floor = median_of("floor");
    let ours = median_of("ours") / floor;
    // Of each round the ratio: what disturbs one process often disturbs its neighbour.
    let ratios: Vec<f64> = of("ours").unwrap_or_default().iter().map(|value| value / floor).collect();
    let (least, most) = ratios.iter().fold((f64::MAX, 0.0_f64), |(a, b), ratio| (a.min(*ratio), b.max(*ratio)));
    let peak = samples.get("ours").and_then(|all| all.iter().map(|m| m.peak_kib).max()).unwrap_or_default() >> 10;
    println!(
        "| {} | 1 | {:.2} | {ours:.2}{} | <= {} | {:.1} | {least:.2}-{most:.2} | {peak} MiB |",
        row.title,
        median_of("reqwest") / floor,
        if ours > row.aim { " **missed**" } else { "" },
        row.aim,
        floor / 1000.0,
    );
}

fn measure(program: &Path, core: Option<usize>, contender: &str, row: &Row, url: &str) -> Result<Measured> {
    let times = row.times.to_string();
    let output = pinned(program, core).args([contender, row.work, &times, url]).output().context("cannot start")?;
    ensure!(output.status.success(), "{contender} {}: {}", row.work, String::from_utf8_lossy(&output.stderr).trim());
    let measured: Measured = serde_json::from_slice(&output.stdout).context("what a contender printed")?;
    ensure!(measured.wall_ns > 0 && measured.first_ns > 0, "{contender} measured nothing");
    Ok(measured)
}

/// The value in the middle; of none, no number.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
