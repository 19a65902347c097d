//! Clients from other registries: measured where they are installed, and named where they are not.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::aims::Kind;
use super::contenders::{Contenders, Measured, median};
use super::server::Servers;

/// The official Python SDK, by a script that makes small calls.
const SCRIPT: &str = "tests/bench/python_sdk.py";
/// Threads, calls and how many times as much as ours it is to take at least.
const ROWS: [(usize, usize, f64); 2] = [(1, 400, 20.0), (64, 1_280, 40.0)];

#[derive(Deserialize)]
struct Peer {
    version: String,
    /// CPU time of a call.
    cpu_us: f64,
}

/// Prints a table as Markdown, or what is missing for it.
pub(super) fn run(contenders: &Contenders<'_>, servers: &mut Servers<'_>, rounds: usize) -> Result<()> {
    let python = std::env::var_os("BENCH_PYTHON").unwrap_or_else(|| "python3".into());
    let probe = Command::new(&python).args(["-c", "import databricks.sdk"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        println!(
            "\nLeft out: the official Python SDK, which is not installed (`pip install databricks-sdk`; BENCH_PYTHON names the interpreter)."
        );
        return Ok(());
    }
    println!("\n| small call | ours, µs CPU | official Python SDK, µs CPU | ratio | aim |\n|---|---|---|---|---|");
    let server = servers.of(Kind::Plain)?;
    let mut version = String::new();
    for (threads, calls, aim) in ROWS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let work = format!("tasks-{threads}");
            ours.push(Measured::cpu(&contenders.measure("ours", &work, calls * 10, server)?));
            let output = Command::new(&python)
                .arg(script()?)
                .args([&server.url, &calls.to_string(), &threads.to_string()])
                .output()
                .context("cannot start Python")?;
            ensure!(output.status.success(), "{SCRIPT}: {}", String::from_utf8_lossy(&output.stderr).trim());
            let peer: Peer = serde_json::from_slice(&output.stdout).context("what the script printed")?;
            version = peer.version;
            theirs.push(peer.cpu_us);
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        let ratio = theirs / ours;
        println!(
            "| {} | {ours:.1} | {theirs:.1} | {ratio:.1}{} | >= {aim} |",
            if threads == 1 { "sequential".to_owned() } else { format!("{threads} in flight") },
            if ratio < aim { " **missed**" } else { "" },
        );
    }
    println!("\nThe official Python SDK is {version}.");
    Ok(())
}

fn script() -> Result<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent directory")?;
    Ok(root.join(SCRIPT))
}
