//! Instructions and allocations by valgrind, which no load of the machine changes.
//!
//! Kernel time is not in them. What a program does once is taken out: each count is the difference of two runs, divided
//! by the repetitions that one of them has more.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::aims::{CONTENDERS, Kind, ROWS, Row};
use super::profile::{self, Cost};
use super::server::Server;

/// The counts that were written down.
const BASELINE: &str = "tests/bench/counts.json";
/// By how many hundredths a count may grow.
const TOLERANCE: u64 = 3;

/// Counts of one piece of work, each done once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Count {
    instructions: u64,
    allocations: f64,
}

/// By piece of work and contender.
type Counts = BTreeMap<String, BTreeMap<String, Count>>;

/// Counts, prints the table, and compares or writes the counts of ours.
pub(super) fn run(root: &Path, program: &Path, update: bool) -> Result<()> {
    if !super::is_there("valgrind") {
        println!("skipped: instructions are counted with valgrind, which is not there");
        return Ok(());
    }
    let server = Server::start(program, Kind::Plain, None)?;
    let directory = root.join("target").join("bench").join("profiles");
    std::fs::create_dir_all(&directory)?;
    println!("| work | floor, instructions | reqwest | ours | aim | allocations of floor | ours above it |");
    println!("|---|---|---|---|---|---|---|");
    let mut counts = Counts::new();
    for row in ROWS.iter().filter(|row| row.counted > 0) {
        let of_row = counts.entry(row.name.to_owned()).or_default();
        for contender in CONTENDERS {
            of_row.insert(contender.to_owned(), count(program, &directory, contender, row, &server.url)?);
        }
        print(row, of_row);
    }
    println!("\nProfiles for callgrind_annotate are in target/bench/profiles.");
    let path = root.join(BASELINE);
    if update {
        std::fs::write(&path, serde_json::to_string_pretty(&counts)? + "\n")?;
        println!("{BASELINE} written");
        return Ok(());
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {BASELINE}"))?;
    let grown = grown(&serde_json::from_str(&text)?, &counts);
    ensure!(
        grown.is_empty(),
        "more instructions than {BASELINE} has: {}; find out why, or write the counts down with --update",
        grown.join(", ")
    );
    Ok(())
}

fn print(row: &Row, counts: &BTreeMap<String, Count>) {
    let (Some(floor), Some(ours), Some(reqwest)) = (counts.get("floor"), counts.get("ours"), counts.get("reqwest"))
    else {
        return;
    };
    let ratio = |count: &Count| count.instructions as f64 / floor.instructions as f64;
    println!(
        "| {} | {} | {:.2} | {:.2}{} | <= {} | {:.1} | {:+.1} |",
        row.title,
        floor.instructions,
        ratio(reqwest),
        ratio(ours),
        if ratio(ours) > row.aim { " **missed**" } else { "" },
        row.aim,
        floor.allocations,
        ours.allocations - floor.allocations,
    );
}

/// What of ours has grown by more than the tolerance.
fn grown(before: &Counts, now: &Counts) -> Vec<String> {
    let mut grown = Vec::new();
    for (work, counts) in now {
        let Some(new) = counts.get("ours") else { continue };
        match before.get(work).and_then(|counts| counts.get("ours")) {
            Some(old) => {
                if new.instructions * 100 > old.instructions * (100 + TOLERANCE) {
                    let percent = (new.instructions as f64 / old.instructions.max(1) as f64 - 1.0) * 100.0;
                    grown.push(format!("{work} {} after {} (+{percent:.1} %)", new.instructions, old.instructions));
                }
            }
            None => grown.push(format!("{work} is not written down")),
        }
    }
    grown
}

fn count(program: &Path, directory: &Path, contender: &str, row: &Row, url: &str) -> Result<Count> {
    let (few, many) = (row.counted, row.counted * 2);
    let cost = |times: usize| profile(program, directory, contender, row, times, url);
    let (less, more) = (cost(few)?, cost(many)?);
    let each = |more: u64, less: u64| more.saturating_sub(less) as f64 / (many - few) as f64;
    Ok(Count {
        instructions: each(more.instructions, less.instructions).round() as u64,
        allocations: (each(more.allocations, less.allocations) * 10.0).round() / 10.0,
    })
}

fn profile(program: &Path, directory: &Path, contender: &str, row: &Row, times: usize, url: &str) -> Result<Cost> {
    let file = directory.join(format!("{contender}-{}-{times}.callgrind", row.name));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args([contender, row.work, &times.to_string(), url])
        .stdin(Stdio::null())
        .output()
        .context("cannot start valgrind")?;
    ensure!(output.status.success(), "{contender} {}: {}", row.name, String::from_utf8_lossy(&output.stderr).trim());
    let cost = profile::read(&std::fs::read_to_string(&file)?);
    ensure!(cost.instructions > 0, "{} has no count of instructions", file.display());
    Ok(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(instructions: u64) -> Counts {
        let count = Count { instructions, allocations: 1.0 };
        Counts::from([("small".to_owned(), BTreeMap::from([("ours".to_owned(), count)]))])
    }

    #[test]
    fn growth_beyond_the_tolerance_is_named() {
        assert!(grown(&counts(1000), &counts(1030)).is_empty());
        assert!(grown(&counts(1000), &counts(10)).is_empty());
        assert_eq!(grown(&counts(1000), &counts(1040)), ["small 1040 after 1000 (+4.0 %)"]);
        assert_eq!(grown(&Counts::new(), &counts(1)), ["small is not written down"]);
    }
}
