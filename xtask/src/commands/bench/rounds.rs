//! CPU time of the contenders, in rounds so that what disturbs the machine meets all of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};

use super::aims::{CONTENDERS, ROWS, Row};
use super::contenders::{Contenders, Measured, median};
use super::server::Servers;
use super::{growth, peers};

/// Measures and prints the tables as Markdown, and writes the plot.
pub(super) fn run(program: &Path, rounds: usize, wanted: &[String]) -> Result<()> {
    let known = || ROWS.iter().map(|row| row.name).chain(["growth", "peers"]);
    for name in wanted {
        ensure!(
            known().any(|row| row == name),
            "there is no row {name}; there are {}",
            known().collect::<Vec<_>>().join(", ")
        );
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pin = cores > 1 && super::is_there("taskset");
    let mut servers = Servers::new(program, pin.then_some(1));
    let contenders = Contenders { program, core: pin.then_some(0) };
    println!("{rounds} rounds, {cores} cores, {}\n", if pin { "client and server pinned" } else { "not pinned" });
    println!("| work | floor | reqwest | ours | aim | floor, µs | spread of ours | peak of ours |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in ROWS.iter().filter(|row| is_wanted(row.name)) {
        let server = servers.of(row.server)?;
        let mut samples: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
        // A process takes a few milliseconds, so that more of them fit in.
        let rounds = if row.times == 0 { rounds * 5 } else { rounds };
        for _ in 0..rounds {
            for contender in CONTENDERS {
                let measured = contenders.measure(contender, row.work, row.times, server)?;
                samples.entry(contender).or_default().push(measured);
            }
        }
        print(row, &samples);
    }
    if is_wanted("growth") {
        growth::run(&contenders, &mut servers, rounds.min(5))?;
    }
    if is_wanted("peers") {
        peers::run(&contenders, &mut servers, rounds)?;
    }
    Ok(())
}

fn print(row: &Row, samples: &BTreeMap<&str, Vec<Measured>>) {
    let each = |measured: &Measured| {
        if row.times == 0 { measured.until_printed.as_secs_f64() * 1e6 } else { measured.cpu() }
    };
    let of = |contender: &str| samples.get(contender).map(|all| all.iter().map(each).collect::<Vec<_>>());
    let median_of = |contender: &str| median(&mut of(contender).unwrap_or_default());
    let floor = median_of("floor");
    let ours = median_of("ours") / floor;
    // Of each round the ratio: what disturbs one process often disturbs its neighbour.
    let pairs = of("ours").unwrap_or_default().into_iter().zip(of("floor").unwrap_or_default());
    let (least, most) =
        pairs.map(|(ours, floor)| ours / floor).fold((f64::MAX, 0.0_f64), |(a, b), ratio| (a.min(ratio), b.max(ratio)));
    let peak = samples.get("ours").and_then(|all| all.iter().map(|m| m.peak_kib).max()).unwrap_or_default() >> 10;
    println!(
        "| {} | 1 | {:.2} | {ours:.2}{} | <= {} | {floor:.1} | {least:.2}-{most:.2} | {peak} MiB |",
        row.title,
        median_of("reqwest") / floor,
        if ours > row.aim { " **missed**" } else { "" },
        row.aim,
    );
}
