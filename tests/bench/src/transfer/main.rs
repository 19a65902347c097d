//! Uploads and downloads of a file in parts through presigned links, next to curl with the same links, the same parts
//! and as many at the same time.
//!
//! Each run is a process of its own, curl's as well as ours; the server is one that has every response ready. With
//! `taskset` the server has one core and the contenders another. Rounds are interleaved; the table has medians.

mod curl;
mod ours;
mod server;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// The bytes of a part.
const PART: usize = 16 << 20;
/// The parts of the file: 512 MiB.
const PARTS: usize = 32;
/// How many parts are under way at the same time.
const PARALLELISM: usize = 4;
/// The least rate of ours, as a part of curl's.
const AIM: f64 = 0.95;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => server::run(),
        ["upload", url, file] => ours::upload(url, file),
        ["download", url, file] => ours::download(url, file),
        [] => measure(7),
        [rounds] => measure(rounds.parse().context("the argument is the number of rounds")?),
        _ => bail!("there is one argument, the number of rounds"),
    }
}

fn measure(rounds: usize) -> Result<()> {
    let directory = std::env::temp_dir().join(format!("databricks-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let result = rounds_in(&directory, rounds);
    std::fs::remove_dir_all(&directory)?;
    result
}

fn rounds_in(directory: &Path, rounds: usize) -> Result<()> {
    let source = directory.join("source");
    let content = server::content();
    std::fs::write(&source, &content)?;
    for (number, part) in content.chunks(PART).enumerate() {
        std::fs::write(directory.join(format!("part-{}", number + 1)), part)?;
    }
    let (mut server, url) = start()?;
    let mut table: [Vec<(f64, f64)>; 4] = Default::default();
    // The first round warms the caches and does not count.
    for round in 0..=rounds {
        let target = directory.join("target");
        let program = std::env::current_exe()?;
        let own = |role: &str, file: &Path| {
            let mut command = Command::new(&program);
            command.args([role, &url]).arg(file);
            command
        };
        let runs = [
            own("upload", &source),
            curl::upload(directory, &url)?,
            own("download", &target),
            curl::download(directory, &url)?,
        ];
        for (row, command) in table.iter_mut().zip(runs) {
            let taken = time(command)?;
            if round > 0 {
                row.push(taken);
            }
        }
        ensure!(std::fs::metadata(&target)?.len() == content.len() as u64, "the download is not complete");
    }
    server.kill()?;
    server.wait()?;
    print(&mut table)
}

/// Wall and CPU seconds of a process.
fn time(command: Command) -> Result<(f64, f64)> {
    let shown = format!("{command:?}");
    let cpu = || -> Result<f64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6)
    };
    let (start, before) = (Instant::now(), cpu()?);
    let status = pinned(command, "0").stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{shown}: {status}");
    Ok((start.elapsed().as_secs_f64(), cpu()? - before))
}

/// The same command on one core, where `taskset` is there.
fn pinned(command: Command, core: &str) -> Command {
    let probe = Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        return command;
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", core]).arg(command.get_program()).args(command.get_args());
    pinned
}

fn start() -> Result<(Child, String)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve");
    let mut child = pinned(command, "1").stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("the server has no output")?).read_line(&mut line)?;
    Ok((child, line.trim().to_owned()))
}

fn print(table: &mut [Vec<(f64, f64)>; 4]) -> Result<()> {
    let mib = (PART * PARTS) as f64 / f64::from(1 << 20);
    let mut medians = Vec::new();
    let mut output = std::io::stdout().lock();
    writeln!(output, "| {mib} MiB, {PARALLELISM} parts at once | MiB/s | CPU, s |\n|---|---|---|")?;
    for (name, row) in ["upload, ours", "upload, curl", "download, ours", "download, curl"].iter().zip(table) {
        let median = |of: fn(&(f64, f64)) -> f64, row: &mut Vec<(f64, f64)>| {
            row.sort_by(|a, b| of(a).total_cmp(&of(b)));
            row.get(row.len() / 2).map_or(f64::NAN, of)
        };
        let (wall, cpu) = (median(|taken| taken.0, row), median(|taken| taken.1, row));
        writeln!(output, "| {name} | {:.0} | {cpu:.2} |", mib / wall)?;
        medians.push(wall);
    }
    for (name, pair) in ["upload", "download"].iter().zip(medians.chunks(2)) {
        let ratio = pair[1] / pair[0];
        let mark = if ratio < AIM { ", **missed**" } else { "" };
        writeln!(output, "{name}: {ratio:.2} x the rate of curl, aim {AIM}{mark}")?;
    }
    Ok(())
}
