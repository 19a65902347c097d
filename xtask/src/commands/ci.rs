//! `cargo xtask ci`: the project's check, step by step, with the time that each took.

mod beside;
mod steps;
mod table;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use beside::Beside;
use table::Row;

/// Names the embedded workspace's program to a step that runs beside others, which may build it with other features.
const PROGRAM: &str = "DATABRICKS_CI_PROGRAM";

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The steps to run, all by default.
    steps: Vec<String>,
    /// A file to write the table of times to, as Markdown.
    #[arg(long)]
    table: Option<PathBuf>,
}

/// One step of the check.
struct Step {
    name: &'static str,
    about: &'static str,
    /// Whether it can run while later ones compile: it does not, and leaves one core to them.
    beside: bool,
    run: fn(&Shell<'_>) -> Result<()>,
}

impl Step {
    const fn new(name: &'static str, about: &'static str, run: fn(&Shell<'_>) -> Result<()>) -> Self {
        Self { name, about, beside: false, run }
    }

    const fn beside(name: &'static str, about: &'static str, run: fn(&Shell<'_>) -> Result<()>) -> Self {
        Self { name, about, beside: true, run }
    }
}

/// Runs the named steps, or all but those on request, in the order of the check, and prints a table of their times. Stops at the
/// first that fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let names = &options.steps;
    for name in names {
        ensure!(known().any(|step| step.name == name), "there is no step {name}; the steps are: {}", step_names());
    }
    // Asked now: later the file may be another one.
    let own = std::env::current_exe().context("cannot find the program of xtask")?;
    let shell = Shell { root, program: std::env::var_os(PROGRAM).map(PathBuf::from) };
    let start = Instant::now();
    let chosen: Vec<&'static Step> = match names.as_slice() {
        [] => steps::ALL.iter().collect(),
        names => known().filter(|step| names.iter().any(|name| name == step.name)).collect(),
    };
    // All have been built once the tests have run.
    let last_alone = chosen.iter().position(|step| step.name == "tests").filter(|_| names.is_empty());
    let mut side = None;
    let mut table = Vec::new();
    for (at, step) in chosen.iter().enumerate() {
        if step.beside && last_alone.is_some_and(|tests| at > tests) {
            continue;
        }
        println!("\n==> {}: {} ({} s)", step.name, step.about, start.elapsed().as_secs());
        let row = timed(&shell, step, side.as_ref());
        let failed = row.failed.is_some();
        table.push(row);
        if failed {
            break;
        }
        if last_alone == Some(at) {
            let later = chosen[at..].iter().copied().filter(|step| step.beside).collect();
            side = Some(Beside::start(root, own.clone(), later, shell.kept_program()?));
        }
    }
    if let Some(side) = side {
        table.extend(side.join()?);
    }
    let text = table::text(&table, start.elapsed());
    println!("\n{text}");
    if let Some(path) = &options.table {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    table.into_iter().find_map(|row| row.failed).map_or(Ok(()), Err)
}

fn timed(shell: &Shell<'_>, step: &Step, side: Option<&Beside>) -> Row {
    let others = || side.map_or(0.0, Beside::cpu);
    let (wall, cpu) = (Instant::now(), cpu_seconds().map(|cpu| cpu - others()));
    let result = (step.run)(shell);
    Row {
        name: step.name,
        wall: wall.elapsed(),
        cpu: cpu_seconds().zip(cpu).map(|(after, before)| after - others() - before),
        beside: false,
        failed: result.err().map(|error| error.context(format!("the step {} failed", step.name))),
    }
}

fn known() -> impl Iterator<Item = &'static Step> {
    steps::ALL.iter().chain(steps::ON_REQUEST)
}

fn step_names() -> String {
    known().map(|step| step.name).collect::<Vec<_>>().join(", ")
}

/// CPU seconds of all programs that were started so far, where the system tells.
fn cpu_seconds() -> Option<f64> {
    super::build_cost::children().ok()
}

/// Starts programs in the root of the workspace, and takes a failure of theirs for an error.
struct Shell<'a> {
    root: &'a Path,
    /// The embedded workspace's program, if another step has built it.
    program: Option<PathBuf>,
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

    /// The embedded workspace's program, with the features of the workspace.
    fn workspace_program(&self) -> Result<PathBuf> {
        if let Some(program) = &self.program {
            return Ok(program.clone());
        }
        self.cargo(&["build", "--workspace", "--bin", "databricks-local"])?;
        Ok(self.root.join("target/debug/databricks-local"))
    }

    /// The program that the tests were built with, in a place where no other build replaces it.
    fn kept_program(&self) -> Result<PathBuf> {
        let built = self.workspace_program()?;
        let directory = self.root.join("target/ci");
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let kept = directory.join("databricks-local");
        match std::fs::remove_file(&kept) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", kept.display()));
            }
            _ => {}
        }
        std::fs::hard_link(&built, &kept).with_context(|| format!("cannot link {}", kept.display()))?;
        Ok(kept)
    }

    /// Whether a program of this name can be started.
    fn has(&self, program: &str) -> bool {
        let mut command = self.command(program);
        command.arg("--version").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command.status().is_ok()
    }
}
