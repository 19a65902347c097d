//! `cargo xtask ci`: the project's check, step by step, with the time that each took.

mod steps;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// One step of the check.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Shell<'_>) -> Result<()>,
}

/// Runs the named steps, or all but those on request, in the order of the check, and prints a table of their times. Stops at the
/// first that fails.
pub(crate) fn run(root: &Path, names: &[String]) -> Result<()> {
    for name in names {
        ensure!(known().any(|step| step.name == name), "there is no step {name}; the steps are: {}", step_names());
    }
    let shell = Shell { root };
    let start = Instant::now();
    let mut table = Vec::new();
    let mut failed = None;
    let chosen: Vec<&Step> = match names {
        [] => steps::ALL.iter().collect(),
        names => known().filter(|step| names.iter().any(|name| name == step.name)).collect(),
    };
    for step in chosen {
        println!("\n==> {}: {} ({} s)", step.name, step.about, start.elapsed().as_secs());
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let result = (step.run)(&shell);
        table.push(Row {
            name: step.name,
            wall: wall.elapsed(),
            cpu: cpu_seconds().zip(cpu).map(|(after, before)| after - before),
        });
        if let Err(error) = result {
            failed = Some(error.context(format!("the step {} failed", step.name)));
            break;
        }
    }
    print_table(&table, start.elapsed());
    match failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn known() -> impl Iterator<Item = &'static Step> {
    steps::ALL.iter().chain(steps::ON_REQUEST)
}

fn step_names() -> String {
    known().map(|step| step.name).collect::<Vec<_>>().join(", ")
}

struct Row {
    name: &'static str,
    wall: Duration,
    cpu: Option<f64>,
}

fn print_table(rows: &[Row], total: Duration) {
    println!("\n| step | wall, s | CPU, s |\n|---|---|---|");
    let shown = |cpu: Option<f64>| cpu.map_or_else(|| String::from("-"), |seconds| format!("{seconds:.0}"));
    for row in rows {
        println!("| {} | {:.0} | {} |", row.name, row.wall.as_secs_f64(), shown(row.cpu));
    }
    let cpu = rows.iter().map(|row| row.cpu).sum::<Option<f64>>();
    println!("| all | {:.0} | {} |", total.as_secs_f64(), shown(cpu));
}

/// CPU seconds of all programs that were started so far, where the system tells.
fn cpu_seconds() -> Option<f64> {
    super::build_cost::children().ok()
}

/// Starts programs in the root of the workspace, and takes a failure of theirs for an error.
struct Shell<'a> {
    root: &'a Path,
}

impl Shell<'_> {
    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        self.run(self.command(env!("CARGO")).args(arguments))
    }

    /// A command without incremental compilation, which costs time and disk where everything is built once.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = super::process::command(program);
        command.current_dir(self.root).env("CARGO_INCREMENTAL", "0");
        command
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let shown = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ");
        let status = command.status().with_context(|| format!("cannot start {shown}"))?;
        if !status.success() {
            bail!("{shown}: {status}");
        }
        Ok(())
    }

    /// Whether a program of this name can be started.
    fn has(&self, program: &str) -> bool {
        let mut command = self.command(program);
        command.arg("--version").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command.status().is_ok()
    }
}
