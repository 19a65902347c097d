//! How cost grows with the number of tasks that share one client, and of workspaces that share connections.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::aims::{CONTENDERS, Kind, TASKS, WORKSPACES};
use super::contenders::{Contenders, Measured, median};
use super::plot::{self, Line};
use super::server::{Server, Servers};

/// Calls of one measurement.
const CALLS: usize = 8_000;

/// What grows.
struct Growth<'a> {
    title: &'a str,
    /// The name of what grows, for the head of the table.
    of: &'a str,
    /// How the work is named on the command line of the contenders, before and after the number.
    work: (&'a str, &'a str),
    numbers: &'a [usize],
    /// Where the plot is written, beside the program.
    file: &'a str,
}

/// Prints tables as Markdown, and writes plots of them beside the program.
pub(super) fn run(contenders: &Contenders<'_>, servers: &mut Servers<'_>, rounds: usize) -> Result<()> {
    let tasks = Growth {
        title: "Small calls by tasks that share one client, one thread",
        of: "tasks",
        work: ("tasks-", ""),
        numbers: &TASKS,
        file: "growth.svg",
    };
    table(contenders, servers.of(Kind::Plain)?, rounds, &tasks)?;
    let threads = Growth {
        title: "The same on two threads, which share both cores with the server",
        work: ("tasks-", "@2"),
        file: "growth-threads.svg",
        ..tasks
    };
    let unpinned = Contenders { program: contenders.program, core: None };
    table(&unpinned, servers.of(Kind::Plain)?, rounds, &threads)?;
    let workspaces = Growth {
        title: "Small calls by 64 tasks to workspaces of one account, which share connections and credentials",
        of: "workspaces",
        work: ("workspaces-", ""),
        numbers: &WORKSPACES,
        file: "workspaces.svg",
    };
    table(contenders, servers.of(Kind::Account)?, rounds, &workspaces)
}

fn table(contenders: &Contenders<'_>, server: &Server, rounds: usize, growth: &Growth<'_>) -> Result<()> {
    println!("\n{}:\n", growth.title);
    println!("| {} | contender | calls a second | CPU a call, µs | 99 of 100 within, ms | peak, MiB |", growth.of);
    println!("|---|---|---|---|---|---|");
    let mut lines: Vec<Line> = CONTENDERS.map(|name| Line { name, points: Vec::new() }).into();
    for number in growth.numbers {
        let work = format!("{}{number}{}", growth.work.0, growth.work.1);
        let mut samples: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
        for _ in 0..rounds {
            for contender in CONTENDERS {
                let measured = contenders.measure(contender, &work, CALLS, server)?;
                samples.entry(contender).or_default().push(measured);
            }
        }
        for line in &mut lines {
            let all = samples.get(line.name).context("a contender was not measured")?;
            let of = |value: fn(&Measured) -> f64| median(&mut all.iter().map(value).collect::<Vec<_>>());
            let rate = of(|m| m.times as f64 / m.wall_ns as f64 * 1e9);
            println!(
                "| {number} | {} | {rate:.0} | {:.1} | {:.2} | {:.0} |",
                line.name,
                of(Measured::cpu),
                of(|m| m.p99_ns as f64 / 1e6),
                of(|m| m.peak_kib as f64 / 1024.0),
            );
            line.points.push((*number, of(Measured::cpu)));
        }
    }
    let path = contenders.program.with_file_name(growth.file);
    let plot = plot::svg(&format!("CPU time of a small call by the number of {}", growth.of), "µs", &lines);
    std::fs::write(&path, plot).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\nThe plot is {}.", path.display());
    Ok(())
}
