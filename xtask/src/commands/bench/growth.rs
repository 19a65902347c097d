//! How cost grows with the number of tasks that share one client.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::aims::{CONTENDERS, Kind, TASKS};
use super::contenders::{Contenders, Measured, median};
use super::plot::{self, Line};
use super::server::Servers;

/// Calls of one measurement.
const CALLS: usize = 8_000;

/// Prints a table as Markdown, and writes a plot of it beside the program.
pub(super) fn run(contenders: &Contenders<'_>, servers: &mut Servers<'_>, rounds: usize) -> Result<()> {
    println!("\nSmall calls by tasks that share one client, one thread:\n");
    println!("| tasks | contender | calls a second | CPU a call, µs | 99 of 100 within, ms | peak, MiB |");
    println!("|---|---|---|---|---|---|");
    let server = servers.of(Kind::Plain)?;
    let mut lines: Vec<Line> = CONTENDERS.map(|name| Line { name, points: Vec::new() }).into();
    for tasks in TASKS {
        let mut samples: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
        for _ in 0..rounds {
            for contender in CONTENDERS {
                let measured = contenders.measure(contender, &format!("tasks-{tasks}"), CALLS, server)?;
                samples.entry(contender).or_default().push(measured);
            }
        }
        for line in &mut lines {
            let all = samples.get(line.name).context("a contender was not measured")?;
            let of = |value: fn(&Measured) -> f64| median(&mut all.iter().map(value).collect::<Vec<_>>());
            let rate = of(|m| m.times as f64 / m.wall_ns as f64 * 1e9);
            println!(
                "| {tasks} | {} | {rate:.0} | {:.1} | {:.2} | {:.0} |",
                line.name,
                of(Measured::cpu),
                of(|m| m.p99_ns as f64 / 1e6),
                of(|m| m.peak_kib as f64 / 1024.0),
            );
            line.points.push((tasks, of(Measured::cpu)));
        }
    }
    let path = contenders.program.with_file_name("growth.svg");
    let plot = plot::svg("CPU time of a small call by the number of tasks that share a client", "µs", &lines);
    std::fs::write(&path, plot).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\nThe plot is {}.", path.display());
    Ok(())
}
